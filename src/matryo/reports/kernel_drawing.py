"""Kernel matrices side by side: the same few texts among native vectors, translated ones and those of the source."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from matryo.errors import MatryoError
from matryo.evaluation.pictures import Cells, KernelMatrices, KernelPicture
from matryo.reports.drawing import INK, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SHADES: Final = 32  # cells of one shade are one path, which keeps the drawing small
_PALE: Final = (0.93, 0.95, 0.97)
# close to the first colour of the palette, but not it: that one turns pale on a dark page, and the cells do not
_DARK: Final = (0.0, 0.43, 0.68)
_LONGEST_TITLE: Final = {True: 46, False: 90}
_LONGEST_NAME: Final = {True: 20, False: 30}
_LONGEST_COLUMN: Final = 18
_LETTER: Final = 0.062  # inches, at 7 points
_ASKS: Final = "Q: "
_TITLES: Final = {"dot": "Dot products", "rbf": "RBF kernel"}


class _Panel(NamedTuple):
    """One matrix, what stands above it and below it."""

    title: str
    cells: Cells
    note: str


@dataclass(frozen=True, slots=True)
class KernelChart:
    """One kernel of a picture.

    Attributes:
        title: data set; "" = none is named.
        picture: the texts and their matrices.
        kernel: which of them.
        name: of its files, without their ending.
    """

    title: str
    picture: KernelPicture
    kernel: Literal["dot", "rbf"] = "dot"
    name: str = "kernels"

    def __post_init__(self) -> None:
        """Refuse a kernel that the picture does not hold."""
        if self.kernel not in [one.kernel for one in self.picture.matrices]:
            held = [one.kernel for one in self.picture.matrices]
            raise MatryoError(f"the picture holds the kernels {held}, got {self.kernel!r}; choose one of them")

    @property
    def matrices(self) -> KernelMatrices:
        """What is drawn."""
        return next(one for one in self.picture.matrices if one.kernel == self.kernel)

    @property
    def heading(self) -> str:
        """Kernel, texts and data set."""
        n = len(self.picture.queries)
        searches = "one search" if n == 1 else f"{n} searches"
        what = f"texts of {searches}" if n else f"{len(self.picture.ids)} texts"
        return f"{_TITLES[self.kernel]} among {what}" + (f" on {self.title}" if self.title else "")

    def panels(self) -> tuple[_Panel, ...]:
        """Native, translated, source, each with how alike it is to the first."""
        picture, one = self.picture, self.matrices
        notes = [
            f"against native: CKA {'-' if cka is None else f'{cka:.2f}'}, difference {difference:.2f}"
            for cka, difference in zip(one.cka, one.difference, strict=True)
        ]
        return (
            _Panel(f"{picture.target}, native", one.native, ""),
            _Panel(f"{picture.source} translated, {picture.translator}", one.translated, notes[0]),
            _Panel(f"{picture.source}, native", one.source, notes[1]),
        )

    def caption(self) -> str:
        """What the drawing does not say by itself, for the text beside it."""
        searches = ""
        if self.picture.queries:
            searches = (
                "Each block is one search: its query (Q), then documents that both spaces fetched for it, filled up "
                "with those that the target alone fetched. "
            )
        widths = self.matrices.bandwidths
        bandwidth = ""
        if widths is not None:
            bandwidth = (
                "RBF: exp(-d²/2s²), s = the median distance of two of these texts in the space at hand: "
                f"{widths[0]:.2f}, {widths[1]:.2f} and {widths[2]:.2f}. "
            )
        return (
            f"{searches}{bandwidth}One colour scale for all three; the diagonal is left out of it. Compared with the "
            f"first, native matrix: debiased CKA of these {len(self.picture.ids)} texts, and the root mean square "
            "of the differences of the cells."
        )

    def description(self) -> str:
        """The figures in words, for readers who do not see the plot."""
        one = self.matrices
        told = [f"{panel.title} {panel.note}" for panel in self.panels()[1:]]
        alike = f"alignment {one.alignment[0]:.3f} and {one.alignment[1]:.3f}"
        return (
            f"{self.heading}. Three matrices of {len(self.picture.ids)} texts, native being {self.picture.target}. "
            f"{'; '.join(told)}; {alike}."
        )


def kernel_charts(picture: KernelPicture, title: str = "") -> tuple[KernelChart, ...]:
    """One chart per kernel of a picture.

    Args:
        picture: texts and matrices.
        title: data set.
    """
    return tuple(KernelChart(title, picture, one.kernel, f"kernels-{one.kernel}") for one in picture.matrices)


def draw_kernels(chart: KernelChart, *, narrow: bool) -> "Figure":
    """Draw three matrices, darker is higher, side by side or, for small screens, below each other.

    Args:
        chart: what to draw.
        narrow: the form for small screens.
    """
    from matplotlib.figure import Figure

    panels = chart.panels()
    rows = _names(chart.picture, _LONGEST_NAME[narrow])
    columns = _names(chart.picture, _LONGEST_COLUMN)
    left = 0.14 + _LETTER * max(map(len, rows))
    above = 0.1 + _LETTER * max(map(len, columns))
    if narrow:
        width, side = 4.2, 4.2 - left - 0.12
        top, gap = 0.62 + above, 0.62
        height = top + 3 * side + 2 * gap + 0.78
        corners = [(left, height - top - at * (side + gap) - side) for at in range(3)]
    else:
        width, gap = 9.0, 0.16
        side = (width - left - 2 * gap - 0.12) / 3
        height = 0.6 + above + side + 0.78
        corners = [(left + at * (side + gap), 0.78) for at in range(3)]
    figure = Figure(figsize=(width, height))
    low, high = _scale(panels)
    for at, (panel, corner) in enumerate(zip(panels, corners, strict=True)):
        axes = figure.add_axes((corner[0] / width, corner[1] / height, side / width, side / height))
        _matrix(axes, panel.cells, low, high, chart.picture.queries)
        named = columns if not narrow or at == 0 else []
        _name(axes, rows if narrow or at == 0 else [], named, chart.picture.queries)
        title_up = side + 0.07 + (above if named else 0.0)
        figure.text(
            corner[0] / width, (corner[1] + title_up) / height, shortened(panel.title, 34),
            fontsize=8.5, fontweight="bold", va="bottom",
        )  # fmt: skip
        figure.text(corner[0] / width, (corner[1] - 0.06) / height, panel.note, fontsize=8, va="top")
    _legend(figure, low, high, left / width)
    figure.text(
        0.06 / width, 1 - 0.08 / height, shortened(chart.heading, _LONGEST_TITLE[narrow]),
        va="top", fontsize=10.5, fontweight="bold",
    )  # fmt: skip
    return figure


def _names(picture: KernelPicture, longest: int) -> list[str]:
    asks = set(picture.queries)
    return [
        (_ASKS if at in asks else "") + shortened(text, longest - len(_ASKS) if at in asks else longest)
        for at, text in enumerate(picture.texts)
    ]


def _scale(panels: tuple[_Panel, ...]) -> tuple[float, float]:
    """Lowest and highest value off the diagonals, which are 1 everywhere and would take up half of the scale."""
    found = [
        value
        for panel in panels
        for down, row in enumerate(panel.cells)
        for across, value in enumerate(row)
        if down != across
    ] or [0.0]
    return min(found), max(found)


def _matrix(axes: "Axes", cells: Cells, low: float, high: float, queries: tuple[int, ...]) -> None:
    from matplotlib.patches import PathPatch, Rectangle
    from matplotlib.path import Path

    n = len(cells)
    shades: dict[int, list[Path]] = {}
    for down, row in enumerate(cells):
        for across, value in enumerate(row):
            share = min(max((value - low) / (high - low), 0.0), 1.0) if high > low else 1.0
            square = Rectangle((across - 0.5, down - 0.5), 1, 1)
            shades.setdefault(round(share * (_SHADES - 1)), []).append(
                square.get_path().transformed(square.get_patch_transform())
            )
    for shade, squares in sorted(shades.items()):
        colour = _shade(shade / (_SHADES - 1))
        # an edge of the same colour, or a hair of the page shows between two cells
        axes.add_patch(PathPatch(Path.make_compound_path(*squares), facecolor=colour, edgecolor=colour, linewidth=0.3))
    for place in queries:
        if place:
            for line in (axes.axhline, axes.axvline):
                line(place - 0.5, color="#ffffff", linewidth=1.4, zorder=3)
    axes.set_xlim(-0.5, n - 0.5)
    axes.set_ylim(n - 0.5, -0.5)
    for side in axes.spines.values():
        side.set_visible(False)


def _name(axes: "Axes", rows: list[str], columns: list[str], queries: tuple[int, ...]) -> None:
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xticks(range(len(columns)), columns, rotation=90)
    axes.tick_params(length=0, labelsize=7, pad=3)
    for labels in (axes.get_yticklabels(), axes.get_xticklabels()):
        for place in queries:
            if place < len(labels):
                labels[place].set_fontweight("bold")


def _legend(figure: "Figure", low: float, high: float, left: float) -> None:
    """The colours from lowest to highest, below everything."""
    from matplotlib.patches import Rectangle

    width, height = figure.get_size_inches()
    axes = figure.add_axes((left, 0.34 / height, 1.5 / width, 0.12 / height))
    for shade in range(_SHADES):
        colour = _shade(shade / (_SHADES - 1))
        axes.add_patch(Rectangle((shade, 0), 1, 1, facecolor=colour, edgecolor=colour, linewidth=0.3))
    axes.set_xlim(0, _SHADES)
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    axes.set_xticks([0, _SHADES], [f"{low:.2f}", f"{high:.2f}"])
    axes.tick_params(length=0, labelsize=7.5, pad=3, colors=INK)
    for side in axes.spines.values():
        side.set_visible(False)


def _shade(share: float) -> tuple[float, float, float]:
    red, green, blue = (a + share * (b - a) for a, b in zip(_PALE, _DARK, strict=True))
    return red, green, blue
