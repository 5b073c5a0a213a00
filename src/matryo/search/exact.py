"""Exact cosine search at every dim in one pass, and at one dim.

Scores of prefixes are cumulative: the dot products of 192 numbers are those of the first 96 plus those of the next 96.
So one pass over the documents, with the arithmetic of a single full-width search, gives the best k at every dim.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise, repeat
from typing import final

import numpy as np

from matryo.embeddings import Vectors, as_vectors
from matryo.errors import MatryoError, ShapeError
from matryo.hits import MISSING, Hits, check_k
from matryo.prefix import Array, block, check_dims, check_matrix
from matryo.search.scaled import GROUP, ScaledRows
from matryo.search.topk import RunningTop

_BLOCK_ROWS = 1 << 13  # documents read and scaled at a time: 24 MiB at 768 numbers
_TILE_SCORES = 1 << 21  # scores computed before they are filtered: 8 MiB, which a shared cache holds per core
_PART_QUERIES = 512
_QUERIES_TO_DIVIDE = 16  # per thread; fewer are searched by one worker whose matrix products use every thread


def search_prefixes(
    queries: Array,
    documents: Array | Vectors | ScaledRows,
    dims: Sequence[int],
    k: int,
    *,
    block_rows: int | None = None,
    threads: int | None = None,
) -> dict[int, Hits]:
    """Find the k nearest documents of every query at every dim, by cosine of the cut vectors, in one pass.

    The result is that of `cut` at each dim followed by a sort, up to the rounding of float32; a row whose prefix is
    zero scores 0. Memory beyond the arguments: the scaled queries, two blocks of documents, a tile of scores per
    thread, 36 bytes per hit.

    Args:
        queries: (n, width) float.
        documents: (m, width) float, or a set, read in blocks of rows; or rows scaled before for these dims by
            `ScaledRows.of`, which spares reading and scaling them at every search.
        dims: prefix lengths in any order, each within 1..width.
        k: hits per query; beyond m the places are filled with row -1.
        block_rows: documents read at a time, None for the default.
        threads: threads to compute with, None for as many as torch is set to; torch's setting is restored.

    Returns: dim -> hits of shape (n, k), dims rising.
    Raises: ShapeError if the widths differ, dims do not fit or a number is not finite; MatryoError if k < 1.
    Source: ours; that scores of prefixes add up is an identity of dot products.

    >>> found = search_prefixes(np.array([[1.0, 0.0]]), np.array([[1.0, 3.0], [2.0, 1.0]]), dims=(1, 2), k=2)
    >>> {dim: hits.rows.tolist() for dim, hits in found.items()}
    {1: [[0, 1]], 2: [[1, 0]]}
    """
    if isinstance(documents, ScaledRows):
        vectors: Vectors | ScaledRows = documents
        rising = check_dims(dims)
        if rising != documents.dims:
            raise ShapeError(
                f"these documents are scaled for dims {documents.dims}, got {rising}; scale them for those"
            )
        check_matrix(queries, min_width=rising[-1], name="queries")
    else:
        vectors = as_vectors(documents)
        check_queries(queries, vectors.width)
        rising = check_dims(dims, vectors.width)
    with exact_float32(threads) as n_threads:
        return _scan(queries, vectors, rising, k, block_rows, n_threads)


def search_dim(
    queries: Array,
    documents: Array | Vectors | ScaledRows,
    dim: int,
    k: int,
    *,
    block_rows: int | None = None,
    threads: int | None = None,
) -> Hits:
    """Find the k nearest documents of every query at one dim: what is timed when the latency of a dim is asked for.

    It reads and multiplies the first `dim` columns only. Arguments, result and errors are those of `search_prefixes`.

    >>> search_dim(np.array([[1.0, 0.0]]), np.array([[1.0, 3.0], [2.0, 1.0]]), dim=2, k=1).rows
    array([[1]])
    """
    return search_prefixes(queries, documents, (dim,), k, block_rows=block_rows, threads=threads)[dim]


def check_queries(queries: Array, width: int) -> None:
    """Refuse queries that are no finite float matrix as wide as the documents.

    Raises: ShapeError.
    """
    check_matrix(queries, name="queries")
    if queries.shape[1] != width:
        raise ShapeError(
            f"queries must be as wide as the documents, {width}, got {queries.shape[1]}; "
            "encode both with one model and pass full-width vectors, the search cuts them"
        )


@contextmanager
def exact_float32(threads: int | None) -> Iterator[int]:
    """Compute in true float32, whatever the caller has set for training; gives the number of threads to use."""
    import torch

    if threads is not None and threads < 1:
        raise MatryoError(f"threads must be at least 1, got {threads}; leave it out for as many as torch uses")
    before = torch.get_num_threads(), torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield threads or before[0]
    finally:
        torch.set_num_threads(before[0])
        torch.set_float32_matmul_precision(before[1])


@final
class _Part:
    """Some queries, searched by one worker: their scaled rows and the best found so far at each dim."""

    def __init__(self, queries: Array, dims: tuple[int, ...], k: int) -> None:
        """Scale (n, width) queries."""
        self._queries = ScaledRows(dims, len(queries))
        self._queries.fill(block(queries, 0, dims[-1]).astype(np.float64))
        self._queries.use(len(queries))
        self._tops = [RunningTop(len(queries), k) for _ in dims]

    def search(self, documents: ScaledRows, first_row: int, tile_rows: int) -> None:
        """Offer the scores of a block of documents at every dim, tile by tile."""
        import torch

        n = self._queries.n_rows
        with torch.inference_mode(), torch.autocast("cpu", enabled=False):
            left = [torch.from_numpy(b[:n]) for b in self._queries.blocks]
            left_shrink = [torch.from_numpy(s[:n, None]) for s in self._queries.shrink]
            right = [torch.from_numpy(b) for b in documents.blocks]
            right_shrink = [torch.from_numpy(s) for s in documents.shrink]
            tile = torch.empty(n * min(tile_rows, documents.room))
            for start in range(0, documents.n_rows, tile_rows):
                stop = min(start + tile_rows, documents.room)
                scores = tile[: n * (stop - start)].view(n, stop - start)
                padding = scores[:, max(documents.n_rows - start, 0) :]
                for i, top in enumerate(self._tops):
                    if i == 0:
                        torch.mm(left[i], right[i][start:stop].T, out=scores)
                    else:
                        scores.mul_(left_shrink[i]).mul_(right_shrink[i][start:stop])
                        scores.addmm_(left[i], right[i][start:stop].T)
                    padding.fill_(-torch.inf)
                    top.offer(scores, first_row + start)
                    padding.zero_()

    def hits(self, k: int) -> list[Hits]:
        """What was found at each dim."""
        return [top.hits(k) for top in self._tops]


def _scan(
    queries: Array,
    documents: Vectors | ScaledRows,
    dims: tuple[int, ...],
    k: int,
    block_rows: int | None,
    threads: int,
) -> dict[int, Hits]:
    """Search block by block; workers share a block and divide the queries among themselves."""
    import torch

    check_k(k)
    if block_rows is not None and block_rows < 1:
        raise MatryoError(f"block_rows must be at least 1, got {block_rows}; leave it out for the default")
    n, m = len(queries), documents.n_rows
    if n == 0 or m == 0:
        rows, scores = np.full((n, k), MISSING, dtype=np.int64), np.full((n, k), -np.inf, dtype=np.float32)
        return {dim: Hits(rows.copy(), scores.copy()) for dim in dims}
    workers = threads if n >= threads * _QUERIES_TO_DIVIDE else 1
    n_parts = -(-n // (_PART_QUERIES * workers)) * workers
    room = m if isinstance(documents, ScaledRows) else min(m, block_rows or _BLOCK_ROWS)
    n_tiles = -(-room * -(-n // n_parts) // _TILE_SCORES)
    # tiles of one size, because products of one shape round alike, so that equal documents tie
    tile_rows = -(-room // n_tiles // GROUP) * GROUP
    # before the workers start, because a thread keeps the number that is set when it first computes
    torch.set_num_threads(max(1, threads // workers))
    with ThreadPoolExecutor(workers) as pool:
        parts = list(pool.map(_Part, np.array_split(queries, n_parts), repeat(dims), repeat(min(k, m))))
        if isinstance(documents, ScaledRows):
            list(pool.map(_Part.search, parts, repeat(documents), repeat(0), repeat(tile_rows)))
        else:
            reader = _Reader(documents, dims, room, pool, workers)
            for first_row in range(0, m, room):
                scaled = reader.take()
                searches = [pool.submit(part.search, scaled, first_row, tile_rows) for part in parts]
                reader.start(first_row + room)
                for search in searches:
                    search.result()
        found = list(pool.map(_Part.hits, parts, repeat(k)))
    return {
        dim: Hits(np.concatenate([h[i].rows for h in found]), np.concatenate([h[i].scores for h in found]))
        for i, dim in enumerate(dims)
    }


@final
class _Reader:
    """Reads and scales the next block while the one before is searched: whoever is idle takes a piece of it."""

    def __init__(self, vectors: Vectors, dims: tuple[int, ...], block_rows: int, pool: Executor, workers: int) -> None:
        """Start with the first block; two blocks are filled in turns."""
        self._vectors, self._dims, self._block_rows, self._pool = vectors, dims, block_rows, pool
        self._pieces = 2 * workers
        self._filled, self._next = ScaledRows(dims, block_rows), ScaledRows(dims, block_rows)
        self.start(0)

    def start(self, first_row: int) -> None:
        """Begin to fill the block that starts at a row; beyond the last row it stays empty."""
        found = self._vectors.read(slice(first_row, first_row + self._block_rows), 0, self._dims[-1])
        edges = np.linspace(0, len(found), self._pieces + 1).astype(int).tolist()
        self._next.use(len(found))
        self._fills = [self._pool.submit(self._next.fill, found[a:b], a) for a, b in pairwise(edges) if a < b]

    def take(self) -> ScaledRows:
        """The block begun last, once it is whole; the one before may be filled again from now on."""
        for fill in self._fills:
            fill.result()
        self._filled, self._next = self._next, self._filled
        return self._filled
