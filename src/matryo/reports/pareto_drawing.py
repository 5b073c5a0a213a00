"""Drawing of a Pareto chart by matplotlib: the points of each panel, its frontier, names that do not overlap."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

from matryo.reports.drawing import FLOOR, GRID, INK, PALETTE
from matryo.reports.name_places import Box, Place, along, free_box
from matryo.reports.pareto import ParetoChart, ParetoPoint, frontier
from matryo.reports.table import printable

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

Quantity = Literal["bytes", "speed", "recall"]
_MARKERS: Final = "os^DvPX*"
_TICKS: Final = (0.0, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 1.0)
_SOFTENING: Final = 0.005  # what keeps a recall of 1 at a finite height
_LONGEST_LABEL: Final = 30
_DPI: Final = 100  # at which figures are laid out
_NEAR: Final = (10.0,)  # pixels between a marker and its name
_FAR: Final = (10.0, 21.0, 34.0, 48.0)
_NAMES: Final = {"bytes": "bytes per vector in memory", "speed": "single queries per second", "recall": ""}


def draw_pareto(chart: ParetoChart, *, narrow: bool) -> "Figure":
    """Draw a chart.

    Args:
        chart: what to draw.
        narrow: the form for small screens: panels below each other, names of what is on the frontier only.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = _panels(chart)
    legend_rows = math.ceil(len(chart.kinds) / (3 if narrow else 8))
    left, right, top = 0.62 if chart.up == "speed" else 0.55, 0.14, 0.55
    if narrow:
        width, below, panel, gap = 4.2, 0.5 + 0.2 * legend_rows, 2.9, 0.85
        height = top + len(panels) * panel + (len(panels) - 1) * gap + below
        each = width - left - right
    else:
        width, below, panel, gap = 9.0, 0.55 + 0.22 * legend_rows, 3.7, 0.3
        height = top + panel + below
        each = (width - left - right - (len(panels) - 1) * gap) / len(panels)
    figure = Figure(figsize=(width, height), dpi=_DPI)
    FigureCanvasAgg(figure)  # measures texts
    for number, one in enumerate(panels):
        x = left if narrow else left + number * (each + gap)
        y = below + (len(panels) - 1 - number) * (panel + gap) if narrow else below
        axes = figure.add_axes((x / width, y / height, each / width, panel / height))
        _draw(axes, one, chart, labelled=narrow or number == 0, n_ticks=6 if narrow else 9)
        _write_names(axes, one, chart, few=narrow)
    if chart.title:
        title = _short(chart.heading, 36 if narrow else 90)
        figure.text(left / width, 1 - 0.1 / height, title, va="top", fontsize=10.5, fontweight="bold")
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(),
        loc="lower left",
        bbox_to_anchor=((left - 0.08) / width, 0.02 / height),
        ncols=3 if narrow else 8,
        frameon=False,
        borderaxespad=0,
        handletextpad=0.2,
        columnspacing=1.4,
    )
    return figure


@dataclass(frozen=True)
class _Panel:
    """What goes to the right and what goes up, and which points nothing beats."""

    x: Quantity
    y: Quantity
    xs: list[float]
    ys: list[float]
    best: list[int]

    @classmethod
    def of(cls, chart: ParetoChart, x: Quantity, y: Quantity) -> "_Panel":
        """The points that have both quantities; others are NaN."""
        xs, ys = [_value(point, x) for point in chart.points], [_value(point, y) for point in chart.points]
        costs = [-value if x == "speed" else value for value in xs]
        known = [cost if math.isfinite(up) else math.nan for cost, up in zip(costs, ys, strict=True)]
        return cls(x, y, xs, ys, sorted(frontier(known, ys), key=lambda i: xs[i]))

    @property
    def seen(self) -> list[int]:
        """Points that are drawn."""
        return [i for i in range(len(self.xs)) if math.isfinite(self.xs[i]) and math.isfinite(self.ys[i])]

    def steps(self) -> list[tuple[float, float]]:
        """Corners of the frontier from left to right: what is reached anywhere between two points."""
        corners = [(self.xs[i], self.ys[i]) for i in self.best[:1]]
        for i, j in pairwise(self.best):
            bend = (self.xs[i], self.ys[j]) if self.x == "speed" else (self.xs[j], self.ys[i])
            corners += [bend, (self.xs[j], self.ys[j])]
        return corners


def _panels(chart: ParetoChart) -> list[_Panel]:
    if chart.up == "speed":
        return [_Panel.of(chart, "bytes", "speed")]
    timed = [_Panel.of(chart, "speed", "recall")] if chart.timed else []
    return [_Panel.of(chart, "bytes", "recall"), *timed]


def _value(point: ParetoPoint, quantity: Quantity) -> float:
    return {"bytes": point.bytes_per_vector, "speed": point.queries_per_s, "recall": point.recall}[quantity]


def _draw(axes: "Axes", panel: _Panel, chart: ParetoChart, *, labelled: bool, n_ticks: int) -> None:
    _scale(axes, panel, chart, labelled=labelled, n_ticks=n_ticks)
    corners = panel.steps()
    axes.plot([x for x, _ in corners], [y for _, y in corners], color=FLOOR, linewidth=1.2, zorder=2)
    for kind in chart.kinds:
        its = [i for i in panel.seen if chart.points[i].kind == kind]
        colour, marker = _look(chart, kind)
        for i in its:
            point = chart.points[i]
            if panel.y == "recall" and math.isfinite(point.low) and math.isfinite(point.high):
                ends = [point.low, point.high]
                axes.plot([panel.xs[i]] * 2, ends, color=colour, linewidth=1.0, alpha=0.5, zorder=2.5)
            if point.chosen:
                at = [panel.xs[i]], [panel.ys[i]]
                axes.scatter(*at, s=170, facecolors="none", edgecolors=INK, linewidths=1.3, zorder=4)
        axes.plot(
            [panel.xs[i] for i in its],
            [panel.ys[i] for i in its],
            linestyle="none",
            marker=marker,
            markersize=5.6,
            color=colour,
            zorder=3,
            label=_short(kind),
        )


def _look(chart: ParetoChart, kind: str) -> tuple[str, str]:
    """Colour and marker of a kind."""
    number = chart.kinds.index(kind)
    return PALETTE[number % len(PALETTE)][0], _MARKERS[number % len(_MARKERS)]


def _scale(axes: "Axes", panel: _Panel, chart: ParetoChart, *, labelled: bool, n_ticks: int) -> None:
    """Axes, ticks and grid."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    plain = FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
    axes.set_xscale("log", base=10 if panel.x == "speed" else 2)
    xs, ys = [panel.xs[i] for i in panel.seen], [panel.ys[i] for i in panel.seen]
    axes.set_xlim(min(xs, default=1) / 1.35, max(xs, default=10) * 1.6)
    axes.xaxis.set_major_locator(
        LogLocator(10, subs=(1, 2, 5)) if panel.x == "speed" else LogLocator(2, numticks=n_ticks)
    )
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(plain)
    axes.set_xlabel(_NAMES[panel.x], labelpad=4)
    if panel.y == "recall":
        points = [chart.points[i] for i in panel.seen]
        lows = [min(p.recall, p.low) if math.isfinite(p.low) else p.recall for p in points]
        bottom = max((tick for tick in _TICKS if tick < min(lows, default=1.0) - 0.0005), default=0.0)
        axes.set_yscale("function", functions=(_stretch, _relax))
        span = _stretch_one(1.0) - _stretch_one(bottom)
        axes.set_ylim(bottom, 1.0 + _SOFTENING - 10 ** -(_stretch_one(1.0) + 0.06 * span))
        axes.set_yticks([tick for tick in _TICKS if tick >= bottom])
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if labelled else ""))
        axes.set_title(f"{chart.measure} (stretched towards 1)" if labelled else "", loc="left", fontsize=9, pad=8)
    else:
        axes.set_yscale("log")
        axes.set_ylim(min(ys, default=1) / 1.35, max(ys, default=10) * 1.5)
        axes.yaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(plain)
        axes.set_title(_NAMES[panel.y], loc="left", fontsize=9, pad=4)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="both", length=0, pad=5)
    axes.tick_params(axis="x", length=3)


def _write_names(axes: "Axes", panel: _Panel, chart: ParetoChart, *, few: bool) -> None:
    """Write names beside their markers where there is room: first what is recommended, then the frontier, then others.

    Names of the frontier may stand further away, tied to their marker; a name for which there is no room is left out,
    the table has them all.
    """
    area = axes.get_window_extent()
    room = Box(area.x0 - 2, area.y0 + 2, area.x1 + 8, area.y1 + 8)

    def place(x: float, y: float) -> Place:
        across, up = axes.transData.transform((x, y))
        return Place(float(across), float(up))

    at = {i: place(panel.xs[i], panel.ys[i]) for i in panel.seen}
    taken = [Box.around(at[i], 5.0) for i in panel.seen]
    taken += along([place(x, y) for x, y in panel.steps()])
    chosen = [i for i in panel.seen if chart.points[i].chosen]
    others = [] if few else sorted(panel.seen, key=lambda i: -panel.ys[i])
    first = list(dict.fromkeys([*chosen, *panel.best]))
    for i in dict.fromkeys([*first, *others]):
        colour, _ = _look(chart, chart.points[i].kind)
        text = axes.annotate(
            _short(chart.points[i].label),
            xy=(panel.xs[i], panel.ys[i]),
            xytext=(0, 0),
            textcoords="offset points",
            fontsize=7.5,
            color=colour,
            zorder=5,
            ha="center",
            va="center",
            annotation_clip=False,
        )
        size = text.get_window_extent()
        # a little more than measured, because texts grow unevenly with the resolution
        found = free_box(at[i], 1.06 * size.width, 1.1 * size.height, room, taken, _FAR if i in first else _NEAR)
        if found is None:
            text.remove()
            continue
        box, away = found
        taken.append(box)
        text.set_position(((box.middle.x - at[i].x) * 72 / _DPI, (box.middle.y - at[i].y) * 72 / _DPI))
        if away > _NEAR[0]:
            beside = (min(max(at[i].x, box.left), box.right), min(max(at[i].y, box.bottom), box.top))
            ends = axes.transData.inverted().transform([beside, at[i]])
            axes.plot(ends[:, 0], ends[:, 1], color=colour, linewidth=0.6, zorder=2.2)


def _stretch(recall: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Height of a recall: its misses on a log scale, so that 0.95, 0.99 and 0.999 lie apart."""
    import numpy as np

    height: NDArray[np.float64] = -np.log10(np.maximum(1.0 + _SOFTENING - np.asarray(recall), 1e-9))
    return height


def _relax(height: "NDArray[np.float64]") -> "NDArray[np.float64]":
    import numpy as np

    recall: NDArray[np.float64] = 1.0 + _SOFTENING - 10.0 ** -np.asarray(height, dtype=np.float64)
    return recall


def _stretch_one(recall: float) -> float:
    return -math.log10(1.0 + _SOFTENING - recall)


def _short(text: str, longest: int = _LONGEST_LABEL) -> str:
    line = printable(text)
    return line if len(line) <= longest else line[: longest - 1] + "…"
