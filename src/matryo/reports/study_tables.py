"""Tables of a whole translation study: errors by target, translators beside references, seeds, migrations, lists."""

import math
from collections.abc import Callable, Sequence
from typing import Final

from matryo.reports.formats import count, number, number_range, percent, percent_range, signed, signed_range
from matryo.reports.study_charts import MUTUAL, curve_points
from matryo.reports.study_data import REENCODE, REFERENCES, Pair, Row, Study, Trained, mean, models, named, number_of
from matryo.reports.study_findings import BRIDGE, decides, representative
from matryo.reports.study_relations import resembles
from matryo.reports.table import Cell, Column, Table

Columns = list[str | Column]
Rows = list[Sequence[str | Cell]]
"""What a table is made of."""

BESIDE: Final = (("R2", "R2"), ("cosine", "mean cosine"), ("mutual", MUTUAL), ("top-1", "top-1"))
_ARMS: Final = ("keep", "translated", "swap", "re-encode")


def spaces_table(study: Study) -> Table:
    """The embedding models and what encoding the texts took."""
    rows: Rows = [
        [
            Cell(str(row["space"])), Cell(str(row["kind"])), Cell(str(row["model"])), Cell(count_of(row, "width")),
            Cell(count_of(row, "n_documents")), Cell(count_of(row, "n_queries")), Cell(_short(row, "seconds")),
            Cell(_short(row, "texts per second")),
        ]
        for row in study.rows("spaces")
    ]  # fmt: skip
    columns: Columns = ["space", Column("kind", "left"), Column("model", "left"), "numbers", "documents", "queries",
                        "seconds", "texts per second"]  # fmt: skip
    return Table.of("Embedding spaces", columns, rows)


def error_tables(study: Study) -> list[Table]:
    """MSE, one table per target, because it means nothing between targets."""
    tables = []
    for target in dict.fromkeys(pair[1] for pair in study.pairs):
        its = [pair for pair in study.pairs if pair[1] == target]
        variances = [one.value("target variance") for pair in its for one in study.of_pair(pair)]
        rows: Rows = [[pair[0], *(_of(study, pair, name, error_cell) for name in study.translators)] for pair in its]
        tables.append(
            Table.of(
                f"MSE per number toward {target} (variance of its vectors: {mean(variances):.3g} per number)",
                ["from", *study.translators],
                rows,
                ["Lower is better; within this table only. Below each value, R2: 1 - MSE over the variance."],
            )
        )
    return tables


def beside_tables(study: Study) -> list[Table]:
    """Every translator beside the references, one table per measure."""
    tables = [beside_table(study, column, title) for column, title in BESIDE]
    return [table for table in tables if table is not None]


def beside_table(study: Study, column: str, title: str, *, lower: bool = False) -> Table | None:
    """One measure of every translator beside the references that have it; None if no translator has.

    Args:
        study: as stored.
        column: of the tables of translators and references.
        title: of the measure.
        lower: whether less of it is better.
    """
    found = {pair: _references(study, pair, column) for pair in study.pairs}
    known = [name for name in REFERENCES if any(math.isfinite(its.get(name, math.nan)) for its in found.values())]
    rows: Rows = []
    for pair in study.pairs:
        its = {one.translator: one.value(column) for one in study.of_pair(pair)}
        finite = [value for value in its.values() if math.isfinite(value)]
        top = (min if lower else max)(finite, default=math.nan)
        cells = [
            Cell(_plain(value), strong=value == top)
            for value in (its.get(name, math.nan) for name in study.translators)
        ]
        rows.append([named(pair), *cells, *(_plain(found[pair].get(name, math.nan)) for name in known)])
    if not any(math.isfinite(one.value(column)) for one in study.trained.values()):
        return None
    note = _BOLD.format("lowest value, which is the best" if lower else "highest value")
    if any(math.isfinite(one.value(f"{column} low")) for one in study.trained.values()):
        note = f"{note} {_ENDS}"
    return Table.of(title, ["pair", *study.translators, *known], rows, [note])


_BOLD: Final = "Bold: the translator of the pair with the {}. Means over seeds."
_ENDS: Final = "95 % intervals are on the page of the pair."


def before_table(study: Study) -> Table:
    """What is known before training beside what is reached after it."""
    rows: Rows = []
    for row in study.rows("before"):
        null = number_range(number_of(row, "CKA null low"), number_of(row, "CKA null high"))
        after = [number(number_of(row, name)) for name in ("R2", "mutual after")]
        rows.append(
            [
                named((row["from"], row["to"])), Cell(number(number_of(row, "CKA")), null and f"null {null}"),
                Cell(number(number_of(row, "mutual")), f"chance {number(number_of(row, 'mutual chance'))}"),
                Cell(str(row["translator"])), *after, percent(number_of(row, "nDCG kept")),
            ]
        )  # fmt: skip
    columns: Columns = ["pair", "CKA before", f"{MUTUAL} before", Column("best translator", "left"), "R2",
                        f"{MUTUAL} after", "nDCG kept"]  # fmt: skip
    return Table.of("Before training and after it", columns, rows, [_KEPT])


_KEPT: Final = "nDCG kept: of translated documents over that of documents encoded anew, both asked by the new model."


def seeds_table(study: Study) -> Table | None:
    """How far the seeds of each translator differ, over all ordered pairs; None if nothing has two seeds."""
    rows: Rows = []
    for name in study.translators:
        its = [one for one in study.trained.values() if one.translator == name and len(one.rows) > 1]
        if its:
            rows.append([name, str(len(its)), str(max(len(one.rows) for one in its)),
                         *(_largest(its, column) for column, _ in BESIDE)])  # fmt: skip
    columns: Columns = ["translator", "ordered pairs", "seeds", *(title for _, title in BESIDE)]
    note = "Largest seed minus smallest seed, of the ordered pair where that is widest; below, the mean over pairs."
    return Table.of("What a seed changes", columns, rows, [note]) if rows else None


def migration_tables(study: Study) -> tuple[tuple[Table, ...], tuple[Table, ...]]:
    """Every way between two models by the translator that is best on most pairs: those that decide, and the others.

    Those decide where there is something to win, a translation is worth it, or a swap is better than the old model.

    Args:
        study: as stored.

    Returns: of both what the verdict rests on and the values themselves; () for one that has no row, as where no search
        was judged.
    """
    rows = representative(study)
    about = "" if not rows else f"{rows[0]['measure']}, n = {count_of(rows[0], 'n')} queries, by {_by(rows)}"
    named_rows = [(f"{named(models(row))}, {of_way(row)}", row) for row in rows]
    return (
        migrations_as_tables(about, [one for one in named_rows if decides(one[1])]),
        migrations_as_tables(about, [one for one in named_rows if not decides(one[1])]),
    )


def _by(rows: Sequence[Row]) -> str:
    """The translator of the rows with its seed; each its own where they differ."""
    by = dict.fromkeys((str(row["translator"]), int(row["seed"])) for row in rows)
    return "; ".join(f"{name}, seed {seed}" for name, seed in by)


def resemblance_table(study: Study) -> Table | None:
    """Whose space the best translation of each ordered pair resembles; None if it was not measured."""
    rows: Rows = []
    for pair in study.pairs:
        one = study.best(pair)
        value, low, high = (one.value(f"resemblance{end}") for end in ("", " low", " high"))
        if math.isfinite(value):
            words = {"target": pair[1], "source": pair[0], "neither": "not shown"}[resembles(one)]
            rows.append([named(pair), one.translator, Cell(signed(value), signed_range(low, high)),
                         signed(one.value("resemblance CKA")), words])  # fmt: skip
    columns: Columns = ["pair", Column("translator", "left"), f"{MUTUAL}: target - source", "CKA: target - source",
               Column("nearer to", "left")]  # fmt: skip
    return Table.of("Whose space do translated vectors resemble?", columns, rows) if rows else None


def curve_table(study: Study, pair: Pair | None = None) -> Table | None:
    """R2, neighbours and nDCG by the number of pairs fitted on; None if no curve was measured."""
    stored = study.rows("curve", pair)
    rows: Rows = []
    for name in dict.fromkeys(str(row["translator"]) for row in stored):
        by_column = {
            column: {size: value for size, value, *_ in curve_points(stored, name, column)}
            for column in ("R2", "top-1", "mutual", "nDCG@10")
        }
        for size in by_column["R2"]:
            shares = [number_of(row, "share of corpus") for row in stored if int(row["pairs"]) == size]
            values = [number(found.get(size, math.nan)) for found in by_column.values()]
            rows.append([name, count(size), percent(mean(shares)), *values])
    columns: Columns = ["translator", "pairs", "share of the corpus", "R2", "top-1", MUTUAL, "nDCG@10"]
    note = "Means over seeds" + ("." if pair else " and over the ordered pairs that were fitted on every size.")
    return Table.of("By the number of pairs fitted on", columns, rows, [note]) if rows else None


def migrations_as_tables(about: str, named_rows: Sequence[tuple[str, Row]]) -> tuple[Table, ...]:
    """Migrations as two tables: the verdict with the differences that it rests on, and the quality of every choice.

    Args:
        about: measure and whatever else all rows have in common.
        named_rows: what is translated, and the stored row; none at all give no table.
    """
    if not named_rows:
        return ()
    decided: Rows = [
        [
            Cell(name), Cell(str(row["verdict"]), strong=row["verdict"] == BRIDGE),
            *(_gained(row, difference) for difference in ("gap", "gain", "over swap")), _share(row, "share of the gap"),
        ]
        for name, row in named_rows
    ]  # fmt: skip
    values: Rows = [
        [Cell(name), *(ranged(row, arm) for arm in _ARMS), _share(row, "share kept")] for name, row in named_rows
    ]
    differences: Columns = [_MOVE, Column("verdict", "left"), "gap: re-encode - keep", "translated - keep",
                            "translated - swap", "share of the gap"]  # fmt: skip
    choices: Columns = [_MOVE, "keep", "translated", "swap as is", REENCODE, "kept if forced"]
    return (
        Table.of(f"Bridge or not: {about}", differences, decided, [_VERDICT_NOTE]),
        Table.of(f"What each choice finds: {about}", choices, values, [_CHOICE_NOTE]),
    )


_MOVE: Final = "old, new, what is translated"
_VERDICT_NOTE: Final = (
    "Differences are paired by query, with 95 % intervals; the verdict is to bridge where all three lie above 0. Share "
    "of the gap: translated - keep over the gap."
)
_CHOICE_NOTE: Final = (
    "95 % intervals. Swap as is: the new model asks the old vectors, nothing translated. Kept if forced: translated / "
    "keep, where the old model can no longer be run."
)


def _plain(value: float) -> str:
    """A value whose zero has no sign."""
    return number(0.0 if abs(value) < 0.0005 else value)


def _of(study: Study, pair: Pair, name: str, cell: Callable[[Trained], Cell]) -> Cell:
    one = study.trained.get((pair, name))
    return Cell("-") if one is None else cell(one)


def of_way(row: Row) -> str:
    """What a migration translates: documents or queries."""
    return str(row["way"]).removesuffix(" translated")


def error_cell(one: Trained) -> Cell:
    """MSE with R2 below it."""
    value = one.value("MSE")
    return Cell(f"{value:.3g}" if math.isfinite(value) else "-", f"R2 {number(one.value('R2'))}")


def _references(study: Study, pair: Pair, column: str) -> dict[str, float]:
    return {str(row["vectors"]): number_of(row, column) for row in study.rows("references", pair)}


def _largest(its: Sequence[Trained], column: str) -> Cell:
    spreads = [value for one in its if math.isfinite(value := one.spread(column))]
    return Cell(number(max(spreads)), f"mean {number(mean(spreads))}") if spreads else Cell("-")


def ranged(row: Row, name: str) -> Cell:
    """A value of a row with its interval."""
    ends = number_of(row, f"{name} low"), number_of(row, f"{name} high")
    return Cell(number(number_of(row, name)), number_range(*ends))


def _gained(row: Row, name: str) -> Cell:
    ends = number_of(row, f"{name} low"), number_of(row, f"{name} high")
    return Cell(signed(number_of(row, name)), signed_range(*ends))


def _share(row: Row, name: str) -> Cell:
    if not math.isfinite(number_of(row, name)):
        return Cell("undefined")
    ends = number_of(row, f"{name} low"), number_of(row, f"{name} high")
    return Cell(percent(number_of(row, name)), percent_range(*ends))


def count_of(row: Row, name: str) -> str:
    """A count of a row."""
    return count(number_of(row, name))


def _short(row: Row, name: str) -> str:
    return three_digits(number_of(row, name))


def three_digits(value: float) -> str:
    """A size of any order, to three digits; whole from a thousand on."""
    return f"{value:,.3g}" if math.isfinite(value) and value < 1000 else count(value)
