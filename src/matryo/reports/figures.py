"""Plots as files and as parts of a page: quality over the number of dims kept, or the course of a training.

The same drawing is given as PNG, as an SVG file that renders anywhere (text as outlines), and as SVG for a web page,
where text stays text and every colour is a CSS variable that the page sets for light and dark.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from xml.dom import minidom

from matryo.reports.bar_drawing import draw_bars
from matryo.reports.bars import BarChart
from matryo.reports.drawing import FLOOR, GRID, INK, PALETTE, draw
from matryo.reports.facet_drawing import draw_facets
from matryo.reports.facets import FacetChart
from matryo.reports.kernel_drawing import KernelChart, draw_kernels
from matryo.reports.pareto import ParetoChart
from matryo.reports.pareto_drawing import draw_pareto
from matryo.reports.plots import Plot
from matryo.reports.scatter_map import LayoutChart, draw_layout
from matryo.reports.study_scatter import ScatterChart, draw_scatter
from matryo.reports.table import printable
from matryo.reports.translation_heat import HeatChart, draw_heat

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def png(chart: Plot, dpi: int = 160) -> bytes:
    """Draw as PNG on white; the same chart gives the same bytes under one version of matplotlib."""
    with _settings("path"):
        stream = io.BytesIO()
        _drawn(chart, narrow=False).savefig(stream, format="png", dpi=dpi, metadata={"Software": None})
        return stream.getvalue()


def pdf(chart: Plot) -> bytes:
    """Draw as PDF for LaTeX, without a title: a paper has captions of its own."""
    none = {"CreationDate": None, "Creator": None, "Producer": None}
    with _settings("path"):
        stream = io.BytesIO()
        _drawn(replace(chart, title=""), narrow=False).savefig(stream, format="pdf", metadata=none)
        return stream.getvalue()


def svg_file(chart: Plot) -> str:
    """Draw as an SVG file on white, text as outlines: it renders the same everywhere, also as an image of a page."""
    return '<?xml version="1.0" encoding="utf-8"?>\n' + _svg(chart, "path", "curve", narrow=False).toxml() + "\n"


def svg_inline(chart: Plot, key: str, *, narrow: bool = False) -> str:
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


def _drawn(chart: Plot, *, narrow: bool) -> "Figure":
    if isinstance(chart, ParetoChart):
        return draw_pareto(chart, narrow=narrow)
    if isinstance(chart, FacetChart):
        return draw_facets(chart, narrow=narrow)
    if isinstance(chart, BarChart):
        return draw_bars(chart, narrow=narrow)
    if isinstance(chart, HeatChart):
        return draw_heat(chart, narrow=narrow)
    if isinstance(chart, KernelChart):
        return draw_kernels(chart, narrow=narrow)
    if isinstance(chart, LayoutChart):
        return draw_layout(chart, narrow=narrow)
    if isinstance(chart, ScatterChart):
        return draw_scatter(chart, narrow=narrow)
    return draw(chart, narrow=narrow)


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


def _svg(chart: Plot, fonttype: str, key: str, *, narrow: bool) -> minidom.Element:
    with _settings(fonttype):
        stream = io.BytesIO()
        none = {"Date": None, "Creator": None, "Format": None, "Type": None}
        inline = fonttype == "none"
        drawn = replace(chart, title="") if inline else chart  # a page has a heading of its own
        _drawn(drawn, narrow=narrow).savefig(stream, format="svg", metadata=none, transparent=inline)
    document = minidom.parseString(stream.getvalue())
    root = document.documentElement
    assert root is not None  # our own logic: a document that was parsed has a root
    return _described(document, root, chart, key, fixed_size=fonttype == "path")


def _described(
    document: minidom.Document, root: minidom.Element, chart: Plot, key: str, *, fixed_size: bool
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
    for name, text in (("desc", chart.description()), ("title", chart.heading)):
        child = document.createElement(name)
        child.setAttribute("id", f"{key}-{name}")
        child.appendChild(document.createTextNode(printable(text)))
        root.insertBefore(child, root.firstChild)
    return root


def _elements(root: minidom.Element) -> Iterator[minidom.Element]:
    yield root
    yield from root.getElementsByTagName("*")
