"""What is behind every figure and table of a study, as CSV with all stored digits."""

import csv
import io
import math
from collections.abc import Iterable, Sequence

from matryo.evaluation.pictures import KernelPicture, LayoutPicture, SearchPicture
from matryo.evaluation.results import ExtraTable
from matryo.reports.bars import BarChart
from matryo.reports.charts import Chart
from matryo.reports.facets import FacetChart
from matryo.reports.kernel_drawing import KernelChart
from matryo.reports.pareto import ParetoChart
from matryo.reports.plots import Plot
from matryo.reports.scatter_map import LayoutChart
from matryo.reports.study_scatter import ScatterChart
from matryo.reports.table import printable
from matryo.reports.translation_heat import HeatChart

Value = str | float | int | None


def chart_csv(chart: Plot) -> str:
    """The numbers of a plot, one line for each point, bar or cell.

    Args:
        chart: any plot; of one with several panels the first column names the panel.

    Example:
        >>> from matryo.reports.charts import Line
        >>> print(chart_csv(Chart("", "R2", (Line.exact("ridge", (8, 16), (0.25, 0.5)),))), end="")
        line,dims,R2,low,high
        ridge,8,0.25,,
        ridge,16,0.5,,
    """
    if isinstance(chart, Chart):
        points = (
            (line.label, *values)
            for line in chart.lines
            for values in zip(line.x, line.values, line.lows, line.highs, strict=True)
        )
        levels = ((floor.label, None, floor.value, None, None) for floor in chart.floors)
        return _csv(("line", chart.across, chart.measure, "low", "high"), (*points, *levels))
    if isinstance(chart, HeatChart):
        cells = (
            (row, column, value)
            for row, values in zip(chart.rows, chart.values, strict=True)
            for column, value in zip(chart.columns, values, strict=True)
        )
        return _csv((chart.row_axis, chart.column_axis, chart.measure), cells)
    if isinstance(chart, BarChart):
        bars = (
            (panel.title, row.label, shade, bar.value, bar.low, bar.high)
            for panel in chart.panels
            for row, its in zip(chart.rows, panel.bars, strict=True)
            for shade, bar in zip(chart.shades or ("",), its, strict=True)
            if bar is not None
        )
        return _csv(("panel", "row", "bar", "value", "low", "high"), bars)
    if isinstance(chart, ScatterChart):
        named = ((point.label, point.kind, point.x, point.y) for point in chart.points)
        return _csv(("point", "kind", chart.x_axis, chart.y_axis), named)
    if isinstance(chart, FacetChart):
        lines = (
            (facet.title, line.label, *values)
            for facet in chart.facets
            for line in facet.lines
            for values in zip(line.x, line.values, line.lows, line.highs, strict=True)
        )
        return _csv(("panel", "line", "dims", chart.measure, "low", "high"), lines)
    if isinstance(chart, KernelChart):
        return kernel_csv(chart.picture, chart.kernel)
    if isinstance(chart, LayoutChart):
        return layout_csv(chart.picture)
    assert isinstance(chart, ParetoChart)  # our own logic: there is no other plot
    indexes = (
        (one.label, one.kind, one.recall, one.low, one.high, one.bytes_per_vector, one.queries_per_s)
        for one in chart.points
    )
    return _csv(("index", "kind", chart.measure, "low", "high", "bytes per vector", "queries per second"), indexes)


def stored_csv(table: ExtraTable) -> str:
    """A stored table with all its digits."""
    return _csv(table.columns, table.rows)


def layout_csv(picture: LayoutPicture) -> str:
    """The points of a map of texts, native and translated."""
    rows = zip(picture.ids, picture.labels, picture.native, picture.translated, picture.texts, strict=True)
    return _csv(
        ("id", picture.label_kind, "native x", "native y", "translated x", "translated y", "text"),
        ((name, label, *native, *translated, text) for name, label, native, translated, text in rows),
    )


def kernel_csv(picture: KernelPicture, kernel: str) -> str:
    """The cells of one kernel's matrices."""
    places = [(i, j) for i in range(len(picture.ids)) for j in range(len(picture.ids))]
    return _csv(
        ("kernel", "row", "column", "native", "translated", "source"),
        (
            (one.kernel, picture.ids[i], picture.ids[j], one.native[i][j], one.translated[i][j], one.source[i][j])
            for one in picture.matrices
            if one.kernel == kernel
            for i, j in places
        ),
    )


def search_csv(picture: SearchPicture) -> str:
    """Every document that a sample search fetched."""
    lists = (
        (search, name, found)
        for search in picture.searches
        for name, found in (("native", search.native), ("translated", search.translated), ("keep", search.keep))
    )
    return _csv(
        ("query", "reason", "vectors", "rank", "document", "score", "relevant", "query text", "document text"),
        (
            (search.query, search.reason, name, rank, one.id, one.score,
             None if one.relevant is None else str(one.relevant).lower(), search.text, one.text)
            for search, name, found in lists
            for rank, one in enumerate(found, start=1)
        ),
    )  # fmt: skip


def _csv(columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([printable(name) for name in columns])
    writer.writerows([_field(value) for value in row] for row in rows)
    return stream.getvalue()


def _field(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else ""
    return printable(str(value))
