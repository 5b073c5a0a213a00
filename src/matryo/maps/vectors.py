"""A map laid over vectors: reads like the mapped matrix without ever holding all of it."""

from typing import final

from matryo.embeddings import Vectors
from matryo.errors import ShapeError
from matryo.maps.base import Map
from matryo.maps.sides import Side
from matryo.maps.translator import check_source, imitated_id
from matryo.prefix import Array, block


@final
class MappedVectors:
    """Rows of `source` after `fitted`, mapped when they are read; the last range of rows is kept."""

    def __init__(self, source: Vectors, fitted: Map) -> None:
        """Refuse vectors of another width than the map reads."""
        if source.width != fitted.source.width:
            raise ShapeError(
                f"this map reads {fitted.source.width} numbers per row, got {source.width}; use its own space"
            )
        self._source = source
        self._fitted = fitted
        self._kept: tuple[slice, Array] | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self._source.n_rows

    @property
    def width(self) -> int:
        """Numbers per row after the map."""
        return self._fitted.target.width

    def read(self, rows: slice, start: int, stop: int) -> Array:
        """Columns start..stop of some mapped rows; see `Vectors.read`."""
        # a search reads every block of one range of rows before it goes on, so that one range is mapped once
        if self._kept is None or self._kept[0] != rows:
            self._kept = (rows, self._fitted.apply(self._source.read(rows, 0, self._source.width)))
        return block(self._kept[1], start, stop)


def translated(fitted: Map, vectors: Side, *, as_native: bool = False) -> MappedVectors:
    """Vectors of a set after a map, refused where they lie in another space than the map reads.

    What comes out lies in `fitted.target`; `EmbeddingSet.from_numpy` writes it as a set of its own.

    Args:
        fitted: any map.
        vectors: a set, or `SpaceRows`.
        as_native: take vectors that only imitate the map's source, made by a translator, as if they were native: for
            chains of translators, and there and back.

    Raises: SpaceError if the vectors are those of the other direction, of another revision of the model, or of any
        other space.
    """
    if not (as_native and imitated_id(vectors.space) == fitted.source.id):
        check_source(fitted, vectors.space)
    return MappedVectors(vectors, fitted)
