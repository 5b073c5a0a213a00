"""The one loop that trains a small module on frozen matrices: shuffled batches, early stopping, best state kept."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from matryo.errors import MatryoError

LossOfRows = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class LoopSettings:
    """How to train on frozen matrices.

    Attributes:
        batch_size: rows per step.
        learning_rate: step size of Adam.
        max_epochs: passes over the rows at most.
        patience: epochs without a better validation loss before stopping.
    """

    batch_size: int = 512
    learning_rate: float = 1e-3
    max_epochs: int = 40
    patience: int = 5


@dataclass(frozen=True)
class History:
    """What a training run did: validation loss before the first epoch and after each, and the epoch that was kept."""

    validation: tuple[float, ...]
    kept_epoch: int


def check_enough(n_rows: int, settings: LoopSettings) -> None:
    """Refuse to train on less than one batch.

    Raises: MatryoError.
    """
    if n_rows < settings.batch_size:
        raise MatryoError(
            f"training needs at least one batch of {settings.batch_size} pairs, got {n_rows}; "
            "give more pairs or a smaller batch size"
        )


def train(
    module: nn.Module,
    loss: LossOfRows,
    validation_loss: Callable[[], float],
    n_rows: int,
    settings: LoopSettings,
    seed: int,
    *,
    fused: bool = False,
) -> History:
    """Train a module in place and leave it in the state with the smallest validation loss.

    Args:
        module: holds the parameters; its present state counts as epoch 0.
        loss: loss of a batch, given the (batch_size,) int64 row numbers on the CPU.
        validation_loss: loss on rows that are not trained on, under no_grad.
        n_rows: rows to train on; an incomplete last batch is left out, another one each epoch.
        settings: batch size, step size, when to stop.
        seed: of the shuffling.
        fused: one kernel for a whole step of Adam, many times as fast for millions of parameters, rounded differently.

    Returns: History.
    Raises: MatryoError if there are fewer rows than one batch holds, or a loss is not finite.
    """
    check_enough(n_rows, settings)
    shuffle = np.random.default_rng(seed)
    n_steps = n_rows // settings.batch_size
    # None, not False, leaves torch the choice that it makes by itself
    optimizer = torch.optim.Adam(module.parameters(), lr=settings.learning_rate, fused=fused or None)
    # torch divides by the steps of the warm-up less one, and by those behind it
    total = max(3, n_steps * settings.max_epochs)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=total, pct_start=max(0.05, 2 / total)
    )
    validation = [validation_loss()]
    kept = {name: value.detach().clone() for name, value in module.state_dict().items()}
    kept_epoch = 0
    for epoch in range(1, settings.max_epochs + 1):
        order = torch.from_numpy(shuffle.permutation(n_rows))
        for rows in order[: n_steps * settings.batch_size].view(n_steps, settings.batch_size):
            value = loss(rows)
            if not math.isfinite(value.item()):
                raise MatryoError(f"the loss became {value.item()} in epoch {epoch}; lower the learning rate")
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(value)
            optimizer.step()
            schedule.step()
        validation.append(validation_loss())
        if validation[-1] < validation[kept_epoch]:
            kept_epoch = epoch
            # into the same memory: a second copy of a large network may not fit
            for name, value in module.state_dict().items():
                kept[name].copy_(value)
        elif epoch - kept_epoch >= settings.patience:
            break
    module.load_state_dict(kept)
    module.zero_grad(set_to_none=True)
    return History(tuple(validation), kept_epoch)
