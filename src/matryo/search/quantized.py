"""QuantizedIndex: the first numbers of every row in 16, 8 or 1 bit, and the full vectors to order the best by."""

import time
from pathlib import Path
from typing import Any, Self, final

from matryo.embeddings import EmbeddingSet
from matryo.errors import FormatError, MatryoError
from matryo.files import only_writer
from matryo.hits import Hits, check_k
from matryo.prefix import Array, check_dims
from matryo.search.base import Index, IndexFacts, folder_bytes
from matryo.search.funnel_rows import Rotation
from matryo.search.index_files import map_arrays, read_index, write_arrays, write_index
from matryo.search.quantized_codes import Codes, NumberCodes, SignCodes
from matryo.search.quantized_scan import scan
from matryo.search.rescoring import check_shortlist, searched_dim
from matryo.search.rescoring import rescore as rescored
from matryo.search.source import Origin, RowVectors, open_source, resident_bytes
from matryo.space import Space

_KIND = "quantized"
_CODES_FILE = "codes.safetensors"
_STORED = {
    "n_rows": int,
    "bits": int,
    "dim": int,
    "centred": bool,
    "shortlist": int,
    "build_s": float,
}
# rows rescored per hit asked for, where nobody says how many: signs order rows far more coarsely than numbers
_PER_HIT = {16: 4, 8: 10, 1: 40}


@final
class QuantizedIndex(Index):
    """Every row is compared by its codes; the best of them are compared again by their full vectors.

    Codes stand for rows cut to the index's `dim`. float16 halves the bytes of float32, int8 quarters them, signs take
    1/32. A query is never rounded, except for signs.

    Short prefixes hold more of a vector that was rotated: pass the map that `matryo.maps.fit_rotation` returns, and
    queries as they are. A set is then rotated at every reading until the index is saved; load it from there to search
    it often.

    With vectors to rescore with, any dim up to the width is searched: the scan compares the coded part of it, the
    result is ordered by the cosines of the vectors, and a row is missed only if the scan did not put it on the
    shortlist. Without, scores are the scan's estimates and dims end at the index's `dim`, which then is what
    `search` compares by default.
    """

    def __init__(self, codes: Codes, vectors: RowVectors | None, origin: Origin, settings: dict[str, Any]) -> None:
        """Wrap what `build` made or `load` read; vectors are None if nothing is rescored."""
        self._codes = codes
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
        bits: int = 8,
        dim: int | None = None,
        rescore: bool = True,
        shortlist: int | None = None,
        centred: bool = False,
        rotation: Rotation | None = None,
    ) -> Self:
        """Quantise vectors.

        Args:
            vectors: a set, read in blocks, or (n, width) float; a set that is rescored with stays mapped.
            space: space of the vectors; may be left out for a set.
            bits: 16, 8 or 1 per number.
            dim: numbers per row that get codes, None for all.
            rescore: whether the best rows are compared again by their vectors.
            shortlist: rows rescored per query, at least k; None for 4 k, 10 k or 40 k at 16, 8 or 1 bit.
            centred: for 1 bit: subtract the mean row from rows and queries before signs are taken.
            rotation: an orthogonal map from this space, applied to rows and queries; dims count its numbers.

        Raises: MatryoError if bits, shortlist or centred are not of these; SpaceError, ShapeError as `Index.build`, or
            if the rotation does not fit.

        >>> import numpy as np
        >>> vectors = np.array([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0]], dtype=np.float32)
        >>> index = QuantizedIndex.build(vectors, space=Space.declared("doctest", 3), bits=8, dim=2)
        >>> index.search(np.array([[0.7, 0.7, 0.1]]), 1).rows
        array([[1]])
        """
        _check_settings(bits, rescore, shortlist, centred)
        origin, rows = open_source(vectors, space, rotation)
        started = time.perf_counter()
        (held,) = check_dims([rows.width if dim is None else dim], rows.width)
        codes: Codes
        if bits == 1:
            codes = SignCodes.encode(rows, held, centred=centred)
        else:
            codes = NumberCodes.encode(rows, held, bits)
        settings = {
            "bits": bits,
            "dim": held,
            "centred": centred,
            "shortlist": shortlist or 0,
            "build_s": time.perf_counter() - started,
        }
        return cls(codes, rows if rescore else None, origin, settings)

    @property
    def space(self) -> Space:
        """Space of the indexed vectors, before any rotation."""
        return self._origin.space

    @property
    def n_rows(self) -> int:
        """Number of indexed vectors."""
        return self._codes.n_rows

    @property
    def set_digest(self) -> str:
        """Digest of the manifest of the set it was built from, "" for a bare matrix."""
        return self._origin.set_digest

    @property
    def dim(self) -> int:
        """Numbers per row that have codes."""
        return self._codes.dim

    @property
    def bits(self) -> int:
        """Bits per coded number."""
        return int(self._settings["bits"])

    @property
    def resident_bytes(self) -> int:
        """Bytes that every search reads and memory must hold: codes and scales, and vectors that are not mapped."""
        return self._codes.n_bytes + resident_bytes(self._vectors)

    @property
    def disk_bytes(self) -> int:
        """Bytes of the folder it was loaded from, vectors included; 0 for one that was built."""
        return folder_bytes(self._folder) if self._folder else 0

    def facts(self) -> IndexFacts:
        """What this index is and what it costs; a shortlist of 0 stands for the default, which depends on k."""
        settings = {
            "rescore": self._vectors is not None,
            "shortlist": self._settings["shortlist"],
            "centred": self._settings["centred"],
            "rotated": self._origin.matrix is not None,
        }
        built_s = float(self._settings["build_s"])
        return IndexFacts(_KIND, self.dim, self.bits, self.resident_bytes, self.disk_bytes, built_s, settings)

    def search(
        self, queries: Array | EmbeddingSet, k: int, dim: int | None = None, *, space: Space | str | None = None
    ) -> Hits:
        """Find the k nearest rows of every query, as far as the codes show them; see `Index.search` and the class."""
        import torch

        check_k(k)
        queries = self._origin.queries(queries, space)
        chosen = searched_dim(dim, self.space.width, self.dim, self._vectors is not None)
        if self._vectors is None:
            return scan(self._codes, queries, chosen, k)
        wanted = max(k, self._settings["shortlist"] or _PER_HIT[self.bits] * k)
        found = scan(self._codes, queries, min(chosen, self.dim), min(wanted, max(1, self.n_rows)))
        return rescored(self._vectors, queries, found.rows, chosen, k, torch.get_num_threads())

    def save(self, folder: Path | str) -> None:
        """Write the codes, the vectors if it rescores with them, and `index.json` last; see `Index.save`."""
        target = Path(folder)
        about = {"kind": _KIND, **self._origin.about(), "n_rows": self.n_rows, **self._settings}
        arrays = self._codes.arrays()
        with only_writer(target):
            if self._vectors is not None:
                about["vectors_digest"] = self._origin.save_vectors(self._vectors, target, by_row=True)
            files = {_CODES_FILE: lambda path: write_arrays(path, arrays), **self._origin.files()}
            write_index(target, about, files)

    @classmethod
    def load(cls, folder: Path | str, *, space: Space | str | None = None) -> Self:
        """Read what `save` wrote; codes and vectors are mapped, not loaded; see `Index.load`."""
        home = Path(folder)
        stored = read_index(home, _KIND, _STORED, _CODES_FILE)
        origin, vectors = Origin.load(home, stored, space)
        if stored["bits"] not in _PER_HIT:
            raise FormatError(f"{home} has codes of {stored['bits']} bits, expected 16, 8 or 1; save the index anew")
        arrays = map_arrays(home / _CODES_FILE)
        codes: Codes = SignCodes.from_arrays(arrays) if stored["bits"] == 1 else NumberCodes.from_arrays(arrays)
        if (codes.n_rows, codes.dim) != (stored["n_rows"], stored["dim"]):
            raise FormatError(
                f"{home} holds codes of {codes.n_rows} x {codes.dim}, its index.json states "
                f"{stored['n_rows']} x {stored['dim']}; save the index anew"
            )
        settings = {name: stored[name] for name in ("bits", "dim", "centred", "shortlist", "build_s")}
        index = cls(codes, vectors, origin, settings)
        index._folder = home
        return index


def _check_settings(bits: int, rescore: bool, shortlist: int | None, centred: bool) -> None:
    if bits not in _PER_HIT:
        raise MatryoError(f"bits must be 16, 8 or 1, got {bits!r}; vectors of 32 bits are searched by ExactIndex")
    if centred and bits != 1:
        raise MatryoError(f"only signs are centred, got {bits} bits; int8 has a range of its own per column already")
    check_shortlist(shortlist, rescore)
