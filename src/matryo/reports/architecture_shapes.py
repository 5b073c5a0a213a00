"""Boxes, arrows and text of a diagram, as SVG whose colours are the CSS variables of a report's page."""

from dataclasses import dataclass, field
from html import escape
from typing import Final, Literal, NamedTuple

from matryo.reports.drawing import FLOOR, GRID, INK, PALETTE
from matryo.reports.table import printable

Role = Literal["source", "target", "hidden", "plain"]
_COLOURS: Final[dict[str, str]] = {
    "source": f"var(--line-1, {PALETTE[0][0]})",
    "target": f"var(--line-2, {PALETTE[1][0]})",
    "hidden": f"var(--floor, {FLOOR})",
    "plain": f"var(--grid, {GRID})",
}
_INK: Final = f"var(--ink, {INK})"
_QUIET: Final = f"var(--floor, {FLOOR})"
_LINE: Final = 18.0
_HEAD: Final = 6.0


class Box(NamedTuple):
    """A rectangle with centred lines of text."""

    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]
    role: Role


@dataclass(slots=True)
class Canvas:
    """Shapes in drawing order."""

    parts: list[str] = field(default_factory=list)

    def box(self, box: Box, *, bold: bool = False) -> None:
        """Add a box; its first line may be bold."""
        colour = _COLOURS[box.role]
        filled = f"fill: {colour}; fill-opacity: .14; stroke: {colour}"
        self.parts.append(
            f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="6" '
            f'style="{filled}"/>'
        )
        first = box.y + box.height / 2 - _LINE * (len(box.lines) - 1) / 2 + 5
        for at, line in enumerate(box.lines):
            weight = 600 if bold and at == 0 else 400
            self.text(box.x + box.width / 2, first + _LINE * at, line, weight=weight)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        anchor: Literal["start", "middle"] = "middle",
        size: float = 14,
        weight: int = 400,
        colour: Role | None = None,
        quiet: bool = False,
    ) -> None:
        """Add one line of text; its baseline stands at y."""
        fill = _COLOURS[colour] if colour else _QUIET if quiet else _INK
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" style="fill: {fill}; font-size: {size:g}px; '
            f'font-weight: {weight}">{escape(printable(text))}</text>'
        )

    def arrow(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """Add an arrow that ends pointing down, or to the right where it does not descend."""
        down = y2 > y1
        back = (x2, y2 - _HEAD) if down else (x2 - _HEAD, y2)
        side = (_HEAD * 0.6, 0.0) if down else (0.0, _HEAD * 0.6)
        self.parts.append(
            f'<path d="M{x1:.1f} {y1:.1f}L{back[0]:.1f} {back[1]:.1f}" style="stroke: {_QUIET}; stroke-width: 1.4; '
            f'fill: none"/><path d="M{x2:.1f} {y2:.1f}L{back[0] - side[0]:.1f} {back[1] - side[1]:.1f}'
            f'L{back[0] + side[0]:.1f} {back[1] + side[1]:.1f}Z" style="fill: {_QUIET}"/>'
        )


def svg(canvas: Canvas, size: tuple[float, float], title: str, description: str, key: str) -> str:
    """The canvas as one element.

    Args:
        canvas: shapes.
        size: width and height in units, which are pixels where there is room.
        title: short name.
        description: the diagram in words.
        key: prefix of every id.
    """
    width, height = size
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-labelledby="{key}-title {key}-desc" style="max-width: {width:g}px">'
        f'<title id="{key}-title">{escape(printable(title))}</title>'
        f'<desc id="{key}-desc">{escape(printable(description))}</desc>'
        f"{''.join(canvas.parts)}</svg>"
    )
