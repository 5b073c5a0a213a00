"""The two tables of a dense-retrieval run: what stands before any training, and arms by dims with time and bytes."""

from collections.abc import Mapping, Sequence

from matryo.evaluation.results import ExtraTable
from matryo.evaluation.score import PLAIN_CUT, Score
from matryo.experiments.comparison import RANDOM, ROTATION
from matryo.experiments.floor import FLOOR
from matryo.experiments.latency import Latency

# they keep every similarity of the full width, so that at the full width they are the plain cut
_SAME_AT_FULL = (RANDOM, ROTATION)


def baseline_table(scores: Sequence[Score], start: str, measures: Sequence[str], width: int) -> ExtraTable:
    """BM25 and the untrained model at its full width.

    Args:
        scores: pooled ones, of BM25 too.
        start: name of the untrained model.
        measures: as printed, in order.
        width: of the model.
    """
    rows = []
    for model, name, dim in dict.fromkeys((s.model, s.map, s.dim) for s in scores):
        if name == FLOOR:
            rows.append(("BM25", *_values(scores, model, name, dim, measures)))
        elif model == start and dim == width and name not in _SAME_AT_FULL:
            label = start if name == PLAIN_CUT else f"{start} + {name}"
            rows.append((label, *_values(scores, model, name, dim, measures)))
    return ExtraTable(
        "baseline",
        f"Baseline: without training the model, at {width} numbers",
        ("Method", *measures),
        tuple(rows),
        ("a rotation and a permutation of the columns keep every similarity of the full width: same values here",),
    )


def dense_table(
    scores: Sequence[Score],
    arms: Mapping[str, str],
    dims: Sequence[int],
    measures: Sequence[str],
    latency: Mapping[int, Latency],
    n_documents: int,
) -> ExtraTable:
    """One row per arm and dim, the widest first.

    Args:
        scores: pooled ones.
        arms: name -> map of its own prefixes, in order.
        dims: strictly rising.
        measures: as printed, in order.
        latency: dim -> time of one query; empty where nothing was timed.
        n_documents: documents searched.
    """
    rows = [
        (
            arm,
            dim,
            *_values(scores, arm, name, dim, measures),
            latency[dim].p50_ms if dim in latency else None,
            4 * dim * n_documents,
        )
        for arm, name in arms.items()
        for dim in reversed(dims)
    ]
    n_seeds = {s.n_seeds for s in scores if s.model in arms and s.n_seeds}
    notes = [f"mean of {n} seeds" for n in n_seeds if n > 1]
    notes += [
        "recall@K is the share of a query's relevant documents within the best K; hit@K is 1 if any is",
        "search ms/query: median of one query at a time, the same for every arm, see the table of times; "
        "passage bytes: 4 per number",
    ]
    return ExtraTable(
        "dense_retrieval",
        "Dense retrieval by arm and dims kept",
        ("Model", "Dim", *measures, "Search ms/query", "Passage bytes"),
        tuple(rows),
        tuple(notes),
    )


def _values(
    scores: Sequence[Score], model: str, name: str, dim: int, measures: Sequence[str]
) -> tuple[float | None, ...]:
    found = {s.measure: s.value for s in scores if (s.model, s.map, s.dim) == (model, name, dim)}
    return tuple(found.get(measure) for measure in measures)
