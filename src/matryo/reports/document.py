"""What a report says, apart from how it is written: sections of text, plots and tables."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from matryo.reports.plots import Plot
from matryo.reports.table import Table


@dataclass(frozen=True, slots=True)
class Fact:
    """One number that belongs on the first screen, with what it is."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report.

    Attributes:
        title: heading.
        text: paragraphs before the plots and tables.
        findings: a list after them.
        charts: plots.
        tables: tables.
        bullets: a list after these.
        commands: lines of a terminal after that.
        folded: whether a page shows it closed at first.
    """

    title: str
    text: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    charts: tuple[Plot, ...] = ()
    tables: tuple[Table, ...] = ()
    bullets: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    folded: bool = False

    @property
    def empty(self) -> bool:
        """Whether there is nothing below the heading."""
        return not (self.text or self.findings or self.charts or self.tables or self.bullets or self.commands)


@dataclass(frozen=True, slots=True)
class Report:
    """The whole report.

    Attributes:
        title: name of the run.
        subtitle: data, model and time, in one line.
        verdict: what was found, in one sentence.
        facts: a few numbers for the first screen.
        sections: in reading order.
    """

    title: str
    subtitle: str
    verdict: str
    facts: tuple[Fact, ...]
    sections: tuple[Section, ...]

    def charts(self) -> list[Plot]:
        """Every plot, in reading order."""
        return [chart for section in self.sections for chart in section.charts]


def chart_stems(charts: Sequence[Plot]) -> list[str]:
    """Names of the files of plots, without their endings; a name that was used before gets a number.

    Example:
        >>> from matryo.reports.charts import Chart
        >>> chart_stems([Chart("", "MRR@10", ()), Chart("", "MRR@10", ())])
        ['curve', 'curve-2']
    """
    used: Counter[str] = Counter()
    stems = []
    for chart in charts:
        used[chart.name] += 1
        stems.append(chart.name if used[chart.name] == 1 else f"{chart.name}-{used[chart.name]}")
    return stems
