"""Resampling of groups with replacement: the loop under every bootstrap of this package."""

import math
from collections.abc import Iterator
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matryo.errors import MatryoError, ShapeError

_CELLS_PER_BLOCK = 1 << 20


def group_numbers(groups: ArrayLike | None, n: int) -> NDArray[np.int64]:
    """Number the groups 0, 1, ... in the order of their labels; None makes every value its own group.

    Raises: ShapeError if there is not one label per value.
    """
    if groups is None:
        return np.arange(n, dtype=np.int64)
    labels = np.asarray(groups)
    if labels.shape != (n,):
        raise ShapeError(f"groups must have one label per value, got shape {labels.shape} for {n} values")
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def draw_counts(
    n_groups: int, n_draws: int, rng: np.random.Generator, *, max_cells: int = _CELLS_PER_BLOCK
) -> Iterator[NDArray[np.float64]]:
    """How often each group occurs in each draw, in blocks of bounded memory.

    Args:
        n_groups: groups to draw from; each draw takes as many as there are, with replacement.
        n_draws: number of draws.
        rng: source of randomness.
        max_cells: numbers per block, at least one row.

    Yields: (b, n_groups) float64 whole numbers; every row sums to n_groups; the b sum to n_draws.
    """
    rows = max(1, max_cells // n_groups)
    for start in range(0, n_draws, rows):
        b = min(rows, n_draws - start)
        drawn = rng.integers(0, n_groups, size=(b, n_groups)) + np.arange(b)[:, None] * n_groups
        yield np.bincount(drawn.ravel(), minlength=b * n_groups).reshape(b, n_groups).astype(np.float64)


def resampled_means(
    values: NDArray[np.float64], groups: NDArray[np.int64], *, n_draws: int, seed: int
) -> NDArray[np.float64]:
    """Means of m rows of values in the same draws, so that any difference or ratio of them is paired.

    A draw takes whole groups with replacement; its mean is the sum of the values drawn over their number, so that
    large groups weigh as much as they hold. With several seeds a draw also takes seeds with replacement.

    Args:
        values: (m, seeds, n) float64, the same n queries (and seeds) for each of the m rows.
        groups: (n,) int64 group number of each query, 0 .. n_groups - 1, none empty.
        n_draws: number of draws.
        seed: of the draws.

    Returns: (n_draws, m) float64.
    """
    m, n_seeds, n = values.shape
    sizes = np.bincount(groups).astype(np.float64)
    by_group = np.argsort(groups, kind="stable")
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1])).astype(np.int64)
    sums = np.add.reduceat(values.reshape(m * n_seeds, n)[:, by_group], starts, axis=1).T
    rng = np.random.default_rng(seed)
    means = np.empty((n_draws, m))
    done = 0
    for counts in draw_counts(len(sizes), n_draws, rng):
        b = len(counts)
        per_seed = ((counts @ sums) / (counts @ sizes)[:, None]).reshape(b, m, n_seeds)
        if n_seeds == 1:
            means[done : done + b] = per_seed[:, :, 0]
        else:
            chosen = np.concatenate(list(draw_counts(n_seeds, b, rng))) / n_seeds
            means[done : done + b] = np.einsum("bms,bs->bm", per_seed, chosen)
        done += b
    return means


def tail(alpha: float, n_groups: int) -> float:
    """Share of the draws to leave out at one end so that the interval holds with few groups too.

    Plain percentiles are too narrow by the factor sqrt((g - 1) / g) and by normal instead of t quantiles; this moves
    the percentile outwards by both: Phi(-sqrt(g / (g - 1)) t), t the (1 - alpha) quantile with g - 1 degrees.

    Args:
        alpha: error allowed at this end, 0 < alpha < 0.5.
        n_groups: groups resampled, at least 2.

    Returns: the percentile to take, below alpha.
    Source: Hesterberg 2015, What teachers should know about the bootstrap, "expanded percentile"; the t quantile by
        the expansion in 1 / degrees of Abramowitz and Stegun 26.7.5.

    >>> round(tail(0.025, 50), 4), round(tail(0.025, 100_000), 4)
    (0.0212, 0.025)
    """
    normal = NormalDist()
    z = normal.inv_cdf(1.0 - alpha)
    degrees = n_groups - 1
    t = (
        z
        + (z**3 + z) / (4 * degrees)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * degrees**3)
    )
    return normal.cdf(-math.sqrt(n_groups / degrees) * t)


def ends(
    draws_low: NDArray[np.float64], draws_high: NDArray[np.float64], alpha: float, n_groups: int
) -> tuple[float, float]:
    """Lower and upper end of an interval, each with error `alpha`; NaN where draws cannot tell.

    Args:
        draws_low: (n_draws,) drawn statistics, -inf where a draw has none.
        draws_high: the same with +inf.
        alpha: error allowed at each end.
        n_groups: groups resampled; one group has no spread, so that its interval is NaN rather than a point.
    """
    if n_groups < 2:
        return math.nan, math.nan
    share = tail(alpha, n_groups)
    low = float(np.quantile(draws_low, share, method="lower"))
    high = float(np.quantile(draws_high, 1.0 - share, method="higher"))
    return (low if math.isfinite(low) else math.nan), (high if math.isfinite(high) else math.nan)


def check_draws(n_draws: int, level: float) -> None:
    """Refuse settings that give no interval.

    Raises: MatryoError if there are fewer than 100 draws or the level is not between 0.5 and 1.
    """
    if n_draws < 100:
        raise MatryoError(f"n_draws must be at least 100, got {n_draws}; 10000 is usual")
    if not 0.5 < level < 1.0:
        raise MatryoError(f"level must lie between 0.5 and 1, got {level}; 0.95 is usual")
