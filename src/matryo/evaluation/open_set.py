"""Open-set matching: can one tell from the best score whether a query has a partner at all."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError
from matryo.measures.identity import Rows, Scores
from matryo.measures.similarity import average_ranks

_BLOCK_QUERIES = 256
_ENOUGH = 20
_FALSE_ALARMS = 0.05


@dataclass(frozen=True)
class OpenSet:
    """How well the best score tells queries with a partner from those without.

    Attributes:
        direction: such as "dating->hiring".
        column: what the scores are taken by.
        auc: chance that a query with a partner has the higher best score; ties count half; 0.5 = not at all.
        low: lower end of its 95 % interval.
        high: upper end.
        linked: share of the queries with a partner whose best text is the partner and is accepted, at the threshold
            that accepts 5 % of the queries without one.
        n_matched: queries with a partner in the gallery.
        n_unmatched: queries without one.
        held_out: whether partners were taken out of the gallery to have queries without one.
    """

    direction: str
    column: str
    auc: float
    low: float
    high: float
    linked: float
    n_matched: int
    n_unmatched: int
    held_out: bool


def auc_interval(
    matched: NDArray[np.float64], unmatched: NDArray[np.float64], level: float = 0.95
) -> tuple[float, float, float]:
    """Area under the ROC curve and its interval.

    Args:
        matched: scores that should be high.
        unmatched: scores that should be low.
        level: of the interval.

    Returns: AUC, low, high, within 0..1.
    Raises: MatryoError if a side has fewer than 2 scores.
    Source: DeLong, DeLong and Clarke-Pearson 1988, through ranks as Sun and Xu 2014.

    >>> auc_interval(np.array([0.9, 0.5]), np.array([0.5, 0.1]))[0]
    0.875
    """
    m, n = len(matched), len(unmatched)
    if min(m, n) < 2:
        raise MatryoError(f"an AUC needs at least 2 scores on each side, got {m} and {n}; ask more queries")
    ranks = average_ranks(np.concatenate((matched, unmatched)))
    won = (ranks[:m] - average_ranks(matched)) / n
    lost = 1.0 - (ranks[m:] - average_ranks(unmatched)) / m
    auc = float(won.mean())
    half = NormalDist().inv_cdf((1 + level) / 2) * math.sqrt(won.var(ddof=1) / m + lost.var(ddof=1) / n)
    return auc, max(0.0, auc - half), min(1.0, auc + half)


def open_set(
    scores: Scores, entities_a: Rows, entities_b: Rows, *, direction: str, max_queries: int = 5_000, seed: int
) -> tuple[OpenSet, ...]:
    """Tell queries with a partner from those without by their best score, for every rule of the scores.

    Rows of a without a partner in b are the queries without one. Where there are fewer than 20 of them, the partners of
    a random half of the entities leave the gallery.

    Args:
        scores: of rows of a with rows of b.
        entities_a: (n,) int64.
        entities_b: (m,) int64.
        direction: for the result.
        max_queries: beyond this many a random choice asks.
        seed: of the choices.

    Raises: MatryoError if fewer than 2 queries are left on a side.
    """
    rng = np.random.default_rng(seed)
    asked = np.arange(len(entities_a))
    if len(asked) > max_queries:
        asked = np.sort(rng.choice(asked, max_queries, replace=False))
    kept = np.ones(len(entities_b), dtype=bool)
    held_out = int((~np.isin(entities_a[asked], entities_b)).sum()) < _ENOUGH
    if held_out:
        both = np.intersect1d(entities_a[asked], entities_b)
        kept = ~np.isin(entities_b, rng.permutation(both)[: len(both) // 2])
    matched = np.isin(entities_a[asked], entities_b[kept])
    if min(matched.sum(), (~matched).sum()) < 2:
        raise MatryoError(
            f"{direction} has {int(matched.sum())} queries with and {int((~matched).sum())} without a partner, "
            "at least 2 of each are needed; give more data"
        )
    top = np.empty((len(scores.names), len(asked)))
    right = np.zeros(top.shape, dtype=bool)
    places = np.flatnonzero(kept)
    for start in range(0, len(asked), _BLOCK_QUERIES):
        part = slice(start, start + _BLOCK_QUERIES)
        for rule, matrix in enumerate(scores.blocks(asked[part])):
            left = matrix if kept.all() else matrix[:, places]
            best = left.argmax(axis=1)
            top[rule, part] = np.take_along_axis(left, best[:, None], axis=1)[:, 0]
            right[rule, part] = entities_b[places[best]] == entities_a[asked[part]]
    found = []
    for name, row, hit in zip(scores.names, top, right, strict=True):
        auc, low, high = auc_interval(row[matched], row[~matched])
        threshold = np.quantile(row[~matched], 1.0 - _FALSE_ALARMS, method="higher")
        linked = float((hit & (row > threshold))[matched].mean())
        n_matched = int(matched.sum())
        found.append(OpenSet(direction, name, auc, low, high, linked, n_matched, len(asked) - n_matched, held_out))
    return tuple(found)
