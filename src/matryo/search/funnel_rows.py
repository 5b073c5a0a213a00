"""The rows that a funnel rescores: of length 1, rotated if asked, read piece by piece from wherever they lie."""

from collections.abc import Iterator
from typing import Protocol, final, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import ArrayVectors, EmbeddingSet, Vectors
from matryo.embeddings.vectors import check_columns
from matryo.errors import ShapeError
from matryo.prefix import Array, block, unit_rows
from matryo.space import Space, same_space

SHARD_ROWS = 1 << 18  # rows per shard of an index's own set: few files to keep mapped, one gather per file
_ORTHOGONAL = 1e-5


@runtime_checkable
class Rotation(Protocol):
    """What a funnel needs of a rotation; the map that `fit_rotation` returns has all of it."""

    @property
    def matrix(self) -> NDArray[np.float32]:
        """(width, width) float32, orthogonal; a row x becomes x @ matrix."""

    @property
    def source(self) -> Space:
        """The space that it reads."""

    @property
    def target(self) -> Space:
        """The space that it leads to."""


def check_rotation(rotation: Rotation, space: Space) -> None:
    """Refuse a map that does not keep every cosine of this space.

    Raises: SpaceError if it reads another space; ShapeError if its matrix is not orthogonal.
    """
    same_space(rotation.source, space, "the rotation and the vectors")
    matrix = rotation.matrix.astype(np.float64)
    square = matrix.shape == (space.width, space.width)
    off = np.abs(matrix.T @ matrix - np.eye(matrix.shape[1])).max() if square else np.inf
    if not off <= _ORTHOGONAL:
        raise ShapeError(
            f"a rotation needs an orthogonal {space.width} x {space.width} matrix, got {matrix.shape}, off {off:.2g}; "
            "apply other maps to the set first and index the result"
        )


@final
class UnitRows:
    """Rows of `source` scaled to length 1 in float64, rotated if there is a matrix, as float32; zero rows stay zero."""

    def __init__(self, source: ArrayVectors | EmbeddingSet, matrix: NDArray[np.float32] | None) -> None:
        """Wrap vectors; nothing is read yet."""
        self._source = source
        self._matrix = None if matrix is None else matrix.astype(np.float64)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self._source.n_rows

    @property
    def width(self) -> int:
        """Numbers per row."""
        return self._source.width

    def read(self, rows: slice, start: int, stop: int) -> Array:
        """Columns start..stop of some rows of length 1; see `Vectors.read`."""
        check_columns(start, stop, self.width)
        return self._made(self._source.read(rows, 0, self.width), start, stop)

    def take(self, rows: NDArray[np.int64], start: int, stop: int) -> Array:
        """Columns start..stop of single rows of length 1, without touching the others; see `EmbeddingSet.take`."""
        check_columns(start, stop, self.width)
        return self._made(self._source.take(rows, 0, self.width), start, stop)

    def _made(self, rows: Array, start: int, stop: int) -> Array:
        found = unit_rows(rows.astype(np.float64))
        if self._matrix is not None:
            found = unit_rows(found @ self._matrix)
        return np.ascontiguousarray(block(found, start, stop), dtype=np.float32)


def row_ranges(vectors: Vectors, size: int) -> Iterator[slice]:
    """Neighbouring ranges of at most `size` rows that cover all of them."""
    for first in range(0, vectors.n_rows, size):
        yield slice(first, min(first + size, vectors.n_rows))
