"""The report as Markdown, with its plots as image files beside it."""

import re
from collections.abc import Iterator

from matryo.reports.document import Report, Section, chart_stems
from matryo.reports.table import markdown, markdown_text, printable


def report_markdown(report: Report) -> str:
    """Write a report as Markdown.

    Args:
        report: what it says.

    Returns: the whole text; it shows `curve.png`, `curve-2.png` ... (see `chart_stems`) from its own folder.
    """
    parts = [f"# {markdown_text(report.title)}", f"**{markdown_text(report.verdict)}**"]
    if report.subtitle:
        parts.append(markdown_text(report.subtitle))
    if report.facts:
        parts.append("\n".join(f"- {markdown_text(fact.label)}: {markdown_text(fact.value)}" for fact in report.facts))
    stems = iter(chart_stems(report.charts()))
    parts += [_section(section, stems) for section in report.sections]
    return "\n\n".join(parts) + "\n"


def _section(section: Section, stems: Iterator[str]) -> str:
    parts = [f"## {markdown_text(section.title)}", *(markdown_text(paragraph) for paragraph in section.text)]
    if section.findings:
        parts.append("\n".join(f"- {markdown_text(finding)}" for finding in section.findings))
    parts += [f"![{markdown_text(chart.description())}]({next(stems)}.png)" for chart in section.charts]
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
