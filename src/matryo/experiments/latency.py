"""How long one query takes at each dim, on this host and this corpus."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matryo.embeddings import Vectors
from matryo.evaluation.environment import machine
from matryo.evaluation.results import ExtraTable
from matryo.prefix import Array
from matryo.search import ScaledRows, search_dim

MAX_BYTES = 4 << 30
N_WARM_UP = 20
N_HITS = 100
TOO_LARGE = f"the documents would need more than {MAX_BYTES >> 30} GiB of memory"


@dataclass(frozen=True)
class Latency:
    """Milliseconds of single queries at one dim.

    Attributes:
        dim: numbers compared.
        p50_ms: half of the queries took at most this.
        p99_ms: 99 of 100 queries took at most this.
        n_queries: searches that were timed.
        n_documents: documents searched.
        threads: that the search may use.
    """

    dim: int
    p50_ms: float
    p99_ms: float
    n_queries: int
    n_documents: int
    threads: int


def time_searches(
    queries: Array, documents: Vectors, dims: Sequence[int], n_queries: int, *, max_bytes: int = MAX_BYTES
) -> dict[int, Latency]:
    """Time exact searches of one query at a time, at each dim by itself.

    The documents are cut, scaled and held in memory before the clock starts, as a server would; a few searches that
    are not counted come first.

    Args:
        queries: (n, width) float, taken in turn.
        documents: the corpus.
        dims: prefix lengths.
        n_queries: searches to time per dim.
        max_bytes: a dim whose documents need more memory than this is left out.

    Returns: dim -> what was measured; without the dims that were left out.
    """
    import torch

    found = {}
    for dim in dims:
        if documents.n_rows * dim * 4 > max_bytes:
            continue
        scaled = ScaledRows.of(documents, (dim,))
        k = min(N_HITS, documents.n_rows)
        taken = []
        for number in range(N_WARM_UP + n_queries):
            row = number % len(queries)
            asked = queries[row : row + 1]
            started = time.perf_counter()
            search_dim(asked, scaled, dim, k)
            taken.append(1e3 * (time.perf_counter() - started))
        p50, p99 = np.percentile(taken[N_WARM_UP:], [50, 99]).tolist()
        found[dim] = Latency(dim, p50, p99, n_queries, documents.n_rows, torch.get_num_threads())
    return found


def latency_table(
    found: Mapping[int, Latency], dims: Sequence[int], n_documents: int, why_not: str = TOO_LARGE
) -> ExtraTable:
    """The latencies as a table that says on what they were measured; a dim without one has empty fields.

    Args:
        found: what was measured.
        dims: what a row is wanted for.
        n_documents: size of the corpus.
        why_not: why a dim was not measured.
    """
    rows = tuple(
        (dim, found[dim].p50_ms, found[dim].p99_ms, found[dim].n_queries, 4 * dim * n_documents)
        if dim in found
        else (dim, None, None, None, 4 * dim * n_documents)
        for dim in dims
    )
    notes = []
    if found:
        one = next(iter(found.values()))
        host = machine()
        notes = [
            f"exact search of {n_documents:,} documents held in memory, one query at a time, best "
            f"{min(N_HITS, n_documents)}, {N_WARM_UP} searches to warm up that are not counted",
            f"host: {host['cpu']}, {host['cores']} cores, {one.threads} threads; encoding the query is not included",
        ]
    if missing := [str(dim) for dim in dims if dim not in found]:
        notes.append(f"not timed at {', '.join(missing)}: {why_not}")
    notes.append("one host and one corpus, whatever else ran beside: not for capacity planning")
    columns = ("Dim", "p50 ms/query", "p99 ms/query", "Queries", "Passage bytes")
    return ExtraTable("latency", "Time of one query by dims kept", columns, rows, tuple(notes))
