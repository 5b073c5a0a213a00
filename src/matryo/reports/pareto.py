"""What indexes give for what they cost, as values: points, the frontier, the table beside the plot."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from matryo.evaluation.index_table import index_rows
from matryo.evaluation.results import ExtraTable
from matryo.reports.formats import number, number_range
from matryo.reports.table import Cell, Column, Table

_ENDS = (" low", " high")
_TIMES = ("p50 ms", "p99 ms", "Batch queries/s")


@dataclass(frozen=True, slots=True)
class ParetoPoint:
    """One index.

    Attributes:
        label: its name.
        kind: gives its colour and marker.
        recall: within 0..1.
        low: lower end of the recall's interval, NaN if there is none.
        high: upper end.
        bytes_per_vector: memory per row, above 0.
        queries_per_s: single queries one after the other; NaN if not timed.
        chosen: whether it is the one that is recommended.
    """

    label: str
    kind: str
    recall: float
    low: float
    high: float
    bytes_per_vector: float
    queries_per_s: float = math.nan
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class ParetoChart:
    """Recall over bytes per vector and, beside it, over queries per second; or speed over bytes per vector.

    Attributes:
        title: data set; "" = the measure says it all.
        measure: what goes up, e.g. "Recall@10".
        points: indexes.
        up: what goes up: the recall, or the speed where all points have about the same recall.
        name: of its files, without their ending.
    """

    title: str
    measure: str
    points: tuple[ParetoPoint, ...]
    name: str = "indexes"
    up: Literal["recall", "speed"] = "recall"

    @property
    def heading(self) -> str:
        """Measure and data set."""
        what = f"{self.measure} against memory and speed" if self.up == "recall" else "Speed against memory"
        return " on ".join(part for part in (what, self.title) if part)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds in order of appearance."""
        return tuple(dict.fromkeys(point.kind for point in self.points))

    @property
    def timed(self) -> bool:
        """Whether any point has a speed."""
        return any(math.isfinite(point.queries_per_s) for point in self.points)

    def description(self) -> str:
        """The figures in words, for readers who do not see the plot."""
        told = []
        for point in self.points:
            speed = f", {point.queries_per_s:,.0f} queries/s" if math.isfinite(point.queries_per_s) else ""
            told.append(f"{point.label}: {point.recall:.3f} at {point.bytes_per_vector:,.0f} bytes per vector{speed}")
        return f"{self.measure} by bytes per vector in memory. " + ". ".join(told) + "."


def frontier(costs: Sequence[float], gains: Sequence[float]) -> list[int]:
    """Which points nothing beats: cheaper at the same gain, or better at the same cost.

    Args:
        costs: lower is better; a NaN is never on the frontier.
        gains: higher is better.

    Returns: their numbers by rising cost; of equal points the first.

    >>> frontier([4, 2, 2, 8], [0.9, 0.5, 0.6, 0.8])
    [2, 0]
    """
    order = sorted((i for i, cost in enumerate(costs) if math.isfinite(cost)), key=lambda i: (costs[i], -gains[i]))
    kept: list[int] = []
    for i in order:
        if not kept or gains[i] > gains[kept[-1]]:
            kept.append(i)
    return kept


def pareto_chart(stored: ExtraTable, dataset: str) -> ParetoChart:
    """The plot of a stored table of indexes."""
    measure, rows = index_rows(stored)
    points = tuple(
        ParetoPoint(row.label, row.kind, row.recall, row.low, row.high, row.bytes_per_vector, row.queries_per_s)
        for row in rows
    )
    return ParetoChart(dataset, measure, points)


def pareto_tables(stored: ExtraTable) -> tuple[Table, ...]:
    """The stored table as two to print: what is found and what it costs, with intervals below, and times."""
    times = [at for at, name in enumerate(stored.columns) if name.startswith(_TIMES)]
    others = [at for at in range(len(stored.columns)) if at not in times]
    about_times = [note for note in stored.notes if note.startswith("times:")]
    found = _table(stored, others, stored.title, [note for note in stored.notes if note not in about_times])
    return (found, _table(stored, [0, *times], "Time of a search", about_times)) if times else (found,)


def _table(stored: ExtraTable, places: Sequence[int], title: str, notes: Sequence[str]) -> Table:
    shown = [at for at in places if not stored.columns[at].endswith(_ENDS)]
    columns = [Column(stored.columns[at], "left" if at < 2 else "right") for at in shown]
    return Table.of(title, columns, [[_cell(stored, row, at) for at in shown] for row in stored.rows], notes)


def _cell(stored: ExtraTable, row: tuple[str | float | int | None, ...], at: int) -> Cell:
    value, name = row[at], stored.columns[at]
    if value is None or isinstance(value, str):
        return Cell(value or "-")
    if "@" in name:
        ends = [row[stored.columns.index(name + end)] for end in _ENDS]
        low, high = (math.nan if end is None else float(end) for end in ends)
        return Cell(number(value), number_range(low, high))
    if name.startswith(("p50", "p99", "Build")):
        return Cell(f"{value:.2f}")
    return Cell(f"{value:,.0f}")
