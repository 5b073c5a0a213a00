"""One side of a fit: vectors, the space they lie in, and which of their rows count."""

from typing import Protocol, final

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import ArrayVectors, EmbeddingSet, Vectors
from matryo.embeddings.vectors import check_row_numbers, row_range
from matryo.errors import MatryoError, ShapeError
from matryo.prefix import Array
from matryo.space import Space, same_space


class TakenVectors(Vectors, Protocol):
    """Vectors whose single rows can be read without the others."""

    def take(self, rows: NDArray[np.int64], start: int, stop: int) -> Array:
        """Columns start..stop of single rows in any order; see `EmbeddingSet.take`."""


@final
class SpaceRows:
    """Some rows of vectors with the space they lie in: what translators are fitted on and applied to.

    >>> rows = SpaceRows(np.eye(3), Space("weights", 3), rows=np.array([2, 0]))
    >>> rows.read(slice(0, 1), 0, 3)
    array([[0., 0., 1.]], dtype=float32)
    """

    def __init__(
        self,
        vectors: "Array | TakenVectors",
        space: Space | None = None,
        rows: NDArray[np.int64] | None = None,
    ) -> None:
        """Choose rows.

        Args:
            vectors: (n, d) float, an embedding set, or anything whose rows can be taken one by one.
            space: where they lie; a set knows its own.
            rows: numbers of the rows that count, in this order; None for all.

        Raises: SpaceError if a set lies in another space; ShapeError if widths or row numbers do not fit; MatryoError
            if vectors that are no set come without a space.
        """
        if isinstance(vectors, EmbeddingSet):
            same_space(vectors.space, space or vectors.space, "the set and its use")
            space = vectors.space
        if space is None:
            raise MatryoError("vectors that are no embedding set need their space; pass space=Space(...)")
        self._vectors: TakenVectors = ArrayVectors(vectors) if isinstance(vectors, np.ndarray) else vectors
        if self._vectors.width != space.width:
            raise ShapeError(
                f"vectors of a {space.width}-wide space have that many numbers, got {self._vectors.width}; "
                "name the space that they lie in"
            )
        if rows is not None:
            check_row_numbers(rows, self._vectors.n_rows)
        self._space, self._rows = space, rows

    @property
    def n_rows(self) -> int:
        """Rows that count."""
        return self._vectors.n_rows if self._rows is None else len(self._rows)

    @property
    def width(self) -> int:
        """Full length of a row."""
        return self._space.width

    @property
    def space(self) -> Space:
        """Where the vectors lie."""
        return self._space

    def read(self, rows: slice, start: int, stop: int) -> Array:
        """Columns start..stop of neighbouring rows among those that count; see `Vectors.read`."""
        if self._rows is None:
            return self._vectors.read(rows, start, stop)
        first, last = row_range(rows, self.n_rows)
        chosen = self._rows[first:last]
        if len(chosen) and chosen[-1] - chosen[0] == last - first - 1 and (np.diff(chosen) == 1).all():
            return self._vectors.read(slice(int(chosen[0]), int(chosen[-1]) + 1), start, stop)
        return self._vectors.take(chosen, start, stop)

    def take(self, rows: NDArray[np.int64], start: int, stop: int) -> Array:
        """Columns start..stop of single rows among those that count; see `EmbeddingSet.take`."""
        check_row_numbers(rows, self.n_rows)
        return self._vectors.take(rows if self._rows is None else self._rows[rows], start, stop)

    def chosen(self, rows: NDArray[np.int64]) -> "SpaceRows":
        """Some of the rows that count, in a given order."""
        check_row_numbers(rows, self.n_rows)
        return SpaceRows(self._vectors, self._space, rows if self._rows is None else self._rows[rows])

    def ids(self) -> list[str] | None:
        """Ids of the rows that count, None where the vectors have none."""
        if not isinstance(self._vectors, EmbeddingSet):
            return None
        ids = self._vectors.ids()
        return ids if self._rows is None else [ids[row] for row in self._rows.tolist()]

    def digest(self) -> str | None:
        """Digest of the generation of the set that the rows are of, None where the vectors are no set."""
        return self._vectors.digest if isinstance(self._vectors, EmbeddingSet) else None

    def reopened(self) -> "SpaceRows":
        """The same rows of a set opened anew, so that what the old one has mapped may leave the memory."""
        if not isinstance(self._vectors, EmbeddingSet):
            return self
        anew = EmbeddingSet.open(self._vectors.folder, generation=self._vectors.generation)
        return SpaceRows(anew, self._space, self._rows)


Side = SpaceRows | EmbeddingSet


def as_rows(side: Side) -> SpaceRows:
    """All rows of a set, or the rows that were chosen."""
    return side if isinstance(side, SpaceRows) else SpaceRows(side)
