"""Drawing of small plots side by side by matplotlib."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from matryo.reports.drawing import FLOOR, GRID, INK, PALETTE, shortened
from matryo.reports.facets import Facet, FacetChart, FacetLine

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STYLES: Final[dict[str, Literal["-"] | tuple[float, tuple[float, float]]]] = {
    "solid": "-",
    "dashed": (0, (3.2, 2.0)),
    "dotted": (0, (1.0, 1.6)),
}
_TICK_ROOM: Final = 0.25  # inches that the name of a dim takes
_LINE_HEIGHT: Final = 0.19  # of the legend, inches
_LONGEST_TITLE: Final = {True: 46, False: 100}
_LONGEST_NAME: Final = 24


def draw_facets(chart: FacetChart, *, narrow: bool) -> "Figure":
    """Draw small plots: up to five side by side, two on small screens; the legend stands below.

    Args:
        chart: what to draw.
        narrow: the form for small screens.
    """
    from matplotlib.figure import Figure

    n_down = math.ceil(len(chart.facets) / (2 if narrow else 5))
    n_across = math.ceil(len(chart.facets) / n_down)
    width, high = (4.2, 1.3) if narrow else (9.0, 1.55)
    left, right, gap, between = 0.42, 0.06, 0.16, 0.56
    entries = _legend_entries(chart)
    n_columns = 2 if narrow else 4
    legend = _LINE_HEIGHT * math.ceil(len(entries) / n_columns)
    top, below = 0.62, 0.52 + legend
    height = top + n_down * high + (n_down - 1) * between + below
    each = (width - left - right - (n_across - 1) * gap) / n_across
    figure = Figure(figsize=(width, height))
    for number, facet in enumerate(chart.facets):
        down, across = divmod(number, n_across)
        x, y = left + across * (each + gap), height - top - high - down * (high + between)
        axes = figure.add_axes((x / width, y / height, each / width, high / height))
        _draw(axes, facet, chart)
        _dress(axes, facet, chart, labelled=across == 0, inches=each)
    _share_heights(figure.axes, chart)
    figure.text(
        0.06 / width, 1 - 0.08 / height, shortened(chart.heading, _LONGEST_TITLE[narrow]),
        va="top", fontsize=10.5, fontweight="bold",
    )  # fmt: skip
    figure.text(left / width, (legend + 0.2) / height, "dims kept (log scale)", va="center", fontsize=8)
    figure.legend(
        handles=[handle for handle, _ in entries],
        labels=[label for _, label in entries],
        loc="lower left",
        bbox_to_anchor=((left - 0.1) / width, 0.02 / height),
        ncols=n_columns,
        frameon=False,
        borderaxespad=0,
        borderpad=0,
        fontsize=8,
        handlelength=2.2,
        labelspacing=0.25,
        columnspacing=1.2,
    )
    return figure


def _colour(facet: Facet) -> str:
    return FLOOR if facet.colour is None else PALETTE[facet.colour % len(PALETTE)][0]


def _draw(axes: "Axes", facet: Facet, chart: FacetChart) -> None:
    if chart.mark is not None:
        axes.axvline(chart.mark, color=INK, linewidth=0.8, alpha=0.55, zorder=1.5)
    for floor in chart.floors:
        axes.axhline(floor.value, color=FLOOR, linestyle=(0, (5, 3)), linewidth=1.0, zorder=1.6)
    for line in facet.lines:
        _draw_line(axes, line, _colour(facet))


def _draw_line(axes: "Axes", line: FacetLine, colour: str) -> None:
    if line.look == "band":
        axes.fill_between(line.x, line.lows, line.highs, color=FLOOR, alpha=0.3, linewidth=0, zorder=1)
        return
    solid = line.look == "solid"
    if solid and any(math.isfinite(low) for low in line.lows):
        axes.fill_between(line.x, line.lows, line.highs, color=colour, alpha=0.14, linewidth=0, zorder=1.2)
    axes.plot(
        line.x,
        line.values,
        color=colour,
        linestyle=_STYLES[line.look],
        linewidth=2.0 if solid else 1.4,
        zorder=3,
        alpha=0.75 if line.look == "dotted" else None,
    )
    for x, values in zip(line.x, line.seeds, strict=False):
        axes.plot([x] * len(values), values, linestyle="none", marker="o", markersize=2.6, color=colour, zorder=4)


def _dress(axes: "Axes", facet: Facet, chart: FacetChart, *, labelled: bool, inches: float) -> None:
    from matplotlib.ticker import NullLocator

    dims = sorted({x for one in chart.facets for line in one.lines for x in line.x})
    axes.set_xscale("log", base=2)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(dims[0] / 1.12, dims[-1] * 1.12)
    named = _named_ticks(dims, chart.mark, inches)
    axes.set_xticks(dims, [str(dim) if dim in named else "" for dim in dims])
    axes.tick_params(axis="both", length=0, pad=3, labelsize=7.5, labelleft=labelled)
    axes.tick_params(axis="x", length=2.5)
    axes.grid(axis="y", color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    name = shortened(facet.title, _LONGEST_NAME)
    axes.set_title(name, loc="left", fontsize=8.5, fontweight="bold", color=_colour(facet), pad=4)


def _named_ticks(dims: Sequence[int], mark: int | None, inches: float) -> set[int]:
    """Dims whose names fit beside each other: the marked one, then from the widest down."""
    span = math.log(dims[-1] * 1.12 / (dims[0] / 1.12))
    kept: list[int] = []
    for dim in [*([mark] if mark is not None and mark in dims else []), *reversed(dims)]:
        if all(abs(math.log(dim / other)) / span * inches >= _TICK_ROOM for other in kept):
            kept.append(dim)
    return set(kept)


def _share_heights(axes: Sequence["Axes"], chart: FacetChart) -> None:
    from matplotlib.ticker import MaxNLocator

    ends = [one.get_ylim() for one in axes]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    for one in axes:
        one.set_ylim(low, high)
        one.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))


def _legend_entries(chart: FacetChart) -> list[tuple[Any, str]]:
    """What the looks mean, each once, in the colour of the text."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    found: dict[str, Any] = {}
    seeded = False
    for line in (line for facet in chart.facets for line in facet.lines):
        if line.label not in found:
            found[line.label] = (
                Patch(facecolor=FLOOR, alpha=0.3, linewidth=0)
                if line.look == "band"
                else Line2D(
                    [], [], color=INK, linestyle=_STYLES[line.look], linewidth=2.0 if line.look == "solid" else 1.4
                )
            )
        seeded = seeded or any(len(values) > 1 for values in line.seeds)
    if seeded:
        found["each seed"] = Line2D([], [], color=INK, linestyle="none", marker="o", markersize=3)
    for floor in chart.floors:
        found[floor.label] = Line2D([], [], color=FLOOR, linestyle=(0, (5, 3)), linewidth=1.0)
    if chart.mark is not None:
        found[chart.mark_label] = Line2D([], [], color=INK, linewidth=0.8, alpha=0.55, marker="|", markersize=8)
    return [(handle, shortened(label, 30)) for label, handle in found.items()]
