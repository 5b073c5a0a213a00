"""A stored translation study as values: its rows, the mean of each translator over its seeds, its pictures."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from matryo.errors import FormatError
from matryo.evaluation.pictures import KernelPicture, LayoutPicture, SearchPicture
from matryo.evaluation.results import ExtraTable, RunResults
from matryo.evaluation.translation_retrieval import STORED

RUN_NAME: Final = "translation_study"
PICTURES: Final = "pictures"
TARGET_MEAN: Final = "target mean"
ZERO_PADDED: Final = "source, zero-padded"
KEEP: Final = "keep the old model"
REENCODE: Final = "re-encode"
REFERENCES: Final = (TARGET_MEAN, ZERO_PADDED, KEEP, REENCODE)
_NEEDED: Final = {
    "spaces": ("space", "kind", "model", "width", "n_documents"),
    "translators": ("from", "to", "translator", "seed", "pairs", "share of corpus", "MSE", "target variance", "R2"),
    "references": ("from", "to", "vectors", "R2"),
    "before": ("from", "to", "CKA", "mutual", "translator", "R2"),
}

Pair = tuple[str, str]
Row = Mapping[str, Any]


def number_of(row: Row, column: str) -> float:
    """A number of a row; NaN if it was not measured or the table has no such column."""
    value = row.get(column)
    return math.nan if value is None or isinstance(value, str) else float(value)


def mean(values: Sequence[float]) -> float:
    """Mean of those values that there are; NaN if there are none.

    >>> mean([0.25, 0.75, math.nan])
    0.5
    """
    known = [value for value in values if math.isfinite(value)]
    return math.fsum(known) / len(known) if known else math.nan


@dataclass(frozen=True, eq=False)
class Trained:
    """One translator on one ordered pair, with all its seeds.

    Attributes:
        pair: from and to.
        translator: its name.
        rows: one per seed, as stored.
    """

    pair: Pair
    translator: str
    rows: tuple[Row, ...]

    def value(self, column: str) -> float:
        """Mean over the seeds; of the end of an interval the mean end."""
        return mean(self.by_seed(column))

    def by_seed(self, column: str) -> tuple[float, ...]:
        """One value per seed that has one."""
        found = (number_of(row, column) for row in self.rows)
        return tuple(value for value in found if math.isfinite(value))

    def spread(self, column: str) -> float:
        """Largest minus smallest seed; NaN with fewer than two."""
        found = self.by_seed(column)
        return max(found) - min(found) if len(found) > 1 else math.nan


@dataclass(frozen=True, eq=False)
class Study:
    """A study as stored.

    Attributes:
        results: tables, settings, notes.
        name: of its folder, for links.
        layouts: UMAP pictures of each ordered pair, that of its best translator first.
        kernels: kernel matrices, the same.
        searches: what both searches fetched, the same.
    """

    results: RunResults
    name: str = ""
    layouts: Mapping[Pair, tuple[LayoutPicture, ...]] = field(default_factory=dict)
    kernels: Mapping[Pair, tuple[KernelPicture, ...]] = field(default_factory=dict)
    searches: Mapping[Pair, tuple[SearchPicture, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, results: RunResults, name: str = "") -> Self:
        """Check results and take them as a study without pictures.

        Args:
            results: as stored.
            name: of their folder.

        Raises: FormatError if they are of another kind of run, or lack a table or a column that every study has.
        """
        what = name or "the run"
        if not is_study(results):
            raise FormatError(
                f"{what} holds the results of {results.run_name!r}, expected those of a translation study; name the "
                "folder of a `matryo run` with `experiment: translation`"
            )
        tables = {table.name: table for table in results.tables}
        for needed, columns in _NEEDED.items():
            if needed not in tables or not tables[needed].rows:
                raise FormatError(f"{what} lacks the table {needed!r}, which every study has; finish the run first")
            lacking = [column for column in columns if column not in tables[needed].columns]
            if lacking:
                raise FormatError(f"table {needed!r} of {what} lacks {', '.join(lacking)}; run the study anew")
        return cls(results, name)

    def table(self, name: str) -> ExtraTable | None:
        """A stored table, None if the study has none of that name."""
        return next((table for table in self.results.tables if table.name == name), None)

    def rows(self, name: str, pair: Pair | None = None) -> list[Row]:
        """Rows of a stored table, all or those of one ordered pair; none if there is no such table."""
        table = self.table(name)
        rows: list[Row] = []
        if table is not None:
            rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
        return rows if pair is None else [row for row in rows if (row["from"], row["to"]) == pair]

    @cached_property
    def spaces(self) -> tuple[str, ...]:
        """Names of the spaces, in their order."""
        return tuple(str(row["space"]) for row in self.rows("spaces"))

    @cached_property
    def trained(self) -> Mapping[tuple[Pair, str], Trained]:
        """Every translator on every ordered pair, in the order of the table."""
        found: dict[tuple[Pair, str], list[Row]] = {}
        for row in self.rows("translators"):
            found.setdefault(((str(row["from"]), str(row["to"])), str(row["translator"])), []).append(row)
        return {key: Trained(*key, tuple(rows)) for key, rows in found.items()}

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """Ordered pairs for which something was trained."""
        return tuple(dict.fromkeys(pair for pair, _ in self.trained))

    @cached_property
    def translators(self) -> tuple[str, ...]:
        """Names of the translators."""
        return tuple(dict.fromkeys(name for _, name in self.trained))

    def of_pair(self, pair: Pair) -> list[Trained]:
        """The translators of one ordered pair."""
        return [one for (its, _), one in self.trained.items() if its == pair]

    def best(self, pair: Pair) -> Trained:
        """The translator with the highest R2, mean over its seeds; of equal ones the first."""
        return max(self.of_pair(pair), key=lambda one: _or_lowest(one.value("R2")))

    @cached_property
    def wins(self) -> Mapping[str, int]:
        """Translator -> ordered pairs on which it is the best, most first."""
        names = [self.best(pair).translator for pair in self.pairs]
        counted = {name: names.count(name) for name in dict.fromkeys(names)}
        return dict(sorted(counted.items(), key=lambda one: -one[1]))

    @property
    def main_translator(self) -> str:
        """The translator that is the best on most ordered pairs."""
        return next(iter(self.wins))

    @cached_property
    def hardest(self) -> Pair:
        """The ordered pair that translates worst: what is shown of one pair is not the finest of many."""
        return min(self.pairs, key=lambda pair: self.best(pair).value("R2"))

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of the translators, rising."""
        return tuple(sorted({int(row["seed"]) for row in self.rows("translators")}))


def read_study(folder: str | Path) -> Study:
    """Read a study from its run folder: `results.json` and, where they are, `pictures/*.json`.

    Args:
        folder: of the run.

    Raises: FormatError if the results are missing, of another kind of run, or lack a table or a column that every
        study has.
    """
    folder = Path(folder)
    study = Study.of(RunResults.read(folder, with_per_query=False), folder.resolve().name)
    where = folder / PICTURES
    return replace(
        study,
        layouts=_by_pair(study, [LayoutPicture.read(path) for path in sorted(where.glob("umap--*.json"))]),
        kernels=_by_pair(study, [KernelPicture.read(path) for path in sorted(where.glob("kernels--*.json"))]),
        searches=_by_pair(study, [SearchPicture.read(path) for path in sorted(where.glob("searches--*.json"))]),
    )


def is_study(results: RunResults) -> bool:
    """Whether stored results are those of a translation study."""
    return results.run_name == RUN_NAME


def named(pair: Pair) -> str:
    """An ordered pair in words.

    >>> named(("old", "new"))
    'old → new'
    """
    return f"{pair[0]} → {pair[1]}"


def slug(pair: Pair) -> str:
    """An ordered pair as part of a file name.

    >>> slug(("old", "new"))
    'old--new'
    """
    return f"{pair[0]}--{pair[1]}"


def models(migration: Row) -> Pair:
    """Old and new model of a row of the table of migrations.

    A map from A toward B moves stored vectors of A, the old model, or turns questions of A, the new model, into the
    space of stored vectors of B.

    >>> models({"from": "a", "to": "b", "way": "queries translated"})
    ('b', 'a')
    """
    pair = str(migration["from"]), str(migration["to"])
    return pair if migration["way"] == STORED else (pair[1], pair[0])


P = TypeVar("P", LayoutPicture, KernelPicture, SearchPicture)


def _by_pair(study: Study, pictures: Sequence[P]) -> dict[Pair, tuple[P, ...]]:
    """Pictures of the pairs of a study, in its order."""
    sorted_out = {pair: _of_pair(pair, study.best(pair).translator, pictures) for pair in study.pairs}
    return {pair: its for pair, its in sorted_out.items() if its}


def _of_pair(pair: Pair, best: str, pictures: Sequence[P]) -> tuple[P, ...]:
    """Pictures of one ordered pair, that of its best translator first."""
    its: list[P] = [one for one in pictures if (one.source, one.target) == pair]
    return tuple(sorted(its, key=lambda one: one.translator != best))


def _or_lowest(value: float) -> float:
    return value if math.isfinite(value) else -math.inf
