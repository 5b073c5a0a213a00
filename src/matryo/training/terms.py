"""What the training loop asks of a loss: to be told the step, and to say what each of its terms came to."""

from abc import ABC, abstractmethod
from typing import final

import torch
from torch import Tensor, nn

from matryo.errors import MatryoError


class StepObjective(nn.Module, ABC):
    """Loss of a batch that the loop of `train` can drive.

    It is called with the features of every text column and an int64 matrix of labels, whose first column is the number
    of each row, and holds the model that it trains as `model`; whatever else it holds is trained and kept in
    checkpoints along with it.

    Attributes:
        seed: of the training, for messages.
        step: steps that are done; set by the loop.
        n_steps: of the whole training; set by the loop.
    """

    seed: int
    step: int
    n_steps: int

    @abstractmethod
    def drain(self) -> dict[str, float]:
        """Mean of every term since the last call, over all processes."""


@final
class TermSums:
    """Adds up terms between two lines of the log, without waiting for the device."""

    def __init__(self) -> None:
        """Start empty."""
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def note(self, name: str, value: Tensor) -> None:
        """Take in one value of a term, 0-d."""
        known = value.detach()
        self._sums[name] = self._sums[name] + known if name in self._sums else known
        self._counts[name] = self._counts.get(name, 0) + 1

    def drain(self) -> dict[str, float]:
        """Mean of every term since the last call, over all processes, each of which must have noted the same terms."""
        means = {name: total / self._counts[name] for name, total in self._sums.items()}
        self._sums, self._counts = {}, {}
        if torch.distributed.is_initialized():
            for name in sorted(means):
                torch.distributed.all_reduce(means[name])
                means[name] /= torch.distributed.get_world_size()
        return {name: float(value) for name, value in means.items()}


def check_finite(total: Tensor, step: int, rows: Tensor) -> None:
    """Refuse a loss that is not finite.

    Args:
        total: of the batch, 0-d.
        step: steps that are done.
        rows: (n,) numbers of the batch's rows.

    Raises: MatryoError naming step and rows.
    """
    if not torch.isfinite(total):
        raise MatryoError(
            f"the loss is {total.item()} at step {step + 1}, in the batch of training rows "
            f"{_some(rows.tolist())}; checkpoints before it are kept: lower the learning rate or look at these rows"
        )


def own_parameters(objective: nn.Module) -> list[nn.Parameter]:
    """Parameters of a loss that are not the model's, in the order of their names."""
    return [parameter for name, parameter in objective.named_parameters() if not name.startswith("model.")]


def own_state(objective: nn.Module) -> dict[str, Tensor]:
    """What a checkpoint must hold of a loss beside the model."""
    return {name: tensor for name, tensor in objective.state_dict().items() if not name.startswith("model.")}


def _some(rows: list[int]) -> str:
    shown = ", ".join(map(str, rows[:8]))
    return f"{shown} and {len(rows) - 8} more" if len(rows) > 8 else shown
