"""Stored results sorted into panels: everything about one data set in one measure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from matryo.evaluation.records import Difference, Recommended, Share
from matryo.evaluation.results import RunResults
from matryo.evaluation.score import PLAIN_CUT, Arm, Score

# the two names of stored maps that are not yet English
_SPELLED = {PLAIN_CUT: "plain cut", "bm25": "BM25"}


@dataclass(frozen=True, slots=True)
class Row:
    """One map at every dim it was measured at; a floor has the single dim 0."""

    model: str
    map: str
    label: str
    scores: dict[int, Score]

    @property
    def is_floor(self) -> bool:
        """Whether it has no vectors, such as BM25."""
        return set(self.scores) == {0}


@dataclass(frozen=True)
class Panel:
    """What is known about one data set in one measure.

    Attributes:
        dataset: name of the data set.
        measure: as printed.
        several_models: whether labels must name the model.
        trained: names of models that the run trained; where there are some, rows are called "model + map".
        scores: every score, of single seeds too.
        shares: of these scores.
        differences: between these scores.
        recommendations: read from these scores.
    """

    dataset: str
    measure: str
    several_models: bool = False
    trained: tuple[str, ...] = ()
    scores: list[Score] = field(default_factory=list)
    shares: list[Share] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    recommendations: list[Recommended] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Measure and data set, for headings."""
        return f"{self.measure} on {self.dataset}"

    @property
    def row_title(self) -> str:
        """What the labels of the rows name, for the first column of tables."""
        return "model and map" if self.trained else "map"

    @property
    def dims(self) -> list[int]:
        """Every dim that was measured, rising; without the 0 of what has no vectors."""
        return sorted({score.dim for score in self.scores} - {0})

    @property
    def rows(self) -> list[Row]:
        """Floors first, then each map in order of appearance: pooled over its seeds where that was stored."""
        pooled = {(score.model, score.map) for score in self.scores if score.seed is None}
        chosen = [score for score in self.scores if score.seed is None or (score.model, score.map) not in pooled]
        return self._grouped(chosen)

    @property
    def seed_rows(self) -> list[Row]:
        """Each seed of the maps that `rows` shows pooled."""
        pooled = {(score.model, score.map) for score in self.scores if score.seed is None}
        return self._grouped([s for s in self.scores if s.seed is not None and (s.model, s.map) in pooled])

    def label(self, model: str, map_name: str, seed: int | None = None) -> str:
        """Name of a row: the map, with the model and the seed where that is needed to tell rows apart."""
        name = _SPELLED.get(map_name, map_name)
        if self.trained and model != map_name:
            name = model if map_name == PLAIN_CUT else f"{model} + {name}"
        elif self.several_models and model != map_name:
            name = f"{model}: {name}"
        return name if seed is None else f"{name}, seed {seed}"

    def label_of(self, arm: Arm) -> str:
        """Name of the row that an arm belongs to."""
        return self.label(arm.model, arm.map, arm.seed)

    def at(self, model: str, map_name: str, dim: int) -> Score | None:
        """The score that the main table shows for a map at a dim."""
        for row in self.rows:
            if (row.model, row.map) == (model, map_name) and dim in row.scores:
                return row.scores[dim]
        return None

    def _grouped(self, scores: Iterable[Score]) -> list[Row]:
        rows: dict[tuple[str, str, int | None, bool], Row] = {}
        for score in scores:
            name = self.label(score.model, score.map, score.seed)
            key = (score.model, score.map, score.seed, score.dim == 0)
            rows.setdefault(key, Row(score.model, score.map, name, {})).scores[score.dim] = score
        return sorted(rows.values(), key=lambda row: not row.is_floor)


def panels(results: RunResults) -> list[Panel]:
    """Sort results by data set and measure; the run's main data set comes first, else the order of appearance holds."""
    found: dict[tuple[str, str], Panel] = {}
    several = len({score.model for score in results.scores if score.dim}) > 1
    trained = tuple(results.settings.get("methods", ()))
    for score in sorted(results.scores, key=lambda score: score.dataset != results.dataset):
        key = (score.dataset, score.measure)
        found.setdefault(key, Panel(*key, several, trained)).scores.append(score)
    for panel in found.values():
        here = (panel.dataset, panel.measure)
        panel.shares.extend(share for share in results.shares if (share.dataset, share.measure) == here)
        panel.differences.extend(d for d in results.differences if (d.dataset, d.measure) == here)
        panel.recommendations.extend(r for r in results.recommendations if (r.dataset, r.measure) == here)
    return list(found.values())
