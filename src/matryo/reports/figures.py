"""The curve plot: quality over the number of dims kept, one line per map, drawn by matplotlib without its global state.

The same drawing is given as PNG, as an SVG file that renders anywhere (text as outlines), and as SVG for a web page,
where text stays text and every colour is a CSS variable that the page sets for light and dark.
"""

import io
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from xml.dom import minidom

from matryo.errors import MatryoError
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


@dataclass(frozen=True, slots=True)
class Line:
    """One map: its value at each dim, with the bounds of the interval (NaN where there is none)."""

    label: str
    dims: tuple[int, ...]
    values: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse columns of different lengths."""
        lengths = {len(self.dims), len(self.values), len(self.lows), len(self.highs)}
        if len(lengths) != 1 or not self.dims:
            raise MatryoError(
                f"line {self.label!r} has {len(self.dims)} dims, {len(self.values)} values, {len(self.lows)} lows and "
                f"{len(self.highs)} highs; give at least one dim and one of each per dim"
            )

    def points(self) -> list[tuple[int, float]]:
        """Dims and values in order of dim, without those that have no value."""
        pairs = sorted(zip(self.dims, self.values, strict=True))
        return [(dim, value) for dim, value in pairs if math.isfinite(value)]


@dataclass(frozen=True, slots=True)
class Floor:
    """A level that does not depend on the dim, such as BM25."""

    label: str
    value: float


@dataclass(frozen=True, slots=True)
class Chart:
    """What the plot shows: a title, the name of the measure, one line per map and the levels of the floors."""

    title: str
    measure: str
    lines: tuple[Line, ...]
    floors: tuple[Floor, ...] = ()

    def description(self) -> str:
        """The figures in words, for readers who do not see the plot."""
        parts = []
        for line in self.lines:
            known = [f"{value:.3f} at {dim}" for dim, value in line.points()]
            parts.append(f"{line.label}: {', '.join(known)}")
        parts += [f"{floor.label}: {floor.value:.3f} at every dim" for floor in self.floors]
        return f"{self.measure} by number of dims kept. " + ". ".join(parts) + "."


def png(chart: Chart, dpi: int = 160) -> bytes:
    """Draw as PNG on white; the same chart gives the same bytes under one version of matplotlib."""
    with _settings("path"):
        stream = io.BytesIO()
        _draw(chart, narrow=False).savefig(stream, format="png", dpi=dpi, metadata={"Software": None})
        return stream.getvalue()


def svg_file(chart: Chart) -> str:
    """Draw as an SVG file on white, text as outlines: it renders the same everywhere, also as an image of a page."""
    return '<?xml version="1.0" encoding="utf-8"?>\n' + _svg(chart, "path", "curve", narrow=False).toxml() + "\n"


def svg_inline(chart: Chart, key: str, *, narrow: bool = False) -> str:
    """Draw as an `svg` element for a web page: transparent, text as text, colours as CSS variables.

    The variables are `--ink`, `--grid`, `--floor` and `--line-1` to `--line-8`; without them the light colours hold.

    Args:
        chart: what to draw.
        key: prefix of every id in the element, different for each plot of a page.
        narrow: the form for small screens, with the legend below.

    Returns: one `<svg>` element, with title and description.
    """
    root = _svg(chart, "none", key, narrow=narrow)
    variables = {INK: "--ink", GRID: "--grid", FLOOR: "--floor"}
    variables |= {light: f"--line-{number}" for number, (light, _) in enumerate(PALETTE, start=1)}
    for element in _elements(root):
        if element.hasAttribute("style"):
            style = element.getAttribute("style")
            for colour, variable in variables.items():
                style = style.replace(colour, f"var({variable}, {colour})")
            element.setAttribute("style", style)
    return root.toxml()


@contextmanager
def _settings(fonttype: str) -> Iterator[None]:
    import matplotlib as mpl

    chosen: dict[Any, Any] = {  # matplotlib types its keys as a list of literals that changes with its version
        "svg.fonttype": fonttype,
        "svg.hashsalt": "matryo",  # ids from content, not from chance: the same results give the same file
        "text.parse_math": False,  # a name with a dollar sign is a name
        "font.family": ["DejaVu Sans"],
        "font.size": 9,
        "axes.edgecolor": GRID,
        "axes.labelcolor": INK,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
    }
    with mpl.rc_context(chosen), warnings.catch_warnings():
        # a name in a script that the font lacks is drawn as boxes here; tables and the web page show it
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        yield


def _svg(chart: Chart, fonttype: str, key: str, *, narrow: bool) -> minidom.Element:
    with _settings(fonttype):
        stream = io.BytesIO()
        none = {"Date": None, "Creator": None, "Format": None, "Type": None}
        inline = fonttype == "none"
        drawn = replace(chart, title="") if inline else chart  # a page has a heading of its own
        _draw(drawn, narrow=narrow).savefig(stream, format="svg", metadata=none, transparent=inline)
    document = minidom.parseString(stream.getvalue())
    root = document.documentElement
    assert root is not None  # our own logic: a document that was parsed has a root
    return _described(document, root, chart, key, fixed_size=fonttype == "path")


def _described(
    document: minidom.Document, root: minidom.Element, chart: Chart, key: str, *, fixed_size: bool
) -> minidom.Element:
    """Prefix the ids, let a page choose the size, and add title and description."""
    for element in list(_elements(root)):
        for name in ("id", "clip-path", "xlink:href"):
            if element.hasAttribute(name):
                before = element.getAttribute(name)
                element.setAttribute(name, f"{key}-{before}" if name == "id" else before.replace("#", f"#{key}-"))
        if element.tagName == "style" and element.parentNode is not None:
            element.parentNode.removeChild(element)  # its rule for "*" would hold for the whole page
    root.setAttribute("style", "stroke-linejoin: round; stroke-linecap: butt")
    if not fixed_size:
        root.removeAttribute("width")
        root.removeAttribute("height")
    root.setAttribute("role", "img")
    root.setAttribute("aria-labelledby", f"{key}-title {key}-desc")
    for name, text in (("desc", chart.description()), ("title", f"{chart.measure} on {chart.title}")):
        child = document.createElement(name)
        child.setAttribute("id", f"{key}-{name}")
        child.appendChild(document.createTextNode(printable(text)))
        root.insertBefore(child, root.firstChild)
    return root


def _elements(root: minidom.Element) -> Iterator[minidom.Element]:
    yield root
    yield from root.getElementsByTagName("*")


def _draw(chart: Chart, *, narrow: bool) -> "Figure":
    from matplotlib.figure import Figure

    labels = [_short(line.label) for line in chart.lines] + [_short(floor.label) for floor in chart.floors]
    if narrow:
        legend = 0.175 * len(labels) + 0.05
        width, height, left, right, bottom, top = 4.2, 3.3 + legend, 0.48, 0.12, 0.55 + legend, 0.42
    else:
        margin = 0.35 + 0.068 * max((len(label) for label in labels), default=0)
        height = max(4.2, _LABEL_GAP * (len(labels) + 6) / _POINTS_PER_INCH)
        width, left, right, bottom, top = 9.0, 0.48, margin, 0.55, 0.42
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes(
        (left / width, bottom / height, (width - left - right) / width, (height - bottom - top) / height)
    )
    for number, line in enumerate(chart.lines):
        _draw_line(axes, line, number)
    for floor in chart.floors:
        name = _short(floor.label)
        axes.axhline(floor.value, color=FLOOR, linestyle=(0, (5, 3)), linewidth=1.3, zorder=2, label=name)
    _dress(axes, chart)
    if narrow:
        axes.legend(
            loc="upper left",
            bbox_to_anchor=(0, -0.46 / (height - bottom - top)),
            frameon=False,
            borderaxespad=0,
            handlelength=2.4,
            labelspacing=0.3,
        )
    else:
        _label(axes, chart, (height - bottom - top) * _POINTS_PER_INCH, figure.dpi_scale_trans)
    return figure


def _draw_line(axes: "Axes", line: Line, number: int) -> None:
    colour = PALETTE[number % len(PALETTE)][0]
    dashes = "-" if number < len(PALETTE) else "--"
    order = sorted(range(len(line.dims)), key=lambda place: line.dims[place])
    dims = [line.dims[place] for place in order]
    lows = [line.lows[place] for place in order]
    highs = [line.highs[place] for place in order]
    if any(math.isfinite(low) for low in lows):
        axes.fill_between(dims, lows, highs, color=colour, alpha=0.11, linewidth=0, zorder=1)
    axes.plot(
        dims,
        [line.values[place] for place in order],
        color=colour,
        linestyle=dashes,
        linewidth=1.7,
        marker=_MARKERS[number % len(_MARKERS)],
        markersize=4.6,
        zorder=3,
        label=_short(line.label),
    )


def _dress(axes: "Axes", chart: Chart) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

    dims = sorted({dim for line in chart.lines for dim in line.dims})
    axes.set_xscale("log", base=2)
    axes.xaxis.set_minor_locator(NullLocator())
    if dims:
        axes.set_xticks(dims, [str(dim) for dim in dims])
        axes.set_xlim(dims[0] / 1.09, dims[-1] * 1.09)
    axes.yaxis.set_major_locator(MaxNLocator(7))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2f}"))
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="both", length=0, pad=5)
    axes.tick_params(axis="x", length=3)
    axes.set_xlabel("dims kept (log scale)", labelpad=5)
    title = " on ".join(part for part in (chart.measure, chart.title) if part)
    axes.set_title(_short(title, 70), loc="left", fontsize=10.5, fontweight="bold", pad=10)


def _label(axes: "Axes", chart: Chart, height: float, inches: "Affine2D") -> None:
    """Write each line's name beside its right end; names that would overlap are moved apart and tied to their line."""
    from matplotlib.transforms import ScaledTranslation

    low, high = axes.get_ylim()
    right = axes.get_xlim()[1]
    entries = [
        _Name(_short(line.label), PALETTE[number % len(PALETTE)][0], float(known[-1][0]), [v for _, v in known[::-1]])
        for number, line in enumerate(chart.lines)
        if (known := line.points())
    ]
    entries += [_Name(_short(floor.label), FLOOR, right, [floor.value]) for floor in chart.floors]
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


def _short(text: str, longest: int = _LONGEST_LABEL) -> str:
    line = printable(text)
    return line if len(line) <= longest else line[: longest - 1] + "…"
