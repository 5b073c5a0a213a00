"""Small plots side by side, one for each system, as values: what each shows over the number of dims kept."""

import math
from dataclasses import dataclass
from typing import Literal

from matryo.reports.charts import Floor

Look = Literal["solid", "dashed", "dotted", "band"]


@dataclass(frozen=True, slots=True)
class FacetLine:
    """One line of a small plot.

    Attributes:
        label: for the legend, which all small plots share.
        look: solid = what it is about, with its interval shaded; dashed or dotted = what it is held against; band =
            only the grey area between the bounds.
        x: dims, rising.
        values: one per x; NaN = none.
        lows: lower bounds, NaN where there is none.
        highs: upper bounds.
        seeds: values of single seeds for each x, () = not shown.
    """

    label: str
    look: Look
    x: tuple[int, ...]
    values: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    seeds: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Facet:
    """A small plot.

    Attributes:
        title: name of the system.
        colour: number in the palette; None = grey.
        lines: what it shows.
    """

    title: str
    colour: int | None
    lines: tuple[FacetLine, ...]


@dataclass(frozen=True, slots=True)
class FacetChart:
    """Small plots with the same axes.

    Attributes:
        title: data set; "" = the measure says it all.
        measure: what goes up.
        facets: in reading order.
        mark: a dim that is marked in each.
        mark_label: its name in the legend.
        floors: levels drawn in each.
        name: of its files, without their ending.
    """

    title: str
    measure: str
    facets: tuple[Facet, ...]
    mark: int | None = None
    mark_label: str = ""
    floors: tuple[Floor, ...] = ()
    name: str = "facets"

    @property
    def heading(self) -> str:
        """Measure and data set."""
        return " on ".join(part for part in (self.measure, self.title) if part)

    def description(self) -> str:
        """The figures in words, for readers who do not see the plot."""
        parts = []
        for facet in self.facets:
            for line in facet.lines:
                if line.look != "band":
                    pairs = [(x, value) for x, value in zip(line.x, line.values, strict=True) if math.isfinite(value)]
                    told = ", ".join(f"{value:.3f} at {x}" for x, value in pairs)
                    parts.append(f"{facet.title}, {line.label}: {told or 'none'}")
        parts += [f"{floor.label}: {floor.value:.3f} at every dim" for floor in self.floors]
        return f"{self.measure} by number of dims kept. {'. '.join(parts)}."
