"""A heat map whose rows and columns both carry names: prefix against prefix, or model against model."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from matryo.errors import MatryoError
from matryo.reports.drawing import FLOOR, INK, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CELL: Final = (0.66, 0.36)  # inches
_LETTER: Final = 0.072
_ANGLE: Final = 40  # of long names above narrow columns, degrees
_SINE: Final = 0.64
_LONGEST_NAME: Final = 24
_LONGEST_TITLE: Final = {True: 46, False: 90}
_WIDEST: Final = {True: 4.2, False: 9.0}
_WHITE: Final = "#ffffff"
_PALE: Final = (0.93, 0.95, 0.97)
# close to the first colour of the palette, but not it: that one turns pale on a dark page, and the cells do not
_DARK: Final = (0.0, 0.43, 0.68)


@dataclass(frozen=True, slots=True)
class HeatChart:
    """Values by row and column.

    Attributes:
        title: data set; "" = the measure says it all.
        measure: what the values are.
        row_axis: what the rows are, with whose they are, e.g. "minilm: numbers read".
        column_axis: what the columns are.
        rows: names, from the top.
        columns: names, from the left.
        values: one row of values per name; NaN = not measured.
        name: of its files, without their ending.
    """

    title: str
    measure: str
    row_axis: str
    column_axis: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]
    name: str = "heat"

    def __post_init__(self) -> None:
        """Refuse values that are not one per row and column."""
        sizes = [len(row) for row in self.values]
        if not self.rows or not self.columns or sizes != [len(self.columns)] * len(self.rows):
            raise MatryoError(
                f"a heat map of {len(self.rows)} rows and {len(self.columns)} columns has as many values, got rows of "
                f"{sizes}; give one value per name"
            )

    @property
    def heading(self) -> str:
        """Measure and data set."""
        return " on ".join(part for part in (self.measure, self.title) if part)

    def description(self) -> str:
        """The figures in words, for readers who do not see the plot."""
        told = []
        for name, row in zip(self.rows, self.values, strict=True):
            pairs = [(column, value) for column, value in zip(self.columns, row, strict=True) if math.isfinite(value)]
            known = [f"{value:.3f} at {column}" for column, value in pairs]
            told.append(f"{name}: {', '.join(known) or 'none'}")
        return f"{self.measure}, {self.row_axis} by {self.column_axis}. {'. '.join(told)}."


def draw_heat(chart: HeatChart, *, narrow: bool) -> "Figure":
    """Draw a heat map: darker is higher, every cell with its value.

    Args:
        chart: what to draw.
        narrow: the form for small screens.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    names = [shortened(name, _LONGEST_NAME) for name in chart.rows]
    heads = [shortened(name, _LONGEST_NAME) for name in chart.columns]
    left, top, below, right = 0.62 + _LETTER * max(map(len, names)), 0.86, 0.12, 0.14
    n_down, n_across = len(chart.rows), len(chart.columns)
    longest = _LETTER * max(map(len, heads))
    cell_width = min(max(_CELL[0], longest + 0.12), (_WIDEST[narrow] - left - right) / n_across)
    aslant = longest > cell_width + 0.06  # two names that are cut alike could not be told apart
    if aslant:
        top += _SINE * longest - 0.1
        cell_width = min(cell_width, (_WIDEST[narrow] - left - max(right, 0.8 * longest - 0.2)) / n_across)
    width, height = _WIDEST[narrow], top + n_down * _CELL[1] + below
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((left / width, below / height, n_across * cell_width / width, n_down * _CELL[1] / height))
    known = [value for row in chart.values for value in row if math.isfinite(value)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    digits = 2 if cell_width >= 0.42 else 1
    size = 8 if cell_width >= 0.5 else 6.5
    for down, row in enumerate(chart.values):
        for across, value in enumerate(row):
            if not math.isfinite(value):
                axes.text(across, down, "-", ha="center", va="center", fontsize=size, color=FLOOR)
                continue
            share = (value - low) / (high - low) if high > low else 1.0
            axes.add_patch(Rectangle((across - 0.5, down - 0.5), 1, 1, facecolor=_shade(share), linewidth=0))
            colour = _WHITE if share > 0.72 else INK
            # on a dark page the ink turns pale, the cell does not: a colour of its own stays
            axes.text(
                across, down, f"{value:.{digits}f}", ha="center", va="center", fontsize=size,
                color=colour if colour == _WHITE else "#1d2328",
            )  # fmt: skip
    axes.set_xlim(-0.5, n_across - 0.5)
    axes.set_ylim(n_down - 0.5, -0.5)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xticks(range(n_across), heads)
    if aslant:
        for label in axes.get_xticklabels():
            label.set(rotation=_ANGLE, ha="left", rotation_mode="anchor")
    axes.set_yticks(range(n_down), names)
    axes.tick_params(length=0, labelsize=8)
    axes.set_xlabel(shortened(chart.column_axis, 44), fontsize=8.5, labelpad=4)
    axes.set_ylabel(shortened(chart.row_axis, 30), fontsize=8.5, labelpad=4)
    for side in axes.spines.values():
        side.set_visible(False)
    figure.text(
        0.06 / width, 1 - 0.08 / height, shortened(chart.heading, _LONGEST_TITLE[narrow]),
        va="top", fontsize=10.5, fontweight="bold",
    )  # fmt: skip
    return figure


def _shade(share: float) -> tuple[float, float, float]:
    """From pale to dark, with the share of the way from the lowest to the highest value."""
    red, green, blue = (a + share * (b - a) for a, b in zip(_PALE, _DARK, strict=True))
    return red, green, blue
