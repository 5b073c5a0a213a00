"""A report as files: every plot as PNG and SVG, then the Markdown text and the page that names them."""

from pathlib import Path

from matryo.files import atomic_path, write_text
from matryo.reports.document import Report, chart_stems
from matryo.reports.figures import png, svg_file
from matryo.reports.html import report_html
from matryo.reports.markdown import report_markdown

NAME = "report"


def write_report(report: Report, folder: Path, name: str = NAME) -> list[Path]:
    """Write `NAME.html`, `NAME.md` and the plots of a report; what is there is replaced.

    Args:
        report: what they show.
        folder: where they go.
        name: of page and text.

    Returns: the files, the page first, then the text.
    """
    charts, plots = report.charts(), []
    for stem, chart in zip(chart_stems(charts), charts, strict=True):
        image, drawing = folder / f"{stem}.png", folder / f"{stem}.svg"
        with atomic_path(image) as temporary:
            temporary.write_bytes(png(chart))
        write_text(drawing, svg_file(chart))
        plots += [image, drawing]
    page, text = folder / f"{name}.html", folder / f"{name}.md"
    write_text(text, report_markdown(report))
    write_text(page, report_html(report))
    return [page, text, *plots]
