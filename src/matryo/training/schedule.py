"""Which dims a step trains and how much each weighs: functions of the step alone, so that a resumed run agrees."""

import random
from collections.abc import Mapping

from matryo.errors import MatryoError, ShapeError
from matryo.training.settings import LossSettings

DEFAULT_TEMPERATURE = 0.05


def check_loss_dims(loss: LossSettings, dims: tuple[int, ...]) -> None:
    """Refuse settings that name dims which are not trained.

    Args:
        loss: of an arm.
        dims: strictly rising prefix lengths that the arm trains.

    Raises: ShapeError naming them; MatryoError if a step may have no dim with a weight.
    """
    temperatures = loss.temperature if isinstance(loss.temperature, dict) else {}
    for what, given in (
        ("temperature", temperatures),
        ("weights", loss.weights),
        ("weights_at_start", loss.weights_at_start or {}),
    ):
        if unknown := sorted(set(given) - set(dims)):
            raise ShapeError(f"{what} names the dims {unknown}, trained are {list(dims)}; drop or add them")
    for weights in (loss.weights, loss.weights_at_start or {}):
        if not any(weights.get(dim, 1.0) for dim in dims):
            raise MatryoError(f"weights are 0 at every trained dim {list(dims)}; leave at least one above 0")
        n_silent = sum(not weights.get(dim, 1.0) for dim in dims[:-1])
        if loss.sampled_dims is not None and not weights.get(dims[-1], 1.0) and n_silent >= loss.sampled_dims:
            raise MatryoError(
                f"a step may draw only dims of weight 0: the widest has it and {n_silent} others, sampled_dims is "
                f"{loss.sampled_dims}; give the widest dim {dims[-1]} a weight or raise sampled_dims"
            )


def temperatures_of(loss: LossSettings, dims: tuple[int, ...]) -> list[float]:
    """Temperature at each dim.

    >>> temperatures_of(LossSettings(temperature={32: 0.1}), (32, 64))
    [0.1, 0.05]
    """
    if isinstance(loss.temperature, dict):
        return [loss.temperature.get(dim, DEFAULT_TEMPERATURE) for dim in dims]
    return [loss.temperature] * len(dims)


def weights_at(loss: LossSettings, dims: tuple[int, ...], step: int, n_steps: int) -> list[float]:
    """Weight of each dim at a step.

    Args:
        loss: settings; without `weights_at_start` nothing changes over time.
        dims: strictly rising prefix lengths.
        step: 0 at the first.
        n_steps: of the whole training.

    >>> loss = LossSettings(weights_at_start={32: 0.0}, weights={32: 2.0}, schedule_share=0.5)
    >>> [weights_at(loss, (32, 64), step, 100)[0] for step in (0, 25, 50, 99)]
    [0.0, 1.0, 2.0, 2.0]
    """
    end = _spread(loss.weights, dims)
    if loss.weights_at_start is None:
        return end
    done = min(1.0, step / max(1.0, loss.schedule_share * n_steps))
    start = _spread(loss.weights_at_start, dims)
    return [(1.0 - done) * first + done * last for first, last in zip(start, end, strict=True)]


def dims_at(loss: LossSettings, dims: tuple[int, ...], step: int, seed: int) -> tuple[int, ...]:
    """Dims that a step trains: all, or the widest and `sampled_dims` others, drawn for this step.

    >>> dims_at(LossSettings(sampled_dims=1), (32, 64, 128), step=0, seed=0)[-1]
    128
    """
    shorter = dims[:-1]
    if loss.sampled_dims is None or loss.sampled_dims >= len(shorter):
        return dims
    drawn = random.Random(f"{seed} {step}").sample(shorter, loss.sampled_dims)
    return (*sorted(drawn), dims[-1])


def _spread(weights: Mapping[int, float], dims: tuple[int, ...]) -> list[float]:
    return [weights.get(dim, 1.0) for dim in dims]
