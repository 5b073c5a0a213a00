"""Rows scaled once so that dot products of their column blocks add up to cosines at every dim."""

from collections.abc import Sequence
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import Vectors, as_vectors
from matryo.errors import ShapeError
from matryo.prefix import Array, block, check_dims, prefix_blocks, prefix_norms

GROUP = 32  # rows are padded to a multiple of this, the number of documents that are filtered together
_FAR = 1e30  # lengths beyond this, or below its inverse, have an inverse that float32 does not hold well
_SAFE_LENGTHS = 1e-10, 1e15  # their squares neither vanish nor overflow in float32
_READ_ROWS = 1 << 13


@final
class ScaledRows:
    """Rows whose every column block is divided by the length of the prefix that ends with it.

    The cosine at a dim is the cosine at the dim before, times the lengths of both prefixes before over those of both
    prefixes now, plus the dot product of the two blocks in between. No number exceeds 1, so neither tiny nor huge rows
    lose anything, and a row whose prefix is zero scores 0.

    Attributes:
        dims: strictly rising prefix lengths.
        blocks: one (room, stop - start) float32 per dim; room is a multiple of GROUP, zero where there is no row.
        shrink: one (room,) float32 per dim: length of the prefix before over the length of this one.
        n_rows: rows in use.
    """

    def __init__(self, dims: tuple[int, ...], n_rows: int) -> None:
        """Make room for n_rows rows."""
        room = -(-n_rows // GROUP) * GROUP
        self.dims = dims
        self.blocks: list[NDArray[np.float32]] = [
            np.zeros((room, stop - start), dtype=np.float32) for start, stop in prefix_blocks(dims)
        ]
        self.shrink: list[NDArray[np.float32]] = [np.zeros(room, dtype=np.float32) for _ in dims]
        self.n_rows = 0

    @classmethod
    def of(cls, vectors: Array | Vectors, dims: Sequence[int]) -> Self:
        """Scale a whole set, to be searched many times.

        Args:
            vectors: (n, width) float, or a set; read in blocks of rows.
            dims: prefix lengths in any order, each within 1..width.

        Returns: n rows; 4 bytes per row and column up to the largest dim.
        Raises: ShapeError if dims do not fit or a number is not finite.
        """
        source = as_vectors(vectors)
        rising = check_dims(dims, source.width)
        scaled = cls(rising, source.n_rows)
        for first in range(0, source.n_rows, _READ_ROWS):
            scaled.fill(source.read(slice(first, first + _READ_ROWS), 0, rising[-1]), first)
        scaled.use(source.n_rows)
        return scaled

    @property
    def room(self) -> int:
        """Rows in use and the zero rows after them."""
        return len(self.shrink[0])

    def fill(self, rows: Array, at: int = 0) -> None:
        """Scale (n, dims[-1]) rows into the places at..at+n.

        Raises: ShapeError if a number is not finite.
        """
        import torch

        # torch reads neither read-only nor reversed arrays, and is twice as fast as NumPy here
        rows = rows if rows.flags.writeable and min(rows.strides) > 0 else rows.copy()
        norms = _norms(rows, self.dims)
        if not np.isfinite(norms).all():
            row = int(np.flatnonzero(~np.isfinite(norms).all(axis=1))[0]) + at
            raise ShapeError(
                f"vectors must be finite and shorter than 1e150, row {row} of a block is not; repair or drop it"
            )
        inverse = np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0.0)
        far = (norms > _FAR) | ((norms > 0.0) & (norms < 1.0 / _FAR))
        for i, (start, stop) in enumerate(prefix_blocks(self.dims)):
            scaled = self.blocks[i][at : at + len(rows)]
            factor = torch.from_numpy(inverse[:, i, None].astype(rows.dtype))
            torch.mul(torch.from_numpy(block(rows, start, stop)), factor, out=torch.from_numpy(scaled))
            odd = np.flatnonzero(far[:, i])
            if len(odd):
                scaled[odd] = block(rows[odd], start, stop) * inverse[odd, i, None]
            if i:
                self.shrink[i][at : at + len(rows)] = norms[:, i - 1] * inverse[:, i]

    def use(self, n_rows: int) -> None:
        """Declare how many rows are in use, and empty the places after them."""
        self.n_rows = n_rows
        for filled in (*self.blocks, *self.shrink):
            filled[n_rows:] = 0.0


def _norms(rows: Array, dims: tuple[int, ...]) -> NDArray[np.float64]:
    """`prefix_norms`, but summed in the rows' own precision where that is safe: much faster for float32."""
    import torch

    parts = [torch.from_numpy(block(rows, start, stop)) for start, stop in prefix_blocks(dims)]
    lengths = torch.stack([torch.linalg.vector_norm(part, dim=1) for part in parts], dim=1)
    norms: NDArray[np.float64] = lengths.double().square_().cumsum(dim=1).sqrt_().numpy()
    low, high = _SAFE_LENGTHS
    unsafe = np.flatnonzero(~((norms[:, 0] > low) & (norms[:, -1] < high)))
    if len(unsafe):
        norms[unsafe] = prefix_norms(rows[unsafe], dims)
    return norms
