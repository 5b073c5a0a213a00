"""Sums over rows that decide every least-squares map: read once, added up in float64, small whatever the rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matryo.prefix import Array, block

Matrix = NDArray[np.float64]


@dataclass(eq=False)
class Moments:
    """Sums over rows x of the source and y of the target.

    Attributes:
        n: rows.
        x: (d,) sum of x.
        y: (d2,) sum of y.
        xx: (d, d) sum of x x^T.
        xy: (d, d2) sum of x y^T.
        yy: (d2,) sum of y * y.
    """

    n: int
    x: Matrix
    y: Matrix
    xx: Matrix
    xy: Matrix
    yy: Matrix

    @classmethod
    def nothing(cls, width: int, target_width: int) -> "Moments":
        """Sums over no rows."""
        zeros = np.zeros
        d, d2 = width, target_width
        return cls(0, zeros(d), zeros(d2), zeros((d, d)), zeros((d, d2)), zeros(d2))

    def add(self, x: Array, y: Array) -> None:
        """Add some rows, (rows, d) and (rows, d2)."""
        wide, y_wide = x.astype(np.float64), y.astype(np.float64)
        self.n += len(x)
        self.x += wide.sum(axis=0)
        self.y += y_wide.sum(axis=0)
        self.xx += wide.T @ wide
        self.xy += wide.T @ y_wide
        self.yy += np.einsum("ij,ij->j", y_wide, y_wide)

    def plus(self, other: "Moments", sign: int = 1) -> "Moments":
        """Sums over the rows of both; with sign -1, over the rows of this one without those of the other."""
        return Moments(
            self.n + sign * other.n,
            self.x + sign * other.x,
            self.y + sign * other.y,
            self.xx + sign * other.xx,
            self.xy + sign * other.xy,
            self.yy + sign * other.yy,
        )

    def of_prefix(self, dim: int) -> "Moments":
        """Sums for the first `dim` source columns as they lie in the rows: a principal submatrix, no pass needed."""
        return Moments(self.n, self.x[:dim], self.y, block(self.xx[:dim], 0, dim), self.xy[:dim], self.yy)


def total(parts: list[Moments]) -> Moments:
    """Sums over the rows of all parts."""
    result = parts[0]
    for part in parts[1:]:
        result = result.plus(part)
    return result
