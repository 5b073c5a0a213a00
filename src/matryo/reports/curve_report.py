"""The report of a run, put together from its stored results."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matryo.evaluation.results import ExtraTable, RunResults
from matryo.reports.charts import Chart, Floor, Line
from matryo.reports.curve_table import (
    difference_tables,
    main_table,
    recommendation_table,
    seed_table,
    share_tables,
)
from matryo.reports.document import Report, Section
from matryo.reports.formats import seconds
from matryo.reports.panels import Panel, Row, panels
from matryo.reports.table import Cell, Column, Table
from matryo.reports.verdict import HOW_TO_READ, commands, difference_sentences, facts, meanings, verdict


def curve_report(results: RunResults) -> Report:
    """Everything a run has to say: verdict, curves, tables, what was run and on what.

    Args:
        results: as stored; per-query values are not needed.
    """
    found = panels(results)
    first = found[0] if found else None
    sections = [
        *(_first(first) if first else []),
        *(_whole(panel, folded=False) for panel in found[1:] if main_measure(panel, found)),
        *(_whole(panel, folded=True) for panel in found[1:] if not main_measure(panel, found)),
        Section("Each seed", tables=tuple(t for panel in found if (t := seed_table(panel))), folded=True),
        Section("Further tables", tables=tuple(extra_table(table) for table in results.tables)),
        *closing(results, meanings(found), commands(first) if first else ()),
    ]
    return Report(
        title=results.run_name,
        subtitle=subtitle(results, found),
        verdict=verdict(first) if first else "This run holds no scores",
        facts=facts(first) if first else (),
        sections=tuple(section for section in sections if not section.empty),
    )


def subtitle(results: RunResults, found: Sequence[Panel]) -> str:
    """Data, models, time and device in one line."""
    models = list(dict.fromkeys(score.model for score in results.scores if score.dim))
    about = [f"data: {'; '.join(dict.fromkeys([results.dataset, *(p.dataset for p in found)]))}"]
    about += [f"model: {'; '.join(models)}"] if models else []
    return " · ".join([*about, results.timestamp, f"device: {results.device}"])


def closing(
    results: RunResults, rows: tuple[str, ...], lines: tuple[str, ...], how: tuple[str, ...] = HOW_TO_READ
) -> list[Section]:
    """What every report ends with: notes, how to read it, how to do the same, what was run and where.

    Args:
        results: of the run.
        rows: sentences on what the rows of the tables are.
        lines: commands.
        how: paragraphs on what values and intervals are.
    """
    return [
        Section("Notes", bullets=results.notes),
        Section("How to read this", text=how, bullets=rows),
        Section("The same with your model and your texts", commands=lines),
        Section("Seconds of each step", tables=_seconds(results)),
        Section("Settings", tables=two_columns("setting", flat(results.settings)), folded=True),
        Section("Versions and machine", tables=two_columns("what", flat(_environment(results))), folded=True),
    ]


def chart(panel: Panel) -> Chart | None:
    """The curve plot of a panel; None if nothing in it has vectors."""
    lines, floors = [], []
    for row in panel.rows:
        if row.is_floor:
            floors.append(Floor(f"{row.label} (floor)", row.scores[0].value))
            continue
        lines.append(row_line(row))
    return Chart(panel.dataset, panel.measure, tuple(lines), tuple(floors)) if lines else None


def row_line(row: Row) -> Line:
    """A row of a panel as a line of a plot."""
    scores = [row.scores[dim] for dim in sorted(row.scores)]
    return Line(
        row.label,
        tuple(score.dim for score in scores),
        tuple(score.value for score in scores),
        tuple(score.low for score in scores),
        tuple(score.high for score in scores),
    )


def extra_table(stored: ExtraTable) -> Table:
    """A stored table of anything, as a table to print: numbers are shortened, None is a dash."""
    aligned = [
        Column(name, "right" if place and any(isinstance(row[place], int | float) for row in stored.rows) else "left")
        for place, name in enumerate(stored.columns)
    ]
    return Table.of(stored.title, aligned, [[_text(value) for value in row] for row in stored.rows], stored.notes)


def flat(nested: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Names and values of nested settings, one line each.

    Example:
        >>> list(flat({"seed": 0, "head": {"dims": [32, 64], "warm": None}}))
        [('seed', '0'), ('head.dims', '32, 64'), ('head.warm', 'not set')]
    """
    for name, value in nested.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{above}{name}.")
        elif isinstance(value, list | tuple) and value:
            yield f"{above}{name}", ", ".join(_setting(one) for one in value)
        else:
            yield f"{above}{name}", _setting(value)


def _first(panel: Panel) -> list[Section]:
    """The main panel, one section per question."""
    drawn = chart(panel)
    recommended = recommendation_table(panel)
    return [
        Section(panel.name, charts=(drawn,) if drawn else (), tables=(main_table(panel),)),
        Section("What is kept", tables=(*share_tables(panel), *([recommended] if recommended else []))),
        Section(
            "What makes the difference", findings=difference_sentences(panel), tables=tuple(difference_tables(panel))
        ),
    ]


def _whole(panel: Panel, *, folded: bool) -> Section:
    """A further panel in one section."""
    drawn = chart(panel)
    recommended = recommendation_table(panel)
    return Section(
        panel.name,
        text=(f"{verdict(panel)}.",),
        findings=difference_sentences(panel),
        charts=(drawn,) if drawn else (),
        tables=(
            main_table(panel),
            *share_tables(panel),
            *([recommended] if recommended else []),
            *difference_tables(panel),
        ),
        folded=folded,
    )


def main_measure(panel: Panel, found: Sequence[Panel]) -> bool:
    """Whether no other measure of the same data set came before."""
    return next(other for other in found if other.dataset == panel.dataset) is panel


def _seconds(results: RunResults) -> tuple[Table, ...]:
    if not results.seconds:
        return ()
    return (Table.of("", ["step", "seconds"], [[step, seconds(taken)] for step, taken in results.seconds.items()]),)


def _environment(results: RunResults) -> dict[str, Any]:
    cuda = {True: "yes", False: "no", None: "not asked"}[results.cuda_available]
    where = {"device": results.device, "CUDA available": cuda, "seeds": list(results.seeds)}
    return {**where, "machine": dict(results.machine), "versions": dict(results.versions)}


def two_columns(what: str, pairs: Iterator[tuple[str, str]]) -> tuple[Table, ...]:
    """Names and values as one table without a title; none if there are none."""
    rows = [[name, value] for name, value in pairs]
    return (Table.of("", [what, Column("value", "left")], rows),) if rows else ()


def _text(value: str | float | int | None) -> Cell:
    if value is None:
        return Cell("-")
    if isinstance(value, bool | str):
        return Cell(str(value))
    return Cell(f"{value:,}" if isinstance(value, int) else f"{value:,.4g}")


def _setting(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_setting(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_setting(one) for one in value) + "]"
    return str(value)
