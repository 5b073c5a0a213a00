"""Candidates of a coarse scan compared again with the full vectors, of which only their rows are read."""

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import ArrayVectors, Vectors
from matryo.hits import MISSING, Hits, best
from matryo.prefix import Array, cut

_GATHERED = 1 << 22  # numbers gathered at a time: 16 MiB of float32
_GAP = 8  # rows this near are read in one piece: reading some that nobody asked for is cheaper than one more piece


def take_rows(vectors: Vectors, rows: NDArray[np.int64], stop: int) -> Array:
    """The first `stop` columns of some rows.

    Args:
        vectors: a matrix, or a set on disk, of which only these rows and those between near ones are read.
        rows: (n,) int64, rising, each once.
        stop: column after the last one.

    Returns: (n, stop) float32, as stored.
    """
    if isinstance(vectors, ArrayVectors):
        every = vectors.read(slice(0, vectors.n_rows), 0, stop)
        picked: Array = every[rows]
        return picked
    found = np.empty((len(rows), stop), dtype=np.float32)
    ends = np.flatnonzero(np.diff(rows, append=vectors.n_rows + _GAP + 1) > _GAP) + 1
    begin = 0
    for end in ends.tolist():
        low, high = int(rows[begin]), int(rows[end - 1]) + 1
        found[begin:end] = vectors.read(slice(low, high), 0, stop)[rows[begin:end] - low]
        begin = end
    return found


def rescore(vectors: Vectors, queries: Array, candidates: NDArray[np.int64], dim: int, k: int) -> Hits:
    """Order candidates by the cosine of the cut vectors themselves.

    Args:
        vectors: (m, width), the rows that candidates name.
        queries: (n, width) float, finite, not cut.
        candidates: (n, s) int64, -1 = none.
        dim: prefix length to compare.
        k: hits per query.

    Returns: Hits of shape (n, k); a zero row scores 0; equal scores are ordered by row.
    """
    n, s = candidates.shape
    unit = cut(queries.astype(np.float64), dim).astype(np.float32)
    scores = np.zeros((n, s), dtype=np.float32)
    together = max(1, _GATHERED // max(1, s * dim))
    for first in range(0, n, together):
        asked = candidates[first : first + together]
        rows, place = np.unique(asked, return_inverse=True)
        missing = int(len(rows) > 0 and rows[0] == MISSING)
        place = np.maximum(place.reshape(asked.shape) - missing, 0)  # what stands for a missing row is not looked at
        if len(rows) == missing:
            continue
        taken = cut(take_rows(vectors, rows[missing:], dim), dim)
        # row by row, because a matrix product may round equal rows differently
        scores[first : first + together] = np.einsum("nsd,nd->ns", taken[place], unit[first : first + together])
    return best(candidates, scores, k)
