"""Retrieval in a migration between two models: keep the old one, translate, or encode everything anew.

One map from space A toward space B serves two migrations, and both are judged:

- A is the old model, its vectors are stored: they are translated into B's space, and B asks natively
  ("move the index").
- B is the old model, its vectors are stored and stay: A, the new model, asks, and its queries are translated into B's
  space ("query the old index").

A second map, from B toward A, gives each of the two migrations its other way. "Swap" is what happens if nobody
translates: the new model asks, the old vectors answer, the shorter side filled up with zeros.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from matryo.evaluation.curve import curve_of_hits, search_depth
from matryo.evaluation.queries import Queries
from matryo.evaluation.score import Score
from matryo.evaluation.translation import widened
from matryo.evaluation.translation_verdict import Bridging, judge_bridging
from matryo.hits import Hits
from matryo.maps import SpaceRows, Translator, translated
from matryo.maps.translator import compatible
from matryo.measures.judged import Judged
from matryo.measures.measure import Measure
from matryo.prefix import Array, cut
from matryo.search.exact import search_dim, search_prefixes

Way = Literal["documents translated", "queries translated"]
MEASURES = (Measure("nDCG", 10), Measure("recall", 10))
STORED: Final = "documents translated"
ASKED: Final = "queries translated"
SWAP = "swap, nothing translated"


@dataclass(frozen=True, eq=False)
class Asked:
    """One retrieval task in one space.

    Attributes:
        name: of the model.
        documents: vectors of the documents, in the order of the judgements.
        queries: vectors of the queries, in their order.
    """

    name: str
    documents: SpaceRows
    queries: SpaceRows


@dataclass(frozen=True, eq=False)
class Migration:
    """One way from an old model to a new one, in one measure.

    Attributes:
        old: name of the old model.
        new: name of the new one.
        way: which side is translated.
        map: kind of the map.
        measure: what judges.
        keep: the old model on both sides.
        bridged: with the translation.
        swap: the new model asks the old vectors as they are.
        reencode: the new model on both sides.
        bridging: what the translation wins, and the verdict.
    """

    old: str
    new: str
    way: Way
    map: str
    measure: Measure
    keep: Score
    bridged: Score
    swap: Score
    reencode: Score
    bridging: Bridging

    @property
    def name(self) -> str:
        """The migration in a few words."""
        return f"{self.old} to {self.new}, {self.way}"

    def sentence(self) -> str:
        """The verdict in words."""
        return self.bridging.sentence(self.old, self.new, str(self.measure))


@dataclass(frozen=True, eq=False)
class TranslatedRetrieval:
    """Everything that was measured with judgements.

    Attributes:
        scores: of every arm and measure, each once.
        queries: that the scores are means over.
        migrations: every way in every measure.
    """

    scores: tuple[Score, ...]
    queries: Queries
    migrations: tuple[Migration, ...]


def measure_migrations(
    fitted: Translator,
    a: Asked,
    b: Asked,
    judged: Judged,
    *,
    back: Translator | None = None,
    measures: Sequence[Measure] = MEASURES,
    groups: Mapping[str, str] | None = None,
    dataset: str,
    seed: int = 0,
    n_draws: int = 10_000,
) -> TranslatedRetrieval:
    """Judge every way that one map, or two of opposite directions, give from one model to the other.

    Args:
        fitted: map from the space of `a` toward that of `b`.
        a: the task in the map's source space.
        b: the same task in the space that it imitates.
        judged: what is relevant.
        back: map of the other direction, None if there is none.
        measures: what judges, the deciding one first.
        groups: query id -> group that the bootstrap draws as a whole.
        dataset: name for the scores.
        seed: of the bootstrap.
        n_draws: bootstrap draws.

    Raises: SpaceError if a map does not lead from the one space toward the other; MatryoError if no query counts.
    """
    k, scores = search_depth(measures), list[Score]()
    counted = Queries.of(judged.counted_ids, groups)
    labels = counted.groups or None

    def scored(hits: Hits, model: str, kind: str, dim: int) -> list[Score]:
        found = curve_of_hits(
            {dim: hits}, judged, measures, groups=groups, dataset=dataset, model=model, map=kind, seed=seed,
            n_draws=n_draws,
        )  # fmt: skip
        scores.extend(found)
        return found

    own = {side.name: scored(_native(side, k), side.name, "none", side.documents.width) for side in (a, b)}
    swaps = {}
    for new, old in ((a, b), (b, a)):
        swapped = widened(everything(new.queries), old.documents.width)
        hits = search_dim(swapped, old.documents, old.documents.width, k)
        swaps[new.name] = scored(hits, f"{new.name} asks {old.name}", SWAP, old.documents.width)
    migrations: list[Migration] = []
    for one, source, target in ((fitted, a, b), (back, b, a)):
        if one is None:
            continue
        width = compatible(one, target.documents.space)
        ways: tuple[tuple[Way, str, str, Hits], ...] = (
            (STORED, source.name, target.name, stored_translated(one, source, target, (width,), k)[width]),
            (ASKED, target.name, source.name, _asked_translated(one, source, target, k)),
        )
        for way, old_name, new_name, hits in ways:
            bridged = scored(hits, f"{old_name} to {new_name}, {way}", one.kind, width)
            for place, measure in enumerate(measures):
                arms = own[old_name][place], bridged[place], own[new_name][place]
                keep, translation, reencode = arms
                swap = swaps[new_name][place]
                values = [_per_query(arm) for arm in arms]
                bridging = judge_bridging(
                    values[0], values[1], values[2], labels, swapped=_per_query(swap), n_draws=n_draws, seed=seed
                )
                migrations.append(
                    Migration(old_name, new_name, way, one.kind, measure, keep, translation, swap, reencode, bridging)
                )
    return TranslatedRetrieval(tuple(scores), counted, tuple(migrations))


def stored_translated(fitted: Translator, source: Asked, target: Asked, dims: Sequence[int], k: int) -> dict[int, Hits]:
    """Native queries of the target against translated documents of the source, at prefixes of the target."""
    documents = translated(fitted, source.documents)
    return search_prefixes(cut(everything(target.queries), documents.width), documents, dims, k)


def everything(rows: SpaceRows) -> Array:
    """All rows that count, in memory."""
    return rows.read(slice(0, rows.n_rows), 0, rows.width)


def _native(side: Asked, k: int) -> Hits:
    return search_dim(everything(side.queries), side.documents, side.documents.width, k)


def _asked_translated(fitted: Translator, source: Asked, target: Asked, k: int) -> Hits:
    """Translated queries of the source against native documents of the target."""
    queries = translated(fitted, source.queries)
    asked = queries.read(slice(0, queries.n_rows), 0, queries.width)
    # where the map gives a prefix, that prefix of the stored vectors answers; the search cuts both
    return search_dim(widened(asked, target.documents.width), target.documents, queries.width, k)


def _per_query(score: Score) -> NDArray[np.float64]:
    assert score.per_query is not None  # our own logic: it was measured a moment ago
    return score.per_query
