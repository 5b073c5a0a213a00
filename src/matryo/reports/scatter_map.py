"""A map of texts: native vectors of a space as dots, what a translator made of another space as rings."""

import re
from collections import Counter
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

from matryo.evaluation.pictures import LayoutPicture, Point
from matryo.reports.drawing import FLOOR, GRID, INK, PALETTE, shortened
from matryo.reports.formats import number
from matryo.reports.table import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OTHER: Final = "other"
# seven colours of the palette; two more that stand out on white and on a dark page alike, instead of its grey one
_MORE: Final = ("#6b8e00", "#7d62d9")
_PLAIN: Final = (*(light for light, _ in PALETTE[:7]), *_MORE)
_COLOURS: Final = (*(f"var(--line-{at}, {light})" for at, light in enumerate(_PLAIN[:7], start=1)), *_MORE)
_SIZE: Final = (760.0, 560.0)  # units of the drawing
_MARGIN: Final = 14.0
_DOT: Final = 3.6
_RING: Final = 4.3
_TIES: Final = 24
_LONGEST_LABEL: Final = 28
_LONGEST_TITLE: Final = {True: 46, False: 90}
_LEGEND_STYLE: Final = (
    "display: flex; flex-wrap: wrap; gap: 4px 18px; list-style: none; padding: 0; margin: 10px 0 0; max-width: none; "
    "font-size: 14px"
)
_SWATCH_STYLE: Final = "display: inline-block; width: 12px; height: 12px; margin-right: 6px; vertical-align: -1px"


@dataclass(frozen=True, slots=True)
class LayoutChart:
    """A map of texts as a plot of a report; `layout_svg` is the same with every text on hover.

    Attributes:
        title: data set; "" = none is named.
        picture: the points.
        name: of its files, without their ending.
    """

    title: str
    picture: LayoutPicture
    name: str = "umap"

    @property
    def heading(self) -> str:
        """Spaces and data set."""
        return layout_heading(self.picture) + (f" on {self.title}" if self.title else "")

    def caption(self) -> str:
        """How it was made and how far it can be trusted."""
        return layout_caption(self.picture)

    def description(self) -> str:
        """The map in words, for readers who do not see it."""
        return layout_description(self.picture)


def layout_heading(picture: LayoutPicture) -> str:
    """What the map shows, in a few words."""
    return f"{picture.source} translated by {picture.translator}, among native {picture.target}"


def layout_caption(picture: LayoutPicture) -> str:
    """How the map was made and how far it can be trusted."""
    return (
        f"UMAP fitted on the native {picture.target} vectors of {picture.n_fitted:,} held-out texts (cosine, "
        f"{picture.n_neighbours} neighbours, least distance {picture.min_dist:g}, seed {picture.seed}); the vectors "
        f"that {picture.translator} made of {picture.source} are placed into it. Trustworthiness "
        f"({picture.trust_neighbours} neighbours; 1 = what is near here is near in the space): "
        f"{number(picture.native_trust)} native, {number(picture.translated_trust)} translated. Colours: "
        f"{picture.label_kind}. Lines tie {_n_ties(picture)} translated texts to their native points. The axes have no "
        "unit, and how far apart two distant groups lie says nothing."
    )


def layout_description(picture: LayoutPicture) -> str:
    """The map in words, for readers who do not see it."""
    counts = ", ".join(f"{label}: {n}" for label, n in _labels(picture).items())
    heading = f"{layout_heading(picture)}: {len(picture.ids):,} texts twice"
    return f"{heading}. {layout_caption(picture)} Texts by label: {counts}."


def layout_svg(picture: LayoutPicture, key: str | None = None) -> str:
    """Draw as a part of a web page that needs no script: one `svg` and its legend, which wraps on small screens.

    Resting on a point shows its label and its text. Colours are the CSS variables `--ink`, `--grid`, `--floor` and
    `--line-1` to `--line-7`; without them those for a light page hold.

    Args:
        picture: the points.
        key: prefix of every id, different for each map of a page; None = made of the names of the picture.

    Returns: one `<div>` element.
    """
    key = key or re.sub(r"[^a-z0-9]+", "-", f"map-{picture.source}-{picture.target}-{picture.translator}".lower())
    width, height = _SIZE
    native, translated = _placed(picture)
    groups = []
    for label, colour in _from_behind(_coloured(picture, _COLOURS, f"var(--floor, {FLOOR})")):
        points = [
            f"<g><title>{_text(f'{label}: {picture.texts[at]}')}</title>{_dot(native[at])}{_ring(translated[at])}</g>"
            for at, one in enumerate(picture.labels)
            if one == label
        ]
        faint = "; opacity: .5" if label == _OTHER else ""
        groups.append(f'<g style="color: {colour}{faint}">{"".join(points)}</g>')
    ties = "".join(
        f'<line x1="{native[at][0]:.1f}" y1="{native[at][1]:.1f}" x2="{translated[at][0]:.1f}" '
        f'y2="{translated[at][1]:.1f}"/>'
        for at in _tied(picture)
    )
    return (
        f'<div class="layout-map"><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'role="img" aria-labelledby="{key}-title {key}-desc">'
        f'<title id="{key}-title">{_text(layout_heading(picture))}</title>'
        f'<desc id="{key}-desc">{_text(layout_description(picture))}</desc>'
        f'<rect x="0.5" y="0.5" width="{width - 1:g}" height="{height - 1:g}" rx="6" fill="none" '
        f'style="stroke: var(--grid, {GRID})"/>'
        f'<g style="stroke: var(--ink, {INK}); stroke-width: 1; opacity: .45">{ties}</g>'
        f"{''.join(groups)}</svg>{_legend(picture)}</div>"
    )


def draw_layout(chart: LayoutChart, *, narrow: bool) -> "Figure":
    """Draw for a file or a report, without texts on hover.

    Args:
        chart: what to draw.
        narrow: the form for small screens, with the legend below.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    picture = chart.picture
    colours = _coloured(picture, _PLAIN, FLOOR)
    rows = len(colours) + 3
    if narrow:
        width, side, below = 4.2, (4.0, 3.4), 0.2 + 0.19 * rows
        height = 0.42 + side[1] + below
        box = (0.1 / width, below / height, side[0] / width, side[1] / height)
    else:
        width, height = 9.0, 5.4
        box = (0.06 / width, 0.1 / height, 6.6 / width, (height - 0.52) / height)
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes(box)
    for at in _tied(picture):
        (x1, y1), (x2, y2) = picture.native[at], picture.translated[at]
        axes.plot([x1, x2], [y1, y2], color=INK, linewidth=0.6, alpha=0.45, zorder=1)
    size = 7 if narrow else 12
    handles = [
        Line2D([], [], linestyle="", marker="o", markersize=4.5, color=INK, label=f"dot: native {picture.target}"),
        Line2D([], [], linestyle="", marker="o", markersize=5.5, markerfacecolor="none", color=INK,
               label=f"ring: {picture.source}, translated"),
        Line2D([], [], linewidth=0.8, color=INK, alpha=0.45, label="line: one text"),
    ]  # fmt: skip
    for label, colour in _from_behind(colours):
        mine = [at for at, one in enumerate(picture.labels) if one == label]
        for points, ring in ((picture.native, False), (picture.translated, True)):
            axes.scatter(
                [points[at][0] for at in mine], [points[at][1] for at in mine], s=size * (1.4 if ring else 1.0),
                facecolors="none" if ring else colour, edgecolors=colour if ring else "none",
                linewidths=0.8, alpha=0.45 if label == _OTHER else 1.0 if ring else 0.75,
                zorder=3 if ring else 2,
            )  # fmt: skip
    handles += [
        Line2D([], [], linestyle="", marker="s", markersize=5.5, color=colour, label=shortened(label, 26))
        for label, colour in colours.items()
    ]
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0, -0.02) if narrow else (1.02, 1.0), frameon=False,
        borderaxespad=0, labelspacing=0.45, fontsize=8,
    )  # fmt: skip
    figure.text(
        0.06 / width, 1 - 0.08 / height, shortened(chart.heading, _LONGEST_TITLE[narrow]),
        va="top", fontsize=10.5, fontweight="bold",
    )  # fmt: skip
    return figure


def _labels(picture: LayoutPicture) -> dict[str, int]:
    """Labels with their counts, the most frequent first, what is left over last."""
    counts = Counter(picture.labels)
    return dict(sorted(counts.items(), key=lambda item: (item[0] == _OTHER, -item[1], item[0])))


def _coloured(picture: LayoutPicture, colours: tuple[str, ...], rest: str) -> dict[str, str]:
    """Colour of every label; those beyond the colours share the one of what is left over."""
    named = [label for label in _labels(picture) if label != _OTHER]
    found = dict(zip(named, colours, strict=False))
    return {label: found.get(label, rest) for label in _labels(picture)}


def _from_behind(colours: dict[str, str]) -> list[tuple[str, str]]:
    """What is drawn first: the many that are left over, or else they would cover what has a name."""
    return list(reversed(colours.items()))


def _placed(picture: LayoutPicture) -> tuple[list[Point], list[Point]]:
    """All points in units of the drawing, both ways on one scale, upwards as in the plane."""
    every = [*picture.native, *picture.translated]
    (left, right), (low, high) = ((min(side), max(side)) for side in zip(*every, strict=True))
    room = _SIZE[0] - 2 * _MARGIN, _SIZE[1] - 2 * _MARGIN
    scale = min(room[0] / ((right - left) or 1.0), room[1] / ((high - low) or 1.0))
    middle = (left + right) / 2, (low + high) / 2

    def place(point: Point) -> Point:
        return _SIZE[0] / 2 + (point[0] - middle[0]) * scale, _SIZE[1] / 2 - (point[1] - middle[1]) * scale

    return [place(point) for point in picture.native], [place(point) for point in picture.translated]


def _tied(picture: LayoutPicture) -> range:
    """Texts whose two points are tied: a few, evenly over all of them."""
    n = len(picture.ids)
    return range(0, n, max(1, -(-n // _TIES)))


def _n_ties(picture: LayoutPicture) -> int:
    return len(_tied(picture))


def _dot(point: Point) -> str:
    return f'<circle cx="{point[0]:.1f}" cy="{point[1]:.1f}" r="{_DOT}" fill="currentColor" fill-opacity=".7"/>'


def _ring(point: Point) -> str:
    # the inside answers the pointer too
    return (
        f'<circle cx="{point[0]:.1f}" cy="{point[1]:.1f}" r="{_RING}" fill="none" stroke="currentColor" '
        'stroke-width="1.3" pointer-events="all"/>'
    )


def _legend(picture: LayoutPicture) -> str:
    ink = f"var(--ink, {INK})"
    dot = '<circle cx="6" cy="6" r="4" fill="currentColor"/>'
    ring = '<circle cx="6" cy="6" r="4.6" fill="none" stroke="currentColor" stroke-width="1.6"/>'
    tie = '<line x1="0" y1="10" x2="12" y2="2" stroke="currentColor" opacity=".6"/>'
    entries = [
        (ink, dot, f"native {picture.target}"),
        (ink, ring, f"{picture.source}, translated"),
        (ink, tie, "one text"),
    ]
    square = '<rect x="1" y="1" width="10" height="10" rx="2" fill="currentColor"/>'
    for label, colour in _coloured(picture, _COLOURS, f"var(--floor, {FLOOR})").items():
        entries.append((colour, square, f"{shortened(label, _LONGEST_LABEL)} ({_labels(picture)[label]:,})"))
    items = "".join(
        f'<li><svg viewBox="0 0 12 12" aria-hidden="true" style="color: {colour}; {_SWATCH_STYLE}">{shape}</svg>'
        f"{_text(name)}</li>"
        for colour, shape, name in entries
    )
    return f'<ul style="{_LEGEND_STYLE}">{items}</ul>'


def _text(text: str) -> str:
    return escape(printable(text))
