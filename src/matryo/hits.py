"""What a search returns: rows and scores, best first, ties broken by the smaller row."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError, ShapeError

MISSING = -1


@dataclass(frozen=True)
class Hits:
    """Best rows of a set for every query.

    Attributes:
        rows: (n, k) int64, row numbers of one generation of a set, -1 where there is none.
        scores: (n, k) float32, falling along each row, -inf where there is none.
    """

    rows: NDArray[np.int64]
    scores: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Refuse arrays of other shapes or types."""
        if self.rows.ndim != 2 or self.rows.shape != self.scores.shape:
            raise ShapeError(
                f"hits need rows and scores of one shape (n, k), got {self.rows.shape}, {self.scores.shape}"
            )
        if self.rows.dtype != np.int64 or self.scores.dtype != np.float32:
            raise ShapeError(f"hits need int64 rows, float32 scores, got {self.rows.dtype}, {self.scores.dtype}")

    @property
    def k(self) -> int:
        """Number of places per query, missing ones included."""
        return int(self.rows.shape[1])

    def __len__(self) -> int:
        """Number of queries."""
        return int(self.rows.shape[0])

    def first(self, k: int) -> "Hits":
        """The best k of each query."""
        check_k(k)
        return Hits(self.rows[:, :k], self.scores[:, :k])


def check_k(k: int) -> None:
    """Refuse a number of hits below 1.

    Raises: MatryoError.
    """
    if k < 1:
        raise MatryoError(f"k must be at least 1, got {k}; ask for the number of hits per query")


def best(rows: NDArray[np.int64], scores: NDArray[np.float32], k: int) -> Hits:
    """Order candidates by (-score, row) and keep k.

    Args:
        rows: (n, m) int64 candidates in any order, -1 = none.
        scores: (n, m) float32, ignored where the row is -1.
        k: places per query; beyond the candidates they are filled with row -1 and score -inf.

    Returns: Hits of shape (n, k).
    Raises: MatryoError if k < 1 or the score of a row is NaN, which has no place in any order.
    """
    check_k(k)
    scores = np.where(rows == MISSING, np.float32(-np.inf), scores)
    if np.isnan(scores).any():
        row = int(rows[np.isnan(scores)][0])
        raise MatryoError(f"scores must be numbers, row {row} scores NaN; repair the vectors that gave it")
    # a missing row must lose against a real one, also against one that scores -inf
    order = np.lexsort((rows, rows == MISSING, -scores), axis=1)[:, :k]
    kept_rows = np.take_along_axis(rows, order, axis=1)
    kept_scores = np.take_along_axis(scores, order, axis=1)
    short = k - kept_rows.shape[1]
    if short > 0:
        kept_rows = np.pad(kept_rows, ((0, 0), (0, short)), constant_values=MISSING)
        kept_scores = np.pad(kept_scores, ((0, 0), (0, short)), constant_values=-np.inf)
    return Hits(kept_rows, kept_scores)


def merge(parts: Sequence[Hits], k: int) -> Hits:
    """Join the hits of disjoint row ranges; associative, so that shards may be merged in any grouping.

    Args:
        parts: hits of the same queries over disjoint rows; at least one.
        k: places per query in the result; each part must hold the best k of its own rows.

    Returns: Hits of shape (n, k).
    Raises: MatryoError if there are no parts or k < 1; ShapeError if the numbers of queries differ.

    >>> left = Hits(np.array([[0, 1]]), np.array([[0.9, 0.1]], dtype=np.float32))
    >>> right = Hits(np.array([[7, 5]]), np.array([[0.9, 0.5]], dtype=np.float32))
    >>> merge([left, right], 3).rows
    array([[0, 7, 5]])
    """
    if not parts:
        raise MatryoError("merge needs at least one part, got none; search at least one shard")
    if len({len(p) for p in parts}) > 1:
        raise ShapeError(
            f"parts must answer the same queries, got {[len(p) for p in parts]} queries; merge like with like"
        )
    rows = np.concatenate([p.rows for p in parts], axis=1)
    scores = np.concatenate([p.scores for p in parts], axis=1)
    return best(rows, scores, k)
