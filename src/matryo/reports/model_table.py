"""The page of measured models: storage, speed and quality at every dim, as tables, plots, Markdown and HTML."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from matryo.evaluation.score import PLAIN_CUT
from matryo.reports.charts import Chart, Line
from matryo.reports.curve_report import flat, two_columns
from matryo.reports.document import Report, Section
from matryo.reports.files import write_report
from matryo.reports.formats import count, number, number_range, percent, percent_range
from matryo.reports.model_table_values import Kept, MeasuredModel, ModelTable
from matryo.reports.table import Cell, Column, Table, console, wrapped

NAME = "models"
HTML_FILE = f"{NAME}.html"
MARKDOWN_FILE = f"{NAME}.md"
BYTES_PER_NUMBER = 4
_MILLION = 1_000_000


def write_model_table(table: ModelTable, folder: Path) -> list[Path]:
    """Write models.html, models.md and the plots; what is there is replaced.

    Returns: the files, the page first.
    """
    return write_report(model_report(table), folder, NAME)


def model_report(table: ModelTable) -> Report:
    """Everything that was measured as a report."""
    sections = [
        *(_of_model(table, model) for model in table.models),
        *(_of_dataset(table, dataset) for dataset in table.datasets),
        Section("Speed", charts=(speed_chart(table),)),
        Section("How it was measured", bullets=(*how_measured(table), *table.notes)),
        Section("Settings", tables=two_columns("setting", flat(table.settings)), folded=True),
        Section(
            "Versions and machine",
            tables=two_columns("what", flat({"versions": table.versions, "machine": table.machine})),
            folded=True,
        ),
    ]
    names = ", ".join(model.name for model in table.models)
    return Report(
        title="What a cut saves and what it costs",
        subtitle=f"models: {names} · data: {'; '.join(table.datasets)} · {table.timestamp}",
        verdict=headline(table),
        facts=(),
        sections=tuple(section for section in sections if not section.empty),
    )


def headline(table: ModelTable) -> str:
    """Of every model, how many numbers are shown to be enough on the first data set, plain and rotated."""
    first = table.datasets[0]
    told = []
    for model in table.models:
        enough = [
            f"{'rotated ' * bool(_rotated(one.map))}{_of(one.dim, model.width)}"
            for one in model.recommended
            if one.dataset == first
        ]
        told.append(f"{model.name} {', '.join(enough)}")
    return f"Numbers shown to keep {percent(table.share)} of {table.measure} on {first}: {'; '.join(told)}"


def model_console(table: ModelTable, width: int = 120) -> str:
    """The short tables and what follows from them, for a terminal.

    Args:
        table: what was measured.
        width: columns of the screen.
    """
    parts = [console(short_table(table, model), width) for model in table.models]
    said = [sentence for model in table.models for sentence in _sentences(table, model)]
    notes = [f"note: {note}" for note in (*how_measured(table), *table.notes)]
    return "\n\n".join([*parts, *("\n".join(wrapped(line, width) for line in some) for some in (said, notes) if some)])


def short_table(table: ModelTable, model: MeasuredModel) -> Table:
    """Dim, storage, speed and quality loss of one model, widest first."""
    heads = ["dim", "storage", "speed"]
    columns = [(dataset, map) for dataset in table.datasets for map in _maps(model, dataset)]
    many = len(table.datasets) > 1
    heads += [f"quality loss{_rotated(map)}{f', {dataset}' if many else ''}" for dataset, map in columns]
    rows: list[list[str | Cell]] = []
    for point in reversed(model.search.points):
        dim = point.dim
        cells: list[str | Cell] = [
            f"{dim} (full)" if dim == model.width else str(dim),
            percent(dim / model.width),
            f"{point.batch_ratio:.1f}x",
        ]
        rows.append([*cells, *(_loss(model.kept(dataset, map, dim)) for dataset, map in columns)])
    return Table.of(f"{model.name}, {model.width} numbers", heads, rows)


def long_table(table: ModelTable, model: MeasuredModel) -> Table:
    """Everything behind the short table, widest first."""
    columns = [(dataset, map) for dataset in table.datasets for map in _maps(model, dataset)]
    heads: list[str | Column] = ["dim", "bytes per vector", "MB per million", "batch, queries/s", "single, queries/s"]
    heads += ["single, speed"]
    for dataset, map in columns:
        heads += [f"{table.measure}{_rotated(map)}, {dataset}", f"share kept{_rotated(map)}, {dataset}"]
    rows: list[list[str | Cell]] = []
    for point in reversed(model.search.points):
        size = BYTES_PER_NUMBER * point.dim
        cells: list[str | Cell] = [str(point.dim), count(size), f"{size * _MILLION / 1e6:,.0f}"]
        cells += [count(point.batch_per_s), count(point.single_per_s), f"{point.single_ratio:.1f}x"]
        for dataset, map in columns:
            kept = model.kept(dataset, map, point.dim)
            cells.append(Cell(number(kept.value), number_range(kept.low, kept.high)) if kept else "-")
            cells.append(Cell(percent(kept.share), _ends(kept, kept.share_low, kept.share_high)) if kept else "-")
        rows.append(cells)
    return Table.of(f"{model.name}, all figures", heads, rows)


def how_measured(table: ModelTable) -> Iterator[str]:
    """What stands behind the figures, one sentence each."""
    yield (
        f"storage: float32, {BYTES_PER_NUMBER} bytes per number, vectors alone; quality loss: what is missing to the "
        f"{table.measure} of the plain full width, with the 95 % interval of that share, paired by query"
    )
    for model in table.models:
        encode, search = model.encode, model.search
        read = "all tokens" if encode.max_tokens is None else f"at most {encode.max_tokens} tokens of each"
        yield (
            f"{model.name} encodes {_rate(encode.texts_per_s)} texts/s, the same at every dim because the cut comes "
            f"after: {count(encode.n_texts)} documents, {read}, median of {encode.n_rounds} rounds, {encode.device}, "
            f"{encode.precision}, {_threads(encode.threads)}"
        )
        searched = f"exact search of {count(search.n_rows)} vectors held in memory"
        if search.n_rows > search.n_documents:
            searched += f", {count(search.n_documents)} of them documents, the others these with a little noise"
        yield (
            f"{model.name}, speed: {searched}; best {search.k}, {count(search.n_batch)} queries at once (batch) or "
            f"{count(search.n_single)} one after the other (single), median of {search.n_rounds} rounds in which the "
            f"dims take turns, ratios within a round, {_threads(search.threads)}"
        )


def share_chart(table: ModelTable, dataset: str) -> Chart:
    """Share of the full width's quality by dim, one line per model and map."""
    lines = tuple(
        _line(place, model, map, dataset, lambda kept: (kept.share, kept.share_low, kept.share_high))
        for place, model in enumerate(table.models)
        for map in _maps(model, dataset)
    )
    return Chart(dataset, f"Share of the full width's {table.measure}", lines, name="share")


def quality_chart(table: ModelTable, dataset: str) -> Chart:
    """Quality by dim, so that models are seen beside each other at the same bytes per vector."""
    lines = tuple(
        _line(place, model, map, dataset, lambda kept: (kept.value, kept.low, kept.high))
        for place, model in enumerate(table.models)
        for map in _maps(model, dataset)
    )
    return Chart(dataset, table.measure, lines, name="quality")


def speed_chart(table: ModelTable) -> Chart:
    """Times as fast as the full width, many queries at once and single ones."""
    lines = []
    for place, model in enumerate(table.models):
        points = model.search.points
        batch = Line.exact(
            f"{model.name}, batch", model.dims, tuple(point.batch_ratio for point in points), colour=place
        )
        single = tuple(point.single_ratio for point in points)
        lines += [batch, replace(batch, label=f"{model.name}, single", values=single, dashed=True)]
    return Chart("", "Speed of the search, times that of the full width", tuple(lines), name="speed")


def _line(
    place: int, model: MeasuredModel, map: str, dataset: str, read: Callable[[Kept], tuple[float, float, float]]
) -> Line:
    found = [kept for dim in model.dims if (kept := model.kept(dataset, map, dim))]
    values, lows, highs = zip(*(read(kept) for kept in found), strict=True)
    dims = tuple(kept.dim for kept in found)
    label = f"{model.name}{_rotated(map)}"
    return Line(label, dims, values, lows, highs, colour=place, dashed=map != PLAIN_CUT)


def _of_model(table: ModelTable, model: MeasuredModel) -> Section:
    return Section(
        model.name,
        findings=tuple(_sentences(table, model)),
        tables=(short_table(table, model), long_table(table, model)),
    )


def _of_dataset(table: ModelTable, dataset: str) -> Section:
    return Section(f"Quality on {dataset}", charts=(share_chart(table, dataset), quality_chart(table, dataset)))


def _sentences(table: ModelTable, model: MeasuredModel) -> Iterator[str]:
    """One sentence per data set and map: from which dim on the share is shown to be kept, and what that saves."""
    for one in model.recommended:
        how = f"{model.name}{_rotated(one.map)} on {one.dataset}"
        if one.dim == model.width:
            yield f"{how}: no dim below {model.width} is shown to keep {percent(table.share)} of the quality"
            continue
        (point,) = [point for point in model.search.points if point.dim == one.dim]
        yield (
            f"{how}: {one.dim} of {model.width} numbers are shown to keep {percent(table.share)} of the quality, with "
            f"{percent(one.dim / model.width)} of the storage and {point.batch_ratio:.1f} times the speed"
        )


def _of(dim: int, width: int) -> str:
    return f"all {width}" if dim == width else f"{dim} of {width}"


def _maps(model: MeasuredModel, dataset: str) -> list[str]:
    return list(dict.fromkeys(kept.map for kept in model.quality if kept.dataset == dataset))


def _rotated(map: str) -> str:
    return "" if map == PLAIN_CUT else ", rotated"


def _loss(kept: Kept | None) -> Cell:
    """What is missing to the full width; a gain is a negative loss."""
    if kept is None:
        return Cell("-")
    # rounded first, so that a loss of nothing has no minus sign
    return Cell(percent(round(1.0 - kept.share, 6) + 0.0), _ends(kept, 1.0 - kept.share_high, 1.0 - kept.share_low))


def _ends(kept: Kept, low: float, high: float) -> str:
    """The interval of a share or loss; the full width beside itself has none to show."""
    return "" if kept.share_low == kept.share_high else percent_range(low, high)


def _threads(n: int) -> str:
    return f"{n} thread{'s' if n > 1 else ''}"


def _rate(value: float) -> str:
    return count(value) if value >= 10 else f"{value:.1f}"
