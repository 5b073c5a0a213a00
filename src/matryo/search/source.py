"""What an index is made from: a set or a matrix, checked, rotated if asked, written beside the index, opened again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import ArrayVectors, EmbeddingSet, Vectors
from matryo.errors import FormatError, ShapeError, SpaceError
from matryo.prefix import Array, unit_rows
from matryo.search.exact import check_queries
from matryo.search.funnel_rows import SHARD_ROWS, Rotation, UnitRows, check_rotation
from matryo.search.index_files import map_arrays, write_arrays
from matryo.space import Space, same_space

_VECTORS_FOLDER = "vectors"
_ROTATION_FILE = "rotation.safetensors"


class RowVectors(Vectors, Protocol):
    """Vectors whose single rows can be read without the others."""

    def take(self, rows: NDArray[np.int64], start: int, stop: int) -> Array:
        """Columns start..stop of single rows in any order; see `EmbeddingSet.take`."""


@dataclass(frozen=True, eq=False)
class Origin:
    """Where the rows of an index come from, and how queries get there.

    Attributes:
        space: space of the vectors as they were given, and of queries.
        set_digest: digest of the set's manifest, "" for a bare matrix.
        matrix: (width, width) float32, the rotation of rows and queries, None if there is none.
        searched: space of the rows, `space` after the rotation.
        given: the set whose ids are saved, None if rows are numbered.
    """

    space: Space
    set_digest: str
    matrix: NDArray[np.float32] | None
    searched: Space
    given: EmbeddingSet | None = None

    def queries(self, queries: Array | EmbeddingSet, space: Space | str | None) -> Array:
        """Queries as a matrix, rotated as the rows are.

        Raises: SpaceError if they lie in another space than the vectors as given; ShapeError if they are no finite
            float matrix as wide as it.
        """
        if isinstance(queries, EmbeddingSet):
            same_space(queries.space, self.space, "queries and index")
            queries = queries.to_numpy()
        if space is not None:
            same_space(space, self.space, "queries and index")
        check_queries(queries, self.space.width)
        if self.matrix is None:
            return queries
        turned: Array = unit_rows(queries.astype(np.float64)) @ self._wide
        return turned

    @cached_property
    def _wide(self) -> NDArray[np.float64]:
        """The rotation in float64: widening it costs more than turning one query."""
        assert self.matrix is not None
        return self.matrix.astype(np.float64)

    def about(self) -> dict[str, Any]:
        """What `index.json` states of it."""
        return {"set_digest": self.set_digest, "space": self.space.to_json()}

    def files(self) -> dict[str, Callable[[Path], None]]:
        """Files to be written beside `index.json`, by name."""
        matrix = self.matrix
        return {} if matrix is None else {_ROTATION_FILE: lambda path: write_arrays(path, {"matrix": matrix})}

    def save_vectors(self, vectors: Vectors, folder: Path, *, by_row: bool) -> str:
        """Write rows as a set of the same ids beside an index.

        Args:
            vectors: the rows as they are searched.
            folder: the index.
            by_row: whether each row lies in one piece, to be taken singly; else in blocks of columns, to be scanned.

        Returns: the digest of the copy.
        Raises: MatryoError if the folder holds other vectors already; ShapeError if rows are not of length 1 in a
            space that says so.
        """
        ids, role, prompt, dtype = [str(row) for row in range(vectors.n_rows)], "document", "", "float32"
        if self.given is not None:
            ids, role, prompt = self.given.ids(), self.given.role, self.given.prompt
        if isinstance(vectors, EmbeddingSet):
            dtype = vectors.dtype
        stored = EmbeddingSet.from_numpy(
            folder / _VECTORS_FOLDER,
            vectors,
            ids,
            space=self.searched,
            role=role,
            prompt=prompt,
            dtype=dtype,
            shard_rows=SHARD_ROWS,
            edges=(0, vectors.width) if by_row else None,
        )
        return stored.digest

    @classmethod
    def load(
        cls, folder: Path, stored: Mapping[str, Any], space: Space | str | None
    ) -> tuple[Self, EmbeddingSet | None]:
        """Open what lies beside an index.

        Args:
            folder: the index.
            stored: its `index.json`.
            space: space, or space id, that the caller needs; None takes any.

        Returns: the origin, and the vectors if there are any.
        Raises: SpaceError if the index lies in another space; FormatError if vectors or rotation are not those that it
            was saved with.
        """
        own = Space.from_json(stored["space"])
        if space is not None:
            same_space(own, space, f"the index {folder} and its use")
        matrix = None
        if _ROTATION_FILE in stored["files"]:
            matrix = map_arrays(folder / _ROTATION_FILE).get("matrix")
            if matrix is None or matrix.shape != (own.width, own.width) or matrix.dtype != np.float32:
                raise FormatError(
                    f"{folder / _ROTATION_FILE} holds no rotation of {own.width} numbers; save the index anew"
                )
        if "vectors_digest" not in stored:
            return cls(own, stored["set_digest"], matrix, own), None
        vectors = EmbeddingSet.open(folder / _VECTORS_FOLDER)
        if vectors.digest != stored["vectors_digest"]:
            raise FormatError(
                f"{folder / 'index.json'} belongs to other vectors than those beside it; save the index anew"
            )
        return cls(own, stored["set_digest"], matrix, vectors.space, vectors), vectors


def open_source(
    vectors: Array | EmbeddingSet, space: Space | None, rotation: Rotation | None = None
) -> tuple[Origin, RowVectors]:
    """Check what `build` was given.

    Args:
        vectors: a set, or (n, width) float.
        space: their space; may be left out for a set.
        rotation: an orthogonal map from this space, or None.

    Returns: where the rows come from, and the rows as they are searched: a set stays mapped and is rotated at every
        reading, a matrix is rotated once.
    Raises: SpaceError if a set lies in another space, a matrix comes without one or the rotation reads another;
        ShapeError if the matrix is not finite or not as wide as the space, or the rotation is none.
    """
    rows: RowVectors
    if isinstance(vectors, EmbeddingSet):
        if space is not None:
            same_space(vectors.space, space, "the set and its index")
        space, rows, digest, given = vectors.space, vectors, vectors.digest, vectors
    elif space is None:
        raise SpaceError("a matrix needs its space, got none; pass for example space=Space.declared(label, width)")
    else:
        ArrayVectors(vectors)  # checked before it is narrowed
        rows, digest, given = ArrayVectors(vectors.astype(np.float32, copy=False)), "", None
    if rows.width != space.width:
        raise ShapeError(f"vectors must be as wide as their space, {space.width}, got {rows.width}; pass them uncut")
    if rotation is None:
        return Origin(space, digest, None, space, given), rows
    check_rotation(rotation, space)
    turned: RowVectors = UnitRows(rows, rotation.matrix)
    if given is None:
        turned = ArrayVectors(turned.read(slice(None), 0, rows.width))
    return Origin(space, digest, rotation.matrix, rotation.target, given), turned


def resident_bytes(vectors: Vectors | None) -> int:
    """Bytes that rows to rescore with take in memory: none for a set, which stays mapped."""
    return 4 * vectors.n_rows * vectors.width if isinstance(vectors, ArrayVectors) else 0
