"""What a plot shows, as values: lines, levels and how much each of them matters."""

import math
from dataclasses import dataclass
from typing import Literal

from matryo.errors import MatryoError

Emphasis = Literal["strong", "normal", "thin", "trace"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its values, with the bounds of their intervals (NaN where there is none).

    Attributes:
        label: its name; "" = none is written.
        x: dims or steps.
        values: one per x.
        lows: lower ends of the intervals.
        highs: upper ends.
        emphasis: strong = what the plot is about; normal; thin = what stands beside it, without its interval; trace =
            a hair behind another line, such as one seed behind the mean, neither in the legend nor in the description.
        colour: number in the palette; None = its place among the lines.
        dashed: broken line without a shaded interval, for a variant that shares the colour of another line.
        marker: number of the marker; None = that of the colour.
    """

    label: str
    x: tuple[int, ...]
    values: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    emphasis: Emphasis = "normal"
    colour: int | None = None
    dashed: bool = False
    marker: int | None = None

    def __post_init__(self) -> None:
        """Refuse columns of different lengths."""
        lengths = {len(self.x), len(self.values), len(self.lows), len(self.highs)}
        if len(lengths) != 1 or not self.x:
            raise MatryoError(
                f"line {self.label!r} has {len(self.x)} dims, {len(self.values)} values, {len(self.lows)} lows and "
                f"{len(self.highs)} highs; give at least one dim and one of each per dim"
            )

    @classmethod
    def exact(
        cls,
        label: str,
        x: tuple[int, ...],
        values: tuple[float, ...],
        emphasis: Emphasis = "normal",
        colour: int | None = None,
    ) -> "Line":
        """A line without intervals."""
        none = (math.nan,) * len(x)
        return cls(label, x, values, none, none, emphasis, colour)

    def points(self) -> list[tuple[int, float]]:
        """Places and values from left to right, without those that have no value."""
        pairs = sorted(zip(self.x, self.values, strict=True))
        return [(x, value) for x, value in pairs if math.isfinite(value)]


@dataclass(frozen=True, slots=True)
class Floor:
    """A level that does not depend on the dim, such as BM25."""

    label: str
    value: float


@dataclass(frozen=True, slots=True)
class Chart:
    """What the plot shows.

    Attributes:
        title: data set; "" = the measure says it all.
        measure: what goes up.
        lines: in order of the legend.
        floors: levels.
        across: what goes to the right.
        signed: values are differences, printed with their sign.
        name: of its files, without their ending.
        mark: a place that a thin upright line marks.
    """

    title: str
    measure: str
    lines: tuple[Line, ...]
    floors: tuple[Floor, ...] = ()
    across: Literal["dims", "steps", "pairs"] = "dims"
    signed: bool = False
    name: str = "curve"
    mark: int | None = None

    @property
    def heading(self) -> str:
        """Measure and data set."""
        return " on ".join(part for part in (self.measure, self.title) if part)

    def labels(self) -> list[str]:
        """Names in the legend, the floors last."""
        return [one.label for one in self.lines if one.label] + [floor.label for floor in self.floors]

    def description(self) -> str:
        """The figures in words, for readers who do not see the plot; of a course over steps only its ends."""
        steps = self.across == "steps"
        sign = "+" if self.signed else ""
        parts = []
        for line in self.lines:
            if line.emphasis == "trace":
                continue
            points = line.points()
            told = [points[0], points[-1]] if steps and len(points) > 1 else points
            known = [f"{_digits(value, sign)} at {'step ' if steps else ''}{x}" for x, value in told]
            parts.append(f"{line.label}: {', '.join(known) or 'none'}")
        parts += [f"{floor.label}: {floor.value:.3f} at every {'step' if steps else 'dim'}" for floor in self.floors]
        return f"{self.measure} by number of {_ACROSS[self.across]}. " + ". ".join(parts) + "."


_ACROSS = {"dims": "dims kept", "steps": "steps", "pairs": "pairs fitted on"}


def _digits(value: float, sign: str) -> str:
    """Three digits behind the point, or three that say something where the value is smaller than that."""
    return f"{value:{sign}.3f}" if value == 0 or abs(value) >= 0.0095 else f"{value:{sign}.3g}"
