"""Which index for this corpus: dims, bits and shortlists are measured, and the cheapest that keeps the limits is named.

Costs are bytes read per query, because they hold what has to lie in memory and what is read to rescore, and do not
depend on what else the machine does. All shortlists come from the ranks of the exact neighbours, one scan per dim and
number of bits; only what is timed is built.
"""

from dataclasses import dataclass
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError
from matryo.experiments.comparison import Say
from matryo.experiments.index_build import Sample
from matryo.experiments.index_candidates import CONFIDENCE, Candidate, Corpus, candidates, n_candidates
from matryo.experiments.index_plan_report import Plan, printed, write_plan
from matryo.experiments.index_queries import Calibration, calibration_queries
from matryo.experiments.settings import ModelSettings
from matryo.hits import check_k
from matryo.maps import MappedVectors, fit_rotation
from matryo.prefix import Array
from matryo.progress import progress as show_progress
from matryo.search.funnel_recall import fewest_queries, recall_bound

_SEED = 0
_SCORES = 200_000_000  # queries times rows of one scan, about two seconds of two cores
_MOST_QUERIES = 2_000


@dataclass(frozen=True)
class Limits:
    """What a recommended index must keep.

    Attributes:
        recall: lower bound of the mean recall@k.
        max_bytes: in memory per vector; None = any.
        max_latency_ms: median of single queries; None = any.
    """

    recall: float
    max_bytes: float | None = None
    max_latency_ms: float | None = None

    def __post_init__(self) -> None:
        """Refuse limits that mean nothing.

        Raises: MatryoError.
        """
        if not 0.0 < self.recall < 1.0:
            raise MatryoError(f"recall must lie between 0 and 1, got {self.recall}; flat search finds everything")
        for name, value in (("bytes", self.max_bytes), ("latency", self.max_latency_ms)):
            if value is not None and not value > 0.0:
                raise MatryoError(f"the limit of {name} must be above 0, got {value}; leave it out for none")

    def broken(self, one: Candidate) -> set[str]:
        """Names of the limits that a candidate does not keep."""
        found = set()
        if one.recall_low < self.recall:
            found.add("recall")
        # to the whole byte: what belongs to a column and not to a row adds a hundredth
        if self.max_bytes is not None and round(one.bytes_per_vector) > self.max_bytes:
            found.add("bytes")
        if self.max_latency_ms is not None and one.p50_ms > self.max_latency_ms:
            found.add("latency")
        return found


def plan_index(
    set_folder: Path,
    *,
    recall: float = 0.99,
    max_bytes: float | None = None,
    max_latency_ms: float | None = None,
    queries: Path | None = None,
    model: ModelSettings | None = None,
    k: int = 10,
    out: Path,
    say: Say = lambda line: None,
    progress: bool = False,
) -> str:
    """Measure indexes of a set and recommend one; writes plan.json, plan.md and the plot.

    Half of the queries chooses each shortlist, the other half says what recall it has. While it runs, the rotated rows
    lie twice on disk, in `out`.

    Args:
        set_folder: of the set.
        recall: mean recall@k to reach, with 95 % confidence.
        max_bytes: in memory per vector at most.
        max_latency_ms: median time of a single query at most.
        queries: a set of queries, a retrieval folder or a file of texts; None = rows of the set stand in.
        model: encodes texts.
        k: hits per query.
        out: folder for what is written.
        say: told what a reader must know.
        progress: show how many candidates are left.

    Returns: what to print: the table, the recommendation and the command that builds it.
    Raises: MatryoError for limits that mean nothing, a set of too few rows or numbers, or queries that do not fit.
    """
    limits = Limits(recall, max_bytes, max_latency_ms)
    check_k(k)
    documents = EmbeddingSet.open(set_folder)
    if documents.n_rows <= k + 1 or documents.width < 2:
        raise MatryoError(
            f"a plan needs more than k + 1 = {k + 1} rows of at least 2 numbers, {set_folder} has "
            f"{documents.n_rows} x {documents.width}; encode more texts, or ask for a smaller k"
        )
    sample = calibration_queries(documents, queries, model, seed=_SEED, progress=progress)
    asked, own_rows, notes = _shuffled(sample, documents.n_rows, recall)
    if len(asked) < 2:
        raise MatryoError(f"a plan needs at least 2 queries, got {len(asked)}; give more")
    for note in notes:
        say(note)
    found: list[Candidate] = []
    n_skipped = 0
    out.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(prefix="rotated-", dir=out) as place,
        show_progress("plan", n_candidates(documents.width), "candidates", shown=progress) as advance,
    ):
        exact = Sample(documents, asked, min(k, documents.n_rows - 1), own_rows, recall).exact()
        rotation = fit_rotation(documents, documents.space)
        rows, ids = MappedVectors(documents, rotation), [str(row) for row in range(documents.n_rows)]
        corpus = Corpus(
            EmbeddingSet.from_numpy(Path(place) / "blocks", rows, ids, space=rotation.target),
            EmbeddingSet.from_numpy(Path(place) / "rows", rows, ids, space=rotation.target, edges=(0, documents.width)),
            rotation.apply(asked),
            exact.rows,
        )
        for one in candidates(corpus, recall):
            found += [one] if one else []
            n_skipped += one is None
            advance(1)
    if n_skipped:
        notes += (f"{n_skipped} candidates are not listed: they would read as much as exact search does",)
    chosen = recommend(found, limits)
    verdict = recommendation(chosen, k) if chosen else why_none(found, limits, len(asked) - len(asked) // 2)
    plan = Plan(
        set_folder=str(set_folder),
        n_rows=documents.n_rows,
        width=documents.width,
        k=k,
        n_queries=len(asked),
        source=sample.source,
        limits=vars(limits),
        candidates=tuple(found),
        chosen=chosen,
        verdict=verdict,
        notes=notes,
        queries="" if queries is None else str(queries),
    )
    write_plan(plan, out)
    return printed(plan, out)


def _shuffled(
    sample: Calibration, n_rows: int, recall: float
) -> tuple[Array, NDArray[np.int64] | None, tuple[str, ...]]:
    """The sample queries in random order, fewer of them over many rows, but enough to confirm the recall."""
    wanted = max(ceil(2.4 * fewest_queries(recall, CONFIDENCE)), _SCORES // n_rows)
    drawn = np.random.default_rng(_SEED).permutation(len(sample.queries))[: min(wanted, _MOST_QUERIES)]
    own = None if sample.own_rows is None else sample.own_rows[drawn]
    return sample.queries[drawn], own, sample.notes


def recommend(found: list[Candidate], limits: Limits) -> Candidate | None:
    """The candidate that keeps all limits and reads the fewest bytes per query; None if none keeps them."""
    kept = [one for one in found if not limits.broken(one)]
    return min(kept, key=lambda one: (one.bytes_read, one.p50_ms), default=None)


def recommendation(one: Candidate, k: int) -> str:
    """One sentence on what is recommended."""
    sizes = f", shortlist {' > '.join(f'{size:,}' for size in one.sizes)}" if one.sizes else ""
    sure = f"at least {one.recall_low:.4f} with 95 % confidence" if one.sizes else "exact"
    return (
        f"recommended: {one.name}{sizes}: recall@{k} {one.recall:.4f} ({sure}), "
        f"{one.bytes_per_vector:,.0f} bytes per vector in memory, {one.p50_ms:.2f} ms per query"
    )


def why_none(found: list[Candidate], limits: Limits, n_verifying: int) -> str:
    """One sentence: the limit that cannot be kept together with the others, and how near a candidate comes."""
    short = recall_bound(np.ones(n_verifying), CONFIDENCE)
    if short < limits.recall:
        return (
            f"{n_verifying} queries that verify cannot show a recall of {limits.recall}: without any miss they show "
            f"{short:.4f}; give at least {2 * fewest_queries(limits.recall, CONFIDENCE):,} queries"
        )
    if others := [one for one in found if limits.broken(one) <= {"latency"}]:
        one = min(others, key=lambda one: one.p50_ms)
        return (
            f"no index keeps the limit of {limits.max_latency_ms:g} ms per query together with the others; nearest is "
            f"{one.name} with {one.p50_ms:.2f} ms"
        )
    if others := [one for one in found if limits.broken(one) <= {"bytes"}]:
        one = min(others, key=lambda one: one.bytes_per_vector)
        return (
            f"no index keeps the limit of {limits.max_bytes:g} bytes per vector together with the others; nearest is "
            f"{one.name} with {one.bytes_per_vector:,.1f} bytes"
        )
    if others := [one for one in found if limits.broken(one) <= {"recall"}]:
        one = max(others, key=lambda one: one.recall_low)
        return (
            f"no index keeps the recall of {limits.recall} together with the other limits; nearest is {one.name}, "
            f"which is shown to have {one.recall_low:.4f}"
        )
    return "no index keeps even all but one of the limits; the table says what each of them costs"
