"""One byte per number, with a scale of its own for every column, and scores that take the scale back in."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from matryo.errors import ShapeError
from matryo.prefix import Array, block

_LOWEST, _HIGHEST = -128, 127


@dataclass(frozen=True, eq=False)
class Int8Columns:
    """How the numbers of each column become codes: number = step * (code - zero), that is start + step * code.

    The number 0 has a code in every column, so that a zero row stays one. A number within the fitted range comes back
    within half a step, at the two ends of the range within one step.

    Attributes:
        step: (dim,) float32, distance of neighbouring codes, > 0.
        zero: (dim,) float32, whole numbers within -128..127: the code that means 0; start = -step * zero.
    """

    step: NDArray[np.float32]
    zero: NDArray[np.float32]

    @classmethod
    def fit(cls, pieces: Iterable[Array], dim: int) -> Self:
        """Spread the 256 codes of each column over the range of its numbers, 0 included.

        Args:
            pieces: blocks of rows, (n, dim) float each; every row counts, none is taken for an outlier.
            dim: number of columns.

        >>> columns = Int8Columns.fit([np.array([[0.0, -1.0], [2.55, 1.55]])], 2)
        >>> columns.zero.tolist()
        [-128.0, -28.0]
        """
        low, high = np.zeros(dim, dtype=np.float64), np.zeros(dim, dtype=np.float64)
        for piece in pieces:
            if len(piece):
                low, high = np.minimum(low, piece.min(axis=0)), np.maximum(high, piece.max(axis=0))
        step = (high - low) / (_HIGHEST - _LOWEST)
        step[step < np.finfo(np.float32).tiny] = 1.0  # a column of zeros
        zero = np.clip(np.rint(_LOWEST - low / step), _LOWEST, _HIGHEST)
        return cls(step.astype(np.float32), zero.astype(np.float32))

    def encode(self, x: Array) -> NDArray[np.int8]:
        """Codes of (n, dim) float; numbers beyond the fitted range get the code at its end.

        Raises: ShapeError if the number of columns differs.
        """
        self._check(x)
        codes = np.rint(x / self.step) + self.zero
        return np.clip(codes, _LOWEST, _HIGHEST).astype(np.int8)

    def decode(self, codes: NDArray[np.int8]) -> NDArray[np.float32]:
        """Numbers of (n, dim) codes: step * (code - zero)."""
        self._check(codes)
        decoded: NDArray[np.float32] = (codes.astype(np.float32) - self.zero) * self.step
        return decoded

    def fold(self, queries: Array) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Take the scale into the queries, so that codes are multiplied as they are.

        q . (start + step * code) = (q * step) . code + q . start: the query stays float, only documents are rounded.

        Args:
            queries: (n, d) float, d <= dim: the first d columns are compared.

        Returns: scaled queries (n, d) float32, and the constant of each, (n,) float32.
        """
        d = queries.shape[1]
        scaled = queries.astype(np.float64) * self.step[:d]
        return scaled.astype(np.float32), -(scaled @ self.zero[:d]).astype(np.float32)

    def first(self, dim: int) -> "Int8Columns":
        """The columns of a prefix."""
        return Int8Columns(self.step[:dim], self.zero[:dim])

    def _check(self, x: Array) -> None:
        if x.ndim != 2 or x.shape[1] != len(self.step):
            raise ShapeError(
                f"these columns were fitted for (n, {len(self.step)}), got shape {x.shape}; cut to that dim"
            )


def int8_scores(queries: Array, codes: NDArray[np.int8], columns: Int8Columns) -> NDArray[np.float32]:
    """Dot products of float queries with the numbers that codes stand for, without decoding them.

    Args:
        queries: (n, d) float.
        codes: (m, dim) int8, dim >= d.
        columns: what encoded them.

    Returns: (n, m) float32.

    >>> columns = Int8Columns.fit([np.array([[-1.0, 0.5], [1.0, 0.25]])], 2)
    >>> codes = columns.encode(np.array([[-1.0, 0.5]]))
    >>> int8_scores(np.array([[1.0, 2.0]]), codes, columns).round(2).tolist()
    [[0.0]]
    """
    scaled, constant = columns.fold(queries)
    scores: NDArray[np.float32] = scaled @ block(codes, 0, queries.shape[1]).T.astype(np.float32) + constant[:, None]
    return scores
