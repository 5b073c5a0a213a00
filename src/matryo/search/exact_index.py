"""ExactIndex: compares every query with every row; what the other indexes are judged by."""

from pathlib import Path
from typing import Self, final

from matryo.embeddings import EmbeddingSet, Vectors
from matryo.errors import FormatError
from matryo.files import only_writer
from matryo.hits import Hits, check_k
from matryo.prefix import Array, check_dims
from matryo.search.base import Index, IndexFacts, folder_bytes
from matryo.search.exact import search_dim
from matryo.search.index_files import read_index, write_index
from matryo.search.scaled import ScaledRows
from matryo.search.source import Origin, open_source, resident_bytes
from matryo.space import Space

_KIND = "exact"


@final
class ExactIndex(Index):
    """Exact search over a set or a matrix.

    The rows are scaled at the first search at a dim and kept, 4 bytes per row and column, until another dim is asked
    for. To measure many dims, `search_prefixes` is faster.
    """

    def __init__(self, vectors: Vectors, origin: Origin, disk_bytes: int = 0) -> None:
        """Wrap checked vectors; see `build`."""
        self._disk_bytes = disk_bytes
        self._vectors = vectors
        self._origin = origin
        self._scaled: ScaledRows | None = None

    @classmethod
    def build(cls, vectors: Array | EmbeddingSet, *, space: Space | None = None) -> Self:
        """Index vectors without copying them; see `Index.build`."""
        origin, rows = open_source(vectors, space)
        return cls(rows, origin)

    @property
    def space(self) -> Space:
        """Space of the indexed vectors."""
        return self._origin.space

    @property
    def n_rows(self) -> int:
        """Number of indexed vectors."""
        return self._vectors.n_rows

    @property
    def set_digest(self) -> str:
        """Digest of the manifest of the set it was built from, "" for a bare matrix."""
        return self._origin.set_digest

    def facts(self) -> IndexFacts:
        """What this index is; what it holds in memory are the rows as scaled by the last search."""
        scaled = 0 if self._scaled is None else sum(b.nbytes for b in (*self._scaled.blocks, *self._scaled.shrink))
        return IndexFacts(
            _KIND, self.space.width, 32, resident_bytes(self._vectors) + scaled, self._disk_bytes, build_s=0.0
        )

    def search(
        self, queries: Array | EmbeddingSet, k: int, dim: int | None = None, *, space: Space | str | None = None
    ) -> Hits:
        """Find the k nearest rows of every query; see `Index.search`."""
        check_k(k)
        queries = self._origin.queries(queries, space)
        (chosen,) = check_dims([self.space.width if dim is None else dim], self.space.width)
        if self._scaled is None or self._scaled.dims != (chosen,):
            self._scaled = ScaledRows.of(self._vectors, (chosen,))
        return search_dim(queries, self._scaled, chosen, k)

    def save(self, folder: Path | str) -> None:
        """Write the vectors as a set of the same ids, and `index.json` last; see `Index.save`."""
        target = Path(folder)
        with only_writer(target):
            digest = self._origin.save_vectors(self._vectors, target, by_row=False)
            write_index(target, {"kind": _KIND, **self._origin.about(), "vectors_digest": digest}, {})

    @classmethod
    def load(cls, folder: Path | str, *, space: Space | str | None = None) -> Self:
        """Read what `save` wrote; vectors are mapped, not loaded; see `Index.load`."""
        home = Path(folder)
        origin, vectors = Origin.load(home, read_index(home, _KIND, {"vectors_digest": str}), space)
        if vectors is None:
            raise FormatError(f"{home} holds no vectors, an exact index needs them; save the index anew")
        return cls(vectors, origin, folder_bytes(home))
