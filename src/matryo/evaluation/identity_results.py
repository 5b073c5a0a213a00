"""The stored results of a shared-prefix run: scores with intervals, comparisons, verdicts; `results.json`.

What single measures hold beside (CKA, collapse, probes, open set) stands in `measures/SYSTEM.json` of the same folder.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from matryo import files
from matryo.errors import FormatError
from matryo.evaluation.environment import LIBRARIES, machine, utc_now, versions
from matryo.evaluation.identity_measures import BOTH, MAIN_GALLERY, IdentityMeasures, PerQuery
from matryo.evaluation.identity_statistics import Comparison, Verdict, triplets_of, values_of, widened
from matryo.evaluation.score import number_from_json, number_to_json
from matryo.measures.intervals import mean_interval
from matryo.measures.resample import group_numbers, resampled_means

FORMAT = 1
RESULTS_FILE = "results.json"
EXPERIMENT = "shared_prefix"
TRIPLETS = "triplets"
N_DRAWS = 2_000
_MEASURES = ("hit@1", "hit@5", "hit@10", "MRR", "rank", "margin")

_PLAIN = ("run_name", "purpose", "dataset", "width", "prefix_dim", "gallery", "timestamp", "best_baseline")

Kind = Literal["method", "baseline", "ceiling"]


@dataclass(frozen=True)
class IdentityScore:
    """Mean of one measure for one system.

    Attributes:
        system: method or baseline.
        kind: method = trained here; ceiling = sees the attributes themselves.
        measure: "hit@1" ..., or "triplets", the accuracy on triplets of one domain.
        column: what texts are compared by, such as "prefix 64".
        gallery: in which partners are searched; "" for triplets.
        direction: "dating->hiring", "both", or the domain of triplets.
        value: mean over queries and seeds.
        low: lower end of the 95 % interval over people and seeds, NaN where none can be had.
        high: upper end.
        n: queries, or triplets.
        size: texts to choose from, NaN for triplets.
        by_seed: mean of every seed.
    """

    system: str
    kind: Kind
    measure: str
    column: str
    gallery: str
    direction: str
    value: float
    low: float
    high: float
    n: int
    size: float
    by_seed: tuple[float, ...]


@dataclass(frozen=True)
class IdentityResults:
    """Results of a run; the fields are those of `results.json`.

    Attributes:
        run_name: of the run.
        purpose: one sentence that a report opens with; None = nothing.
        dataset: name of the data.
        domains: names of the two domains.
        width: numbers of a full vector.
        dims: prefix lengths, the width among them.
        prefix_dim: K.
        seeds: of the trainings.
        systems: name -> kind.
        meanings: method -> one sentence.
        scores: of every system.
        best_baseline: highest in the deciding gallery, by its prefix or all its numbers; "" if there is none.
        family: comparisons with p values corrected over all of them.
        within: comparisons of triplet accuracy.
        full_width: methods by their prefix against untrained vectors by all their numbers, a family of its own.
        verdicts: one per claim that could be decided.
        settings: what was asked for, and what the data hold.
        seconds: of each step.
        notes: what a reader must know, one sentence each.
        gallery: the largest random one, which decides.
        timestamp: in UTC.
        versions: of libraries.
        machine: see `environment.machine`.
    """

    run_name: str
    purpose: str | None
    dataset: str
    domains: tuple[str, str]
    width: int
    dims: tuple[int, ...]
    prefix_dim: int
    seeds: tuple[int, ...]
    systems: Mapping[str, Kind]
    meanings: Mapping[str, str]
    scores: tuple[IdentityScore, ...]
    best_baseline: str
    family: tuple[Comparison, ...]
    within: tuple[Comparison, ...]
    verdicts: tuple[Verdict, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    gallery: str = MAIN_GALLERY
    full_width: tuple[Comparison, ...] = ()
    timestamp: str = field(default_factory=utc_now)
    versions: Mapping[str, str] = field(default_factory=lambda: versions((*LIBRARIES, "scikit-learn")))
    machine: Mapping[str, Any] = field(default_factory=machine)

    def score(
        self,
        system: str,
        measure: str = "hit@1",
        column: str | None = None,
        *,
        gallery: str | None = None,
        direction: str = BOTH,
    ) -> IdentityScore | None:
        """One score, by the identity prefix in the deciding gallery unless others are named; None if not measured.

        A system may be named with its numbers, "head by 256", as `best_baseline` is.
        """
        if system not in self.systems and column is None:
            system, _, by = system.rpartition(" by ")
            column = f"prefix {by}"
        names = (f"prefix {self.prefix_dim}", "score") if column is None else (column,)
        wanted = (system, measure, self.gallery if gallery is None else gallery, direction)
        for one in self.scores:
            if (one.system, one.measure, one.gallery, one.direction) == wanted and one.column in names:
                return one
        return None

    def write(self, folder: Path) -> None:
        """Store as `results.json`, atomically."""
        stored = {
            "format": FORMAT,
            "experiment": EXPERIMENT,
            **{name: getattr(self, name) for name in _PLAIN},
            **{name: list(getattr(self, name)) for name in ("domains", "dims", "seeds", "notes")},
            **{name: dict(getattr(self, name)) for name in ("systems", "meanings", "settings", "seconds")},
            "versions": dict(self.versions),
            "machine": dict(self.machine),
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
            "family": [one.to_json() for one in self.family],
            "within": [one.to_json() for one in self.within],
            "full_width": [one.to_json() for one in self.full_width],
            "scores": [_score_to_json(score) for score in self.scores],
        }
        files.write_json(folder / RESULTS_FILE, stored)

    @classmethod
    def read(cls, folder: Path) -> "IdentityResults":
        """Inverse of `write`.

        Raises: FormatError if the file is missing, of another format or experiment, or lacks a field.
        """
        path = folder / RESULTS_FILE
        stored = files.read_json(path, "the results of a shared-prefix run")
        if not isinstance(stored, dict) or stored.get("experiment") != EXPERIMENT:
            raise FormatError(f"{path} holds no results of a shared-prefix run; name the folder of one")
        files.check_format(stored.get("format"), FORMAT, path)
        try:
            first, second = stored["domains"]
            return cls(
                **{name: stored[name] for name in _PLAIN},
                domains=(first, second),
                dims=tuple(stored["dims"]),
                seeds=tuple(stored["seeds"]),
                systems=stored["systems"],
                meanings=stored["meanings"],
                scores=tuple(_score_from_json(score) for score in stored["scores"]),
                family=tuple(Comparison.from_json(one) for one in stored["family"]),
                within=tuple(Comparison.from_json(one) for one in stored["within"]),
                full_width=tuple(Comparison.from_json(one) for one in stored["full_width"]),
                verdicts=tuple(Verdict(**verdict) for verdict in stored["verdicts"]),
                settings=stored["settings"],
                seconds=stored["seconds"],
                notes=tuple(stored["notes"]),
                versions=stored["versions"],
                machine=stored["machine"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"{path} lacks or garbles a field ({error!r}); run the comparison anew") from None


def identity_scores(system: str, kind: Kind, runs: Sequence[IdentityMeasures]) -> list[IdentityScore]:
    """Everything that tables and figures show of one system, with intervals.

    Every measure on the identity prefix in every gallery, both ways and together; hits and reciprocal ranks by every
    other column in the largest gallery; triplets by every column that they were measured by.

    Args:
        system: its name.
        kind: of it.
        runs: one per seed.
    """
    first = runs[0]
    asked: list[tuple[str, str, str, str, float, PerQuery]] = []
    for gallery in first.galleries:
        for direction in (BOTH, *first.directions):
            sizes = [
                s.size for (way, place), s in first.searches.items() if place == gallery and direction in (BOTH, way)
            ]
            for measure in _MEASURES:
                found = values_of(runs, measure, gallery=gallery, direction=direction)
                asked.append((measure, first.main_column, gallery, direction, float(np.mean(sizes)), found))
    largest = deciding_gallery(first.galleries)
    size = float(np.mean([s.size for (_, place), s in first.searches.items() if place == largest]))
    for column in dict.fromkeys(name.partition(" #")[0] for name in first.columns):
        if column != first.main_column:
            for measure in ("hit@1", "hit@5", "hit@10", "MRR"):
                found = values_of(runs, measure, column, gallery=largest)
                asked.append((measure, column, largest, BOTH, size, found))
    for domain, hits in first.triplets.items():
        for column in hits.columns:
            asked.append((TRIPLETS, column, "", domain, math.nan, triplets_of(runs, domain, column)))
    return _with_intervals(system, kind, asked)


def deciding_gallery(names: Sequence[str]) -> str:
    """The largest random gallery.

    >>> deciding_gallery(("random 150", "random 2000", "twin pair"))
    'random 2000'
    """
    return max((name for name in names if name.startswith("random ")), key=lambda name: int(name.split()[1]))


def _with_intervals(
    system: str, kind: Kind, asked: Sequence[tuple[str, str, str, str, float, PerQuery]]
) -> list[IdentityScore]:
    """Means of the same queries share their draws, which costs one pass over all of them."""
    groups: dict[bytes, list[int]] = {}
    for place, (*_, found) in enumerate(asked):
        groups.setdefault(found.people.tobytes(), []).append(place)
    scores: dict[int, IdentityScore] = {}
    for places in groups.values():
        numbers = group_numbers(asked[places[0]][-1].people, len(asked[places[0]][-1].people))
        known = [place for place in places if np.isfinite(asked[place][-1].values).all()]
        intervals: dict[int, tuple[float, float]] = {}
        if known:
            values: NDArray[np.float64] = np.stack([np.atleast_2d(asked[place][-1].values) for place in known])
            means = resampled_means(widened(values), numbers, n_draws=N_DRAWS, seed=0)
            for column, place in enumerate(known):
                one = mean_interval(values[column], means[:, column], numbers, 0.95)
                intervals[place] = one.low, one.high
        for place in places:
            measure, column_name, gallery, direction, size, found = asked[place]
            by_seed = [_mean(row) for row in np.atleast_2d(found.values)]
            low, high = intervals.get(place, (math.nan, math.nan))
            scores[place] = IdentityScore(
                system, kind, measure, column_name, gallery, direction, float(np.mean(by_seed)), low, high,
                found.values.shape[-1], size, tuple(by_seed),
            )  # fmt: skip
    return [scores[place] for place in range(len(asked))]


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan


_NUMBERS = ("value", "low", "high", "size")


def _score_to_json(score: IdentityScore) -> dict[str, Any]:
    fields = asdict(score) | {name: number_to_json(getattr(score, name)) for name in _NUMBERS}
    return fields | {"by_seed": [number_to_json(value) for value in score.by_seed]}


def _score_from_json(stored: Mapping[str, Any]) -> IdentityScore:
    numbers = {name: number_from_json(stored[name]) for name in _NUMBERS}
    return IdentityScore(**{**stored, **numbers, "by_seed": tuple(map(number_from_json, stored["by_seed"]))})
