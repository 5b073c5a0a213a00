"""ExactIndex: compares every query with every row; what the other indexes are judged by."""

from pathlib import Path
from typing import Self, final

from matryo.embeddings import ArrayVectors, EmbeddingSet, Vectors
from matryo.errors import FormatError, ShapeError, SpaceError
from matryo.files import check_fields, check_format, only_writer, read_json, write_json
from matryo.hits import Hits, check_k
from matryo.prefix import Array, check_dims
from matryo.search.base import Index, IndexFacts, folder_bytes
from matryo.search.exact import check_queries, search_dim
from matryo.search.scaled import ScaledRows
from matryo.space import Space, same_space

_FORMAT = 1
_KIND = "exact"
_INDEX_FILE = "index.json"
_VECTORS_FOLDER = "vectors"
_STORED = {"format": int, "kind": str, "set_digest": str, "vectors_digest": str}


@final
class ExactIndex(Index):
    """Exact search over a set or a matrix.

    The rows are scaled at the first search at a dim and kept, 4 bytes per row and column, until another dim is asked
    for. To measure many dims, `search_prefixes` is faster.
    """

    def __init__(self, vectors: Vectors, space: Space, set_digest: str, disk_bytes: int = 0) -> None:
        """Wrap checked vectors; see `build`."""
        self._disk_bytes = disk_bytes
        self._vectors = vectors
        self._space = space
        self._set_digest = set_digest
        self._scaled: ScaledRows | None = None

    @classmethod
    def build(cls, vectors: Array | EmbeddingSet, *, space: Space | None = None) -> Self:
        """Index vectors without copying them; see `Index.build`."""
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
        return cls(matrix, space, "")

    @property
    def space(self) -> Space:
        """Space of the indexed vectors."""
        return self._space

    @property
    def n_rows(self) -> int:
        """Number of indexed vectors."""
        return self._vectors.n_rows

    @property
    def set_digest(self) -> str:
        """Digest of the manifest of the set it was built from, "" for a bare matrix."""
        return self._set_digest

    def facts(self) -> IndexFacts:
        """What this index is; what it holds in memory are the rows as scaled by the last search."""
        mapped = isinstance(self._vectors, EmbeddingSet)
        given = 0 if mapped else self.n_rows * self._space.width * 4
        scaled = 0 if self._scaled is None else sum(b.nbytes for b in (*self._scaled.blocks, *self._scaled.shrink))
        return IndexFacts(_KIND, self._space.width, 32, given + scaled, self._disk_bytes, build_s=0.0)

    def search(
        self, queries: Array | EmbeddingSet, k: int, dim: int | None = None, *, space: Space | str | None = None
    ) -> Hits:
        """Find the k nearest rows of every query; see `Index.search`."""
        check_k(k)
        if isinstance(queries, EmbeddingSet):
            same_space(queries.space, self._space, "queries and index")
            queries = queries.to_numpy()
        if space is not None:
            same_space(space, self._space, "queries and index")
        check_queries(queries, self._space.width)
        (chosen,) = check_dims([self._space.width if dim is None else dim], self._space.width)
        if self._scaled is None or self._scaled.dims != (chosen,):
            self._scaled = ScaledRows.of(self._vectors, (chosen,))
        return search_dim(queries, self._scaled, chosen, k)

    def save(self, folder: Path | str) -> None:
        """Write the vectors as a set of the same ids, and `index.json` last; see `Index.save`."""
        target = Path(folder)
        source = self._vectors
        if isinstance(source, EmbeddingSet):
            ids, role, prompt, dtype = source.ids(), source.role, source.prompt, source.dtype
        else:
            ids, role, prompt, dtype = [str(row) for row in range(source.n_rows)], "document", "", "float32"
        copy = EmbeddingSet.from_numpy(
            target / _VECTORS_FOLDER, source, ids, space=self._space, role=role, prompt=prompt, dtype=dtype
        )
        stored = {"format": _FORMAT, "kind": _KIND, "set_digest": self._set_digest, "vectors_digest": copy.digest}
        with only_writer(target):
            write_json(target / _INDEX_FILE, stored)

    @classmethod
    def load(cls, folder: Path | str, *, space: Space | str | None = None) -> Self:
        """Read what `save` wrote; vectors are mapped, not loaded; see `Index.load`."""
        path = Path(folder) / _INDEX_FILE
        stored = read_json(path, "an exact index")
        if isinstance(stored, dict):
            check_format(stored.get("format"), _FORMAT, path)
        check_fields(stored, _STORED, path)
        if stored["kind"] != _KIND:
            raise FormatError(
                f"{path} is an index of kind {stored['kind']!r}, expected {_KIND!r}; load it as that kind"
            )
        vectors = EmbeddingSet.open(path.parent / _VECTORS_FOLDER, space=space)
        if vectors.digest != stored["vectors_digest"]:
            raise FormatError(f"{path} belongs to other vectors than those beside it; save the index anew")
        return cls(vectors, vectors.space, stored["set_digest"], folder_bytes(Path(folder)))
