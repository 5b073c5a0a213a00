"""The report as one HTML page: no script, nothing loaded from elsewhere, light and dark, wide and narrow screens."""

import re
from html import escape
from importlib.resources import files
from string import Template

from matryo.reports.document import Report, Section
from matryo.reports.drawing import FLOOR, GRID, INK, PALETTE
from matryo.reports.figures import svg_inline
from matryo.reports.plots import Plot
from matryo.reports.table import Table, printable

_MANY_COLUMNS = 9  # more than these are set closer together, so that a usual screen shows them all
_DARK = {"ink": "#e6e9ec", "floor": "#9aa4af", "grid": "#343b43"}


def report_html(report: Report) -> str:
    """Write a report as a self-contained page.

    Args:
        report: what it says; every text is escaped.

    Returns: the whole page.
    """
    facts = "".join(f"<div><dt>{_text(fact.label)}</dt><dd>{_text(fact.value)}</dd></div>" for fact in report.facts)
    bodies, n_charts = [], 0
    for number, section in enumerate(report.sections, start=1):
        bodies.append(_section(section, f"section-{number}", n_charts))
        n_charts += len(section.charts)
    page = Template(files("matryo.reports").joinpath("page.html").read_text(encoding="utf-8"))
    return page.substitute(
        title=_text(report.title),
        subtitle=f'<p class="subtitle">{_text(report.subtitle)}</p>' if report.subtitle else "",
        verdict=_text(report.verdict),
        facts=f'<dl class="facts">{facts}</dl>' if facts else "",
        sections="\n".join(bodies),
        light=_variables({"ink": INK, "floor": FLOOR, "grid": GRID}, shade=0),
        dark=_variables(_DARK, shade=1),
    )


def _text(text: str) -> str:
    """Escape a text for elements and quoted attributes; keep numbers in one piece with their unit and their range."""
    kept = re.sub(r"(?<=\d) (?=%)", "\u00a0", printable(text))
    return escape(re.sub(r"(?<=\d)\u2013(?=\d)", "\u2013\u2060", kept))


def _prose(text: str) -> str:
    """A sentence: what stands between backticks is set as a command, in one piece."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", _text(text))


def _variables(colours: dict[str, str], shade: int) -> str:
    lines = {f"line-{number}": pair[shade] for number, pair in enumerate(PALETTE, start=1)}
    return " ".join(f"--{name}: {colour};" for name, colour in (colours | lines).items())


def _section(section: Section, key: str, n_charts_before: int) -> str:
    parts = [f"<p>{_prose(paragraph)}</p>" for paragraph in section.text]
    parts += _list(section.findings)
    parts += [_figure(chart, number) for number, chart in enumerate(section.charts, start=n_charts_before + 1)]
    parts += [html_table(table) for table in section.tables]
    parts += _list(section.bullets)
    if section.commands:
        lines = escape("\n".join(printable(line) for line in section.commands))
        parts.append(f'<pre tabindex="0" aria-label="commands"><code>{lines}</code></pre>')
    body = "\n".join(parts)
    heading = f'<h2 id="{key}">{_text(section.title)}</h2>'
    if section.folded:
        return f'<details class="section"><summary>{heading}</summary>\n{body}\n</details>'
    return f'<section class="section" aria-labelledby="{key}">{heading}\n{body}\n</section>'


def _list(items: tuple[str, ...]) -> list[str]:
    return ["<ul>" + "".join(f"<li>{_prose(item)}</li>" for item in items) + "</ul>"] if items else []


def _figure(chart: Plot, number: int) -> str:
    wide = svg_inline(chart, f"plot-{number}")
    narrow = svg_inline(chart, f"plot-{number}-narrow", narrow=True)
    return f'<figure><div class="wide">{wide}</div><div class="narrow">{narrow}</div></figure>'


def html_table(table: Table) -> str:
    """One table that scrolls sideways where the screen is too narrow; every text is escaped."""
    heads = "".join(f'<th scope="col" class="{column.align}">{_text(column.name)}</th>' for column in table.columns)
    rows = []
    for row in table.rows:
        cells = []
        for place, (cell, column) in enumerate(zip(row, table.columns, strict=True)):
            detail = f"<small>{_text(cell.detail)}</small>" if cell.detail else ""
            value = f"<strong>{_text(cell.text)}</strong>" if cell.strong else _text(cell.text)
            tag, scope = ("th", ' scope="row"') if place == 0 else ("td", "")
            cells.append(f'<{tag}{scope} class="{column.align}">{value}{detail}</{tag}>')
        rows.append(f"<tr>{''.join(cells)}</tr>")
    notes = "".join(f"<p>{_text(note)}</p>" for note in table.notes)
    many = ' class="many"' if len(table.columns) > _MANY_COLUMNS else ""
    return (
        (f"<h3>{_text(table.title)}</h3>\n" if table.title else "")
        + f'<div class="scroll" tabindex="0" role="region" aria-label="{_text(table.title) or "table"}">'
        + f"<table{many}>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n"
        + "\n".join(rows)
        + "\n</tbody>\n</table></div>"
        + (f'\n<div class="table-notes">{notes}</div>' if notes else "")
    )
