"""FunnelIndex: scan a short prefix of every row, compare more and more numbers of fewer and fewer rows."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path
from time import perf_counter
from typing import Self, final

import numpy as np

from matryo.embeddings import ArrayVectors, EmbeddingSet
from matryo.errors import MatryoError, ShapeError, SpaceError
from matryo.files import only_writer
from matryo.hits import MISSING, Hits, check_k
from matryo.prefix import Array, check_dims
from matryo.search.base import Index, IndexFacts, folder_bytes
from matryo.search.exact import check_queries, exact_float32, search_dim
from matryo.search.funnel_bound import Asked
from matryo.search.funnel_folder import KIND, Funnel, read_funnel, write_funnel
from matryo.search.funnel_pass import ScanBuffer
from matryo.search.funnel_plan import FunnelCounts, FunnelPlan
from matryo.search.funnel_rows import Rotation, UnitRows, check_rotation
from matryo.search.funnel_scan import SCANS, build_scan
from matryo.search.funnel_stages import Answers, Parts, answer_by_plan, answer_exactly
from matryo.space import Space, same_space

_STEP = 32
GROUP_QUERIES = 128
GROUP_SCORES = 1 << 25  # scores of the scan that a worker holds at a time: 128 MiB, unless one query has more
_HELD_BYTES = 1 << 29  # of a set that is rotated in memory rather than at every reading: 512 MiB
_QUERIES_TO_DIVIDE = 8  # queries per worker from which on dividing them beats dividing the work on each


def default_dims(width: int) -> tuple[int, ...]:
    """A half and two thirds of the width, to the next multiple of 32, and the width.

    >>> default_dims(384), default_dims(40)
    ((192, 256, 384), (32, 40))
    """
    parts = (-(-width * share // 6 // _STEP) * _STEP for share in (3, 4))
    return tuple(sorted({width, *(dim for dim in parts if dim < width)}))


@final
class FunnelIndex(Index):
    """A funnel over a set or a matrix, exact unless it has a plan.

    Exact: rows are dropped only when their prefix and the lengths of both suffixes prove that they are not among the
    best k. With a plan (see `calibrate`): each stage keeps a shortlist of a fixed size, which may miss some.

    A prefix that holds most of the energy drops most rows, so that vectors should be rotated: pass the map that
    `matryo.maps.fit_rotation` returns, and queries as they are, or index a rotated set and rotate the queries.

    What is scanned stays in memory (mapped after `load`): `dims[0]` numbers per row, and 4 bytes per row and dim. All
    other numbers are read from where the vectors lie. A set that is rotated is held in memory until the index is saved
    and loaded, one of more than 512 MiB is rotated at every reading.
    """

    def __init__(self, funnel: Funnel, given: EmbeddingSet | None = None) -> None:
        """Wrap a checked funnel, and the set it was built from, whose ids `save` writes; see `build`."""
        self._funnel = funnel
        self._given = given

    @classmethod
    def build(
        cls,
        vectors: Array | EmbeddingSet,
        *,
        space: Space | None = None,
        dims: tuple[int, ...] | None = None,
        rotation: Rotation | None = None,
        scan: str = "int8",
        plan: FunnelPlan | None = None,
    ) -> Self:
        """Index vectors; see `Index.build`.

        Args:
            vectors: a set, or (n, width) float.
            space: space of the vectors.
            dims: prefix lengths of the stages, in any order; the width is added. None for `default_dims`.
            rotation: an orthogonal map from this space; None to search the vectors as they are.
            scan: "int8", "bfloat16" or "float32", how the first stage's numbers are kept; all are exact without a plan,
                and int8 is several times faster than the others.
            plan: shortlists for these dims.

        Raises: what `Index.build` raises; SpaceError, ShapeError if the rotation does not fit; MatryoError if there is
            no such scan or the plan has other dims.

        >>> x = np.array([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.6, 0.0, 0.8]], dtype=np.float32)
        >>> index = FunnelIndex.build(x, space=Space.declared("example", 3), dims=(1, 2))
        >>> hits, counts = index.search_counted(np.array([[0.9, 0.1, 0.0]]), k=1)
        >>> hits.rows, counts.survivors
        (array([[0]]), array([[1, 1, 1]]))
        """
        started = perf_counter()
        source: ArrayVectors | EmbeddingSet
        if isinstance(vectors, EmbeddingSet):
            if space is not None:
                same_space(vectors.space, space, "the set and its index")
            space, digest, source = vectors.space, vectors.digest, vectors
        elif space is None:
            raise SpaceError("a matrix needs its space, got none; pass for example space=Space.declared(label, width)")
        else:
            digest, source = "", ArrayVectors(vectors)
        if source.width != space.width:
            raise ShapeError(
                f"vectors must be as wide as their space, {space.width}, got {source.width}; pass them uncut"
            )
        chosen = default_dims(space.width) if dims is None else check_dims({*dims, space.width}, space.width)
        searched, matrix = replace(space, normalize=True), None
        if rotation is not None:
            check_rotation(rotation, space)
            searched, matrix = rotation.target, rotation.matrix
        rows: UnitRows | ArrayVectors = UnitRows(source, matrix)
        small = matrix is not None and 4 * rows.n_rows * rows.width <= _HELD_BYTES
        if not isinstance(vectors, EmbeddingSet) or small:
            # scaled and rotated once; a set may be larger than memory, and one that is not rotated is cheap to read
            rows = ArrayVectors(rows.read(slice(None), 0, rows.width))
        given = vectors if isinstance(vectors, EmbeddingSet) else None
        parts = Parts(build_scan(rows, chosen, scan), rows)
        built = Funnel(parts, space, matrix, searched, digest, perf_counter() - started)
        return cls(built if plan is None else replace(built, plan=_fitting(plan, chosen)), given)

    @property
    def space(self) -> Space:
        """Space of the indexed vectors, before any rotation."""
        return self._funnel.space

    @property
    def n_rows(self) -> int:
        """Number of indexed vectors."""
        return self._funnel.parts.scan.n_rows

    @property
    def set_digest(self) -> str:
        """Digest of the manifest of the set it was built from, "" for a bare matrix."""
        return self._funnel.set_digest

    @property
    def dims(self) -> tuple[int, ...]:
        """Prefix lengths of the stages, the last one the width."""
        return self._funnel.parts.scan.dims

    @property
    def plan(self) -> FunnelPlan | None:
        """Shortlists, None if the search is exact."""
        return self._funnel.plan

    @property
    def parts(self) -> Parts:
        """What is searched: for calibration and measurements."""
        return self._funnel.parts

    def with_plan(self, plan: FunnelPlan | None) -> "FunnelIndex":
        """The same index with other shortlists, or exact with None; nothing is copied.

        Raises: MatryoError if the plan has other dims than this index.
        """
        fitting = None if plan is None else _fitting(plan, self.dims)
        return FunnelIndex(replace(self._funnel, plan=fitting), self._given)

    def facts(self) -> IndexFacts:
        """What this index is and what it costs; after `load` the scanned block is mapped, yet every search reads it."""
        scan, plan = self._funnel.parts.scan, self._funnel.plan
        held = self._funnel.parts.rows
        resident = scan.resident_bytes + (self.n_rows * held.width * 4 if isinstance(held, ArrayVectors) else 0)
        settings = {
            "dims": list(scan.dims),
            "rotated": self._funnel.rotation is not None,
            "mode": "exact" if plan is None else "calibrated",
            "plan": None if plan is None else plan.to_json(),
        }
        disk, seconds = self._funnel.disk_bytes, self._funnel.build_s
        return IndexFacts(KIND, scan.dims[0], SCANS[scan.name], resident, disk, seconds, settings)

    def search(
        self, queries: Array | EmbeddingSet, k: int, dim: int | None = None, *, space: Space | str | None = None
    ) -> Hits:
        """Find the k nearest rows of every query; see `Index.search`.

        A dim below the width is searched exactly, without stages or plan, by reading the first `dim` numbers of every
        row. With a plan, a k above its own enlarges the shortlists to k, and its promise holds for its own k only.
        """
        (chosen,) = check_dims([self.space.width if dim is None else dim], self.space.width)
        if chosen == self.space.width:
            return self.search_counted(queries, k, space=space)[0]
        check_k(k)
        asked = self.asked(queries, space)
        return search_dim(asked.full, self._funnel.parts.rows, chosen, k)

    def search_counted(
        self, queries: Array | EmbeddingSet, k: int, *, space: Space | str | None = None
    ) -> tuple[Hits, FunnelCounts]:
        """Search at the full width and say what was looked at; see `search`.

        Queries are searched in groups, several groups at a time where there are many queries. Memory beyond the index:
        4 bytes per row for each of up to 128 queries, but no more than 128 MiB per thread unless one query alone needs
        more; where the exact bound drops few rows, up to four times that.
        """
        check_k(k)
        queries = self._checked(queries, space)
        rows = np.full((len(queries), k), MISSING, dtype=np.int64)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        survivors = np.zeros((len(queries), len(self.dims)), dtype=np.int64)
        n_bytes = np.zeros(len(queries), dtype=np.int64)
        if self.n_rows:
            at_most = min(k, self.n_rows)
            for some, found in self._answers(queries, at_most):
                rows[some, :at_most], scores[some, :at_most] = found.hits.rows, found.hits.scores
                survivors[some] = found.survivors
                n_bytes[some] = found.bytes_read
        return Hits(rows, scores), FunnelCounts(self.dims, survivors, n_bytes)

    def asked(self, queries: Array | EmbeddingSet, space: Space | str | None = None) -> Asked:
        """Check queries and make them ready: scaled, rotated, measured.

        Raises: what `search` raises about queries.
        """
        return Asked.of(self._checked(queries, space), self._funnel.rotation, self.dims)

    def _checked(self, queries: Array | EmbeddingSet, space: Space | str | None) -> Array:
        if isinstance(queries, EmbeddingSet):
            same_space(queries.space, self.space, "queries and index")
            queries = queries.to_numpy()
        if space is not None:
            same_space(space, self.space, "queries and index")
        check_queries(queries, self.space.width)
        return queries

    def _answers(self, queries: Array, k: int) -> list[tuple[slice, Answers]]:
        """Groups of queries and what they find; 1 <= k <= n_rows."""
        import torch

        with exact_float32(None) as threads:
            workers = threads if len(queries) >= threads * _QUERIES_TO_DIVIDE else 1
            size = max(1, min(GROUP_QUERIES, GROUP_SCORES // self.n_rows, -(-len(queries) // workers)))
            groups = [slice(first, first + size) for first in range(0, len(queries), size)]
            if workers == 1:
                return self._answer(queries, groups, k)
            shares = [groups[worker::workers] for worker in range(workers)]
            # in each worker, because products of int8 heed only the number that was set in their own thread
            with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                return list(chain.from_iterable(pool.map(self._answer, repeat(queries), shares, repeat(k))))

    def _answer(self, queries: Array, groups: Sequence[slice], k: int) -> list[tuple[slice, Answers]]:
        """Search for each group of queries together, in one worker."""
        import torch

        parts, plan = self._funnel.parts, self._funnel.plan
        with torch.inference_mode(), torch.autocast("cpu", enabled=False):
            # one for all groups, because the system clears what a process asks for anew
            held = ScanBuffer()
            asked = [Asked.of(queries[some], self._funnel.rotation, self.dims) for some in groups]
            if plan is None:
                return list(zip(groups, (answer_exactly(parts, some, k, held) for some in asked), strict=True))
            sizes = (min(max(stage.shortlist, k), self.n_rows) for stage in plan.stages)
            stages = [replace(stage, shortlist=size) for stage, size in zip(plan.stages, sizes, strict=True)]
            return list(zip(groups, (answer_by_plan(parts, some, stages, k, held) for some in asked), strict=True))

    def save(self, folder: Path | str) -> None:
        """Write the rows, of length 1 and rotated, as a set of the same ids, and what is scanned; see `Index.save`."""
        target, held = Path(folder), self._funnel.parts.rows
        given = held if isinstance(held, EmbeddingSet) else self._given
        if given is not None:
            ids, role, prompt = given.ids(), given.role, given.prompt
        else:
            ids, role, prompt = [str(row) for row in range(self.n_rows)], "document", ""
        with only_writer(target):
            write_funnel(self._funnel, target, ids, role, prompt)

    @classmethod
    def load(cls, folder: Path | str, *, space: Space | str | None = None) -> Self:
        """Read what `save` wrote; all vectors are mapped, not loaded; see `Index.load`."""
        return cls(read_funnel(Path(folder), space, folder_bytes(Path(folder))))


def _fitting(plan: FunnelPlan, dims: tuple[int, ...]) -> FunnelPlan:
    """Refuse a plan that was made for other dims.

    Raises: MatryoError.
    """
    found = tuple(stage.dim for stage in plan.stages)
    if found != dims[:-1]:
        raise MatryoError(
            f"a plan for this funnel needs stages at {dims[:-1]}, got {found}; calibrate it for these dims"
        )
    return plan
