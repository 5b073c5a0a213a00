"""Drawing of a Pareto chart by matplotlib: two panels of one recall axis, the frontier, names that do not overlap."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from matryo.reports.drawing import FLOOR, GRID, INK, PALETTE
from matryo.reports.pareto import ParetoChart, ParetoPoint, frontier
from matryo.reports.table import printable

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_MARKERS: Final = "os^DvPX*"
_TICKS: Final = (0.0, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 1.0)
_SOFTENING: Final = 0.005  # what keeps a recall of 1 at a finite height
_LONGEST_LABEL: Final = 30
_NEAR, _FAR = (7.0,), (7.0, 15.0, 24.0, 34.0)  # points between a marker and its name
_SIDES: Final = ((1, 0), (-1, 0), (0, 1), (0, -1), (0.75, 0.75), (-0.75, 0.75), (0.75, -0.75), (-0.75, -0.75))
_STEP: Final = 4.0  # pixels between two places of the frontier that names keep clear of
_PIXELS_PER_POINT: Final = 100 / 72  # at the resolution that figures are laid out at


class Box(NamedTuple):
    """A rectangle in pixels."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: "Box") -> bool:
        """Whether two rectangles share an area."""
        return (
            self.left < other.right and other.left < self.right and self.bottom < other.top and other.bottom < self.top
        )

    def within(self, other: "Box") -> bool:
        """Whether it lies inside another one."""
        return (
            other.left <= self.left
            and self.right <= other.right
            and other.bottom <= self.bottom
            and self.top <= other.top
        )


def draw_pareto(chart: ParetoChart, *, narrow: bool) -> "Figure":
    """Draw a chart.

    Args:
        chart: what to draw.
        narrow: the form for small screens: panels below each other, names of what is on the frontier only.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    n_panels = 2 if chart.timed else 1
    legend_rows = math.ceil(len(chart.kinds) / (3 if narrow else 8))
    if narrow:
        width, below, panel, gap, top = 4.2, 0.5 + 0.2 * legend_rows, 2.9, 0.62, 0.42
        height = top + n_panels * panel + (n_panels - 1) * gap + below
    else:
        width, below, panel, gap, top = 9.0, 0.55 + 0.22 * legend_rows, 3.7, 0.3, 0.42
        height = top + panel + below
    left, right = 0.55, 0.14
    figure = Figure(figsize=(width, height), dpi=100)
    FigureCanvasAgg(figure)  # measures texts
    drawn = []
    for at in range(n_panels):
        each = (width - left - right - (0 if narrow else (n_panels - 1) * gap)) / (1 if narrow else n_panels)
        x = left if narrow else left + at * (each + gap)
        y = below + (n_panels - 1 - at) * (panel + gap) if narrow else below
        axes = figure.add_axes((x / width, y / height, each / width, panel / height))
        _panel(axes, chart, speed=at == 1, labelled=narrow or at == 0)
        drawn.append(axes)
    title = chart.title and chart.heading
    if title:
        longest = 44 if narrow else 90
        figure.text(left / width, 1 - 0.1 / height, _short(title, longest), va="top", fontsize=10.5, fontweight="bold")
    handles, names = drawn[0].get_legend_handles_labels()
    figure.legend(
        handles,
        names,
        loc="lower left",
        bbox_to_anchor=((left - 0.08) / width, 0.02 / height),
        ncols=3 if narrow else 8,
        frameon=False,
        borderaxespad=0,
        handletextpad=0.2,
        columnspacing=1.4,
    )
    for at, axes in enumerate(drawn):
        places, best = _places(chart, speed=at == 1), _best(chart, speed=at == 1)
        _write_names(axes, chart.points, places, asked=chart.asked, best=best, few=narrow)
    return figure


def _places(chart: ParetoChart, *, speed: bool) -> list[float]:
    return [point.queries_per_s if speed else point.bytes_per_vector for point in chart.points]


def _best(chart: ParetoChart, *, speed: bool) -> list[int]:
    costs = [-place if speed else place for place in _places(chart, speed=speed)]
    return frontier(costs, [point.recall for point in chart.points])


def _panel(axes: "Axes", chart: ParetoChart, *, speed: bool, labelled: bool) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    places = _places(chart, speed=speed)
    best = _best(chart, speed=speed)
    axes.set_xscale("log", base=2 if not speed else 10)
    axes.set_yscale("function", functions=(_stretch, _relax))
    line = sorted((places[i], chart.points[i].recall) for i in best)
    axes.plot(
        [x for x, _ in line],
        [y for _, y in line],
        color=FLOOR,
        linewidth=1.2,
        drawstyle="steps-pre" if speed else "steps-post",
        zorder=2,
    )
    if chart.asked is not None:
        axes.axhline(chart.asked, color=FLOOR, linestyle=(0, (5, 3)), linewidth=1.1, zorder=1.5)
    for number, kind in enumerate(chart.kinds):
        colour, marker = PALETTE[number % len(PALETTE)][0], _MARKERS[number % len(_MARKERS)]
        its = [i for i, point in enumerate(chart.points) if point.kind == kind and math.isfinite(places[i])]
        for i in its:
            point = chart.points[i]
            if math.isfinite(point.low) and math.isfinite(point.high):
                axes.plot([places[i]] * 2, [point.low, point.high], color=colour, linewidth=1.0, alpha=0.5, zorder=2.5)
            if point.chosen:
                axes.plot(
                    [places[i]], [point.recall], linestyle="none", marker="o", markersize=13, markerfacecolor="none",
                    markeredgecolor=INK, markeredgewidth=1.3, zorder=4,
                )  # fmt: skip
        axes.plot(
            [places[i] for i in its], [chart.points[i].recall for i in its], linestyle="none", marker=marker,
            markersize=5.6, color=colour, zorder=3, label=_short(kind, _LONGEST_LABEL),
        )  # fmt: skip
    known = [place for place in places if math.isfinite(place)]
    if known:
        axes.set_xlim(min(known) / 1.35, max(known) * 1.6)
    lows = [min(point.recall, point.low) if math.isfinite(point.low) else point.recall for point in chart.points]
    bottom = max((tick for tick in _TICKS if tick < min(lows) - 0.0005), default=0.0)
    axes.set_ylim(bottom, _relax_one(_stretch_one(1.0) + 0.06 * (_stretch_one(1.0) - _stretch_one(bottom))))
    axes.set_yticks([tick for tick in _TICKS if tick >= bottom])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if labelled else ""))
    axes.xaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5)) if speed else LogLocator(2, numticks=9))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}"))
    axes.set_xlabel("single queries per second" if speed else "bytes per vector in memory", labelpad=4)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="both", length=0, pad=5)
    axes.tick_params(axis="x", length=3)


def _write_names(
    axes: "Axes",
    points: Sequence[ParetoPoint],
    places: Sequence[float],
    *,
    asked: float | None,
    best: Sequence[int],
    few: bool,
) -> None:
    """Write names beside their markers where there is room: first what is recommended, then the frontier, then others.

    Names of the frontier may stand further away, tied to their marker; any name for which there is no room is left
    out, the table has them all.
    """
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]  # axes that are drawn have a figure
    area = axes.get_window_extent()
    room = Box(area.x0 - 2, area.y0 + 2, area.x1 + 8, area.y1 + 8)
    levels = [] if asked is None else [float(axes.transData.transform((places[0], asked))[1])]
    seen = [i for i in range(len(points)) if math.isfinite(places[i])]
    at = {i: axes.transData.transform((places[i], points[i].recall)) for i in seen}
    taken = [_around(at[i], 5.0) for i in seen]
    taken += [Box(area.x0, y - 1, area.x1, y + 1) for y in levels]
    taken += list(_along([at[i] for i in sorted(best, key=lambda i: places[i])]))
    chosen = [i for i in seen if points[i].chosen]
    order = list(dict.fromkeys([*chosen, *best, *([] if few else sorted(seen, key=lambda i: -points[i].recall))]))
    kinds = list(dict.fromkeys(point.kind for point in points))
    for i in order:
        colour = PALETTE[kinds.index(points[i].kind) % len(PALETTE)][0]
        text = axes.annotate(
            _short(points[i].label, _LONGEST_LABEL), xy=(places[i], points[i].recall), xytext=(0, 0),
            textcoords="offset points", fontsize=7.5, color=colour, zorder=5,
        )  # fmt: skip
        size = text.get_window_extent()
        # a little more than measured, because texts grow unevenly with the resolution
        width, height = 1.06 * size.width, 1.1 * size.height
        box, offset = _free(at[i], width, height, room, taken, _FAR if i in best or i in chosen else _NEAR)
        text.remove()
        if box is None:
            continue
        taken.append(box)
        middle = (box.left + box.right) / 2
        x, y = (middle - at[i][0]) / _PIXELS_PER_POINT, ((box.bottom + box.top) / 2 - at[i][1]) / _PIXELS_PER_POINT
        tie = {"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3, "relpos": (0.5, 0.5)}
        axes.annotate(
            _short(points[i].label, _LONGEST_LABEL), xy=(places[i], points[i].recall), xytext=(x, y),
            textcoords="offset points", fontsize=7.5, color=colour, zorder=5, ha="center", va="center",
            annotation_clip=False, arrowprops=tie if offset > _NEAR[0] else None,
        )  # fmt: skip


def _free(
    at: Any, width: float, height: float, room: Box, taken: Sequence[Box], distances: Sequence[float]
) -> tuple[Box | None, float]:
    """The first place around a point that is free, nearest first, with its distance in points."""
    for distance in distances:
        away = distance * _PIXELS_PER_POINT
        for right, up in _SIDES:
            left = at[0] + right * away - (0 if right > 0 else width if right < 0 else width / 2)
            bottom = at[1] + up * away - (0 if up > 0 else height if up < 0 else height / 2)
            box = Box(left, bottom, left + width, bottom + height)
            if box.within(room) and not any(box.meets(other) for other in taken):
                return box, distance
    return None, 0.0


def _around(at: Any, radius: float) -> Box:
    return Box(at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius)


def _along(corners: Sequence[Any]) -> Iterable[Box]:
    """Small boxes along the steps of the frontier, from left to right."""
    for (x1, y1), (x2, y2) in pairwise(corners):
        bend = (x2, y1) if y2 >= y1 else (x1, y2)
        for (ax, ay), (bx, by) in (((x1, y1), bend), (bend, (x2, y2))):
            n = max(1, int(max(abs(bx - ax), abs(by - ay)) // _STEP))
            for step in range(n + 1):
                yield _around((ax + (bx - ax) * step / n, ay + (by - ay) * step / n), 1.0)


def _stretch(recall: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Height of a recall: its misses on a log scale, so that 0.95, 0.99 and 0.999 lie apart."""
    import numpy as np

    with np.errstate(invalid="ignore"):
        height: NDArray[np.float64] = -np.log10(np.maximum(1.0 + _SOFTENING - np.asarray(recall), 1e-9))
    return height


def _relax(height: "NDArray[np.float64]") -> "NDArray[np.float64]":
    import numpy as np

    recall: NDArray[np.float64] = 1.0 + _SOFTENING - 10.0 ** -np.asarray(height, dtype=np.float64)
    return recall


def _stretch_one(recall: float) -> float:
    return -math.log10(1.0 + _SOFTENING - recall)


def _relax_one(height: float) -> float:
    return float(1.0 + _SOFTENING - 10.0**-height)


def _short(text: str, longest: int) -> str:
    line = printable(text)
    return line if len(line) <= longest else line[: longest - 1] + "…"
