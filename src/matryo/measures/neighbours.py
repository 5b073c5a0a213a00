"""Neighbour lists of vectors, and how far two spaces agree about them.

A row is never its own neighbour: it is left out by its index, not as the first hit, which with equal texts is another.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError, ShapeError
from matryo.measures.edits import edit_shares
from matryo.measures.lists import check_depths, check_lists, overlaps
from matryo.prefix import Array, check_matrix, unit_rows

_CELLS_PER_BLOCK = 1 << 22
_DECIMALS = 12


def nearest_neighbours(x: Array, k: int) -> NDArray[np.int64]:
    """The k nearest other rows of every row, by cosine.

    Args:
        x: (n, d) float.
        k: neighbours of each, 1 .. n - 1.

    Returns: (n, k) int64 row numbers, nearest first; of equally near rows (to 12 decimals) the smaller number first.
    Raises: ShapeError if x is no finite float matrix; MatryoError if k is out of range.

    >>> nearest_neighbours(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), k=1).ravel()
    array([1, 0, 0])
    """
    check_matrix(x, name="x")
    if not 1 <= k < len(x):
        raise MatryoError(f"k must lie within 1..{len(x) - 1} for {len(x)} rows, got {k}; no row is its own neighbour")
    unit = unit_rows(x.astype(np.float64))
    found = np.empty((len(x), k), dtype=np.int64)
    for start, cosines in cosine_blocks(unit, unit):
        here = np.arange(len(cosines))
        cosines[here, here + start] = -np.inf
        found[start : start + len(cosines)] = best_columns(cosines, k)
    return found


def nearest_among(queries: Array, documents: Array, k: int) -> NDArray[np.int64]:
    """The k nearest documents of every query, by cosine; what `nearest_neighbours` is within one set.

    Args:
        queries: (n, d) float.
        documents: (m, d) float.
        k: 1 .. m.

    Returns: (n, k) int64 rows of documents, ties as in `nearest_neighbours`.
    Raises: ShapeError if the widths differ or a matrix is not finite; MatryoError if k is out of range.

    >>> nearest_among(np.array([[1.0, 0.1]]), np.array([[0.0, 1.0], [2.0, 0.0]]), k=2)
    array([[1, 0]])
    """
    check_matrix(queries, name="queries")
    check_matrix(documents, name="documents")
    if queries.shape[1] != documents.shape[1]:
        raise ShapeError(
            f"queries and documents must be equally wide, got {queries.shape[1]} and {documents.shape[1]}; "
            "vectors of two spaces do not compare"
        )
    if not 1 <= k <= len(documents):
        raise MatryoError(f"k must lie within 1..{len(documents)}, the number of documents, got {k}")
    found = np.empty((len(queries), k), dtype=np.int64)
    for start, cosines in cosine_blocks(unit_rows(queries.astype(np.float64)), unit_rows(documents.astype(np.float64))):
        found[start : start + len(cosines)] = best_columns(cosines, k)
    return found


def jaccard(a: Array, b: Array, depths: Sequence[int] | None = None) -> NDArray[np.float64]:
    """Jaccard index of the first k of two lists, at several k: shared ids over different ids in both.

    Args:
        a: (n, K) int ids, best first, none twice in a row.
        b: (n, K) int, the same queries.
        depths: the k, each within 1..K; None = 1, 2, .. K.

    Returns: (n, len(depths)) float64, 0 to 1.
    Raises: ShapeError if the shapes differ; MatryoError if a list holds an id twice or a depth does not fit.
    Source: Jaccard 1912; of neighbour lists in Wang et al. 2020 and Caspari et al. 2024.

    >>> jaccard(np.array([[1, 2, 3]]), np.array([[2, 1, 4]])).tolist()
    [[0.0, 1.0, 0.5]]
    """
    kept = check_depths(depths, check_lists(a, b))
    shared = overlaps(a, b)[:, kept - 1]
    return np.asarray(shared / (2 * kept - shared))


def mutual_neighbours(a: Array, b: Array, depths: Sequence[int] | None = None) -> NDArray[np.float64]:
    """Share of the first k neighbours that two spaces have in common, at several k.

    Arguments and errors as in `jaccard`.

    Returns: (n, len(depths)) float64; its mean over the rows is the mutual k-NN alignment. Unrelated spaces reach
        `chance_overlap`.
    Source: Huh, Cheung, Wang and Isola 2024, The Platonic Representation Hypothesis, section 3.

    >>> mutual_neighbours(np.array([[1, 2, 3]]), np.array([[2, 1, 4]]), depths=(2, 3)).round(3).tolist()
    [[1.0, 0.667]]
    """
    kept = check_depths(depths, check_lists(a, b))
    return np.asarray(overlaps(a, b)[:, kept - 1] / kept)


def chance_overlap(depths: Sequence[int], n_candidates: int) -> NDArray[np.float64]:
    """Mean of `mutual_neighbours` for lists drawn at random, k / n_candidates.

    Args:
        depths: the k.
        n_candidates: rows a list is drawn from: n - 1 within one set of n, because a row is not its own neighbour.

    Raises: MatryoError if a depth does not fit.

    >>> chance_overlap((10,), n_candidates=999).round(4)
    array([0.01])
    """
    return np.asarray(check_depths(depths, n_candidates) / n_candidates)


@dataclass(frozen=True, eq=False)
class Different:
    """Rows whose lists differ most.

    Attributes:
        rows: (m,) int64 row numbers, the most different first.
        shares: (m,) edits over k, 1 = nothing in common, 0 = equal lists.
        a: (m, k) their lists in the first space.
        b: (m, k) their lists in the second space.
    """

    rows: NDArray[np.int64]
    shares: NDArray[np.float64]
    a: NDArray[np.int64]
    b: NDArray[np.int64]


def most_different(a: Array, b: Array, n: int, k: int | None = None) -> Different:
    """The rows whose lists differ most by edit distance: queries among themselves, or what two searches find.

    Args:
        a: (rows, K) int ids, best first.
        b: (rows, K) int, the same rows.
        n: how many, at most all.
        k: length compared; None = K.

    Returns: equally different rows by rising number.
    Raises: as `jaccard`; MatryoError if n < 1.

    >>> most_different(np.array([[1, 2], [3, 4]]), np.array([[1, 2], [5, 6]]), n=1).rows
    array([1])
    """
    if n < 1:
        raise MatryoError(f"n must be at least 1, got {n}; it is how many rows to show")
    depth = check_lists(a, b) if k is None else k
    shares = edit_shares(a, b, (depth,))[:, 0]
    rows = np.argsort(-shares, kind="stable")[:n]
    return Different(rows, shares[rows], a[rows, :depth].astype(np.int64), b[rows, :depth].astype(np.int64))


def cosine_blocks(a: NDArray[np.float64], b: NDArray[np.float64]) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Products of unit rows of a with all of b, a block of rows at a time, rounded so that equal rows tie exactly."""
    rows = max(1, _CELLS_PER_BLOCK // max(1, len(b)))
    for start in range(0, len(a), rows):
        yield start, np.round(a[start : start + rows] @ b.T, _DECIMALS)


def best_columns(scores: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Columns of the k largest numbers of every row, (n, m) -> (n, k), the largest first, ties by rising column."""
    kth = np.partition(scores, scores.shape[1] - k, axis=1)[:, -k, None]
    rows, columns = np.nonzero(scores >= kth)
    order = np.lexsort((columns, -scores[rows, columns], rows))
    starts = np.searchsorted(rows, np.arange(len(scores)))
    return np.asarray(columns[order][starts[:, None] + np.arange(k)], dtype=np.int64)
