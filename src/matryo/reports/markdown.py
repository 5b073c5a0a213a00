"""The report as Markdown, with its plots as image files beside it."""

import re

from matryo.reports.document import Report, Section, chart_stem
from matryo.reports.table import markdown, markdown_text, printable


def report_markdown(report: Report) -> str:
    """Write a report as Markdown.

    Args:
        report: what it says.

    Returns: the whole text; it shows `curve.png`, `curve-2.png` ... (see `chart_stem`) from its own folder.
    """
    parts = [f"# {markdown_text(report.title)}", f"**{markdown_text(report.verdict)}**"]
    if report.subtitle:
        parts.append(markdown_text(report.subtitle))
    if report.facts:
        parts.append("\n".join(f"- {markdown_text(fact.label)}: {markdown_text(fact.value)}" for fact in report.facts))
    n_charts = 0
    for section in report.sections:
        parts.append(_section(section, n_charts))
        n_charts += len(section.charts)
    return "\n\n".join(parts) + "\n"


def _section(section: Section, n_charts_before: int) -> str:
    parts = [f"## {markdown_text(section.title)}", *(markdown_text(paragraph) for paragraph in section.text)]
    if section.findings:
        parts.append("\n".join(f"- {markdown_text(finding)}" for finding in section.findings))
    for number, chart in enumerate(section.charts, start=n_charts_before):
        parts.append(f"![{markdown_text(chart.description())}]({chart_stem(number)}.png)")
    parts.extend(markdown(table) for table in section.tables)
    if section.bullets:
        parts.append("\n".join(f"- {markdown_text(bullet)}" for bullet in section.bullets))
    if section.commands:
        parts.append(_fenced(section.commands))
    return "\n\n".join(parts)


def _fenced(lines: tuple[str, ...]) -> str:
    """A block of code whose fence is longer than any run of backticks inside."""
    text = "\n".join(printable(line) for line in lines)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}sh\n{text}\n{fence}"
