"""Horizontal bars in panels side by side, one row for each system, as values."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes:
        value: its length.
        low: lower end of its interval, NaN = none is drawn.
        high: upper end.
        seeds: values of single seeds, drawn as dots.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    seeds: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class BarPanel:
    """One measure of all systems.

    Attributes:
        title: what goes to the right.
        bars: for each row one bar per shade, None = not measured.
        level: a line across all rows, such as what guessing reaches; NaN = none.
    """

    title: str
    bars: tuple[tuple[Bar | None, ...], ...]
    level: float = math.nan


@dataclass(frozen=True, slots=True)
class BarRow:
    """Name and colour of one row.

    Attributes:
        label: name of the system.
        colour: number in the palette; None = grey.
    """

    label: str
    colour: int | None


@dataclass(frozen=True, slots=True)
class BarChart:
    """Panels of bars.

    Attributes:
        title: data set; "" = the measure says it all.
        measure: what the bars show.
        rows: from the top.
        panels: from the left.
        shades: names of the bars of one row, the first one darkest; () = a single bar.
        level_name: what the line of each panel is.
        shared: whether all panels have the same scale.
        name: of its files, without their ending.
    """

    title: str
    measure: str
    rows: tuple[BarRow, ...]
    panels: tuple[BarPanel, ...]
    shades: tuple[str, ...] = ()
    level_name: str = ""
    shared: bool = True
    name: str = "bars"

    @property
    def heading(self) -> str:
        """Measure and data set."""
        return " on ".join(part for part in (self.measure, self.title) if part)

    @property
    def seeded(self) -> bool:
        """Whether any bar shows single seeds."""
        return any(bar.seeds for panel in self.panels for row in panel.bars for bar in row if bar)

    def description(self) -> str:
        """The figures in words, for readers who do not see the plot."""
        parts = []
        for panel in self.panels:
            told = []
            for row, bars in zip(self.rows, panel.bars, strict=True):
                values = [f"{bar.value:.3f}" for bar in bars if bar]
                if values:
                    told.append(f"{row.label} {' and '.join(values)}")
            level = f", {self.level_name} {panel.level:.3f}" if math.isfinite(panel.level) else ""
            parts.append(f"{panel.title}: {', '.join(told)}{level}")
        shades = f" ({' and '.join(self.shades)})" if self.shades else ""
        return f"{self.measure}{shades}. {'. '.join(parts)}."
