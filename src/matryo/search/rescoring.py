"""Candidates of a coarse search compared again with the full vectors, of which only their rows are read."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError, ShapeError
from matryo.hits import MISSING, Hits, best
from matryo.prefix import Array, check_dims, cut, unit_rows
from matryo.search.funnel_rows import UnitRows
from matryo.search.source import RowVectors

_GATHERED = 1 << 19  # numbers gathered at a time and thread: 2 MiB, compared while a core's cache still holds them
_SAFE_SQUARES = (1e-24, 1e24)  # squared lengths that float32 sums without losing or overflowing


def rescore(
    vectors: RowVectors, queries: Array, candidates: NDArray[np.int64], dim: int, k: int, threads: int = 1
) -> Hits:
    """Order candidates by the cosine of the cut vectors themselves.

    Args:
        vectors: (m, width), the rows that candidates name.
        queries: (n, width) float, finite, not cut.
        candidates: (n, s) int64, -1 = none.
        dim: prefix length to compare.
        k: hits per query.
        threads: how many share the queries; the result does not depend on it, nor on what queries come together.

    Returns: Hits of shape (n, k); a zero row scores 0; equal rows score the same, and are ordered by row.
    """
    unit = cut(queries.astype(np.float64), dim).astype(np.float32)
    together = max(1, _GATHERED // max(1, candidates.shape[1] * dim))

    def part(first: int) -> Hits:
        asked = candidates[first : first + together]
        return best(asked, _scores(vectors, asked, unit[first : first + together]), k)

    starts = range(0, max(1, len(unit)), together)
    if threads == 1 or len(starts) == 1:
        found = [part(first) for first in starts]
    else:
        with ThreadPoolExecutor(threads) as pool:
            found = list(pool.map(part, starts))
    return Hits(np.concatenate([f.rows for f in found]), np.concatenate([f.scores for f in found]))


def _scores(vectors: RowVectors, asked: NDArray[np.int64], unit: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosines of (n, dim) unit queries with their (n, s) candidates; what stands where there is none has no meaning."""
    if not vectors.n_rows:
        return np.zeros(asked.shape, dtype=np.float32)
    rows = np.maximum(asked, 0) if MISSING in asked else asked
    taken = _taken(vectors, rows, unit.shape[1])
    # each sum is over one row by itself, because a product of matrices may round equal rows differently
    squares = np.einsum("nsd,nsd->ns", taken, taken)
    low, high = _SAFE_SQUARES
    odd = ~((squares > low) & (squares < high))
    if odd.any():
        taken[odd] = unit_rows(taken[odd].astype(np.float64))
        squares[odd] = 1.0
    scores: NDArray[np.float32] = np.einsum("nsd,nd->ns", taken, unit) / np.sqrt(squares)
    return scores


def _taken(vectors: RowVectors, rows: NDArray[np.int64], dim: int) -> Array:
    """The first `dim` columns of (n, s) rows, (n, s, dim) float32."""
    if isinstance(vectors, UnitRows):
        # these are rotated at every reading: each row once
        each, place = np.unique(rows, return_inverse=True)
        picked: Array = vectors.take(each, 0, dim)[place.reshape(rows.shape)]
        return picked
    return vectors.take(rows.ravel(), 0, dim).reshape(*rows.shape, dim)


def searched_dim(dim: int | None, width: int, held: int, rescored: bool) -> int:
    """Prefix length that a search compares.

    Args:
        dim: what was asked for, None for the largest that the index can compare.
        width: full length of a vector.
        held: columns that have codes.
        rescored: whether full vectors are at hand.

    Raises: ShapeError if it lies outside 1..width, or beyond the codes without vectors to rescore with.
    """
    (chosen,) = check_dims([(width if rescored else held) if dim is None else dim], width)
    if chosen > held and not rescored:
        raise ShapeError(
            f"this index holds codes of {held} numbers and no vectors, dims must lie within 1..{held}, got {chosen}; "
            "ask for fewer, or build it with rescore=True"
        )
    return chosen


def check_shortlist(shortlist: int | None, rescore: bool) -> None:
    """Refuse a number of rows to rescore that cannot be.

    Raises: MatryoError if it is below 1, or given where nothing is rescored.
    """
    if shortlist is not None and (shortlist < 1 or not rescore):
        raise MatryoError(
            f"shortlist must be at least 1 and needs rescore=True, got {shortlist} and rescore={rescore}; "
            "it is the number of rows per query that are compared again"
        )
