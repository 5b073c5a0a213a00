"""Intervals of means, paired differences and paired ratios, from draws that all of them share."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matryo.errors import MatryoError, ShapeError
from matryo.measures.resample import ends

_FEW_GROUPS = 10


@dataclass(frozen=True)
class Interval:
    """A value and where the truth lies with the level asked.

    Attributes:
        value: the statistic over all queries and seeds.
        low: lower end, NaN where none can be had: a single group, or a ratio whose base is 0 in too many draws.
        high: upper end, NaN likewise.
        n: queries.
        n_groups: groups resampled, n if every query is its own.
    """

    value: float
    low: float
    high: float
    n: int
    n_groups: int

    @property
    def few_groups(self) -> bool:
        """Whether there are too few groups to trust the interval."""
        return self.n_groups < _FEW_GROUPS


def stack(sides: list[ArrayLike]) -> NDArray[np.float64]:
    """Bring values of the same queries into one array.

    Args:
        sides: m arrays (n,) or (seeds, n); an array without seeds is the same for every seed of the others.

    Returns: (m, seeds, n) float64.
    Raises: ShapeError if shapes do not fit; MatryoError if there are no queries or a value is not finite.
    """
    arrays = [np.asarray(side, dtype=np.float64) for side in sides]
    shapes = [array.shape for array in arrays]
    if any(len(shape) not in (1, 2) for shape in shapes):
        raise ShapeError(f"values must have shape (n,) or (seeds, n), got {shapes}; pass one value per query")
    if len({shape[-1] for shape in shapes}) > 1 or len({shape[0] for shape in shapes if len(shape) == 2}) > 1:
        raise ShapeError(f"values must be of the same queries and seeds, got shapes {shapes}; compare like with like")
    n_seeds = max((shape[0] for shape in shapes if len(shape) == 2), default=1)
    if 0 in {n_seeds, shapes[0][-1]}:
        raise MatryoError(f"values must have at least one query and one seed, got shapes {shapes}; nothing to resample")
    stacked = np.stack([np.broadcast_to(array, (n_seeds, array.shape[-1])) for array in arrays])
    if not np.isfinite(stacked).all():
        raise MatryoError("values must be finite, got NaN or infinity; leave out queries that were not measured")
    return stacked


def mean_interval(
    values: NDArray[np.float64], means: NDArray[np.float64], groups: NDArray[np.int64], level: float
) -> Interval:
    """Interval of one mean from its draws: values (seeds, n), means (n_draws,), groups (n,) numbers."""
    n_groups = int(groups.max()) + 1
    low, high = ends(means, means, (1.0 - level) / 2, n_groups)
    return Interval(float(values.mean()), low, high, len(groups), n_groups)


def difference_interval(
    values: NDArray[np.float64], means: NDArray[np.float64], groups: NDArray[np.int64], level: float
) -> Interval:
    """Interval of a paired difference from draws of both means: values (2, seeds, n), means (n_draws, 2)."""
    n_groups = int(groups.max()) + 1
    draws = means[:, 0] - means[:, 1]
    low, high = ends(draws, draws, (1.0 - level) / 2, n_groups)
    return Interval(float(values[0].mean() - values[1].mean()), low, high, len(groups), n_groups)


def ratio_interval(
    values: NDArray[np.float64], means: NDArray[np.float64], groups: NDArray[np.int64], level: float
) -> Interval:
    """Interval of a paired ratio from draws of both means: values (2, seeds, n), means (n_draws, 2).

    Raises: MatryoError if the mean of the base is not above 0.
    """
    base = float(values[1].mean())
    if base <= 0.0:
        raise MatryoError(f"a ratio needs a base above 0, got a mean of {base:g}; check the base, it finds nothing")
    n_groups = int(groups.max()) + 1
    defined = means[:, 1] > 0.0
    draws = np.divide(means[:, 0], means[:, 1], out=np.zeros(len(means)), where=defined)
    low, high = ends(np.where(defined, draws, -np.inf), np.where(defined, draws, np.inf), (1.0 - level) / 2, n_groups)
    return Interval(float(values[0].mean()) / base, low, high, len(groups), n_groups)
