"""Cosines of every prefix of every pair, tile by tile: S[0:d2] = S[0:d1] + A[:, d1:d2] B[:, d1:d2]^T.

A tile is some rows of `a` against all rows of `b`. Only the tile in work exists in memory; norms of prefixes are
cumulative sums of squares, so that no prefix is ever normalised by itself.

Logits are in base 2, that is cosine / temperature / ln 2, because exp2 takes a third of the time of exp on a CPU.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from matryo.losses.cut import block, row_norms
from matryo.prefix import prefix_blocks

LN2 = math.log(2)
# What takes the place of the logit of a pair that is no negative. Finite, because it is multiplied by exp2(it) = 0.
ERASED = -1e30
# Numbers per tile and in all tiles of a call: measured on a 2-core CPU with 32 MB of shared cache, where one tile of
# 512 x 8192 keeps matrix products efficient and the passes between them inside the cache. A GPU wants more at once.
TILE = {"cpu": (2**22, 2**25), "cuda": (2**25, 2**28)}
MIN_ROWS, MAX_ROWS = 64, 8192


class Side(NamedTuple):
    """One of the two matrices of embeddings.

    unit: (n, d) rows scaled to length 1 at the widest dim; zero rows stay zero.
    scale: (n,) what they were multiplied by.
    inverse: (L, n) one over the length of each prefix of the scaled rows, 0 for a zero prefix.
    """

    unit: Tensor
    scale: Tensor
    inverse: Tensor


def measure_side(x: Tensor, dims: tuple[int, ...], dtype: torch.dtype) -> Side:
    """Scale rows and measure their prefixes.

    A prefix shorter than eps**2 of its row counts as zero: its cosines would be rounding noise and its gradient
    beyond the range of the dtype.
    """
    squares = torch.stack([row_norms(block(x, start, stop)).square() for start, stop in prefix_blocks(dims)])
    norms = squares.cumsum(0).sqrt()
    length = norms[-1]
    zero = (norms <= torch.finfo(dtype).eps ** 2 * length) | (length < torch.finfo(dtype).tiny)
    inverse = (length / norms).masked_fill_(zero, 0.0).to(dtype)
    scale = (1.0 / length).masked_fill_(zero[-1], 0.0).to(dtype)
    return Side(block(x, 0, dims[-1]).to(dtype) * scale[:, None], scale, inverse)


@dataclass(frozen=True, slots=True)
class Groups:
    """Ids of the rows of a, and those of b with the order that sorts them."""

    a: Tensor
    b: Tensor
    b_sorted: Tensor
    b_order: Tensor

    @classmethod
    def of(cls, a: Tensor, b: Tensor) -> "Groups":
        """Sort the ids of b once, so that a tile finds its equal pairs without looking at the others."""
        b_sorted, b_order = torch.sort(b)
        return cls(a, b, b_sorted, b_order)

    def equal_pairs(self, rows: slice) -> Tensor:
        """Pairs of equal id between some rows of a and all rows of b.

        Returns: positions in the flattened tile, int64; or, where an eighth of all pairs or more is equal, the whole
            tile as (rows, m) bool, because a list of positions would take more memory than the tile.
        """
        ids, n_columns = self.a[rows], len(self.b)
        first = torch.searchsorted(self.b_sorted, ids)
        counts = torch.searchsorted(self.b_sorted, ids, right=True) - first
        total = int(counts.sum())
        if 8 * total >= len(ids) * n_columns:
            return ids[:, None] == self.b[None, :]
        row = torch.repeat_interleave(torch.arange(len(ids), device=ids.device), counts, output_size=total)
        within = torch.arange(total, device=ids.device) - (counts.cumsum(0) - counts)[row]
        return row * n_columns + self.b_order[first[row] + within]


def rows_per_tile(shape: tuple[int, int], n_tiles: int, device: torch.device) -> int:
    """Rows of a that one tile takes.

    Args:
        shape: number of rows of a and of b.
        n_tiles: how many tiles exist at once.
        device: where they do.
    """
    one, all_of_them = TILE.get(device.type, TILE["cpu"])
    fitting = min(one, all_of_them // n_tiles) // shape[1]
    return min(max(fitting, MIN_ROWS), MAX_ROWS, shape[0])


class Tile(NamedTuple):
    """Logits of one tile at one dim.

    level: number of the dim.
    logits: (rows, m), cosine / temperature / ln 2; ERASED where the pair is no negative.
    positive_logits: (rows,) those of the positives.
    positions: (rows,) int64, where the positives stand in the flattened tile.
    """

    level: int
    logits: Tensor
    positive_logits: Tensor
    positions: Tensor


class PrefixScores:
    """Logits of all pairs at all dims, one tile in memory at a time."""

    def __init__(
        self,
        a: Side,
        b: Side,
        dims: tuple[int, ...],
        temperatures: Tensor,
        positive: Tensor,
        groups: Groups | None,
        margin: float | None = None,
    ) -> None:
        """Bind the two sides; temperatures are (L,), positive is (n,) int64 rows of b, margin as in `nested_info_nce`.

        `row_scale` (L, n) is what dot products are multiplied by, next to the inverse lengths of b, to give cosine /
        temperature; logits take another 1 / ln 2.
        """
        self.a, self.b, self.dims, self.positive, self.groups = a, b, dims, positive, groups
        self.margin = margin
        self.row_scale = a.inverse / temperatures[:, None]
        self._row_scale_2 = self.row_scale / LN2
        self.shape = (len(a.unit), len(b.unit))
        self.tile_rows = rows_per_tile(self.shape, len(dims) + 2, a.unit.device)
        self._dots, self._logits = self.new_tile(), self.new_tile()

    def new_tile(self) -> Tensor:
        """Room for one tile."""
        return self.a.unit.new_empty(self.tile_rows, self.shape[1])

    def tiles(self) -> Iterator[slice]:
        """Ranges of rows of a, in order."""
        for start in range(0, self.shape[0], self.tile_rows):
            yield slice(start, min(start + self.tile_rows, self.shape[0]))

    def of(self, rows: slice) -> Iterator[Tile]:
        """Logits of one tile at every dim, shortest first; the same memory each time, free to be overwritten."""
        n_rows, n_columns = rows.stop - rows.start, self.shape[1]
        positions = torch.arange(n_rows, device=self.positive.device) * n_columns + self.positive[rows]
        no_negatives = self._no_negatives(rows, positions)
        dots, logits = self._dots[:n_rows], self._logits[:n_rows]
        for level, (start, stop) in enumerate(prefix_blocks(self.dims)):
            left, right = block(self.a.unit[rows], start, stop), block(self.b.unit, start, stop).t()
            if level == 0:
                torch.mm(left, right, out=dots)
            else:
                dots.addmm_(left, right)
            torch.mul(dots, self.b.inverse[level], out=logits)
            logits.mul_(self._row_scale_2[level, rows, None])
            positive_logits = logits.view(-1)[positions]
            for pairs in no_negatives:
                erase(logits, pairs)
            yield Tile(level, logits, positive_logits, positions)

    def _no_negatives(self, rows: slice, positions: Tensor) -> list[Tensor]:
        """Pairs of one tile to leave out at every dim, each as `erase` takes them: the positives come last."""
        pairs = [positions]
        if self.groups is not None:
            pairs.insert(0, self.groups.equal_pairs(rows))
        if self.margin is not None:
            pairs.insert(0, self._too_similar(rows, positions, self.margin))
        return pairs

    def _too_similar(self, rows: slice, positions: Tensor, margin: float) -> Tensor:
        """Pairs whose cosine at the widest dim exceeds that of the row's positive minus the margin."""
        cosines = torch.mm(self.a.unit[rows], self.b.unit.t(), out=self._dots[: rows.stop - rows.start])
        near = cosines > (cosines.view(-1)[positions] - margin)[:, None]
        return near if 8 * int(near.count_nonzero()) >= near.numel() else near.view(-1).nonzero().view(-1)


def erase(logits: Tensor, pairs: Tensor) -> None:
    """Take pairs out of a tile, given as flat positions or as a mask of the tile."""
    if pairs.dtype == torch.bool:
        logits.masked_fill_(pairs, ERASED)
    else:
        logits.view(-1).index_fill_(0, pairs, ERASED)
