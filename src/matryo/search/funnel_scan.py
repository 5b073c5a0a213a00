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

if TYPE_CHECKING:
    import torch

SCANS = {"float32": 32, "bfloat16": 16, "int8": 8}
_READ_ROWS = 1 << 13
_WIDEN_ROWS = 1 << 12  # widened to float32 at a time: 2 MiB at 128 numbers, which stays in a core's cache
_LARGEST_CODE = 127
_CHECKED_ROWS = 64
_ROUNDINGS = 1.0 + 1e-6  # covers the rounding of lengths that were summed in float64


@dataclass(frozen=True, eq=False)
class Coded:
    """Prefixes of queries as a scan multiplies them.

    Attributes:
        codes: (g, dims[0]) float32 or int8.
        step: (g, 1) float32, what a product of codes counts.
        error: (g,) float64, largest error of a query's products that comes from its codes.
    """

    codes: "torch.Tensor"
    step: "torch.Tensor"
    error: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scan:
    """The first columns of all rows of length 1, and the lengths of what is left of them.

    A row's prefix is `codes * scale` up to an error of length at most `residual`.

    Attributes:
        codes: (n, dims[0]) float32, bfloat16 or int8.
        scale: (dims[0],) float32.
        residual: length of the largest error of a row's prefix, 0.0 for float32.
        longest: length of the longest row of codes.
        suffix: (len(dims), n) float32: length of each row beyond each dim, rounded up; the last one is 0.
        dims: strictly rising prefix lengths, the last one the width.
    """

    codes: "torch.Tensor"
    scale: "torch.Tensor"
    residual: float
    longest: float
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

    def coded(self, queries: NDArray[np.float32]) -> Coded:
        """Make prefixes of queries ready: products of whole numbers are exact and far faster than others.

        Args:
            queries: (g, dims[0]).
        """
        import torch

        scale = self.scale.numpy()
        if self.name != "int8":
            ones, nothing = torch.ones((len(queries), 1)), np.zeros(len(queries))
            return Coded(torch.from_numpy(queries * scale), ones, nothing)
        wanted = queries.astype(np.float64) * scale
        step = (np.abs(wanted).max(axis=1, keepdims=True) / _LARGEST_CODE).astype(np.float32)
        step[step < np.finfo(np.float32).tiny] = 1.0
        codes = np.clip(np.rint(wanted / step), -_LARGEST_CODE, _LARGEST_CODE)
        lost = row_norms(wanted - codes * step)
        return Coded(torch.from_numpy(codes.astype(np.int8)), torch.from_numpy(step), lost * self.longest * _ROUNDINGS)


def code_products(coded: Coded, codes: "torch.Tensor", out: "torch.Tensor | None" = None) -> "torch.Tensor":
    """Products of codes: with `coded.step` times as much as one counts, the dot products of the prefixes.

    Args:
        coded: g queries.
        codes: (m, dims[0]) of some rows of a scan.
        out: (g, m) to fill, in one piece; int32 for codes of int8, else float32.

    Returns: (g, m) int32 or float32.
    """
    import torch

    if codes.dtype == torch.int8:
        return int8_products(coded.codes, codes, out)
    if codes.dtype == torch.float32:
        return torch.mm(coded.codes, codes.T, out=out)
    # products of narrow numbers would be rounded to narrow numbers, beyond any bound worth having
    pieces = [codes[first : first + _WIDEN_ROWS] for first in range(0, len(codes), _WIDEN_ROWS)]
    return torch.cat([coded.codes @ piece.float().T for piece in pieces], dim=1, out=out)


def int8_products(queries: "torch.Tensor", codes: "torch.Tensor", out: "torch.Tensor | None" = None) -> "torch.Tensor":
    """Dot products of whole numbers, exact: (g, d) int8 and (n, d) int8 -> (g, n) int32."""
    import torch

    if codes.shape[1] == 1:
        # torch's product of int8 matrices returns noise for a single column
        return torch.mul(queries.int(), codes.int().T, out=out)
    return torch._int_mm(queries, codes.T) if out is None else torch._int_mm(queries, codes.T, out=out)


def check_products(scan: Scan) -> None:
    """Refuse a scan of int8 where torch multiplies its shapes wrongly, since all else rests on these products.

    Raises: MatryoError.
    """
    import torch

    if scan.codes.dtype != torch.int8 or not scan.n_rows:
        return
    some = scan.codes[:_CHECKED_ROWS]
    for n_queries in (1, 3):
        queries = some[-n_queries:].flip(1).contiguous()
        if not torch.equal(int8_products(queries, some), queries.int() @ some.int().T):
            raise MatryoError(
                f"torch {torch.__version__} multiplies int8 matrices of {some.shape[1]} columns wrongly on this "
                "processor; build the funnel with scan='bfloat16'"
            )


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
    residual = longest = 0.0
    for rows_now in row_ranges(rows, _READ_ROWS):
        x = rows.read(rows_now, 0, rows.width)
        suffix[:, rows_now] = suffix_norms(x, dims).T
        prefix = block(x, 0, first_dim)
        scaled = np.clip(np.rint(prefix / scale), -_LARGEST_CODE, _LARGEST_CODE) if name == "int8" else prefix.copy()
        coded = torch.from_numpy(scaled).to(codes.dtype)
        codes[rows_now] = coded
        exact = coded.double().numpy()
        residual = max(residual, float(row_norms(prefix - exact * scale.astype(np.float64)).max()))
        longest = max(longest, float(row_norms(exact).max()))
    held = torch.from_numpy(scale), residual * _ROUNDINGS, longest * _ROUNDINGS, torch.from_numpy(suffix)
    scan = Scan(codes, *held, dims)
    check_products(scan)
    return scan


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
