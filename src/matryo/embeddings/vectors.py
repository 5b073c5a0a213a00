"""What exact search and maps read: a matrix by row range and column range, in memory or on disk."""

from typing import Protocol, final, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from matryo.errors import ShapeError
from matryo.prefix import Array, block, check_matrix


@runtime_checkable
class Vectors(Protocol):
    """Rows of `width` numbers that can be read piece by piece."""

    @property
    def n_rows(self) -> int:
        """Number of rows."""

    @property
    def width(self) -> int:
        """Full length of a row."""

    def read(self, rows: slice, start: int, stop: int) -> Array:
        """Columns start..stop of some rows as they are stored, without renormalising.

        Args:
            rows: neighbouring rows, step 1; as for any sequence, what lies beyond the end is left out.
            start: first column.
            stop: column after the last one.

        Returns: (len(rows), stop - start) float32, possibly a read-only view.
        Raises: ShapeError if the columns lie outside 0..width or the step is not 1.
        """


@final
class ArrayVectors:
    """A matrix in memory (or any np.memmap) seen as `Vectors`.

    >>> ArrayVectors(np.eye(3)).read(slice(0, 2), 1, 3)
    array([[0., 0.],
           [1., 0.]], dtype=float32)
    """

    def __init__(self, matrix: Array) -> None:
        """Wrap a finite (n, d) float matrix without copying it.

        Raises: ShapeError if it is anything else.
        """
        check_matrix(matrix)
        if matrix.dtype.itemsize > 4 and matrix.size and max(matrix.max(), -matrix.min()) > np.finfo(np.float32).max:
            raise ShapeError(f"vectors must fit float32, got values beyond it in {matrix.dtype}; scale them")
        self._matrix = matrix

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self._matrix.shape[0])

    @property
    def width(self) -> int:
        """Full length of a row."""
        return int(self._matrix.shape[1])

    def read(self, rows: slice, start: int, stop: int) -> Array:
        """Columns start..stop of some rows, a view where the matrix is float32; see `Vectors.read`."""
        first, last = row_range(rows, self.n_rows)
        check_columns(start, stop, self.width)
        return block(self._matrix[first:last], start, stop).astype(np.float32, copy=False)

    def take(self, rows: NDArray[np.int64], start: int, stop: int) -> Array:
        """Columns start..stop of single rows, in any order, as a copy; see `EmbeddingSet.take`."""
        check_columns(start, stop, self.width)
        check_row_numbers(rows, self.n_rows)
        return block(self._matrix, start, stop)[rows].astype(np.float32, copy=False)


def as_vectors(x: Array | Vectors) -> Vectors:
    """Let callers pass a matrix wherever `Vectors` are read.

    Raises: ShapeError if x is a matrix that is not finite, two-dimensional and of floats, or neither of both.
    """
    if isinstance(x, Vectors):
        return x
    return ArrayVectors(x)


def row_range(rows: slice, n_rows: int) -> tuple[int, int]:
    """First row and row after the last one that a slice selects.

    Raises: ShapeError if the step is not 1.

    >>> row_range(slice(-2, None), 10)
    (8, 10)
    """
    first, last, step = rows.indices(n_rows)
    if step != 1:
        raise ShapeError(f"rows must be a slice of step 1, got step {step}; read the range and pick from the result")
    return first, max(first, last)


def check_row_numbers(rows: NDArray[np.int64], n_rows: int) -> None:
    """Refuse row numbers that are none.

    Raises: ShapeError if they are no vector of whole numbers within 0..n_rows - 1.
    """
    if not isinstance(rows, np.ndarray) or rows.ndim != 1 or rows.dtype.kind != "i":
        kind = f"{rows.dtype} of shape {rows.shape}" if isinstance(rows, np.ndarray) else type(rows).__name__
        raise ShapeError(f"rows must be a vector of whole numbers, got {kind}; pass for example np.array([3, 1, 3])")
    if len(rows) and not 0 <= int(rows.min()) <= int(rows.max()) < n_rows:
        raise ShapeError(f"rows must lie within 0..{n_rows - 1}, got {rows.min()}..{rows.max()}; drop the others")


def check_columns(start: int, stop: int, width: int) -> None:
    """Refuse a column range that is empty or leaves the matrix.

    Raises: ShapeError.
    """
    if not 0 <= start < stop <= width:
        raise ShapeError(f"columns must rise within 0..{width}, got {start}..{stop}; choose dims up to the width")
