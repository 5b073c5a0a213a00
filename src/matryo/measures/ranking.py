"""Ranking measures of every query at once, with trec_eval's definitions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError, ShapeError
from matryo.hits import MISSING, Hits
from matryo.measures.judged import Judged, judge
from matryo.measures.measure import Measure

__all__ = ["Judged", "Measure", "evaluate", "judge"]


def evaluate(hits: Hits, judged: Judged, measures: Sequence[Measure]) -> dict[Measure, NDArray[np.float64]]:
    """Values of each measure for each query.

    A hit counts as relevant if its grade is above 0; what was not judged is not relevant. With r the ranks (from 1)
    of relevant hits among the first k, R the relevant documents of the query and g their grades:

        MRR     1 / smallest r
        nDCG    sum of g / log2(r + 1), over the same sum for the ideal order of all judged documents
        recall  number of r, over R            hit   1 if there is an r, else 0
        MAP     sum over r of (number of r' <= r) / r, over R
        P       number of r, over k, also where fewer than k documents were found

    A query without a relevant document gets 0 in every measure, as trec_eval has it; `judged.has_relevant` tells
    which ones to take means over.

    Args:
        hits: rows of the documents that `judged` is bound to, for its queries in their order.
        judged: see `judge`.
        measures: what to compute; without a cutoff over all hits given.

    Returns: measure -> (n_queries,) float64.
    Raises: ShapeError if the hits are not of these queries and documents; MatryoError if a query's hits repeat a row
        or have gaps, or a cutoff exceeds the hits while documents are left that were not ranked.
    Source: trec_eval 9 (NIST), its recip_rank, ndcg_cut, recall, success, map_cut and P.

    >>> judged = judge({"q": {"b": 1}}, ["q"], ["a", "b", "c"])
    >>> hits = Hits(np.array([[0, 1]]), np.array([[0.9, 0.8]], dtype=np.float32))
    >>> evaluate(hits, judged, [Measure("MRR", 2)])
    {Measure(name='MRR', k=2): array([0.5])}
    """
    _check(hits, judged, measures)
    ranked = _rank(hits, judged)
    return {measure: _VALUES[measure.name](ranked, measure.k) for measure in measures}


@dataclass(frozen=True)
class _Ranked:
    """What all measures are computed from; a hit is one relevant document at one place."""

    judged: Judged
    query: NDArray[np.int64]  # of each relevant hit, rising
    rank: NDArray[np.int64]  # from 1, rising within a query
    grade: NDArray[np.int64]

    def sums(self, weights: NDArray[np.float64], k: int | None) -> NDArray[np.float64]:
        """Sum over the relevant hits of each query that are within k."""
        chosen = slice(None) if k is None else self.rank <= k
        summed = np.bincount(self.query[chosen], weights[chosen], minlength=self.judged.n_queries)
        return summed.astype(np.float64)

    def counts(self, k: int | None) -> NDArray[np.float64]:
        """Number of relevant hits of each query within k."""
        return self.sums(np.ones(len(self.rank)), k)


def _check(hits: Hits, judged: Judged, measures: Sequence[Measure]) -> None:
    if len(hits) != judged.n_queries:
        raise ShapeError(f"hits must be of the judged queries, got {len(hits)} for {judged.n_queries}; search them all")
    if hits.rows.size and not MISSING <= hits.rows.min() <= hits.rows.max() < judged.n_documents:
        raise ShapeError(
            f"hits must be rows 0..{judged.n_documents - 1} or -1, got {hits.rows.min()}..{hits.rows.max()}; "
            "judge the documents that were searched"
        )
    missing = hits.rows == MISSING
    if (missing[:, :-1] & ~missing[:, 1:]).any():
        raise MatryoError("hits must be best first without gaps, got a row behind a missing one; see matryo.hits.best")
    ordered = np.sort(hits.rows, axis=1)
    repeated = ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != MISSING)).any(axis=1)
    if repeated.any():
        query = judged.query_ids[int(np.flatnonzero(repeated)[0])]
        raise MatryoError(f"a document may be found once per query, got a repetition for {query!r}; merge hits first")
    deepest = max((measure.k for measure in measures if measure.k is not None), default=0)
    # a query whose last place is missing had nothing more to be found
    cut_short = hits.k < judged.n_documents and not missing[:, -1:].any(axis=1).all()
    if deepest > hits.k and cut_short:
        raise MatryoError(
            f"a cutoff of {deepest} needs as many hits per query, got {hits.k} of {judged.n_documents} documents; "
            f"search with k={deepest} or more"
        )


def _rank(hits: Hits, judged: Judged) -> _Ranked:
    """Look up the grade of every hit by one sorted key over (query, row)."""
    keys = judged.owners * judged.n_documents + judged.rows
    relevant = judged.grades > 0
    keys, grades = keys[relevant], judged.grades[relevant]
    wanted = np.arange(judged.n_queries, dtype=np.int64)[:, None] * judged.n_documents + hits.rows
    place = np.searchsorted(keys, wanted)
    found = place < len(keys)
    found[found] = keys[place[found]] == wanted[found]
    found &= hits.rows != MISSING  # its key would be the last row of the query before
    query, column = np.nonzero(found)
    return _Ranked(judged, query, column + 1, grades[place[query, column]])


def _divided(top: NDArray[np.float64], bottom: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quotient, 0 where the bottom is 0."""
    return np.divide(top, bottom, out=np.zeros(len(top)), where=bottom > 0)


def _mrr(ranked: _Ranked, k: int | None) -> NDArray[np.float64]:
    first = np.ones(len(ranked.query), dtype=bool)
    first[1:] = ranked.query[1:] != ranked.query[:-1]
    return ranked.sums(np.where(first, 1.0 / ranked.rank, 0.0), k)


def _ndcg(ranked: _Ranked, k: int | None) -> NDArray[np.float64]:
    found = ranked.sums(ranked.grade / np.log2(ranked.rank + 1.0), k)
    judged = ranked.judged
    relevant = judged.grades > 0
    owners, grades = judged.owners[relevant], judged.grades[relevant]
    order = np.lexsort((-grades, owners))
    starts = np.cumsum(judged.n_relevant) - judged.n_relevant
    rank = np.arange(len(owners)) - starts[owners] + 1
    ideal = _Ranked(judged, owners, rank, grades[order])
    return _divided(found, ideal.sums(ideal.grade / np.log2(ideal.rank + 1.0), k))


def _recall(ranked: _Ranked, k: int | None) -> NDArray[np.float64]:
    return _divided(ranked.counts(k), ranked.judged.n_relevant.astype(np.float64))


def _hit(ranked: _Ranked, k: int | None) -> NDArray[np.float64]:
    return (ranked.counts(k) > 0).astype(np.float64)


def _map(ranked: _Ranked, k: int | None) -> NDArray[np.float64]:
    totals = ranked.counts(None).astype(np.int64)
    before = np.cumsum(totals) - totals
    so_far = np.arange(len(ranked.query)) - before[ranked.query] + 1
    return _divided(ranked.sums(so_far / ranked.rank, k), ranked.judged.n_relevant.astype(np.float64))


def _precision(ranked: _Ranked, k: int | None) -> NDArray[np.float64]:
    if k is None:
        raise MatryoError("P needs a cutoff, got none; write e.g. P@10")
    return ranked.counts(k) / k


_VALUES = {"MRR": _mrr, "nDCG": _ndcg, "recall": _recall, "hit": _hit, "MAP": _map, "P": _precision}
