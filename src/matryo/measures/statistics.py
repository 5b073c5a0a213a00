"""Intervals for means, paired differences and paired ratios, and the dim they support.

Every interval is an expanded percentile bootstrap (see `resample.tail`). Groups are resampled, not queries, where
queries of one group resemble each other; below ten groups (`Interval.few_groups`) no interval is to be trusted much.
With values of several seeds, (seeds, n), a draw takes seeds with replacement too. Three seeds resampled understate the
spread between seeds by the factor sqrt(2 / 3).
"""

from numpy.typing import ArrayLike

from matryo.measures.intervals import Interval, difference_interval, mean_interval, ratio_interval, stack
from matryo.measures.recommend import DimTest, Recommendation, recommend_dim
from matryo.measures.resample import check_draws, group_numbers, resampled_means

__all__ = [
    "DimTest",
    "Interval",
    "Recommendation",
    "bootstrap_difference",
    "bootstrap_mean",
    "bootstrap_ratio",
    "recommend_dim",
]


def bootstrap_mean(
    values: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    n_draws: int = 10_000,
    level: float = 0.95,
    seed: int,
) -> Interval:
    """Mean over queries (and seeds) with its interval.

    Args:
        values: (n,) or (seeds, n), one value per query.
        groups: (n,) labels of groups that are resampled as a whole; None = every query is its own group.
        n_draws: bootstrap draws.
        level: of the two-sided interval.
        seed: of the draws.

    Raises: MatryoError, ShapeError for values that are empty, not finite or of another shape.

    >>> bootstrap_mean([1.0, 0.0, 1.0, 0.0], groups=["a", "a", "b", "b"], seed=0)
    Interval(value=0.5, low=0.5, high=0.5, n=4, n_groups=2)
    """
    check_draws(n_draws, level)
    stacked = stack([values])
    numbers = group_numbers(groups, stacked.shape[2])
    means = resampled_means(stacked, numbers, n_draws=n_draws, seed=seed)[:, 0]
    return mean_interval(stacked[0], means, numbers, level)


def bootstrap_difference(
    a: ArrayLike,
    b: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    n_draws: int = 10_000,
    level: float = 0.95,
    seed: int,
) -> Interval:
    """Mean of a minus mean of b over the same queries, paired.

    Args:
        a: (n,) or (seeds, n); where only one side has seeds the other is the same for each of them.
        b: the other side, same queries in the same order.
        groups: as in `bootstrap_mean`.
        n_draws: bootstrap draws.
        level: of the two-sided interval.
        seed: of the draws.

    Raises: MatryoError, ShapeError as in `bootstrap_mean`, also if numbers of queries or of seeds differ.
    """
    check_draws(n_draws, level)
    stacked = stack([a, b])
    numbers = group_numbers(groups, stacked.shape[2])
    means = resampled_means(stacked, numbers, n_draws=n_draws, seed=seed)
    return difference_interval(stacked, means, numbers, level)


def bootstrap_ratio(
    a: ArrayLike,
    b: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    n_draws: int = 10_000,
    level: float = 0.95,
    seed: int,
) -> Interval:
    """Mean of a over mean of b for the same queries, paired: the share of b that a keeps.

    Args:
        a: (n,) or (seeds, n); where only one side has seeds the other is the same for each of them.
        b: the base.
        groups: as in `bootstrap_mean`.
        n_draws: bootstrap draws; a draw with base 0 counts against both ends.
        level: of the two-sided interval.
        seed: of the draws.

    Raises: MatryoError if the mean of b is not above 0, else as in `bootstrap_difference`.

    >>> bootstrap_ratio([0.5, 0.25, 0.0], [1.0, 0.5, 0.0], groups=[0, 1, 0], seed=0)
    Interval(value=0.5, low=0.5, high=0.5, n=3, n_groups=2)
    """
    check_draws(n_draws, level)
    stacked = stack([a, b])
    numbers = group_numbers(groups, stacked.shape[2])
    means = resampled_means(stacked, numbers, n_draws=n_draws, seed=seed)
    return ratio_interval(stacked, means, numbers, level)
