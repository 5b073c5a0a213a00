"""Tables and plots of a translation, from its stored results."""

import math
from collections.abc import Mapping
from typing import Any

from matryo.errors import FormatError
from matryo.evaluation.results import ExtraTable, RunResults
from matryo.reports.bars import Bar, BarChart, BarPanel, BarRow
from matryo.reports.charts import Chart, Line
from matryo.reports.formats import number, number_range, percent, percent_range, signed, signed_range
from matryo.reports.table import Cell, Table
from matryo.reports.translation_heat import HeatChart

Row = Mapping[str, Any]
_RANKS = "mean rank"


def stored(results: RunResults, name: str) -> ExtraTable | None:
    """A stored table by its name, None if there is none."""
    return next((table for table in results.tables if table.name == name), None)


def records(table: ExtraTable | None) -> list[Row]:
    """Rows of a stored table as mappings from column to value."""
    return [] if table is None else [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def names(results: RunResults) -> tuple[str, str]:
    """Names of the source's and the target's model.

    Raises: FormatError if the results are not those of a translation.
    """
    found = results.settings.get("source"), results.settings.get("target")
    if not all(isinstance(name, str) for name in found):
        raise FormatError(f"the results of a translation name both models, got {found}; evaluate the map anew")
    return str(found[0]), str(found[1])


def measures_tables(results: RunResults) -> list[Table]:
    """Translated vectors beside the references, in three tables: errors and neighbours, counterparts."""
    table = stored(results, "measures")
    if table is None:
        return []
    rows = records(table)
    order = list(dict.fromkeys(row["vectors"] for row in rows))
    found = {(row["vectors"], row["measure"]): row for row in rows}
    named = list(dict.fromkeys(row["measure"] for row in rows))
    places = [name for name in named if name.startswith(("top-1", _RANKS))]
    others = [name for name in named if name not in places]
    parts = ((table.title, others, table.notes), ("Does each vector find its counterpart, both ways?", places, _PLACES))
    return [
        Table.of(
            title,
            ["vectors", *columns],
            [
                [Cell(name, strong=name == "translated"), *(_value(found.get((name, one))) for one in columns)]
                for name in order
            ],
            notes,
        )
        for title, columns, notes in parts
    ]


_PLACES = (
    "Forth: a row's vector among the native vectors of the target; back: the native vector among the rows'. Top-1: "
    "share that finds its own text first. CSLS corrects for hubs, vectors that are near to everything.",
)


def dims_table(results: RunResults) -> Table | None:
    """By prefix of the target."""
    table = stored(results, "dims")
    rows = [
        [
            Cell(str(row["dim"])),
            *(_range(row[name], row[f"{name} low"], row[f"{name} high"]) for name in ("R2", "cosine", "mutual")),
            Cell(_number(row["CKA"])),
            Cell(_number(row["CKA null high"])),
        ]
        for row in records(table)
    ]
    columns = ["dims of the target", "R2", "mean cosine", "mutual neighbours", "CKA", "CKA at random, 97.5 %"]
    return None if table is None else Table.of(table.title, columns, rows, table.notes)


def dims_chart(results: RunResults) -> Chart | None:
    """R2, cosine and neighbours against the prefix of the target."""
    rows = records(stored(results, "dims"))
    if not rows:
        return None
    x = tuple(int(row["dim"]) for row in rows)
    lines = tuple(
        Line(
            label,
            x,
            tuple(_known(row[name]) for row in rows),
            tuple(_known(row[f"{name} low"]) for row in rows),
            tuple(_known(row[f"{name} high"]) for row in rows),
            "strong" if name == "R2" else "normal",
        )
        for name, label in (("R2", "R2"), ("cosine", "mean cosine"), ("mutual", "mutual neighbours"))
    )
    source, target = names(results)
    return Chart(f"{source} to {target}", "R2, cosine and neighbours against dimension", lines, name="dimension")


def heat_charts(results: RunResults) -> list[HeatChart]:
    """Source prefix against target prefix, one map for each measure."""
    table = stored(results, "grid")
    rows = records(table)
    if table is None or not rows:
        return []
    source, target = names(results)
    down = list(dict.fromkeys(row["source dim"] for row in rows))
    across = list(dict.fromkeys(row["target dim"] for row in rows))
    found = {(row["source dim"], row["target dim"]): row for row in rows}
    charts = []
    for measure in table.columns[2:]:
        values = tuple(tuple(_known(found[a, b][measure]) for b in across) for a in down)
        title = "mutual neighbours" if measure == "mutual" else measure
        axes = f"{source}: numbers read", f"{target}: numbers imitated"
        key = "".join(letter if letter.isalnum() else "-" for letter in measure.lower())
        charts.append(
            HeatChart("", title, *axes, tuple(map(str, down)), tuple(map(str, across)), values, name=f"prefixes-{key}")
        )
    return charts


def grid_tables(results: RunResults) -> list[Table]:
    """The numbers of the heat maps."""
    return [
        Table.of(
            f"{chart.measure}: {chart.row_axis} (down), {chart.column_axis} (across)",
            ["", *chart.columns],
            [[name, *(number(value) for value in row)] for name, row in zip(chart.rows, chart.values, strict=True)],
        )
        for chart in heat_charts(results)
    ]


def migration_tables(results: RunResults) -> list[Table]:
    """Every way from the one model to the other: what it finds, and what it wins."""
    rows = records(stored(results, "migrations"))
    tables = []
    for old, new in dict.fromkeys((row["old"], row["new"]) for row in rows):
        chosen = [row for row in rows if (row["old"], row["new"]) == (old, new)]
        lines = []
        for row in chosen:
            found = [_range(row[name], row[f"{name} low"], row[f"{name} high"]) for name in _ARMS]
            won = [_signed(row, "gain"), _signed(row, "gap"), _share(row)]
            lines.append([Cell(f"{row['measure']}, {row['way']} ({row['map']})"), *found, *won])
        columns = [
            "measure and way", f"keep {old}", "translated", "swap as is", f"all anew with {new}", "translated - keep",
            "gap", "share of the gap",
        ]  # fmt: skip
        tables.append(
            Table.of(f"From {old} to {new} (n = {chosen[0]['n']:,} queries)", columns, lines, _MIGRATION_NOTES)
        )
    return tables


_ARMS = ("keep", "translated", "swap", "re-encode")
_MIGRATION_NOTES = (
    "95 % intervals; differences are paired by query. Gap: all anew - keep. Share of the gap: (translated - keep) / "
    "gap, undefined where the gap is not above 0. Swap as is: the new model asks the old vectors, nothing translated.",
)


def migration_bars(results: RunResults) -> list[BarChart]:
    """Keep, swap, translate, encode anew: one plot per measure, one panel per direction."""
    rows = records(stored(results, "migrations"))
    ways = sorted({str(row["way"]) for row in rows})
    labels = (
        BarRow("keep the old model", None),
        BarRow("swap as is", None),
        *(BarRow(way, 0) for way in ways),
        BarRow("encode everything anew", 2),
    )
    charts = []
    for measure in dict.fromkeys(str(row["measure"]) for row in rows):
        panels = []
        for old, new in dict.fromkeys((row["old"], row["new"]) for row in rows):
            found = {row["way"]: row for row in rows if (row["old"], row["new"], row["measure"]) == (old, new, measure)}
            any_way = next(iter(found.values()))
            translations = [_bar(found[way], "translated") if way in found else None for way in ways]
            bars = (_bar(any_way, "keep"), _bar(any_way, "swap"), *translations, _bar(any_way, "re-encode"))
            panels.append(BarPanel(f"{old} to {new}", tuple((bar,) for bar in bars)))
        charts.append(BarChart(results.dataset, measure, labels, tuple(panels), name="migration"))
    return charts


def _bar(row: Row, name: str) -> Bar:
    return Bar(_known(row[name]), _known(row[f"{name} low"]), _known(row[f"{name} high"]))


def _value(row: Row | None) -> Cell:
    if row is None:
        return Cell("-")
    if str(row["measure"]).startswith(_RANKS):
        low, high = _known(row["low"]), _known(row["high"])
        told = f"{low:,.1f} to {high:,.1f}" if math.isfinite(low + high) else ""
        return Cell(f"{row['value']:,.1f}", told)
    return _range(row["value"], row["low"], row["high"])


def _range(value: Any, low: Any, high: Any) -> Cell:
    return Cell(_number(value), number_range(_known(low), _known(high)))


def _signed(row: Row, name: str) -> Cell:
    return Cell(signed(_known(row[name])), signed_range(_known(row[f"{name} low"]), _known(row[f"{name} high"])))


def _share(row: Row) -> Cell:
    name = "share of the gap"
    if row[name] is None:
        return Cell("undefined")
    return Cell(percent(_known(row[name])), percent_range(_known(row[f"{name} low"]), _known(row[f"{name} high"])))


def _number(value: Any) -> str:
    return number(_known(value))


def _known(value: Any) -> float:
    return math.nan if value is None else float(value)
