"""A lower bound of a mean recall that holds for any number of queries and any distribution of their recalls."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matryo.errors import MatryoError

_BETS = np.array([0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.98])
_HALVINGS = 60


def recall_bound(recalls: ArrayLike, confidence: float = 0.95) -> float:
    """Lower confidence bound of a mean of values within 0..1, valid for any distribution and any number of values.

    If the true mean were m, a gambler who stakes a fixed part of the wealth on each value being above m would not gain
    on average; whoever holds 1 / (1 - confidence) times the stake in the end has shown the mean to be above m. Wealth
    is averaged over several parts to stake, so that it does not depend on the order of the values.

    Args:
        recalls: (n,) within 0..1, independent.
        confidence: of the one-sided bound.

    Returns: the largest mean that is refuted, 0.0 if none is.
    Raises: MatryoError if there are no values, some lie outside 0..1, or the confidence is not within 0..1.
    Source: Waudby-Smith and Ramdas 2024, betting with constant bets; ours is the grid of bets.

    >>> round(recall_bound(np.ones(400)), 4), round(recall_bound(np.ones(100)), 4)
    (0.9897, 0.9594)
    """
    values = np.asarray(recalls, dtype=np.float64).ravel()
    if not len(values) or not ((values >= 0.0) & (values <= 1.0)).all():
        raise MatryoError(f"recalls must be at least one value within 0..1, got {len(values)}; pass one per query")
    if not 0.0 < confidence < 1.0:
        raise MatryoError(f"confidence must lie between 0 and 1, got {confidence}; 0.95 is usual")
    kinds, counts = np.unique(values, return_counts=True)
    low, high = 0.0, float(values.mean())
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        if middle > 0.0 and _wealth(kinds, counts, middle) >= 1.0 / (1.0 - confidence):
            low = middle
        else:
            high = middle
    return low


def _wealth(kinds: NDArray[np.float64], counts: NDArray[np.int64], mean: float) -> float:
    """Wealth, from 1, after betting against this mean; it falls as the mean rises."""
    logs = np.log1p(_BETS[:, None] * (kinds / mean - 1.0)) @ counts
    return float(np.exp(np.minimum(logs, 700.0)).mean())


def fewest_queries(recall: float, confidence: float) -> int:
    """Queries, none of them with a miss, that it takes to show this mean recall.

    >>> fewest_queries(0.9, 0.95), fewest_queries(0.99, 0.95)
    (40, 414)
    """
    low, high = 1, 2
    while recall_bound(np.ones(high), confidence) < recall:
        low, high = high, 2 * high
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if recall_bound(np.ones(middle), confidence) >= recall else (middle + 1, high)
    return low
