"""One system of a leak audit: how well it finds partners in the whole gallery, both ways."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from matryo.data.views import Views
from matryo.evaluation.identity_rules import Rule, TextScores
from matryo.evaluation.identity_search import direction_names
from matryo.evaluation.score import number_to_json
from matryo.measures.identity import Columns, Cosines, Ranks, Rivals, Scores, rank_partners, with_partner
from matryo.measures.intervals import Interval
from matryo.measures.statistics import bootstrap_difference, bootstrap_mean
from matryo.prefix import Array, check_dims

Kind = Literal["floor", "structure", "strings", "encoder"]
"""Chance; templates and lengths; shared strings; a model that was trained on other texts."""
N_DRAWS = 2_000


@dataclass(frozen=True)
class Direction:
    """One direction.

    Attributes:
        name: such as "dating->hiring".
        n: queries.
        gallery: texts to choose from.
        hit: share of queries whose partner stands first, ties by expectation.
        mrr: mean reciprocal rank.
    """

    name: str
    n: int
    gallery: int
    hit: float
    mrr: float


@dataclass(frozen=True, eq=False)
class LeakRow:
    """What one system reached.

    Attributes:
        system: its name.
        kind: what it reads.
        texts: "as given" or "names masked".
        hit: hit@1 of the queries of both directions.
        mrr: of the queries of both directions, groups of entities resampled together.
        directions: both, apart.
        reciprocal: (n,) values of single queries, first direction first.
        change: of the MRR against the same system on the texts as given; None for these themselves.
    """

    system: str
    kind: Kind
    texts: str
    hit: Interval
    mrr: Interval
    directions: tuple[Direction, Direction]
    reciprocal: Array
    change: Interval | None = None

    def to_json(self) -> dict[str, Any]:
        """Everything but the values of single queries."""
        return {
            "system": self.system,
            "kind": self.kind,
            "texts": self.texts,
            "hit@1": interval_json(self.hit),
            "MRR": interval_json(self.mrr),
            "change of MRR": None if self.change is None else interval_json(self.change),
            "directions": [asdict(one) for one in self.directions],
        }


def rule_row(views: Views, rule: Rule, system: str, kind: Kind, texts: str, *, seed: int) -> LeakRow:
    """Measure a rule that scores texts.

    Args:
        views: the texts; all of the other domain are the gallery.
        rule: how they are scored.
        system: its name.
        kind: what it reads.
        texts: which form of the texts these are.
        seed: of the intervals.
    """
    there, back = _both(views, lambda a_first: TextScores(rule, *_ordered(views, a_first)))
    return _row(views, there, back, 0, system, kind, texts, seed)


def encoder_rows(
    views: Views, a: Array, b: Array, model: str, dims: tuple[int, ...], texts: str, *, seed: int
) -> tuple[LeakRow, ...]:
    """Measure vectors by their cosines.

    Args:
        views: the texts.
        a: (n, width) float, vectors of the first domain's.
        b: (m, width) float, vectors of the second's.
        model: its name.
        dims: prefix lengths.
        texts: which form of the texts these are.
        seed: of the intervals.

    Returns: one row for each dim, the longest first.
    Raises: ShapeError if dims exceed the width.
    """
    rising = check_dims(dims, a.shape[1])
    columns = [Columns(tuple(map(str, rising)), rising)]
    there, back = _both(views, lambda a_first: Cosines(*((a, b) if a_first else (b, a)), columns))
    return tuple(
        _row(views, there, back, place, f"{model} at {dim}", "encoder", texts, seed)
        for place, dim in reversed(list(enumerate(rising)))
    )


def difference(views: Views, first: LeakRow, second: LeakRow, *, seed: int) -> Interval:
    """MRR of one row minus that of another, query by query."""
    groups = _groups(views)
    return bootstrap_difference(first.reciprocal, second.reciprocal, groups, n_draws=N_DRAWS, seed=seed)


def interval_json(interval: Interval) -> dict[str, Any]:
    """An interval as JSON, NaN as null."""
    return {
        name: number_to_json(value) if isinstance(value, float) else value for name, value in asdict(interval).items()
    }


def _ordered(views: Views, a_first: bool) -> tuple[Any, Any]:
    return (views.a, views.b) if a_first else (views.b, views.a)


def _both(views: Views, scores: Callable[[bool], Scores]) -> tuple[Ranks, Ranks]:
    found = []
    for a_first in (True, False):
        queries, gallery = _ordered(views, a_first)
        asked = {"all": Rivals(with_partner(queries.entities, gallery.entities))}
        found.append(rank_partners(scores(a_first), queries.entities, gallery.entities, asked)["all"])
    return found[0], found[1]


def _row(
    views: Views, there: Ranks, back: Ranks, place: int, system: str, kind: Kind, texts: str, seed: int
) -> LeakRow:
    hits = [ranks.hit(1)[place] for ranks in (there, back)]
    reciprocal = [ranks.reciprocal[place] for ranks in (there, back)]
    directions = [
        Direction(name, len(hit), len(gallery), float(hit.mean()), float(values.mean()))
        for name, hit, values, gallery in zip(direction_names(views), hits, reciprocal, (views.b, views.a), strict=True)
    ]
    groups = _groups(views)
    return LeakRow(
        system,
        kind,
        texts,
        bootstrap_mean(np.concatenate(hits), groups, n_draws=N_DRAWS, seed=seed),
        bootstrap_mean(np.concatenate(reciprocal), groups, n_draws=N_DRAWS, seed=seed),
        (directions[0], directions[1]),
        np.concatenate(reciprocal),
    )


def _groups(views: Views) -> list[str]:
    """Group of every query, first direction first."""
    asked = [
        queries.entities[with_partner(queries.entities, gallery.entities)]
        for queries, gallery in ((views.a, views.b), (views.b, views.a))
    ]
    return [views.groups[entity] for entity in np.concatenate(asked).tolist()]
