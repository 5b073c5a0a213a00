"""FaissIndex: any index of FAISS over any prefix, its hits ordered again by the full vectors."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import EmbeddingSet
from matryo.errors import FormatError, MatryoError
from matryo.files import only_writer
from matryo.hits import MISSING, Hits, best, check_k
from matryo.prefix import Array, check_dims
from matryo.search.base import Index, IndexFacts, folder_bytes
from matryo.search.faiss_engine import (
    code_bytes,
    configure,
    cut_rows,
    faiss_module,
    make_empty,
    n_threads,
    read_file,
    train_all,
    write_file,
    written_bytes,
)
from matryo.search.funnel_rows import Rotation
from matryo.search.index_files import read_index, write_index
from matryo.search.rescoring import check_shortlist, searched_dim
from matryo.search.rescoring import rescore as rescored
from matryo.search.source import Origin, RowVectors, open_source, resident_bytes
from matryo.space import Space

_KIND = "faiss"
_FILE = "index.faiss"
_STORED = {
    "n_rows": int,
    "dim": int,
    "factory": str,
    "settings": dict,
    "shortlist": int,
    "train_rows": int,
    "seed": int,
    "build_s": float,
}
_READ_ROWS = 1 << 13
_PER_HIT = 10


@final
class FaissIndex(Index):
    """Rows cut to a prefix, renormalised and given to FAISS, which compares them by inner products: by cosine.

    With vectors to rescore with, FAISS finds a shortlist at the index's `dim`, whose cosines at the dim asked for,
    by default the full width, give order and scores. Without, scores are FAISS's own, exact or rounded as its codes
    are, and only the index's `dim` can be searched. Rows are numbered as in the set.

    Among rows of equal score at the very end of what FAISS returns, FAISS chooses.

    Short prefixes hold more of a vector that was rotated: pass the map that `matryo.maps.fit_rotation` returns, and
    queries as they are. A set is then rotated at every reading until the index is saved; load it from there to search
    it often.
    """

    def __init__(self, index: Any, vectors: RowVectors | None, origin: Origin, settings: dict[str, Any]) -> None:
        """Wrap what `build` made or `load` read; vectors are None if nothing is rescored."""
        self._index = index
        self._vectors = vectors
        self._origin = origin
        self._settings = settings
        self._folder: Path | None = None

    @classmethod
    def build(
        cls,
        vectors: Array | EmbeddingSet,
        *,
        space: Space | None = None,
        factory: str = "Flat",
        dim: int | None = None,
        rescore: bool = True,
        shortlist: int | None = None,
        settings: Mapping[str, float] | None = None,
        train_rows: int | None = None,
        seed: int = 0,
        rotation: Rotation | None = None,
    ) -> Self:
        """Build one index at one prefix length.

        Args:
            vectors: a set, read in blocks, or (n, width) float; a set that is rescored with stays mapped.
            space: space of the vectors; may be left out for a set.
            factory: what FAISS's index_factory understands: "Flat", "IVF1024,Flat", "HNSW32", "IVF1024,PQ48", "SQ8".
            dim: prefix length, None for the full width.
            rescore: whether the best rows are compared again by their vectors.
            shortlist: rows rescored per query, at least k; None for 10 k.
            settings: see `configure`.
            train_rows: rows that an inverted file or a quantiser learns from, drawn without replacement; None for
                65,536 or 64 per list, whichever is more, or all rows if there are fewer.
            seed: of that draw and of k-means.
            rotation: an orthogonal map from this space, applied to rows and queries; dims count its numbers.

        Raises: MissingExtra without FAISS; MatryoError if FAISS does not know the factory or cannot compare by inner
            products with it, a setting is unknown, or there are too few rows to learn from; SpaceError, ShapeError as
            `Index.build`, or if the rotation does not fit.
        """
        dims = [open_source(vectors, space)[1].width if dim is None else dim]
        (index,) = cls.build_many(
            vectors,
            factory,
            dims,
            space=space,
            rescore=rescore,
            shortlist=shortlist,
            settings=settings,
            train_rows=train_rows,
            seed=seed,
            rotation=rotation,
        ).values()
        return index

    @classmethod
    def build_many(
        cls,
        vectors: Array | EmbeddingSet,
        factory: str,
        dims: Sequence[int],
        *,
        space: Space | None = None,
        rescore: bool = True,
        shortlist: int | None = None,
        settings: Mapping[str, float] | None = None,
        train_rows: int | None = None,
        seed: int = 0,
        rotation: Rotation | None = None,
    ) -> dict[int, Self]:
        """Build one index per prefix length; every block of rows is read once and cut to all of them.

        A sample to learn from is read before, also once for all dims. Arguments and errors are those of `build`.

        Returns: dim -> index, dims rising; `build_s` of each counts its own work, not the reading they share.
        """
        faiss_module()  # before anything is read
        origin, rows = open_source(vectors, space, rotation)
        rising = check_dims(dims, rows.width)
        check_shortlist(shortlist, rescore)
        if train_rows is not None and train_rows < 1:
            raise MatryoError(f"train_rows must be at least 1, got {train_rows}; leave it out for the default")
        made = {dim: make_empty(factory, dim, seed) for dim in rising}
        for index in made.values():
            configure(index, settings or {})
        seconds = dict.fromkeys(rising, 0.0)
        n_sampled = train_all(made, rows, train_rows, seed, seconds)
        for first in range(0, rows.n_rows, _READ_ROWS):
            piece = rows.read(slice(first, first + _READ_ROWS), 0, rising[-1])
            for dim, index in made.items():
                started = time.perf_counter()
                index.add(cut_rows(piece, dim))
                seconds[dim] += time.perf_counter() - started
        return {
            dim: cls(
                index,
                rows if rescore else None,
                origin,
                {
                    "dim": dim,
                    "factory": factory,
                    "settings": {name: float(value) for name, value in (settings or {}).items()},
                    "shortlist": shortlist or 0,
                    "train_rows": n_sampled,
                    "seed": seed,
                    "build_s": seconds[dim],
                },
            )
            for dim, index in made.items()
        }

    def configure(self, settings: Mapping[str, float], *, shortlist: int | None = None) -> None:
        """Change how this index searches from now on, by FAISS's own names.

        Args:
            settings: for example {"nprobe": 16} for inverted lists, {"efSearch": 64} for HNSW.
            shortlist: rows rescored per query, None to leave their number as it is.

        Raises: MatryoError if this index has no setting of a name, FAISS refuses a value, or nothing is rescored.
        """
        check_shortlist(shortlist, self._vectors is not None)
        configure(self._index, settings)
        if shortlist is not None:
            self._settings = {**self._settings, "shortlist": shortlist}
        given = {name: float(value) for name, value in settings.items()}
        self._settings = {**self._settings, "settings": {**self._settings["settings"], **given}}

    @property
    def space(self) -> Space:
        """Space of the indexed vectors, before any rotation."""
        return self._origin.space

    @property
    def n_rows(self) -> int:
        """Number of indexed vectors."""
        return int(self._index.ntotal)

    @property
    def set_digest(self) -> str:
        """Digest of the manifest of the set it was built from, "" for a bare matrix."""
        return self._origin.set_digest

    @property
    def dim(self) -> int:
        """Numbers per row that FAISS compares."""
        return int(self._index.d)

    @property
    def resident_bytes(self) -> int:
        """Bytes of FAISS's index, counted by writing it nowhere, and of vectors that are not mapped."""
        return written_bytes(self._index) + resident_bytes(self._vectors)

    @property
    def disk_bytes(self) -> int:
        """Bytes of the folder it was loaded from, vectors included; 0 for one that was built."""
        return folder_bytes(self._folder) if self._folder else 0

    def facts(self) -> IndexFacts:
        """What this index is and what it costs; a shortlist of 0 stands for the default, which depends on k."""
        names = ("factory", "settings", "shortlist", "train_rows", "seed")
        rescore, rotated = self._vectors is not None, self._origin.matrix is not None
        settings = {**{name: self._settings[name] for name in names}, "rescore": rescore, "rotated": rotated}
        bits = max(1, round(8 * code_bytes(self._index) / self.dim))
        built_s = float(self._settings["build_s"])
        return IndexFacts(_KIND, self.dim, bits, self.resident_bytes, self.disk_bytes, built_s, settings)

    def search(
        self, queries: Array | EmbeddingSet, k: int, dim: int | None = None, *, space: Space | str | None = None
    ) -> Hits:
        """Find the k nearest rows of every query, as far as FAISS finds them; see `Index.search` and the class.

        Raises: MatryoError also if dim is not the index's own and there are no vectors to rescore with.
        """
        check_k(k)
        queries = self._origin.queries(queries, space)
        chosen = searched_dim(dim, self.space.width, self.dim, self._vectors is not None)
        if self._vectors is None:
            if chosen != self.dim:
                raise MatryoError(
                    f"this FAISS index answers at dim {self.dim} only, got {chosen}; build one at that dim "
                    "(build_many reads the set once), or build it with rescore=True"
                )
            return best(*self._nearest(queries, k), k)
        found, _ = self._nearest(queries, max(k, self._settings["shortlist"] or _PER_HIT * k))
        return rescored(self._vectors, queries, found, chosen, k, n_threads())

    def save(self, folder: Path | str) -> None:
        """Write FAISS's index, the vectors if it rescores with them, and `index.json` last; see `Index.save`."""
        target = Path(folder)
        about = {"kind": _KIND, **self._origin.about(), "n_rows": self.n_rows, **self._settings}
        with only_writer(target):
            if self._vectors is not None:
                about["vectors_digest"] = self._origin.save_vectors(self._vectors, target, by_row=True)
            write_index(target, about, {_FILE: lambda path: write_file(self._index, path), **self._origin.files()})

    @classmethod
    def load(cls, folder: Path | str, *, space: Space | str | None = None) -> Self:
        """Read what `save` wrote; the vectors are mapped, and so is FAISS's index where FAISS can; see `Index.load`."""
        home = Path(folder)
        stored = read_index(home, _KIND, _STORED, _FILE)
        origin, vectors = Origin.load(home, stored, space)
        index = read_file(home / _FILE)
        if (index.ntotal, index.d) != (stored["n_rows"], stored["dim"]):
            raise FormatError(
                f"{home / _FILE} holds {index.ntotal} x {index.d}, its index.json states "
                f"{stored['n_rows']} x {stored['dim']}; save the index anew"
            )
        configure(index, stored["settings"])
        kept = ("dim", "factory", "settings", "shortlist", "train_rows", "seed", "build_s")
        opened = cls(index, vectors, origin, {name: stored[name] for name in kept})
        opened._folder = home
        return opened

    def _nearest(self, queries: Array, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Rows and scores as FAISS finds them, at most n_rows each; a query of zeros finds the first rows."""
        wanted = min(k, self.n_rows)
        if wanted == 0 or len(queries) == 0:
            shape = (len(queries), wanted)
            return np.full(shape, MISSING, dtype=np.int64), np.full(shape, -np.inf, dtype=np.float32)
        unit = cut_rows(queries.astype(np.float64), self.dim)
        scores, rows = self._index.search(unit, wanted)
        silent = ~unit.any(axis=1)  # all rows score 0, and which of them FAISS returns is chance
        rows[silent], scores[silent] = np.arange(wanted), 0.0
        return rows, scores
