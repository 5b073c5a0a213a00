"""Where names go in a plot of points: beside their marker, over nothing else."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

_SIDES: Final = ((1, 0), (-1, 0), (0, 1), (0, -1), (0.75, 0.75), (-0.75, 0.75), (0.75, -0.75), (-0.75, -0.75))
_STEP: Final = 4.0


class Place(NamedTuple):
    """A point in pixels, upwards and to the right."""

    x: float
    y: float


class Box(NamedTuple):
    """A rectangle in pixels."""

    left: float
    bottom: float
    right: float
    top: float

    @classmethod
    def around(cls, place: Place, radius: float) -> "Box":
        """A square around a point."""
        return cls(place.x - radius, place.y - radius, place.x + radius, place.y + radius)

    @property
    def middle(self) -> Place:
        """Its centre."""
        return Place((self.left + self.right) / 2, (self.bottom + self.top) / 2)

    def meets(self, other: "Box") -> bool:
        """Whether two rectangles share an area."""
        return (
            self.left < other.right and other.left < self.right and self.bottom < other.top and other.bottom < self.top
        )

    def within(self, other: "Box") -> bool:
        """Whether it lies inside another one."""
        return (
            other.left <= self.left
            and self.right <= other.right
            and other.bottom <= self.bottom
            and self.top <= other.top
        )


def free_box(
    place: Place, width: float, height: float, room: Box, taken: Sequence[Box], distances: Sequence[float]
) -> tuple[Box, float] | None:
    """The first free rectangle around a point: to the right, left, above, below, then aslant, nearest first.

    Args:
        place: the point.
        width: of what is to be written.
        height: of it.
        room: that must not be left.
        taken: that must not be met.
        distances: from the point, rising.

    Returns: the rectangle and its distance; None if there is no room.

    >>> free_box(Place(10, 10), 4, 2, Box(0, 0, 20, 20), [Box(11, 0, 20, 20)], [2])
    (Box(left=4, bottom=9.0, right=8, top=11.0), 2)
    """
    for away in distances:
        for right, up in _SIDES:
            left = place.x + right * away - (0 if right > 0 else width if right < 0 else width / 2)
            bottom = place.y + up * away - (0 if up > 0 else height if up < 0 else height / 2)
            box = Box(left, bottom, left + width, bottom + height)
            if box.within(room) and not any(box.meets(other) for other in taken):
                return box, away
    return None


def along(corners: Sequence[Place]) -> Iterator[Box]:
    """Small boxes along the line through some points."""
    for a, b in pairwise(corners):
        n = max(1, int(max(abs(b.x - a.x), abs(b.y - a.y)) // _STEP))
        for step in range(n + 1):
            yield Box.around(Place(a.x + (b.x - a.x) * step / n, a.y + (b.y - a.y) * step / n), 1.0)
