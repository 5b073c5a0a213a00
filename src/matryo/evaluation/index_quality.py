"""What an index finds of what exact search finds, how good that is, how long it takes and what it costs."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError, ShapeError
from matryo.evaluation.curve import curve_of_hits, search_depth
from matryo.evaluation.queries import Queries
from matryo.evaluation.score import Score
from matryo.hits import MISSING, Hits
from matryo.measures.judged import Judged
from matryo.measures.measure import Measure
from matryo.measures.statistics import bootstrap_mean
from matryo.prefix import Array
from matryo.search.base import Index, IndexFacts

SAME_SCORE = 1e-6
N_SINGLE = 200
BATCH = 1_000
N_WARM_UP = 20


@dataclass(frozen=True)
class SearchTimes:
    """How long searches take with some number of threads; encoding the query is not part of it.

    Attributes:
        threads: that torch, and FAISS if it is loaded, may use.
        p50_ms: half of the single queries took at most this.
        p99_ms: 99 of 100 took at most this.
        n_single: single queries that were timed.
        batch: queries searched together.
        batch_s: seconds that this took.
        queries_per_s: queries of that batch per second.
        n_warm_up: single queries that came first and are not counted.
    """

    threads: int
    p50_ms: float
    p99_ms: float
    n_single: int
    batch: int
    batch_s: float
    queries_per_s: float
    n_warm_up: int


@dataclass(frozen=True)
class IndexQuality:
    """One index on one set of queries.

    Attributes:
        label: its name in tables and plots.
        facts: what it is and what it costs.
        k: hits per query that the recall is of.
        n_queries: queries that the recall is a mean over.
        recall: mean share of the exact best k that was found.
        recall_low: lower end of its 95 % interval, NaN where none can be had.
        recall_high: upper end.
        scores: of the measures asked for, if there are judgements.
        times: one per number of threads.
        bytes_per_vector: memory that a search needs, per row.
    """

    label: str
    facts: IndexFacts
    k: int
    n_queries: int
    recall: float
    recall_low: float
    recall_high: float
    scores: tuple[Score, ...]
    times: tuple[SearchTimes, ...]
    bytes_per_vector: float


def neighbour_recall(exact: Hits, found: Hits) -> NDArray[np.float64]:
    """Share of the exact best k that was found, per query.

    A row that scores as the k-th exact one, within 1e-6, counts like it: which of equal rows is listed is chance.

    Args:
        exact: (n, k) hits of exact search.
        found: (n, >= k) hits of the same queries; only the best k count.

    Returns: (n,) within 0..1; 1 where there was nothing to find.
    Raises: ShapeError if the queries or k do not fit.

    >>> exact = Hits(np.array([[4, 7]]), np.array([[0.9, 0.5]], dtype=np.float32))
    >>> neighbour_recall(exact, Hits(np.array([[4, 8]]), np.array([[0.9, 0.4]], dtype=np.float32)))
    array([0.5])
    """
    if len(exact) != len(found) or found.k < exact.k:
        raise ShapeError(
            f"recall needs hits of the same queries, at least k of each, got {found.rows.shape} and "
            f"{exact.rows.shape}; search both for the same k"
        )
    first = found.first(exact.k)
    wanted = exact.rows != MISSING
    n_wanted = wanted.sum(axis=1)
    shares = np.ones(len(exact))
    for at in np.flatnonzero(n_wanted):
        last = exact.scores[at, n_wanted[at] - 1]
        same = np.isin(first.rows[at], exact.rows[at][wanted[at]])
        tied = np.abs(first.scores[at] - last) <= SAME_SCORE
        hits = (same | tied) & (first.rows[at] != MISSING)
        shares[at] = min(1.0, np.count_nonzero(hits) / n_wanted[at])
    return shares


def time_index(
    index: Index,
    queries: Array,
    k: int,
    *,
    threads: Sequence[int],
    n_single: int = N_SINGLE,
    batch: int = BATCH,
    n_warm_up: int = N_WARM_UP,
) -> tuple[SearchTimes, ...]:
    """Time single queries and one batch, for each number of threads.

    Queries are taken in turn, and repeated where there are fewer than are to be timed. Before the batch is timed once,
    it is searched once.

    Args:
        index: what is searched.
        queries: (n, width) float, at least one.
        k: hits per query.
        threads: numbers of threads; NumPy's own products are not held to them.
        n_single: single queries to time.
        batch: queries of the batch.
        n_warm_up: single queries that come first and are not counted.

    Returns: one per number of threads, in their order; the settings of torch and FAISS are as before.
    Raises: MatryoError if there are no queries or a number is below 1; what `search` raises.
    """
    if not len(queries) or min((*threads, n_single, batch), default=1) < 1 or n_warm_up < 0:
        raise MatryoError(
            f"timing needs queries, threads, n_single and batch of at least 1, got {len(queries)} queries, threads "
            f"{tuple(threads)}, n_single {n_single}, batch {batch}; raise them"
        )
    many = np.take(queries, np.arange(batch) % len(queries), axis=0)
    found = []
    for number in threads:
        with _threads(number):
            taken = [
                _seconds(index, queries[row : row + 1], k)
                for row in (one % len(queries) for one in range(n_warm_up + n_single))
            ]
            index.search(many, k)
            batch_s = _seconds(index, many, k)
        p50, p99 = (1e3 * np.percentile(taken[n_warm_up:], [50, 99])).tolist()
        found.append(SearchTimes(number, p50, p99, n_single, batch, batch_s, batch / batch_s, n_warm_up))
    return tuple(found)


def measure_index(
    index: Index,
    label: str,
    queries: Array,
    exact: Hits,
    *,
    judged: Judged | None = None,
    measures: Sequence[Measure] = (),
    groups: Mapping[str, str] | None = None,
    dataset: str = "",
    threads: Sequence[int] | None = None,
    n_single: int = N_SINGLE,
    batch: int = BATCH,
    seed: int = 0,
) -> IndexQuality:
    """Measure one index: recall against exact search, measures, times, bytes.

    Recall is over all queries, the measures over those with a relevant document. Both have 95 % intervals.

    Args:
        index: loaded from its folder if its bytes on disk are to be told.
        label: its name.
        queries: (n, width) float, in the order of `judged`.
        exact: (n, k) hits of exact search at the full width; k is what recall is of and what is timed.
        judged: what is relevant; needed for measures.
        measures: none without judgements.
        groups: query id -> group that the bootstrap draws as a whole; needs `judged`.
        dataset: name for the scores.
        threads: numbers of threads to time with; None = one and all; () = nothing is timed.
        n_single: single queries to time.
        batch: queries of the timed batch.
        seed: of the bootstrap.

    Raises: MatryoError if measures or groups come without judgements; ShapeError if queries, judgements and hits do
        not fit; what `search` raises.
    """
    if judged is None and (measures or groups):
        raise MatryoError(f"measures and groups need judgements, got {len(measures)} measures and none; pass judged")
    found = index.search(queries, exact.k)
    labels = None if judged is None else Queries.of(judged.query_ids, groups).numbers
    recall = bootstrap_mean(neighbour_recall(exact, found), labels, seed=seed)
    facts = index.facts()
    scores: list[Score] = []
    if judged is not None and measures:
        depth = search_depth(measures)
        # a search for more hits would keep longer shortlists than the one that is timed
        hits = found if depth <= exact.k else index.search(queries, depth)
        scores = curve_of_hits(
            {facts.dim: hits}, judged, measures, groups=groups, dataset=dataset, model=label, seed=seed
        )
    chosen = one_and_all_threads() if threads is None else threads
    times = time_index(index, queries, exact.k, threads=chosen, n_single=n_single, batch=batch) if chosen else ()
    facts = index.facts()  # an index that scales rows at its first search holds them from then on
    per_vector = facts.resident_bytes / max(1, index.n_rows)
    return IndexQuality(
        label=label,
        facts=facts,
        k=exact.k,
        n_queries=len(exact),
        recall=recall.value,
        recall_low=recall.low,
        recall_high=recall.high,
        scores=tuple(scores),
        times=times,
        bytes_per_vector=per_vector,
    )


def one_and_all_threads() -> tuple[int, ...]:
    """One thread, and as many as torch is set to, if that is more."""
    import torch

    return tuple(sorted({1, torch.get_num_threads()}))


def _seconds(index: Index, queries: Array, k: int) -> float:
    started = time.perf_counter()
    index.search(queries, k)
    return time.perf_counter() - started


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Let torch, and FAISS if anything has loaded it, use this many threads for a while."""
    import torch

    faiss = sys.modules.get("faiss")
    before = torch.get_num_threads(), faiss.omp_get_max_threads() if faiss else 0
    torch.set_num_threads(number)
    if faiss:
        faiss.omp_set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        if faiss:
            faiss.omp_set_num_threads(before[1])
