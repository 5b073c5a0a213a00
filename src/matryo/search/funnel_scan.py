"""What a funnel reads of every row: the first numbers, in float32, bfloat16 or int8, and how far they may be off."""

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import Vectors
from matryo.errors import MatryoError
from matryo.prefix import block, row_norms
from matryo.search.funnel_rows import row_ranges
from matryo.search.scaled import GROUP

if TYPE_CHECKING:
    import torch

SCANS = {"float32": 32, "bfloat16": 16, "int8": 8}
_READ_ROWS = 1 << 13
_WIDEN_ROWS = 1 << 12  # rows widened to float32 at a time: 2 MiB at 128 numbers, which stays in a core's cache
_LARGEST_CODE = 127


@dataclass(frozen=True, eq=False)
class Scan:
    """The first columns of all rows of length 1, and the lengths of what is left of them.

    A row's prefix is `codes * scale` up to an error of length at most `residual`.

    Attributes:
        codes: (n, dims[0]) float32, bfloat16 or int8.
        scale: (dims[0],) float32.
        residual: length of the largest error of a row's prefix, 0.0 for float32.
        suffix: (len(dims), n) float32: length of each row beyond each dim, rounded up; the last one is 0.
        dims: strictly rising prefix lengths, the last one the width.
    """

    codes: "torch.Tensor"
    scale: "torch.Tensor"
    residual: float
    suffix: "torch.Tensor"
    dims: tuple[int, ...]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.codes.shape[0])

    @property
    def name(self) -> str:
        """One of `SCANS`."""
        return str(self.codes.dtype).removeprefix("torch.")

    @property
    def row_bytes(self) -> int:
        """Bytes that a scan reads per row: the codes and one length."""
        return self.dims[0] * self.codes.element_size() + self.suffix.element_size()

    @property
    def resident_bytes(self) -> int:
        """Bytes of all that is kept in memory, or mapped if it was loaded."""
        return sum(t.nbytes for t in (self.codes, self.scale, self.suffix))

    def scores(self, queries: "torch.Tensor") -> "torch.Tensor":
        """Dot products of the prefixes.

        Args:
            queries: (g, dims[0]) float32.

        Returns: (g, room) float32, room the next multiple of GROUP above n; -inf where there is no row.
        """
        import torch

        n, g = self.n_rows, len(queries)
        scores = torch.full((g, -(-n // GROUP) * GROUP), -torch.inf)
        scaled = queries * self.scale
        if self.codes.dtype == torch.float32:
            if g == 1:
                torch.mv(self.codes, scaled[0], out=scores[0, :n])
            else:
                scores[:, :n] = scaled @ self.codes.T
            return scores
        # products of narrow numbers would be rounded to narrow numbers, beyond any bound worth having
        wide = torch.empty((min(n, _WIDEN_ROWS), self.dims[0]))
        for first in range(0, n, _WIDEN_ROWS):
            codes = self.codes[first : first + _WIDEN_ROWS]
            held = wide[: len(codes)].copy_(codes)
            scores[:, first : first + len(codes)] = scaled @ held.T
        return scores


def build_scan(rows: Vectors, dims: tuple[int, ...], name: str) -> Scan:
    """Read all rows once (twice for int8, whose scale must be known first).

    Args:
        rows: rows of length 1, or zero.
        dims: strictly rising prefix lengths, the last one the width.
        name: one of `SCANS`.

    Raises: MatryoError if there is no such scan.
    """
    import torch

    if name not in SCANS:
        raise MatryoError(f"scan must be one of {', '.join(SCANS)}, got {name!r}; choose one of these")
    n, first_dim = rows.n_rows, dims[0]
    scale = np.ones(first_dim, dtype=np.float32)
    if name == "int8":
        scale = _largest(rows, first_dim) / np.float32(_LARGEST_CODE)
        scale[scale == 0.0] = 1.0
    codes = torch.empty((n, first_dim), dtype=getattr(torch, name))
    suffix = np.zeros((len(dims), n), dtype=np.float32)
    residual = 0.0
    for rows_now in row_ranges(rows, _READ_ROWS):
        x = rows.read(rows_now, 0, rows.width)
        suffix[:, rows_now] = suffix_norms(x, dims).T
        prefix = block(x, 0, first_dim)
        scaled = np.clip(np.rint(prefix / scale), -_LARGEST_CODE, _LARGEST_CODE) if name == "int8" else prefix.copy()
        coded = torch.from_numpy(scaled).to(codes.dtype)
        codes[rows_now] = coded
        error = prefix - coded.double().numpy() * scale.astype(np.float64)
        residual = max(residual, float(row_norms(error).max()))
    # the lengths above are sums in float64: one part in a million covers their rounding
    return Scan(codes, torch.from_numpy(scale), residual * (1.0 + 1e-6), torch.from_numpy(suffix), dims)


def suffix_norms(x: NDArray[np.float32], dims: tuple[int, ...]) -> NDArray[np.float32]:
    """Length of every row beyond each dim, never less than it is.

    Summed from the end, so that nothing cancels, and rounded up to float32.

    >>> suffix_norms(np.array([[0.0, 4.0, 3.0]], dtype=np.float32), (1, 2, 3)).round(5)
    array([[5., 3., 0.]], dtype=float32)
    """
    squares = [row_norms(block(x, a, b)) ** 2 for a, b in pairwise(dims)]
    beyond = np.zeros((len(x), len(dims)))
    for i in range(len(dims) - 2, -1, -1):
        beyond[:, i] = beyond[:, i + 1] + squares[i]
    lengths = np.sqrt(beyond)
    rounded: NDArray[np.float32] = np.where(
        lengths > 0.0, np.nextafter((lengths * (1.0 + 1e-12)).astype(np.float32), np.float32(np.inf)), np.float32(0.0)
    )
    return rounded


def _largest(rows: Vectors, dim: int) -> NDArray[np.float32]:
    largest = np.zeros(dim, dtype=np.float32)
    for rows_now in row_ranges(rows, _READ_ROWS):
        np.maximum(largest, np.abs(rows.read(rows_now, 0, dim)).max(axis=0), out=largest)
    return largest
