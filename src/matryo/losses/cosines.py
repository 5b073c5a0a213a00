"""Cosines of every prefix with torch's own gradient, in tiles: for terms of a loss that have no fused pass."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from matryo.losses.cut import block, work_dtype
from matryo.losses.scores import Side, measure_side, rows_per_tile
from matryo.prefix import prefix_blocks

# What torch keeps of one tile and dim until the tile's gradient is taken.
KEPT_TILES = 4


def sum_over_tiles(
    term: Callable[[list[Tensor], slice], Tensor], a: Tensor, b: Tensor, dims: tuple[int, ...]
) -> Tensor:
    """Sum of a function of the cosines over tiles, some rows of a against all rows of b, one tile in memory at a time.

    The backward pass computes each tile a second time instead of keeping it.

    Args:
        term: takes the cosines at every dim, (rows, m) each, shortest dim first, and the range of rows of a; returns
            a tensor of the same shape for every tile.
        a: (n, d) float embeddings of any length.
        b: (m, d) float.
        dims: strictly rising prefix lengths within 1..d.

    Returns: what `term` returns, added up, with gradients to a and b; computed in float32 at least, also under
        autocast.
    """

    def of_tile(rows: slice) -> Tensor:
        with torch.autocast(a.device.type, enabled=False):
            return term(_prefix_cosines(left, right, rows, dims), rows)

    with torch.autocast(a.device.type, enabled=False):
        left, right = (measure_with_gradient(x, dims, work_dtype(a, b)) for x in (a, b))
    step = rows_per_tile((len(a), len(b)), KEPT_TILES * (len(dims) + 1), a.device)
    tiles = (slice(start, min(start + step, len(a))) for start in range(0, len(a), step))
    sums = [checkpoint(of_tile, rows, use_reentrant=False, preserve_rng_state=False) for rows in tiles]
    return torch.stack(sums).sum(0)


def measure_with_gradient(x: Tensor, dims: tuple[int, ...], dtype: torch.dtype) -> Side:
    """`measure_side` whose results can be differentiated; zero prefixes get the gradient zero.

    Cosines do not change with the length of a row, so that what rows are multiplied by may count as a constant.
    """
    with torch.no_grad():
        side = measure_side(x, dims, dtype)
    unit = block(x, 0, dims[-1]).to(dtype) * side.scale[:, None]
    squares = torch.stack([block(unit, start, stop).square().sum(1) for start, stop in prefix_blocks(dims)]).cumsum(0)
    zero = side.inverse == 0.0
    return Side(unit, side.scale, squares.masked_fill(zero, 1.0).rsqrt().masked_fill(zero, 0.0))


def _prefix_cosines(a: Side, b: Side, rows: slice, dims: tuple[int, ...]) -> list[Tensor]:
    """Cosines of one tile at every dim, from dot products that add up from block to block."""
    cosines: list[Tensor] = []
    dots: Tensor | None = None
    for level, (start, stop) in enumerate(prefix_blocks(dims)):
        product = block(a.unit[rows], start, stop) @ block(b.unit, start, stop).t()
        dots = product if dots is None else dots + product
        cosines.append(dots * a.inverse[level, rows, None] * b.inverse[level])
    return cosines
