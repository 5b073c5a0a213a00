"""What a comparison says: shares, differences with their controls, the head to keep, the dim to recommend."""

from collections.abc import Sequence
from dataclasses import dataclass

from matryo.evaluation.comparisons import differences, recommend, shares
from matryo.evaluation.queries import Queries
from matryo.evaluation.records import Difference, Recommended, Share
from matryo.evaluation.score import PLAIN_CUT, Score
from matryo.experiments.comparison import CONTROL, METHODS, NESTED, ROTATION, Fitted, Say, compare
from matryo.experiments.floor import Floor, bm25_floor
from matryo.experiments.paired import EncodedPairs
from matryo.maps import HeadSettings, MatrixMap
from matryo.measures.measure import Measure
from matryo.measures.ranking import evaluate
from matryo.search.exact import search_prefixes

HEADS = (CONTROL, NESTED)


@dataclass(frozen=True)
class Choice:
    """The map to keep, chosen on the validation part.

    Attributes:
        method: its method.
        seed: its seed.
        fitted: the map.
        values: (method, seed) -> mean of the measure on the validation part, of every candidate.
    """

    method: str
    seed: int
    fitted: MatrixMap
    values: dict[tuple[str, int], float]


@dataclass(frozen=True)
class Study:
    """A comparison and what follows from it.

    Attributes:
        queries: the test queries with their groups.
        found: method -> what came of it.
        floor: BM25; None where there are no texts.
        choice: the map to keep.
        shares: of the plain full width and of the same map's own full width.
        differences: head minus rotation, nested head minus its control, at every dim.
        recommendations: smallest dim shown to keep 95 % of each map's own full width.
    """

    queries: Queries
    found: dict[str, Fitted]
    floor: Floor | None
    choice: Choice
    shares: list[Share]
    differences: list[Difference]
    recommendations: list[Recommended]

    @property
    def scores(self) -> list[Score]:
        """Every score: floor, pooled ones, then each seed of what was trained."""
        pooled = [score for fitted in self.found.values() for score in fitted.pooled]
        single = [score for name in HEADS for score in self.found[name].runs]
        return [*(self.floor.scores if self.floor else []), *pooled, *single]


def study(
    data: EncodedPairs,
    dims: tuple[int, ...],
    measure: Measure,
    *,
    model: str,
    seeds: Sequence[int],
    target_dim: int,
    settings: HeadSettings | None = None,
    say: Say = lambda line: None,
) -> Study:
    """Compare every method and draw the conclusions.

    Args:
        data: encoded pairs.
        dims: strictly rising prefix lengths, the last one the width.
        measure: e.g. MRR@10.
        model: name of the encoder.
        seeds: of the trainings; the first also seeds the bootstrap.
        target_dim: one of `dims`, at which the map to keep is chosen on the validation part.
        settings: of the heads.
        say: told when a step is finished.

    Returns: Study.
    """
    found = compare(data, dims, measure, model=model, seeds=seeds, settings=settings, say=say)
    queries = data.test_queries
    seed = seeds[0]
    # each side is one object wherever it occurs, so that it is resampled once
    sides = {(name, dim): fitted.at(dim) for name, fitted in found.items() for dim in dims}
    named = {
        f"{head} vs {ROTATION} at {dim}": (sides[head, dim], sides[ROTATION, dim]) for head in HEADS for dim in dims
    }
    named |= {f"{NESTED} vs {CONTROL} at {dim}": (sides[NESTED, dim], sides[CONTROL, dim]) for dim in dims}
    return Study(
        queries=queries,
        found=found,
        floor=bm25_floor(data.task, [measure], seed=seed) if data.task else None,
        choice=choose_head(data, found, target_dim, measure, seeds),
        shares=[share for name in found for share in _shares(sides, name, dims, queries, seed)],
        differences=differences(named, queries, seed=seed),
        recommendations=[
            recommend(found[method.name].runs, queries, seed=seed) for method in METHODS if method.runs != "draws"
        ],
    )


def _shares(
    sides: dict[tuple[str, int], list[Score]], name: str, dims: tuple[int, ...], queries: Queries, seed: int
) -> list[Share]:
    """Shares of one method: of the plain full width at every dim, then of its own full width."""
    full = dims[-1]
    own = [(sides[name, dim], sides[name, full]) for dim in dims[:-1]]
    if name == PLAIN_CUT:
        return shares(own, queries, seed=seed)
    return shares([*((sides[name, dim], sides[PLAIN_CUT, full]) for dim in dims), *own], queries, seed=seed)


def choose_head(
    data: EncodedPairs, found: dict[str, Fitted], dim: int, measure: Measure, seeds: Sequence[int]
) -> Choice:
    """The head and seed with the best mean at one dim on the validation part; the test part is not looked at."""
    judged = data.judge_rows(data.parts["validation"])
    asked = data.queries[data.parts["validation"]]
    values: dict[tuple[str, int], float] = {}
    maps: dict[tuple[str, int], MatrixMap] = {}
    for name in HEADS:
        for seed, fitted in zip(seeds, found[name].maps, strict=True):
            hits = search_prefixes(
                fitted.apply(asked), fitted.apply(data.documents), (dim,), measure.k or len(data.documents)
            )
            values[name, seed] = float(evaluate(hits[dim], judged, [measure])[measure].mean())
            maps[name, seed] = fitted
    best = max(values, key=lambda key: values[key])
    return Choice(*best, maps[best], values)
