"""Drawing of a chart by matplotlib, without its global state: lines, floors, axes and the names beside the lines."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from matryo.reports.charts import Chart, Line
from matryo.reports.table import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Affine2D

# Told apart by people with the common kinds of colour blindness (after Okabe and Ito 2008), at least 3:1 on white;
# the second of each pair is its twin on a dark page. Markers repeat the distinction.
PALETTE: Final = (
    ("#0072b2", "#5ab4f0"),
    ("#d55e00", "#ff9052"),
    ("#007f5f", "#35c99a"),
    ("#a9478a", "#e39acb"),
    ("#946f00", "#e8c24a"),
    ("#0e8a99", "#62d3de"),
    ("#7a4a2b", "#d6a27e"),
    ("#5b6470", "#a3adba"),
)
INK: Final = "#1d2329"
FLOOR: Final = "#6a737d"
GRID: Final = "#dfe3e8"
_MARKERS: Final = "os^DvPX*"
_POINTS_PER_INCH: Final = 72
_LABEL_GAP: Final = 11.5  # points between the centres of two labels
_LONGEST_LABEL: Final = 34  # characters; the table has the whole name
_LONGEST_TITLE: Final = 70
_LONGEST_NARROW_TITLE: Final = 44
_MOST_MARKERS: Final = 12  # a course of more points is drawn without markers


class _Style(NamedTuple):
    """Width of line and size of markers in points, order from the back, opacity, whether the interval is shaded."""

    width: float
    marker: float
    order: float
    opacity: float | None
    band: bool


_STYLES: Final = {
    "strong": _Style(2.5, 5.4, 4, None, True),
    "normal": _Style(1.7, 4.6, 3, None, True),
    "thin": _Style(1.0, 3.2, 2.5, None, False),
    "trace": _Style(0.8, 0, 2.2, 0.45, False),
}


def draw(chart: Chart, *, narrow: bool) -> "Figure":
    """Draw a chart.

    Args:
        chart: what to draw.
        narrow: the form for small screens, with the legend below; else each line's name stands beside its end.
    """
    from matplotlib.figure import Figure

    labels = [shortened(label) for label in chart.labels()]
    if narrow:
        legend = 0.175 * len(labels) + 0.05
        width, height, right, bottom, top = 4.2, 3.3 + legend, 0.12, 0.55 + legend, 0.42
    else:
        margin = 0.35 + 0.068 * max((len(label) for label in labels), default=0)
        height = max(4.2, _LABEL_GAP * (len(labels) + 6) / _POINTS_PER_INCH)
        width, right, bottom, top = 9.0, margin, 0.55, 0.42
    small = max((abs(value) for line in chart.lines for _, value in line.points()), default=1.0) < 0.02
    left = 0.62 if chart.signed or small else 0.48  # small values are written with more digits
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes(
        (left / width, bottom / height, (width - left - right) / width, (height - bottom - top) / height)
    )
    for number, line in enumerate(chart.lines):
        _draw_line(axes, line, number, marked=chart.across != "steps" or len(line.x) <= _MOST_MARKERS)
    for floor in chart.floors:
        # a legend cannot tell several levels apart, but their values can
        value = f": {floor.value:.3f}" if narrow and len(chart.floors) > 1 else ""
        name = shortened(floor.label) + value
        axes.axhline(floor.value, color=FLOOR, linestyle=(0, (5, 3)), linewidth=1.3, zorder=2, label=name)
    if chart.mark is not None:
        axes.axvline(chart.mark, color=INK, linewidth=0.8, alpha=0.55, zorder=1.5)
    _dress(axes, chart, _LONGEST_NARROW_TITLE if narrow else _LONGEST_TITLE)
    if narrow and labels:
        axes.legend(
            loc="upper left",
            bbox_to_anchor=(0, -0.46 / (height - bottom - top)),
            frameon=False,
            borderaxespad=0,
            handlelength=2.4,
            labelspacing=0.3,
        )
    elif not narrow:
        _label(axes, chart, (height - bottom - top) * _POINTS_PER_INCH, figure.dpi_scale_trans)
    return figure


def _draw_line(axes: "Axes", line: Line, number: int, *, marked: bool) -> None:
    style = _STYLES[line.emphasis]
    colour = _colour(line, number)
    place = number if line.colour is None else line.colour
    order = sorted(range(len(line.x)), key=lambda place: line.x[place])
    places = [line.x[place] for place in order]
    lows = [line.lows[place] for place in order]
    highs = [line.highs[place] for place in order]
    if style.band and not line.dashed and any(math.isfinite(low) for low in lows):
        axes.fill_between(places, lows, highs, color=colour, alpha=0.11, linewidth=0, zorder=1)
    marked = marked and style.marker > 0
    axes.plot(
        places,
        [line.values[place] for place in order],
        color=colour,
        linestyle="--" if line.dashed or place >= len(PALETTE) else "-",
        linewidth=style.width,
        marker=_MARKERS[(place if line.marker is None else line.marker) % len(_MARKERS)] if marked else None,
        markersize=style.marker if marked else None,
        alpha=style.opacity,
        zorder=style.order,
        label=shortened(line.label) or "_nolegend_",
    )


def _colour(line: Line, number: int) -> str:
    return PALETTE[(number if line.colour is None else line.colour) % len(PALETTE)][0]


def _dress(axes: "Axes", chart: Chart, longest_title: int) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    if chart.across != "steps":
        _log_across(axes, chart)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.set_xlabel("steps", labelpad=5)
    axes.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]) if chart.signed else MaxNLocator(7))
    ticks = axes.yaxis.get_majorticklocs()
    # as many as tell the ticks as they are: neighbours must not read alike, nor steps look uneven
    digits = next((n for n in (2, 3, 4) if all(abs(tick - round(tick, n)) < 1e-9 for tick in ticks)), 5)
    sign = "+" if chart.signed else ""

    def printed(value: float, _: int) -> str:
        return "0" if chart.signed and abs(value) < 1e-9 else f"{value:{sign}.{digits}f}"

    axes.yaxis.set_major_formatter(FuncFormatter(printed))
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="both", length=0, pad=5)
    axes.tick_params(axis="x", length=3)
    axes.set_title(shortened(chart.heading, longest_title), loc="left", fontsize=10.5, fontweight="bold", pad=10)


def _log_across(axes: "Axes", chart: Chart) -> None:
    from matplotlib.ticker import NullLocator

    dims = sorted({dim for line in chart.lines for dim in line.x})
    axes.set_xscale("log", base=2)
    axes.xaxis.set_minor_locator(NullLocator())
    if dims:
        # of two sizes that lie close together, the larger one is written
        named = [a for a, b in pairwise([*dims, math.inf]) if b / a > 1.3] if chart.across == "pairs" else dims
        axes.set_xticks(named, [f"{dim:,}" if chart.across == "pairs" else str(dim) for dim in named])
        axes.set_xlim(dims[0] / 1.09, dims[-1] * 1.09)
    axes.set_xlabel("pairs fitted on (log scale)" if chart.across == "pairs" else "dims kept (log scale)", labelpad=5)


def _label(axes: "Axes", chart: Chart, height: float, inches: "Affine2D") -> None:
    """Write each line's name beside its right end; names that would overlap are moved apart and tied to their line."""
    from matplotlib.transforms import ScaledTranslation

    low, high = axes.get_ylim()
    right = axes.get_xlim()[1]
    entries = [
        _Name(shortened(line.label), _colour(line, number), float(known[-1][0]), [v for _, v in known[::-1]])
        for number, line in enumerate(chart.lines)
        if line.label and (known := line.points())
    ]
    entries += [_Name(shortened(floor.label), FLOOR, right, [floor.value]) for floor in chart.floors]
    entries.sort(key=lambda entry: entry.values, reverse=True)  # lines that end level: the one that was higher before
    wanted = [(high - entry.values[0]) / (high - low) * height for entry in entries]
    beside = axes.transAxes + ScaledTranslation(14 / _POINTS_PER_INCH, 0, inches)
    for entry, place in zip(entries, spread(wanted, _LABEL_GAP, height), strict=True):
        tie = {
            "arrowstyle": "-",
            "color": entry.colour,
            "linewidth": 0.7,
            "shrinkA": 1,
            "shrinkB": 4,
            "relpos": (0, 0.5),
        }
        axes.annotate(
            entry.text,
            xy=(entry.end, entry.values[0]),
            xytext=(1, 1 - place / height),
            textcoords=beside,
            va="center",
            ha="left",
            color=entry.colour,
            annotation_clip=False,
            arrowprops=tie,
        )


@dataclass(frozen=True, slots=True)
class _Name:
    """A name to be written beside the end of its line; values from the widest dim down."""

    text: str
    colour: str
    end: float
    values: list[float]


def spread(places: Sequence[float], gap: float, height: float) -> list[float]:
    """Move rising places apart until neighbours differ by at least a gap, as little as a sweep each way needs.

    Args:
        places: wanted positions, rising, within 0..height.
        gap: smallest difference of two neighbours.
        height: end of the room; names go over its start only if the room is too small for all.

    Returns: positions in the same order.

    Example:
        >>> spread([5.0, 6.0, 30.0], gap=4, height=32)
        [3.5, 7.5, 30.0]
    """
    groups: list[tuple[float, int]] = []  # (sum of the starts that its members wish for, members)
    for place in places:
        total, members = place, 1
        while groups:
            above, others = groups[-1]
            if _start(groups[-1], gap, height) + others * gap <= _start((total, members), gap, height):
                break
            groups.pop()
            total, members = above + total - members * others * gap, members + others
        groups.append((total, members))
    moved: list[float] = []
    for group in groups:
        first = _start(group, gap, height)
        moved.extend(first + number * gap for number in range(group[1]))
    return moved


def _start(group: tuple[float, int], gap: float, height: float) -> float:
    wished, members = group
    return min(max(wished / members, 0.0), height - (members - 1) * gap)


def shortened(text: str, longest: int = _LONGEST_LABEL) -> str:
    """One line, cut to a length that leaves room in a plot; the tables have the whole name."""
    line = printable(text)
    return line if len(line) <= longest else line[: longest - 1] + "…"
