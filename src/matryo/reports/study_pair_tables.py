"""Tables of one ordered pair of a translation study: fits, every measure with its interval, migrations, lists."""

import math
from collections.abc import Callable, Sequence
from typing import Final

from matryo.reports.formats import count, number, number_range, percent
from matryo.reports.study_data import Pair, Row, Study, models, named, number_of
from matryo.reports.study_tables import Columns, Rows, count_of, error_cell, migrations_as_tables, of_way, three_digits
from matryo.reports.table import Cell, Column, Table

_SEEDED: Final = "Means over seeds, the ends of intervals too; 95 % intervals are over the texts held out."
_LISTS: Final = ("mutual", "Jaccard", "edit distance", "RBO", "rank-harmonic")
_PLACES: Final = ("top-1", "top-1 CSLS", "mean rank", "mean rank CSLS")


def pair_migration_tables(study: Study, pair: Pair) -> list[Table]:
    """Every translator and way of one ordered pair, first seed, two tables per measure."""
    rows, tables = first_seeds(study.rows("migrations", pair)), list[Table]()
    for measure in dict.fromkeys(row["measure"] for row in rows):
        chosen = [row for row in rows if row["measure"] == measure]
        about = f"{measure}, n = {count_of(chosen[0], 'n')} queries"
        its = [(f"{named(models(row))}, {row['translator']}, {of_way(row)}", row) for row in chosen]
        tables += migrations_as_tables(about, its)
    return tables


def first_seeds(rows: Sequence[Row]) -> list[Row]:
    """Of rows with seeds, those of the first seed of each translator."""
    first: dict[str, int] = {}
    for row in rows:
        first[row["translator"]] = min(int(row["seed"]), first.get(row["translator"], int(row["seed"])))
    return [row for row in rows if int(row["seed"]) == first[row["translator"]]]


def pair_tables(study: Study, pair: Pair) -> list[Table]:
    """All measures of one ordered pair: translators, then references."""
    vectors: list[tuple[str, Callable[[str], float]]] = [(one.translator, one.value) for one in study.of_pair(pair)]
    for row in study.rows("references", pair):

        def value(column: str, row: Row = row) -> float:
            return number_of(row, column)

        vectors.append((str(row["vectors"]), value))
    groups = (
        ("How near to the native vectors", ("R2", "cosine", "CKA", "round trip")),
        ("Their nearest neighbours against the native ones", _LISTS),
        ("Does each vector find its counterpart?", _PLACES),
        ("Does each native vector find its translation?", tuple(_back(name) for name in _PLACES)),
    )
    tables = []
    for title, columns in groups:
        shown = [name for name in columns if any(math.isfinite(value(name)) for _, value in vectors)]
        rows: Rows = [
            [name, *(_with_ends(value, column) for column in shown)]
            for name, value in vectors
            if any(math.isfinite(value(column)) for column in shown)
        ]
        if shown:
            tables.append(Table.of(title, ["vectors", *shown], rows, [_SEEDED]))
    return tables


def fit_table(study: Study, pair: Pair) -> Table:
    """What fitting took, and the error in the numbers of this target."""
    rows: Rows = [
        [
            Cell(one.translator), *(Cell(count(one.value(name))) for name in ("pairs", "parameters")),
            Cell(percent(one.value("share of corpus"))), Cell(three_digits(one.value("fit seconds"))),
            Cell(three_digits(one.value("epochs"))), error_cell(one),
            Cell(", ".join(number(value) for value in one.by_seed("R2"))),
        ]
        for one in study.of_pair(pair)
    ]  # fmt: skip
    variance = study.of_pair(pair)[0].value("target variance")
    columns: Columns = ["translator", "pairs", "parameters", "share of the corpus", "seconds", "epochs",
                        "MSE per number", "R2 of each seed"]  # fmt: skip
    return Table.of(
        "Fits", columns, rows, [f"Variance of {pair[1]}: {variance:.3g} per number; below each MSE, R2. {_SEEDED}"]
    )


def different_table(study: Study, pair: Pair) -> Table | None:
    """Texts whose neighbours differ most between native and translated vectors; None if none were kept."""
    rows: Rows = [
        [str(row["text"]), number(number_of(row, "edit distance")), str(row["nearest by native"]),
         str(row["nearest by translated"])]
        for row in study.rows("different", pair)
    ]  # fmt: skip
    columns: Columns = [
        "text",
        "edit distance",
        Column("nearest by native", "left"),
        Column("nearest by translated", "left"),
    ]
    names = ", ".join(dict.fromkeys(str(row["translator"]) for row in study.rows("different", pair)))
    return Table.of(f"Neighbour lists that differ most, by {names}", columns, rows) if rows else None


def lists_table(study: Study, pair: Pair) -> Table | None:
    """How far neighbour lists agree with the native ones, by their length; None if that was not measured."""
    stored = study.rows("lists", pair)
    rows: Rows = [
        [f"{row['vectors']}, k = {row['k']}",
         *(number(number_of(row, name)) for name in ("mutual", "chance", "Jaccard", "edit distance", "rank-harmonic"))]
        for row in stored
    ]  # fmt: skip
    columns: Columns = ["vectors and length", "mutual", "by chance", "Jaccard", "edit distance", "rank-harmonic"]
    return Table.of("Neighbour lists by their length", columns, rows) if rows else None


def _with_ends(value: Callable[[str], float], column: str) -> Cell:
    found, low, high = (value(column + end) for end in ("", " low", " high"))
    if column.startswith("CKA"):
        null = number_range(value("CKA null low"), value("CKA null high"))
        return Cell(number(found), null and f"null {null}")
    if column.startswith("mean rank"):
        return Cell(f"{found:,.1f}" if math.isfinite(found) else "-")
    return Cell(number(found), number_range(low, high))


def _back(name: str) -> str:
    return f"{name.removesuffix(' CSLS')} back{' CSLS' if name.endswith('CSLS') else ''}"
