"""What an index of codes is made from and rescored with: a set or a matrix, checked, written and opened again."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matryo.embeddings import ArrayVectors, EmbeddingSet, Vectors
from matryo.errors import FormatError, MatryoError, ShapeError, SpaceError
from matryo.prefix import Array, check_dims
from matryo.search.exact import check_queries
from matryo.space import Space, same_space

VECTORS_FOLDER = "vectors"


@dataclass(frozen=True, eq=False)
class Source:
    """Checked vectors.

    Attributes:
        vectors: the rows, mapped from disk or in memory.
        space: where they lie.
        set_digest: digest of the set's manifest, "" for a bare matrix.
    """

    vectors: Vectors
    space: Space
    set_digest: str

    @classmethod
    def of(cls, vectors: Array | EmbeddingSet, space: Space | None) -> "Source":
        """Check what `build` was given.

        Raises: SpaceError if a set lies in another space, or a matrix comes without one; ShapeError if the matrix is
            not finite or not as wide as the space.
        """
        if isinstance(vectors, EmbeddingSet):
            if space is not None:
                same_space(vectors.space, space, "the set and its index")
            return cls(vectors, vectors.space, vectors.digest)
        if space is None:
            raise SpaceError("a matrix needs its space, got none; pass for example space=Space.declared(label, width)")
        matrix = ArrayVectors(vectors)
        if matrix.width != space.width:
            raise ShapeError(
                f"vectors must be as wide as their space, {space.width}, got {matrix.width}; pass them uncut"
            )
        return cls(ArrayVectors(vectors.astype(np.float32, copy=False)), space, "")


def resident_bytes(vectors: Vectors | None) -> int:
    """Bytes that vectors to rescore with take in memory: none for a set, which stays mapped."""
    return 4 * vectors.n_rows * vectors.width if isinstance(vectors, ArrayVectors) else 0


def save_vectors(vectors: Vectors, space: Space, folder: Path) -> str:
    """Write vectors as a set of the same ids beside an index.

    Returns: the digest of the copy.
    Raises: MatryoError if the folder holds other vectors already; ShapeError if rows are not of length 1 in a space
        that says so.
    """
    ids, role, prompt, dtype = [str(row) for row in range(vectors.n_rows)], "document", "", "float32"
    if isinstance(vectors, EmbeddingSet):
        ids, role, prompt, dtype = vectors.ids(), vectors.role, vectors.prompt, vectors.dtype
    target = folder / VECTORS_FOLDER
    return EmbeddingSet.from_numpy(target, vectors, ids, space=space, role=role, prompt=prompt, dtype=dtype).digest


def open_vectors(folder: Path, digest: str) -> Vectors:
    """Open the set beside an index, in the index's folder.

    Raises: FormatError if it is not the one the index was saved with.
    """
    vectors = EmbeddingSet.open(folder / VECTORS_FOLDER)
    if vectors.digest != digest:
        raise FormatError(f"{folder / 'index.json'} belongs to other vectors than those beside it; save the index anew")
    return vectors


def checked_queries(queries: Array | EmbeddingSet, space: Space | str | None, needed: Space) -> Array:
    """Queries as a matrix.

    Raises: SpaceError if they lie in another space than `needed`; ShapeError if they are no finite float matrix as
        wide as it.
    """
    if isinstance(queries, EmbeddingSet):
        same_space(queries.space, needed, "queries and index")
        queries = queries.to_numpy()
    if space is not None:
        same_space(space, needed, "queries and index")
    check_queries(queries, needed.width)
    return queries


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
