"""The report as one HTML page: no script, nothing loaded from elsewhere, light and dark, wide and narrow screens."""

import re
from html import escape
from importlib.resources import files
from string import Template

from matryo.reports.document import Fact, Report, Section
from matryo.reports.drawing import FLOOR, GRID, INK, PALETTE
from matryo.reports.figures import svg_inline
from matryo.reports.kernel_drawing import KernelChart
from matryo.reports.plots import Plot
from matryo.reports.scatter_map import LayoutChart
from matryo.reports.study_scatter import ScatterChart
from matryo.reports.table import Table, printable

_MANY_COLUMNS = 9  # more than these are set closer together, so that a usual screen shows them all
_DARK = {"ink": "#e6e9ec", "floor": "#9aa4af", "grid": "#343b43"}


def report_html(report: Report) -> str:
    """Write a report as a self-contained page.

    Args:
        report: what it says; every text is escaped.

    Returns: the whole page.
    """
    bodies, n_charts = [], 0
    for number, section in enumerate(report.sections, start=1):
        bodies.append(_section(section, f"section-{number}", n_charts))
        n_charts += len(section.charts)
    page = Template(files("matryo.reports").joinpath("page.html").read_text(encoding="utf-8"))
    return page.substitute(
        title=html_text(report.title),
        subtitle=f'<p class="subtitle">{html_text(report.subtitle)}</p>' if report.subtitle else "",
        verdict=html_text(report.verdict),
        facts=html_facts(report.facts),
        sections="\n".join(bodies),
        light=colours(dark=False),
        dark=colours(dark=True),
    )


def colours(*, dark: bool) -> str:
    """Declarations of the CSS variables that plots of a page are drawn with."""
    return _variables(_DARK, shade=1) if dark else _variables({"ink": INK, "floor": FLOOR, "grid": GRID}, shade=0)


def html_text(text: str) -> str:
    """Escape a text for elements and quoted attributes; keep numbers in one piece with their unit and their range."""
    kept = re.sub(r"(?<=\d) (?=%)", "\u00a0", printable(text))
    return escape(re.sub(r"(?<=\d)\u2013(?=\d)", "\u2013\u2060", kept))


def html_prose(text: str) -> str:
    """A sentence: what stands between backticks is set as a command, in one piece."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html_text(text))


def _variables(colours: dict[str, str], shade: int) -> str:
    lines = {f"line-{number}": pair[shade] for number, pair in enumerate(PALETTE, start=1)}
    return " ".join(f"--{name}: {colour};" for name, colour in (colours | lines).items())


def _section(section: Section, key: str, n_charts_before: int) -> str:
    parts = [f"<p>{html_prose(paragraph)}</p>" for paragraph in section.text]
    parts += html_list(section.findings)
    parts += [html_figure(chart, number) for number, chart in enumerate(section.charts, start=n_charts_before + 1)]
    parts += [html_table(table) for table in section.tables]
    parts += html_list(section.bullets)
    if section.commands:
        lines = escape("\n".join(printable(line) for line in section.commands))
        parts.append(f'<pre tabindex="0" aria-label="commands"><code>{lines}</code></pre>')
    body = "\n".join(parts)
    heading = f'<h2 id="{key}">{html_text(section.title)}</h2>'
    if section.folded:
        return f'<details class="section"><summary>{heading}</summary>\n{body}\n</details>'
    return f'<section class="section" aria-labelledby="{key}">{heading}\n{body}\n</section>'


def html_facts(facts: tuple[Fact, ...]) -> str:
    """Numbers of the first screen; "" if there are none."""
    told = "".join(f"<div><dt>{html_text(fact.label)}</dt><dd>{html_text(fact.value)}</dd></div>" for fact in facts)
    return f'<dl class="facts">{told}</dl>' if told else ""


def html_list(items: tuple[str, ...]) -> list[str]:
    """Sentences as a list; nothing if there are none."""
    return ["<ul>" + "".join(f"<li>{html_prose(item)}</li>" for item in items) + "</ul>"] if items else []


def html_figure(chart: Plot, number: int) -> str:
    """A plot in its wide and its narrow form, of which a page shows one, with its caption.

    Args:
        chart: what to draw.
        number: of the plot on its page, from 1.
    """
    wide = svg_inline(chart, f"plot-{number}")
    narrow = svg_inline(chart, f"plot-{number}-narrow", narrow=True)
    caption = ""
    if isinstance(chart, ScatterChart):
        caption = chart.caption
    elif isinstance(chart, KernelChart | LayoutChart):
        caption = chart.caption()
    below = f"<figcaption>{html_prose(caption)}</figcaption>" if caption else ""
    return f'<figure><div class="wide">{wide}</div><div class="narrow">{narrow}</div>{below}</figure>'


def html_table(table: Table) -> str:
    """One table that scrolls sideways where the screen is too narrow; every text is escaped."""
    heads = "".join(f'<th scope="col" class="{column.align}">{html_text(column.name)}</th>' for column in table.columns)
    rows = []
    for row in table.rows:
        cells = []
        for place, (cell, column) in enumerate(zip(row, table.columns, strict=True)):
            detail = f"<small>{html_text(cell.detail)}</small>" if cell.detail else ""
            value = f"<strong>{html_text(cell.text)}</strong>" if cell.strong else html_text(cell.text)
            tag, scope = ("th", ' scope="row"') if place == 0 else ("td", "")
            cells.append(f'<{tag}{scope} class="{column.align}">{value}{detail}</{tag}>')
        rows.append(f"<tr>{''.join(cells)}</tr>")
    notes = "".join(f"<p>{html_text(note)}</p>" for note in table.notes)
    many = ' class="many"' if len(table.columns) > _MANY_COLUMNS else ""
    return (
        (f"<h3>{html_text(table.title)}</h3>\n" if table.title else "")
        + f'<div class="scroll" tabindex="0" role="region" aria-label="{html_text(table.title) or "table"}">'
        + f"<table{many}>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n"
        + "\n".join(rows)
        + "\n</tbody>\n</table></div>"
        + (f'\n<div class="table-notes">{notes}</div>' if notes else "")
    )
