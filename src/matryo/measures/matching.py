"""Does each translated vector find its own counterpart: rank and first place, plain and with hubs corrected.

Ties, of cosines equal to 12 decimals, count as if broken at random: a rank is the mean over the tied places and a first
place shared with m others counts 1 / (m + 1). A map that sends everything to one point then scores what chance does.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matryo.errors import MatryoError, ShapeError
from matryo.measures.neighbours import best_columns, cosine_blocks
from matryo.prefix import Array, check_matrix, unit_rows

_MOST_AT_ONCE = 2_048  # rows whose cosines are held in memory: 32 MiB each way
_Blocks = Iterable[tuple[int, NDArray[np.float64]]]


@dataclass(frozen=True, eq=False)
class Ranked:
    """Places of the counterparts under one way to score.

    Attributes:
        ranks: (n,) place of each query's own target, 1 = first; the mean of the places it ties for.
        firsts: (n,) 1 if it is first, 1 / (m + 1) if it ties with m others, else 0.
        occurrences: (n_targets,) in how many queries' best k each target is.
    """

    ranks: NDArray[np.float64]
    firsts: NDArray[np.float64]
    occurrences: NDArray[np.int64]

    @property
    def top1(self) -> float:
        """Share of the queries whose counterpart is first."""
        return float(self.firsts.mean())

    @property
    def mean_rank(self) -> float:
        """Mean place of the counterparts; (n_targets + 1) / 2 by chance."""
        return float(self.ranks.mean())

    @property
    def hubness(self) -> float:
        """Skewness of the occurrences: high if few targets are near to everything; 0 if all occur equally often.

        Source: Radovanovic, Nanopoulos and Ivanovic 2010, Hubs in space.
        """
        centred = self.occurrences - self.occurrences.mean()
        spread = float((centred**2).mean())
        return float((centred**3).mean()) / spread**1.5 if spread > 0 else 0.0


@dataclass(frozen=True, eq=False)
class Matched:
    """Places of the counterparts in one direction.

    Attributes:
        n: queries.
        n_targets: targets each is ranked among.
        k: neighbours that the correction and the occurrences look at.
        plain: by cosine.
        csls: by cosine with hubs corrected.
    """

    n: int
    n_targets: int
    k: int
    plain: Ranked
    csls: Ranked


def match(queries: Array, targets: Array, own: ArrayLike | None = None, *, k: int = 10) -> Matched:
    """Rank each query's own target among all targets, by cosine and by CSLS.

    CSLS = 2 cos(q, t) - (mean cosine of q to its k nearest targets) - (mean cosine of t to its k nearest queries).

    Args:
        queries: (n, d) float, e.g. translated vectors.
        targets: (m, d) float, native vectors, in the same space.
        own: (n,) row of each query's own target; None = row i belongs to row i.
        k: neighbours of CSLS and of the occurrences, at most n and m.

    Raises: ShapeError if widths or rows do not fit; MatryoError if k does not.
    Source: CSLS of Conneau et al. 2018, Word translation without parallel data, section 2.3.

    >>> found = match(np.eye(3), np.eye(3)[[0, 2, 1]], k=1)
    >>> found.plain.ranks.tolist(), round(found.plain.top1, 4)
    ([1.0, 2.5, 2.5], 0.3333)
    """
    left, right, rows = _checked(queries, targets, own, k)
    crowding = _mean_of_nearest(cosine_blocks(right, left), len(right), k)
    return _matched(cosine_blocks(left, right), crowding, rows, k)


def match_both_ways(a: Array, b: Array, *, k: int = 10) -> tuple[Matched, Matched]:
    """`match` of a among b, and of b among a: the two differ where one side has hubs.

    Args:
        a: (n, d) float.
        b: (n, d) float, row i belongs to row i of a.
        k: as in `match`.
    """
    left, right, rows = _checked(a, b, None, k)
    if len(left) > _MOST_AT_ONCE:
        return match(a, b, k=k), match(b, a, k=k)
    # the same products serve both ways
    forth = np.concatenate([cosines for _, cosines in cosine_blocks(left, right)])
    ways = forth, np.ascontiguousarray(forth.T)
    crowding = [_mean_of_nearest([(0, way)], len(way), k) for way in ways]
    return _matched([(0, ways[0])], crowding[1], rows, k), _matched([(0, ways[1])], crowding[0], rows, k)


def _checked(
    queries: Array, targets: Array, own: ArrayLike | None, k: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Unit rows of both sides, and each query's own target."""
    check_matrix(queries, name="queries")
    check_matrix(targets, name="targets")
    n, m = len(queries), len(targets)
    if queries.shape[1] != targets.shape[1]:
        raise ShapeError(
            f"queries and targets must be equally wide, got {queries.shape[1]} and {targets.shape[1]}; "
            "translate the queries into the space of the targets first"
        )
    if own is None and n != m:
        raise ShapeError(f"queries and targets must be paired row by row, got {n} and {m} rows; or name each one's own")
    rows = np.arange(n) if own is None else np.asarray(own)
    if rows.shape != (n,) or rows.dtype.kind not in "iu" or (n and (rows.min() < 0 or rows.max() >= m)):
        raise ShapeError(f"own must be {n} row numbers within 0..{m - 1}, got shape {rows.shape}; one per query")
    if not 1 <= k <= min(n, m):
        raise MatryoError(f"k must lie within 1..{min(n, m)}, the rows of the smaller side, got {k}; choose another k")
    return unit_rows(queries.astype(np.float64)), unit_rows(targets.astype(np.float64)), rows


def _matched(blocks: _Blocks, crowding: NDArray[np.float64], own: NDArray[np.int64], k: int) -> Matched:
    """Places of own targets, from the cosines of queries with all targets and how crowded each target is."""
    n, m = len(own), len(crowding)
    plain, csls = _Places(n, m, k), _Places(n, m, k)
    for start, cosines in blocks:
        here = own[start : start + len(cosines)]
        plain.take(start, cosines, here)
        # a query's own mean moves all its targets alike, so that it does not change their order
        csls.take(start, np.round(2.0 * cosines - crowding, 12), here)
    return Matched(n, m, k, plain.ranked(), csls.ranked())


def _mean_of_nearest(blocks: _Blocks, n: int, k: int) -> NDArray[np.float64]:
    """Mean of the k largest of each of n rows of cosines."""
    means = np.empty(n)
    for start, cosines in blocks:
        nearest = np.partition(cosines, cosines.shape[1] - k, axis=1)[:, -k:]
        means[start : start + len(cosines)] = nearest.mean(axis=1)
    return means


class _Places:
    """Places of own targets, collected a block of queries at a time."""

    def __init__(self, n: int, m: int, k: int) -> None:
        self._ranks, self._firsts = np.empty(n), np.empty(n)
        self._occurrences = np.zeros(m, dtype=np.int64)
        self._k = k

    def take(self, start: int, scores: NDArray[np.float64], own: NDArray[np.int64]) -> None:
        reached = scores[np.arange(len(own)), own, None]
        above, ties = (scores > reached).sum(axis=1), (scores == reached).sum(axis=1)
        rows = slice(start, start + len(own))
        self._ranks[rows] = above + (ties + 1) / 2.0
        self._firsts[rows] = (above == 0) / ties
        self._occurrences += _occurrences(scores, self._k)

    def ranked(self) -> Ranked:
        return Ranked(self._ranks, self._firsts, self._occurrences)


def _occurrences(scores: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """In how many rows' best k each column is."""
    m = scores.shape[1]
    best = scores >= np.partition(scores, m - k, axis=1)[:, m - k, None]
    # where nothing ties for the last place, which are best is known without their order
    if np.count_nonzero(best) == k * len(scores):
        return np.asarray(np.count_nonzero(best, axis=0), dtype=np.int64)
    return np.bincount(best_columns(scores, k).ravel(), minlength=m)
