"""How far a score may still rise: the bound that lets a funnel drop rows without ever dropping a right one.

For rows and queries of length 1, cut anywhere, `cosine = dot of the prefixes + dot of the suffixes`, and the second is
at most the product of the suffixes' lengths (Cauchy and Schwarz). What is computed in float32 or read from narrow codes
is off by a little; `margin` says by how much at most, and no row is dropped that is within it.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import Vectors
from matryo.prefix import Array, block, row_norms, unit_rows
from matryo.search.funnel_rows import take_rows

# Twice the largest relative error of one float32 operation: products and sums of d numbers are off by less than d times
# this, in any order, with or without fused operations.
_UNIT = float(np.finfo(np.float32).eps)
_EXTRA_STEPS = (
    32  # roundings beside the sum itself: of the query, the lengths, the bound, the threshold, the final score
)
_SCORED_ROWS = 1 << 12


@dataclass(frozen=True, eq=False)
class Asked:
    """One query made ready.

    Attributes:
        full: (width,) float64 of length 1, or zero; rotated if the index is.
        narrow: (1, width) float32, the same.
        prefix: (len(dims),) float64, length up to each dim.
        suffix: (len(dims),) float64, length beyond each dim, summed from the end.
    """

    full: NDArray[np.float64]
    narrow: NDArray[np.float32]
    prefix: NDArray[np.float64]
    suffix: NDArray[np.float64]

    @classmethod
    def all(cls, queries: Array, matrix: NDArray[np.float32] | None, dims: tuple[int, ...]) -> list[Self]:
        """Scale, rotate and measure (n, width) queries."""
        full = unit_rows(queries.astype(np.float64))
        if matrix is not None:
            full = unit_rows(full @ matrix.astype(np.float64))
        edges = list(zip((0, *dims[:-1]), dims, strict=True))
        squares = np.stack([row_norms(block(full, a, b)) ** 2 for a, b in edges], axis=1)
        prefix = np.sqrt(squares.cumsum(axis=1))
        beyond = np.sqrt(squares[:, ::-1].cumsum(axis=1)[:, ::-1])
        suffix = np.concatenate([beyond[:, 1:], np.zeros((len(full), 1))], axis=1)
        return [cls(q, q[None].astype(np.float32), p, s) for q, p, s in zip(full, prefix, suffix, strict=True)]


def margin(dim: int, scanned: float, residual: float) -> float:
    """Largest error of a bound computed in float32 from `dim` numbers of rows of length 1.

    Args:
        dim: numbers summed so far.
        scanned: length of the query's prefix that was compared with codes.
        residual: length of the largest error of a row's codes.

    >>> margin(128, scanned=1.0, residual=0.0) < 2e-5
    True
    """
    return (dim + _EXTRA_STEPS) * _UNIT * (1.0 + residual) + residual * scanned * (1.0 + _UNIT)


def final_scores(
    vectors: Vectors, rows: NDArray[np.int64], query: NDArray[np.float64], shard_rows: int | None
) -> NDArray[np.float32]:
    """The scores that count: summed in float64, each row by itself, then rounded; equal rows score the same.

    Args:
        vectors: rows of length 1.
        rows: (a,) row numbers, rising.
        query: (width,) of length 1.
        shard_rows: see `take_rows`.

    Returns: (a,) float32.
    """
    scores = np.empty(len(rows), dtype=np.float32)
    for first in range(0, len(rows), _SCORED_ROWS):
        some = rows[first : first + _SCORED_ROWS]
        # a product of matrices would sum in an order that depends on how many rows there are
        scores[first : first + len(some)] = (take_rows(vectors, some, 0, len(query), shard_rows) * query).sum(axis=1)
    return scores
