"""The prefix and what it must be compared with: as many other numbers of the same vectors, searched alike."""

from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import Vectors, as_vectors
from matryo.errors import ShapeError
from matryo.evaluation.curve import search_depth
from matryo.maps import MappedVectors, MatrixMap, fit_rotation
from matryo.measures.judged import Judged
from matryo.measures.measure import Measure
from matryo.measures.ranking import evaluate
from matryo.prefix import Array, block
from matryo.search.exact import search_prefixes
from matryo.space import Space

RANDOM, SUFFIX, ROTATION = "random dims", "suffix", "rotation"


@final
class ReorderedVectors:
    """Rows of `source` with their columns in another order, indexed when they are read: no product, no whole copy.

    >>> ReorderedVectors(np.array([[1.0, 2.0, 3.0]]), np.array([2, 0, 1])).read(slice(0, 1), 0, 2)
    array([[3., 1.]], dtype=float32)
    """

    def __init__(self, source: Array | Vectors, order: NDArray[np.int64]) -> None:
        """Refuse an order that does not name every column once.

        Raises: ShapeError.
        """
        self._source = as_vectors(source)
        if not np.array_equal(np.sort(order), np.arange(self._source.width)):
            raise ShapeError(
                f"an order must name each of {self._source.width} columns once, got shape {order.shape}; pass a "
                "permutation"
            )
        self._order = order

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self._source.n_rows

    @property
    def width(self) -> int:
        """Numbers per row, those of the source."""
        return self._source.width

    def read(self, rows: slice, start: int, stop: int) -> Array:
        """Columns start..stop of the new order; see `Vectors.read`."""
        chosen = block(self._order[None, :], start, stop)[0]
        found: Array = np.take(self._source.read(rows, 0, self.width), chosen, axis=1)
        return found


def values_per_dim(
    queries: Array, documents: Array | Vectors, judged: Judged, dims: Sequence[int], measure: Measure
) -> NDArray[np.float64]:
    """Per-query values of one arm at every dim, (len(dims), n) over the counted queries, from one search."""
    hits = search_prefixes(queries, documents, dims, search_depth([measure]))
    return np.stack([evaluate(hits[dim], judged, [measure])[measure][judged.has_relevant] for dim in dims])


def reordered_values(
    queries: Array,
    documents: Array | Vectors,
    judged: Judged,
    dims: Sequence[int],
    measure: Measure,
    order: NDArray[np.int64],
) -> NDArray[np.float64]:
    """`values_per_dim` of the first columns of another order."""
    return values_per_dim(np.take(queries, order, axis=1), ReorderedVectors(documents, order), judged, dims, measure)


def random_order(width: int, seed: int) -> NDArray[np.int64]:
    """A permutation of the columns, the same for the same seed."""
    return np.random.default_rng(seed).permutation(width).astype(np.int64)


def suffix_order(width: int) -> NDArray[np.int64]:
    """The columns from the last to the first, so that a prefix of it is a suffix of the vectors."""
    return np.arange(width - 1, -1, -1, dtype=np.int64)


def rotated_values(
    queries: Array,
    documents: Array | Vectors,
    judged: Judged,
    dims: Sequence[int],
    measure: Measure,
    space: Space,
) -> tuple[NDArray[np.float64], MatrixMap]:
    """`values_per_dim` after a rotation fitted on the documents, and the rotation."""
    fitted = fit_rotation(documents, space)
    mapped = MappedVectors(as_vectors(documents), fitted)
    return values_per_dim(fitted.apply(queries), mapped, judged, dims, measure), fitted
