"""Retrieval quality at every dim, from one search over one encode."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings.vectors import Vectors
from matryo.errors import MatryoError
from matryo.evaluation.queries import Queries
from matryo.evaluation.score import PLAIN_CUT, Score
from matryo.hits import Hits
from matryo.measures.intervals import mean_interval
from matryo.measures.judged import Judged
from matryo.measures.measure import Measure
from matryo.measures.ranking import evaluate
from matryo.measures.resample import check_draws, resampled_means
from matryo.prefix import Array
from matryo.search.exact import search_prefixes

_DEPTH_WITHOUT_CUTOFF = 1_000


def search_depth(measures: Iterable[Measure]) -> int:
    """Hits per query that the measures need: their largest cutoff, 1,000 if one of them has none (as TREC runs do)."""
    return max(_DEPTH_WITHOUT_CUTOFF if measure.k is None else measure.k for measure in measures)


def retrieval_curve(
    queries: Array,
    documents: Array | Vectors,
    judged: Judged,
    dims: Sequence[int],
    measures: Sequence[Measure],
    *,
    groups: Mapping[str, str] | None = None,
    dataset: str,
    model: str,
    map: str = PLAIN_CUT,
    trained_seed: int | None = None,
    k: int | None = None,
    threads: int | None = None,
    seed: int = 0,
    n_draws: int = 10_000,
    level: float = 0.95,
) -> list[Score]:
    """Measure retrieval at every dim in one pass over the documents.

    Queries without a relevant document are left out of every mean; `judged.notes` says how many, for the report.

    Args:
        queries: (n_queries, width) float, in the order of `judged`.
        documents: (n_documents, width) float or a set, in the order of `judged`.
        judged: what is relevant.
        dims: prefix lengths in any order.
        measures: at least one.
        groups: query id -> group that the bootstrap draws as a whole; None or empty = every query is its own.
        dataset: name for the scores.
        model: name for the scores.
        map: name for the scores, "none" for the plain cut.
        trained_seed: seed of a trained map, for the scores.
        k: hits per query; by default what `search_depth` says.
        threads: of the search.
        seed: of the bootstrap.
        n_draws: bootstrap draws, shared by all dims and measures.
        level: of the intervals.

    Returns: one score per dim (rising) and measure (as given), with per-query values of the counted queries.
    Raises: ShapeError if vectors and judgements do not fit; MatryoError if no query counts or settings are bad.
    """
    _check_measures(measures)
    hits = search_prefixes(queries, documents, dims, search_depth(measures) if k is None else k, threads=threads)
    return curve_of_hits(
        hits,
        judged,
        measures,
        groups=groups,
        dataset=dataset,
        model=model,
        map=map,
        trained_seed=trained_seed,
        seed=seed,
        n_draws=n_draws,
        level=level,
    )


def curve_of_hits(
    hits_per_dim: Mapping[int, Hits],
    judged: Judged,
    measures: Sequence[Measure],
    *,
    groups: Mapping[str, str] | None = None,
    dataset: str,
    model: str,
    map: str = PLAIN_CUT,
    trained_seed: int | None = None,
    seed: int = 0,
    n_draws: int = 10_000,
    level: float = 0.95,
) -> list[Score]:
    """Measure hits that are there already; dim 0 stands for a search without vectors, such as BM25.

    Arguments, result and errors as in `retrieval_curve`.
    """
    check_draws(n_draws, level)
    _check_measures(measures)
    counted = judged.has_relevant
    if not counted.any():
        raise MatryoError(f"no query of {dataset!r} has a relevant document, got {judged.n_queries} queries; check ids")
    queries = Queries.of(judged.counted_ids, groups)
    values: dict[tuple[int, Measure], NDArray[np.float64]] = {}
    for dim in sorted(hits_per_dim):
        for measure, per_query in evaluate(hits_per_dim[dim], judged, measures).items():
            values[dim, measure] = per_query[counted]
    numbers = queries.numbers
    stacked = np.stack(list(values.values()))[:, None, :]
    means = resampled_means(stacked, numbers, n_draws=n_draws, seed=seed)
    found = []
    for place, ((dim, measure), per_query) in enumerate(values.items()):
        interval = mean_interval(stacked[place], means[:, place], numbers, level)
        found.append(
            Score(
                dataset=dataset,
                model=model,
                map=map,
                dim=dim,
                measure=str(measure),
                value=interval.value,
                low=interval.low,
                high=interval.high,
                n=interval.n,
                seed=trained_seed,
                n_groups=interval.n_groups if queries.groups else None,
                per_query=per_query,
            )
        )
    return found


def _check_measures(measures: Sequence[Measure]) -> None:
    if not measures or len(set(measures)) < len(measures):
        named = [str(measure) for measure in measures]
        raise MatryoError(f"measures must be one or more, each once, got {named}; give e.g. nDCG@10 and recall@100")
