"""One pass over what is scanned, for several queries together: tile by tile, while a tile is in the processor's cache.

Of each tile only the best of short groups of rows are looked at; few groups are ever opened.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from matryo.hits import Hits
from matryo.prefix import block
from matryo.search.funnel_bound import Asked
from matryo.search.funnel_scan import Coded, Scan
from matryo.search.scaled import GROUP
from matryo.search.topk import RunningTop

if TYPE_CHECKING:
    import torch

_TILE_SCORES = 1 << 20


class Alive(NamedTuple):
    """Rows that may still be among the best of their query, ordered by query and then by row.

    Attributes:
        query: (m,) int64, which of the queries.
        row: (m,) int64.
        score: (m,) float32, dot product of what was compared so far.
    """

    query: NDArray[np.int64]
    row: NDArray[np.int64]
    score: NDArray[np.float32]

    def where(self, kept: NDArray[np.bool_]) -> "Alive":
        """Those that are kept."""
        return Alive(self.query[kept], self.row[kept], self.score[kept])


def coded_prefixes(scan: Scan, asked: Asked) -> Coded:
    """What of the queries is multiplied with the codes."""
    return scan.coded(block(asked.narrow, 0, scan.dims[0]))


def shortlist(scan: Scan, coded: Coded, size: int) -> Hits:
    """The best rows of every query by the dot products of the prefixes, (-score, row); 1 <= size <= rows."""
    import torch

    g, step = len(coded.codes), coded.step.numpy()
    top = RunningTop(g, size)
    for rows in tiles(scan.n_rows, tile_rows(scan.n_rows, g)):
        found = scan.products(coded, rows)
        if missing := -found.shape[1] % GROUP:
            lowest = -torch.inf if found.is_floating_point() else torch.iinfo(found.dtype).min
            found = torch.nn.functional.pad(found, (0, missing), value=lowest)
        top.offer(found, rows.start)
    hits = top.hits(size)
    return Hits(hits.rows, hits.scores * step)


@dataclass(frozen=True, eq=False)
class Bounds:
    """The bound of every row, and the highest one of every group of rows.

    Attributes:
        bounds: (tiles, g, tile rows) float32: dot product of the prefixes plus product of the suffixes' lengths.
        highest: (tiles, g, tile rows / GROUP) float32.
    """

    bounds: NDArray[np.float32]
    highest: NDArray[np.float32]

    def promising(self, n: int) -> NDArray[np.int64]:
        """Rows with high bounds, (g, n) rising: the best one of each of the best groups, or simply the best ones.

        Any n rows would do to learn how high the k-th score is at least; good ones save work.

        Args:
            n: at most the number of rows.
        """
        n_tiles, g, size = self.bounds.shape
        highest = self.highest.transpose(1, 0, 2).reshape(g, -1)
        few = np.count_nonzero(highest[0] > -np.inf) < n
        wanted = self.bounds.transpose(1, 0, 2).reshape(g, -1) if few else highest
        best: NDArray[np.int64] = np.argpartition(wanted, wanted.shape[1] - n, axis=1)[:, wanted.shape[1] - n :]
        if not few:
            tile, group = np.divmod(best, size // GROUP)
            opened = self.bounds.reshape(n_tiles, g, -1, GROUP)[tile, np.arange(g)[:, None], group]
            best = tile * size + group * GROUP + opened.argmax(axis=2)
        return np.sort(best, axis=1)

    def alive(self, scan: Scan, asked: Asked, low: NDArray[np.float32]) -> Alive:
        """Rows whose bound reaches the threshold of their query.

        Args:
            scan: that was scanned.
            asked: g queries.
            low: (g,) thresholds.
        """
        n_groups, g = self.highest.shape[2], len(asked)
        opened = np.flatnonzero(self.highest >= low[None, :, None])
        query = opened // n_groups % g
        values = self.bounds.reshape(-1, GROUP)[opened]
        found = np.flatnonzero(values >= low[query][:, None])
        at, column = np.divmod(found, GROUP)
        query = query[at]
        order = np.argsort(query, kind="stable")
        at, column, query, found = at[order], column[order], query[order], found[order]
        row = (opened[at] // (n_groups * g) * n_groups + opened[at] % n_groups) * GROUP + column
        beyond = asked.suffix[query, 0].astype(np.float32) * scan.suffix[0].numpy()[row]
        return Alive(query, row, values.ravel()[found] - beyond)


@final
class BoundsBuffer:
    """Memory for bounds, kept from one group of queries to the next."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._flat: torch.Tensor | None = None

    def take(self, shape: tuple[int, int, int]) -> "torch.Tensor":
        """Uninitialised float32 of this shape; what was taken before must not be used any more."""
        import torch

        n = math.prod(shape)
        if self._flat is None or len(self._flat) < n:
            self._flat = torch.empty(n)
        return self._flat[:n].view(shape)


def scan_all(scan: Scan, asked: Asked, coded: Coded, buffer: BoundsBuffer) -> Bounds:
    """Bound the score of every row, keep every bound in the buffer; memory: 4 bytes per row and query."""
    import torch

    g, size = len(asked), tile_rows(scan.n_rows, len(asked))
    ranges = list(tiles(scan.n_rows, size))
    bounds = buffer.take((len(ranges), g, size))
    highest = torch.empty((len(ranges), g, size // GROUP))
    lengths = torch.from_numpy(asked.suffix[:, :1].astype(np.float32))
    for number, rows in enumerate(ranges):
        beyond, tile = scan.suffix[0, rows], bounds[number]
        found = torch.mul(scan.products(coded, rows), coded.step, out=tile[:, : len(beyond)])
        found.addcmul_(lengths, beyond)
        tile[:, len(beyond) :] = -torch.inf
        torch.amax(tile.view(g, -1, GROUP), dim=2, out=highest[number])
    return Bounds(bounds.numpy(), highest.numpy())


def tile_rows(n_rows: int, n_queries: int) -> int:
    """Rows per tile, a multiple of GROUP.

    >>> tile_rows(1_000_000, 64), tile_rows(100, 1)
    (16384, 128)
    """
    return -(-min(n_rows, _TILE_SCORES // n_queries) // GROUP) * GROUP


def tiles(n_rows: int, size: int) -> Iterator[slice]:
    """Neighbouring ranges of at most `size` rows that cover all of them."""
    for first in range(0, n_rows, size):
        yield slice(first, min(first + size, n_rows))
