"""A shared-prefix run as its reports see it: stored results, stored measures, and which of them are shown where."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from matryo.errors import FormatError
from matryo.evaluation.identity_measures import BOTH, TWIN_PAIR, IdentityMeasures
from matryo.evaluation.identity_results import TRIPLETS, IdentityResults, IdentityScore
from matryo.evaluation.identity_statistics import Comparison
from matryo.evaluation.identity_verdicts import CONTRASTIVE
from matryo.reports.formats import count

MEASURES_FOLDER = "measures"


@dataclass(frozen=True, eq=False)
class IdentityRun:
    """What a run folder holds.

    Attributes:
        results: scores, comparisons, verdicts.
        measures: system -> one entry per seed, one entry for what no method trained.
    """

    results: IdentityResults
    measures: Mapping[str, tuple[IdentityMeasures, ...]]

    @property
    def methods(self) -> tuple[str, ...]:
        """Systems that were trained here."""
        return self._of_kind("method")

    @property
    def systems(self) -> tuple[str, ...]:
        """All systems: methods, then baselines, then ceilings."""
        return (*self.methods, *self._of_kind("baseline"), *self._of_kind("ceiling"))

    @property
    def with_vectors(self) -> tuple[str, ...]:
        """Systems that have dims, methods first."""
        return tuple(name for name in self.systems if self.measures[name][0].dims)

    @property
    def galleries(self) -> tuple[str, ...]:
        """Every gallery in which partners were searched, as stored."""
        return tuple(dict.fromkeys(score.gallery for score in self.results.scores if score.gallery))

    @property
    def gallery(self) -> str:
        """The gallery that decides: the largest random one."""
        return self.results.gallery

    @property
    def small_gallery(self) -> str:
        """The smallest random gallery; the deciding one if there is no other."""
        return min(self._random, key=_size)

    @property
    def prefix(self) -> str:
        """Name of the column that decides."""
        return f"prefix {self.results.prefix_dim}"

    @property
    def main_method(self) -> str:
        """The method that the report opens with: the contrastive one, else the first."""
        return CONTRASTIVE if CONTRASTIVE in self.methods else self.methods[0]

    @property
    def domains_with_triplets(self) -> tuple[str, ...]:
        """Domains whose triplets were measured."""
        found = {score.direction for score in self.results.scores if score.measure == TRIPLETS}
        return tuple(domain for domain in self.results.domains if domain in found)

    def colour(self, system: str) -> int | None:
        """Number in the palette, the same in every figure; None for what no method trained, which is grey."""
        return self.methods.index(system) if system in self.methods else None

    def score(
        self,
        system: str,
        measure: str = "hit@1",
        column: str | None = None,
        *,
        gallery: str | None = None,
        direction: str = BOTH,
    ) -> IdentityScore | None:
        """One score, in the deciding gallery and on the prefix unless others are named; None if not measured."""
        return self.results.score(system, measure, column, gallery=gallery or self.gallery, direction=direction)

    def triplets(self, system: str, domain: str) -> IdentityScore | None:
        """Accuracy on the triplets of a domain at the full width."""
        first = self.measures[system][0]
        column = f"prefix {first.width}" if first.width else first.main_column
        return self.results.score(system, TRIPLETS, column, gallery="", direction=domain)

    def direction(self, name: str) -> str:
        """A direction in words, such as "dating to hiring"."""
        return name.replace("->", " to ")

    def comparison(self, name: str) -> Comparison | None:
        """One of the corrected comparisons."""
        return next((one for one in self.results.family if one.name == name), None)

    def told(self, gallery: str) -> str:
        """A gallery in words, with the number there is to choose from where there are fewer than it would take."""
        kind, size = gallery.split()
        there = max((round(score.size) for score in self.results.scores if score.gallery == gallery), default=0)
        if kind == "hard" or gallery == TWIN_PAIR or there >= int(size):
            return gallery if gallery == TWIN_PAIR else f"{kind} {count(int(size))}"
        return f"{kind}, all {count(there)}"

    def _of_kind(self, kind: str) -> tuple[str, ...]:
        return tuple(name for name, own in self.results.systems.items() if own == kind)

    @property
    def _random(self) -> tuple[str, ...]:
        return tuple(name for name in self.galleries if name.startswith("random "))


def read_identity_run(folder: Path) -> IdentityRun:
    """Read the results of a run and the measures beside them.

    Args:
        folder: of the run, with `results.json` and `measures/`.

    Raises: FormatError if a file is missing, damaged, or of another kind of run.
    """
    results = IdentityResults.read(folder)
    where = folder / MEASURES_FOLDER
    measures = {
        system: tuple(IdentityMeasures.load(where, name) for name in measure_files(system, kind, results.seeds))
        for system, kind in results.systems.items()
    }
    run = IdentityRun(results, measures)
    if not run.methods or any(run.score(name) is None for name in run.methods):
        raise FormatError(
            f"{folder} lacks scores of trained methods in the gallery {results.gallery!r}; run the comparison anew"
        )
    return run


def measure_files(system: str, kind: str, seeds: tuple[int, ...]) -> tuple[str, ...]:
    """Names of a system's files in `measures/`, without their endings.

    >>> measure_files("attribute oracle", "ceiling", (0, 1)), measure_files("v3_mse", "method", (0, 1))
    (('attribute-oracle',), ('v3_mse-seed-0', 'v3_mse-seed-1'))
    """
    plain = system.replace(" ", "-")
    return tuple(f"{plain}-seed-{seed}" for seed in seeds) if kind == "method" else (plain,)


def _size(gallery: str) -> int:
    return int(gallery.split()[1])
