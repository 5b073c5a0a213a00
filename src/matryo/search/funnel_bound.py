"""How far a score may still rise: the bound that lets a funnel drop rows without ever dropping a right one.

For rows and queries of length 1, cut anywhere, `cosine = dot of the prefixes + dot of the suffixes`, and the second is
at most the product of the suffixes' lengths (Cauchy and Schwarz). What is computed in float32 or read from narrow codes
is off by a little; `margin` says by how much at most, and no row is dropped that is within it.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from matryo.prefix import Array, block, row_norms, unit_rows

# Twice the largest relative error of one float32 operation: products and sums of d numbers are off by less than d times
# this, in any order, with or without fused operations.
_UNIT = float(np.finfo(np.float32).eps)
_EXTRA_STEPS = (
    32  # roundings beside the sum itself: of the query, the lengths, the bound, the threshold, the final score
)


@dataclass(frozen=True, eq=False)
class Asked:
    """Queries made ready.

    Attributes:
        full: (g, width) float64 of length 1, or zero; rotated if the index is.
        narrow: (g, width) float32, the same.
        scanned: (g,) float64, length of the prefix that is scanned.
        suffix: (g, len(dims)) float64, length beyond each dim, summed from the end.
    """

    full: NDArray[np.float64]
    narrow: NDArray[np.float32]
    scanned: NDArray[np.float64]
    suffix: NDArray[np.float64]

    @classmethod
    def of(cls, queries: Array, matrix: NDArray[np.float32] | None, dims: tuple[int, ...]) -> Self:
        """Scale, rotate and measure (g, width) queries."""
        import torch

        full = unit_rows(queries.astype(np.float64))
        if matrix is not None:
            # by torch, because the threads of NumPy's product stay awake and are in the way of those that search
            full = unit_rows((torch.from_numpy(full) @ torch.from_numpy(matrix).double()).numpy())
        edges = list(zip((0, *dims[:-1]), dims, strict=True))
        squares = np.stack([row_norms(block(full, a, b)) ** 2 for a, b in edges], axis=1)
        beyond = np.sqrt(squares[:, ::-1].cumsum(axis=1)[:, ::-1])
        suffix = np.concatenate([beyond[:, 1:], np.zeros((len(full), 1))], axis=1)
        return cls(full, full.astype(np.float32), np.sqrt(squares[:, 0]), suffix)

    def __len__(self) -> int:
        """Number of queries."""
        return len(self.full)

    def part(self, some: slice) -> "Asked":
        """Some of them."""
        return Asked(self.full[some], self.narrow[some], self.scanned[some], self.suffix[some])


def margin(dim: int, residual: float = 0.0) -> float:
    """Largest error of a bound computed in float32 from `dim` numbers of rows of length 1.

    Args:
        dim: numbers summed so far.
        residual: by how much a row as coded may be longer than 1.

    >>> margin(128) < 2e-5
    True
    """
    return (dim + _EXTRA_STEPS) * _UNIT * (1.0 + residual)


def coding_error(asked: Asked, residual: float, queries_error: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest error of each query's scanned scores that comes from narrow codes.

    Args:
        asked: g queries.
        residual: length of the largest error of a row's codes.
        queries_error: (g,) what coding the queries adds.
    """
    return (residual * asked.scanned + queries_error) * (1.0 + _UNIT)
