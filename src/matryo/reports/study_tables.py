"""Tables of a whole translation study: errors by target, translators beside references, seeds, migrations, lists."""

import math
from collections.abc import Callable, Sequence
from typing import Final

from matryo.reports.formats import count, number, number_range, percent, percent_range, signed, signed_range
from matryo.reports.study_charts import MUTUAL, curve_points
from matryo.reports.study_data import REENCODE, REFERENCES, Pair, Row, Study, Trained, mean, models, named, number_of
from matryo.reports.study_findings import BRIDGE, representative
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
    tables = []
    for column, title in BESIDE:
        rows: Rows = []
        for pair in study.pairs:
            its = {one.translator: one.value(column) for one in study.of_pair(pair)}
            top = max((value for value in its.values() if math.isfinite(value)), default=math.nan)
            cells = [
                Cell(_plain(value), strong=value == top)
                for value in (its.get(name, math.nan) for name in study.translators)
            ]
            found = _references(study, pair)
            rows.append([named(pair), *cells, *(_plain(found.get((name, column), math.nan)) for name in REFERENCES)])
        if any(math.isfinite(one.value(column)) for one in study.trained.values()):
            tables.append(Table.of(title, ["pair", *study.translators, *REFERENCES], rows, [_BOLD]))
    return tables


_BOLD: Final = "Bold: the highest translator of the pair, mean over seeds. Intervals are on the page of the pair."


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


def migration_table(study: Study) -> Table | None:
    """Every way between two models by the translator that is best on most pairs; None if no search was judged."""
    rows = representative(study)
    if not rows:
        return None
    title = f"Keep, translate or encode anew: {rows[0]['measure']}, by {rows[0]['translator']}, seed {rows[0]['seed']}"
    return migrations_as_table(title, [(f"{named(models(row))}, {of_way(row)}", row) for row in rows])


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


def most_different_table(study: Study, n: int = 12) -> Table | None:
    """The same over all ordered pairs: the lists that differ most anywhere, none of them twice."""
    found = sorted(study.rows("different"), key=lambda row: -number_of(row, "edit distance"))
    rows: Rows = []
    seen: set[tuple[str, str]] = set()
    for row in found:
        if (row["text"], row["to"]) not in seen and len(rows) < n:
            seen.add((row["text"], row["to"]))
            rows.append([f"{named((row['from'], row['to']))}, {row['translator']}",
                         number(number_of(row, "edit distance")), str(row["text"]), str(row["nearest by native"]),
                         str(row["nearest by translated"])])  # fmt: skip
    columns: Columns = ["pair", "edit distance", *(Column(name, "left") for name in ("text", "nearest by native",
                                                                           "nearest by translated"))]  # fmt: skip
    return Table.of("Neighbour lists that differ most", columns, rows) if rows else None


def migrations_as_table(title: str, named_rows: Sequence[tuple[str, Row]]) -> Table:
    """Migrations as a table: quality of every choice, what translating wins of what there is to win, the verdict."""
    lines = [
        [
            Cell(name), Cell(str(row["verdict"]), strong=row["verdict"] == BRIDGE),
            *(ranged(row, arm) for arm in _ARMS), _gained(row, "gain"), _gained(row, "gap"),
            _share(row, "share of the gap"), _share(row, "share kept"),
        ]
        for name, row in named_rows
    ]  # fmt: skip
    columns: Columns = ["old, new, what is translated", Column("verdict", "left"), "keep", "translated", "swap as is",
                        REENCODE, "translated - keep", "gap", "share of the gap", "kept if forced"]  # fmt: skip
    return Table.of(title, columns, lines, [_MIGRATION_NOTE])


_MIGRATION_NOTE: Final = (
    "95 % intervals; differences are paired by query. Gap: re-encode - keep. Kept if forced: translated / keep. Swap "
    "as is: the new model asks the old vectors, nothing translated."
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


def _references(study: Study, pair: Pair) -> dict[tuple[str, str], float]:
    rows = study.rows("references", pair)
    return {(str(row["vectors"]), column): number_of(row, column) for row in rows for column, _ in BESIDE}


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
