"""A scatter of named points: whether one number, known beforehand, tells another."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from matryo.reports.drawing import GRID, PALETTE, shortened
from matryo.reports.name_places import Box, Place, free_box

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS: Final = "os^DvPX*"
_DPI: Final = 100  # at which figures are laid out
_AWAY: Final = (9.0, 18.0)  # pixels between a marker and its name
_LONGEST_NAME: Final = {True: 22, False: 34}
_LONGEST_TITLE: Final = {True: 46, False: 90}


@dataclass(frozen=True, slots=True)
class ScatterPoint:
    """One point.

    Attributes:
        label: its name.
        kind: gives its colour and marker.
        x: to the right; NaN = not measured, the point is left out.
        y: upwards.
    """

    label: str
    kind: str
    x: float
    y: float

    @property
    def known(self) -> bool:
        """Whether both numbers are there."""
        return math.isfinite(self.x) and math.isfinite(self.y)


@dataclass(frozen=True, slots=True)
class ScatterChart:
    """Points with names.

    Attributes:
        title: data set; "" = the measure says it all.
        measure: what is held against what.
        x_axis: what goes to the right.
        y_axis: what goes up.
        points: in any order.
        caption: what to make of it, with n and its interval.
        name: of its files, without their ending.
    """

    title: str
    measure: str
    x_axis: str
    y_axis: str
    points: tuple[ScatterPoint, ...]
    caption: str = ""
    name: str = "scatter"

    @property
    def heading(self) -> str:
        """Measure and data set."""
        return " on ".join(part for part in (self.measure, self.title) if part)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds in order of appearance."""
        return tuple(dict.fromkeys(point.kind for point in self.points))

    def description(self) -> str:
        """The figures in words, for readers who do not see the plot."""
        told = [f"{point.label}: {point.y:.3f} at {point.x:.3f}" for point in self.points if point.known]
        return f"{self.y_axis} by {self.x_axis}. {'. '.join(told) or 'none'}. {self.caption}".strip()


def draw_scatter(chart: ScatterChart, *, narrow: bool) -> "Figure":
    """Draw points; a name for which there is no room is left out, the table has them all.

    Args:
        chart: what to draw.
        narrow: the form for small screens.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = 2 if narrow else 6
    legend = 0.2 * math.ceil(len(chart.kinds) / columns)
    width, height = (4.2, 3.7 + legend) if narrow else (9.0, 4.3 + legend)
    left, right, below, top = 0.62, 0.16, 0.5 + legend, 0.46
    figure = Figure(figsize=(width, height), dpi=_DPI)
    FigureCanvasAgg(figure)  # measures texts
    axes = figure.add_axes(
        (left / width, below / height, (width - left - right) / width, (height - below - top) / height)
    )
    known = [point for point in chart.points if point.known]
    for number, kind in enumerate(chart.kinds):
        its = [point for point in known if point.kind == kind]
        axes.plot(
            [point.x for point in its], [point.y for point in its], linestyle="none", label=shortened(kind, 28),
            marker=_MARKERS[number % len(_MARKERS)], color=PALETTE[number % len(PALETTE)][0], markersize=6.2, zorder=3,
        )  # fmt: skip
    axes.margins(0.12)
    axes.autoscale_view()  # now, because names are placed by the limits
    axes.grid(color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0, pad=5)
    axes.locator_params(nbins=5 if narrow else 8)
    axes.set_xlabel(shortened(chart.x_axis, 60), labelpad=4)
    axes.set_ylabel(shortened(chart.y_axis, 50), labelpad=4)
    axes.set_title(
        shortened(chart.heading, _LONGEST_TITLE[narrow]), loc="left", fontsize=10.5, fontweight="bold", pad=9
    )
    _write_names(axes, chart, known, _LONGEST_NAME[narrow])
    if known:
        figure.legend(
            loc="lower left", bbox_to_anchor=((left - 0.1) / width, 0.02 / height), ncols=columns, frameon=False,
            borderaxespad=0, handletextpad=0.2, columnspacing=1.4,
        )  # fmt: skip
    return figure


def _write_names(axes: "Axes", chart: ScatterChart, known: list[ScatterPoint], longest: int) -> None:
    area = axes.get_window_extent()
    room = Box(area.x0, area.y0, area.x1, area.y1)
    at = [Place(*map(float, axes.transData.transform((point.x, point.y)))) for point in known]
    taken = [Box.around(place, 5.0) for place in at]
    for place, point in zip(at, known, strict=True):
        text = axes.annotate(
            shortened(point.label, longest), xy=(point.x, point.y), xytext=(0, 0), textcoords="offset points",
            fontsize=7.5, color=PALETTE[chart.kinds.index(point.kind) % len(PALETTE)][0], zorder=5, ha="center",
            va="center",
        )  # fmt: skip
        size = text.get_window_extent()
        # a little more than measured, because texts grow unevenly with the resolution
        found = free_box(place, 1.12 * size.width, 1.15 * size.height, room, taken, _AWAY)
        if found is None:
            text.remove()
            continue
        taken.append(found[0])
        middle = found[0].middle
        text.set_position(((middle.x - place.x) * 72 / _DPI, (middle.y - place.y) * 72 / _DPI))
