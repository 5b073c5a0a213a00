"""Translators as diagrams: what goes in, every layer with its real width, what comes out.

Hand-written SVG for web pages: boxes as wide as the square root of the numbers they stand for, text as text, colours as
the CSS variables of the report's page. One form fits wide and small screens.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from matryo.errors import MatryoError
from matryo.reports.architecture_shapes import Box, Canvas, svg

_KINDS: Final = ("ridge", "linear", "procrustes", "mlp1", "mlp2")
_FITTED: Final = {
    "ridge": "solved at once, penalty by cross-validation",
    "linear": "trained step by step",
    "procrustes": "solved at once; it only turns",
    "mlp1": "trained step by step",
    "mlp2": "trained step by step",
}
_WIDTH: Final = 420.0
_WIDEST: Final = 330.0
_NARROWEST: Final = 64.0
_BAR: Final = 34.0
_GAP: Final = 50.0
_LINE: Final = 16.0
_TOP: Final = 56.0
_LONGEST_TITLE: Final = 44
Colour = Literal["source", "target", "hidden"]


class _Step(NamedTuple):
    """An arrow with what happens on it, line by line, the numbers after it and what is done to each of them."""

    does: tuple[str, ...]
    width: int
    colour: Colour
    then: str = ""


@dataclass(frozen=True, slots=True)
class Architecture:
    """One translator between two spaces.

    Attributes:
        translator: its name in a study, such as "ridge", "procrustes centred" or "mlp1 8x cosine".
        source: name of the space that it reads.
        target: name of the space that it imitates.
        source_width: numbers of a vector of the one.
        target_width: of the other.
    """

    translator: str
    source: str
    target: str
    source_width: int
    target_width: int

    def __post_init__(self) -> None:
        """Refuse a translator of an unknown kind, and widths below 1."""
        if self.kind not in _KINDS or min(self.source_width, self.target_width) < 1:
            raise MatryoError(
                f"a diagram shows one of {', '.join(_KINDS)} between spaces of at least one number, got "
                f"{self.translator!r} from {self.source_width} to {self.target_width}; correct the name or the widths"
            )

    @property
    def kind(self) -> str:
        """First word of the name."""
        return self.translator.split()[0] if self.translator.split() else ""

    @property
    def hidden(self) -> tuple[int, ...]:
        """Widths of the hidden layers: a multiple of the smaller of both widths."""
        if not self.kind.startswith("mlp"):
            return ()
        found = re.search(r"\b([1-9]\d*)x\b", self.translator)
        width = (int(found[1]) if found else 1) * min(self.source_width, self.target_width)
        return (width,) * int(self.kind[-1])

    @property
    def parameters(self) -> int:
        """Numbers of all matrices and offsets.

        >>> Architecture("mlp1 8x", "a", "b", 384, 256).parameters
        1313024
        """
        widths = (self.source_width, *self.hidden, self.target_width)
        return sum(rows * columns + columns for rows, columns in pairwise(widths))

    @property
    def title(self) -> str:
        """Name and widths, e.g. "mlp1 8x: 384 -> 2,048 -> 256"."""
        widths = (self.source_width, *self.hidden, self.target_width)
        return f"{self.translator}: {' → '.join(f'{width:,}' for width in widths)}"

    def steps(self) -> tuple[_Step, ...]:
        """What happens to a vector, in order."""
        ends = _Step(("scaled to length 1",), self.target_width, "target")
        if self.kind == "procrustes":
            return (*self._turned(), ends)
        steps: list[_Step] = []
        widths = (self.source_width, *self.hidden, self.target_width)
        for at in range(1, len(widths)):
            last = at == len(widths) - 1
            does = (f"matrix {widths[at - 1]:,} x {widths[at]:,}", f"and {widths[at]:,} offsets")
            steps.append(_Step(does, widths[at], "target" if last else "hidden", "" if last else "max(0, x)"))
        return (*steps, ends)

    def _turned(self) -> tuple[_Step, ...]:
        """A rotation of the wider of both spaces: zeros before it, or numbers left out after it."""
        narrow, wide = self.source_width, max(self.source_width, self.target_width)
        centred = "about the means" if "centred" in self.translator.split() else "about the origin"
        steps = [_Step((f"rotation {wide:,} x {wide:,}", centred), wide, "target")]
        if narrow < wide:
            steps.insert(0, _Step((f"{wide - narrow:,} zeros added",), wide, "source"))
        if self.target_width < wide:
            steps[-1] = steps[-1]._replace(colour="hidden")
            steps.append(_Step((f"first {self.target_width:,} kept",), self.target_width, "target"))
        return tuple(steps)

    def description(self) -> str:
        """The diagram in words."""
        told = []
        for step in self.steps():
            then = f", {step.then}" if step.then else ""
            told.append(f"{' '.join(step.does)}: {step.width:,} numbers{then}")
        return (
            f"A native vector of {self.source}, {self.source_width:,} numbers; {'; '.join(told)}. The result "
            f"stands in for a vector of {self.target}: {', '.join(self.facts())}."
        )

    def facts(self) -> tuple[str, str]:
        """Size, and how it is fitted."""
        return f"{self.parameters:,} numbers", _FITTED[self.kind]


def architecture_svg(one: Architecture, key: str) -> str:
    """Draw a translator from top to bottom.

    Args:
        one: the translator.
        key: prefix of every id, different for each diagram of a page.

    Returns: one `<svg>` element with title and description.
    """
    steps = one.steps()
    widest = max(one.source_width, *(step.width for step in steps))
    canvas, middle, y = Canvas(), _WIDTH / 2, _TOP
    canvas.text(middle, 22, one.title, weight=600, size=15 if len(one.title) <= _LONGEST_TITLE else 13)
    canvas.text(middle, y - 8, f"{one.source}, native", colour="source")
    canvas.box(_bar(one.source_width, widest, y, "source"))
    for step in steps:
        canvas.arrow(middle, y + _BAR + 3, middle, y + _BAR + _GAP - 3)
        first = y + _BAR + _GAP / 2 + 4 - _LINE * (len(step.does) - 1) / 2
        for at, line in enumerate(step.does):
            canvas.text(middle + 14, first + _LINE * at, line, anchor="start", size=12.5)
        y += _BAR + _GAP
        canvas.box(_bar(step.width, widest, y, step.colour, step.then))
    canvas.text(middle, y + _BAR + 20, f"stands in for {one.target}", colour="target")
    for at, line in enumerate(one.facts()):
        canvas.text(middle, y + _BAR + 44 + _LINE * at, line, size=12.5, quiet=True)
    return svg(canvas, (_WIDTH, y + _BAR + 74), one.title, one.description(), key)


def _bar(width: int, widest: int, y: float, colour: Colour, then: str = "") -> Box:
    """A box around a number of numbers, wider for more of them."""
    size = max(_NARROWEST, _WIDEST * (width / widest) ** 0.5)
    return Box(_WIDTH / 2 - size / 2, y, size, _BAR, (f"{width:,}" + (f", {then}" if then else ""),), colour)
