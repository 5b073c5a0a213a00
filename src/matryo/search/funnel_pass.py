"""One pass over what is scanned, for several queries together: tile by tile, while a tile is in the processor's cache.

Of each tile only the best of short groups of rows are looked at; few groups are ever opened.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

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

_TILE_SCORES = 1 << 19  # 2 MiB, a core's cache


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

    top = RunningTop(len(coded.codes), size)
    tile = torch.empty((len(coded.codes), tile_rows(scan.n_rows, len(coded.codes))))
    for rows in tiles(scan.n_rows, tile.shape[1]):
        top.offer(scan.scores(coded, rows, tile), rows.start)
    return top.hits(size)


@dataclass(frozen=True, eq=False)
class Scanned:
    """All scores of the scan and the highest bound of every group of rows.

    Attributes:
        scores: (tiles, g, tile rows) float32.
        bounds: (tiles, g, tile rows / GROUP) float32.
        seeds: the best rows by their scores.
    """

    scores: "torch.Tensor"
    bounds: "torch.Tensor"
    seeds: Hits

    def alive(self, scan: Scan, asked: Asked, low: NDArray[np.float32]) -> Alive:
        """Rows whose bound reaches the threshold of their query.

        Args:
            scan: that was scanned.
            asked: g queries.
            low: (g,) thresholds.
        """
        n_tiles, _, size = self.scores.shape
        tile, query, group = np.nonzero(self.bounds.numpy() >= low[None, :, None])
        values = self.scores.view(n_tiles, len(asked), -1, GROUP).numpy()[tile, query, group]
        first = tile * size + group * GROUP
        beyond = _padded(scan.suffix[0].numpy()).reshape(-1, GROUP)[first // GROUP]
        kept = values + asked.suffix[query, 0].astype(np.float32)[:, None] * beyond >= low[query][:, None]
        at, column = np.nonzero(kept)
        order = np.argsort(query[at], kind="stable")
        at, column = at[order], column[order]
        return Alive(query[at], first[at] + column, values[at, column])


def scan_all(scan: Scan, asked: Asked, coded: Coded, n_seeds: int) -> Scanned:
    """Score every row, keep every score; memory: 4 bytes per row and query."""
    import torch

    g, size = len(asked), tile_rows(scan.n_rows, len(asked))
    ranges = list(tiles(scan.n_rows, size))
    scores = torch.empty((len(ranges), g, size))
    bounds = torch.empty((len(ranges), g, size // GROUP))
    top = RunningTop(g, n_seeds)
    lengths = torch.from_numpy(asked.suffix[:, :1].astype(np.float32))
    held = torch.empty((g, size))
    for number, rows in enumerate(ranges):
        found = scan.scores(coded, rows, scores[number])
        top.offer(found, rows.start)
        beyond = scan.suffix[0, rows]
        torch.addcmul(found[:, : len(beyond)], lengths, beyond, out=held[:, : len(beyond)])
        held[:, len(beyond) :] = -torch.inf
        torch.amax(held.view(g, -1, GROUP), dim=2, out=bounds[number])
    return Scanned(scores, bounds, top.hits(n_seeds))


def tile_rows(n_rows: int, n_queries: int) -> int:
    """Rows per tile, a multiple of GROUP.

    >>> tile_rows(1_000_000, 64), tile_rows(100, 1)
    (8192, 128)
    """
    return -(-min(n_rows, _TILE_SCORES // n_queries) // GROUP) * GROUP


def tiles(n_rows: int, size: int) -> Iterator[slice]:
    """Neighbouring ranges of at most `size` rows that cover all of them."""
    for first in range(0, n_rows, size):
        yield slice(first, min(first + size, n_rows))


def _padded(lengths: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lengths up to the next multiple of GROUP; without a copy where there is nothing to add."""
    missing = -len(lengths) % GROUP
    return np.pad(lengths, (0, missing)) if missing else lengths
