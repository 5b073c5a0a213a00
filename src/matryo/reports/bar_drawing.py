"""Drawing of horizontal bars in panels by matplotlib."""

import math
from typing import TYPE_CHECKING, Any, Final

from matryo.reports.bars import Bar, BarChart, BarPanel, BarRow
from matryo.reports.drawing import FLOOR, GRID, INK, PALETTE, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_OPACITIES: Final = (0.85, 0.42, 0.2)
_BAR: Final = 0.125  # height of one bar, inches
_ROW_GAP: Final = 0.085
_LINE_HEIGHT: Final = 0.19  # of the legend, inches
_LETTER: Final = 0.072  # width of a letter of a title, inches
_LONGEST_NAME: Final = {True: 24, False: 32}
_LONGEST_TITLE: Final = {True: 46, False: 100}


def draw_bars(chart: BarChart, *, narrow: bool) -> "Figure":
    """Draw panels of bars: up to four side by side, two on small screens, the names of the rows at their left.

    Args:
        chart: what to draw.
        narrow: the form for small screens.
    """
    from matplotlib.figure import Figure

    n_down = math.ceil(len(chart.panels) / (2 if narrow else 4))
    n_across = math.ceil(len(chart.panels) / n_down)
    row = _BAR * max(1, len(chart.shades)) + _ROW_GAP
    high = row * len(chart.rows) + 0.06
    names = [shortened(one.label, _LONGEST_NAME[narrow]) for one in chart.rows]
    width, right, gap, between = (4.2 if narrow else 9.0), 0.14, 0.2, 0.62
    left = 0.2 + 0.066 * max(map(len, names))
    entries = _legend_entries(chart)
    n_columns = 2 if narrow else 4
    legend = _LINE_HEIGHT * math.ceil(len(entries) / n_columns)
    top, below = 0.64, 0.36 + legend
    height = top + n_down * high + (n_down - 1) * between + below
    each = (width - left - right - (n_across - 1) * gap) / n_across
    figure = Figure(figsize=(width, height))
    for number, panel in enumerate(chart.panels):
        down, across = divmod(number, n_across)
        x, y = left + across * (each + gap), height - top - high - down * (high + between)
        axes = figure.add_axes((x / width, y / height, each / width, high / height))
        _draw(axes, panel, chart, row)
        axes.set_yticks(range(len(names)), names if across == 0 else [""] * len(names))
        _dress(axes, panel, n_ticks=3 if narrow else 4, longest=int(each / _LETTER))
    _share_lengths(figure.axes, chart)
    figure.text(
        0.06 / width, 1 - 0.08 / height, shortened(chart.heading, _LONGEST_TITLE[narrow]),
        va="top", fontsize=10.5, fontweight="bold",
    )  # fmt: skip
    if entries:
        figure.legend(
            handles=[handle for handle, _ in entries],
            labels=[label for _, label in entries],
            loc="lower left",
            bbox_to_anchor=(0.06 / width, 0.02 / height),
            ncols=n_columns,
            frameon=False,
            borderaxespad=0,
            borderpad=0,
            fontsize=8,
            handlelength=1.6,
            labelspacing=0.25,
            columnspacing=1.2,
        )
    return figure


def _draw(axes: "Axes", panel: BarPanel, chart: BarChart, row: float) -> None:
    n_shades = max(1, len(chart.shades))
    thick = _BAR / row
    for shade in range(n_shades):
        known = [
            (place + (shade - (n_shades - 1) / 2) * thick, _colour(one), bars[shade])
            for place, (one, bars) in enumerate(zip(chart.rows, panel.bars, strict=True))
        ]
        drawn = [(at, colour, bar) for at, colour, bar in known if bar is not None and math.isfinite(bar.value)]
        _draw_bars(axes, drawn, 0.9 * thick, _OPACITIES[shade % len(_OPACITIES)])
    if math.isfinite(panel.level):
        axes.axvline(panel.level, color=INK, linestyle=(0, (3, 2)), linewidth=1.0, zorder=3)
    axes.set_ylim(len(chart.rows) - 0.5, -0.5)


def _colour(row: BarRow) -> str:
    return FLOOR if row.colour is None else PALETTE[row.colour % len(PALETTE)][0]


def _draw_bars(axes: "Axes", drawn: list[tuple[float, str, Bar]], thick: float, opacity: float) -> None:
    """All bars of one shade, with their intervals and seeds."""
    places, values, colours = [at for at, _, _ in drawn], [bar.value for *_, bar in drawn], [c for _, c, _ in drawn]
    axes.barh(places, values, height=thick, color=colours, alpha=opacity, linewidth=0, zorder=2)
    sure = [(at, bar) for at, _, bar in drawn if math.isfinite(bar.low) and math.isfinite(bar.high)]
    axes.hlines(
        [at for at, _ in sure],
        [bar.low for _, bar in sure],
        [bar.high for _, bar in sure],
        color=INK,
        linewidth=1.0,
        zorder=3.5,
    )
    dots = [(value, at) for at, _, bar in drawn for value in bar.seeds]
    if dots:
        axes.plot(*zip(*dots, strict=True), linestyle="none", marker="o", markersize=2.5, color=INK, zorder=4)


def _dress(axes: "Axes", panel: BarPanel, *, n_ticks: int, longest: int) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(n_ticks, steps=[1, 2, 5, 10]))
    axes.tick_params(axis="x", length=0, pad=3, labelsize=7.5)
    axes.tick_params(axis="y", length=0, pad=4, labelsize=8.5)
    axes.grid(axis="x", color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "bottom", "right"):
        axes.spines[side].set_visible(False)
    axes.set_title(shortened(panel.title, longest), loc="left", fontsize=8.5, fontweight="bold", pad=4)


def _share_lengths(axes: list["Axes"], chart: BarChart) -> None:
    """One scale for all panels where they show one measure."""
    if chart.shared:
        ends = [one.get_xlim() for one in axes]
        for one in axes:
            one.set_xlim(min(end[0] for end in ends), max(end[1] for end in ends))


def _legend_entries(chart: BarChart) -> list[tuple[Any, str]]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    found: list[tuple[Any, str]] = [
        (Patch(facecolor=INK, alpha=_OPACITIES[shade % len(_OPACITIES)], linewidth=0), name)
        for shade, name in enumerate(chart.shades)
    ]
    if any(math.isfinite(bar.low) for panel in chart.panels for bars in panel.bars for bar in bars if bar):
        found.append((Line2D([], [], color=INK, linewidth=1.0), "95 % interval"))
    if chart.seeded:
        found.append((Line2D([], [], color=INK, linestyle="none", marker="o", markersize=3), "each seed"))
    if chart.level_name and any(math.isfinite(panel.level) for panel in chart.panels):
        found.append((Line2D([], [], color=INK, linestyle=(0, (3, 2)), linewidth=1.0), chart.level_name))
    return [(handle, shortened(name, 34)) for handle, name in found]
