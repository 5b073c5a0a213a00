"""One pass over what is scanned, for several queries together: tile by tile, while a tile is in the processor's cache.

Of each tile only the best of short groups of rows are looked at; few groups are ever opened.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from matryo.prefix import block
from matryo.search.funnel_bound import Asked
from matryo.search.funnel_scan import Coded, Scan, code_products
from matryo.search.scaled import GROUP
from matryo.search.topk import mark_best

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

    def best(self, n_queries: int, n: int) -> "Alive":
        """The best n of every query by (-score, row); each has so many."""
        scores, place = self.by_query(n_queries)
        return self.where(mark_best(scores, n)[self.query, place])

    def kth(self, n_queries: int, k: int) -> NDArray[np.float32]:
        """The k-th highest score of every query, -inf where there are fewer."""
        scores, _ = self.by_query(n_queries)
        if scores.shape[1] < k:
            return np.full(n_queries, -np.inf, dtype=np.float32)
        found: NDArray[np.float32] = np.partition(scores, scores.shape[1] - k, axis=1)[:, scores.shape[1] - k]
        return found

    def by_query(self, n_queries: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """A matrix of scores, one row per query, filled up with -inf, and the column of each score."""
        first = np.searchsorted(self.query, np.arange(n_queries + 1))
        place = np.arange(len(self.query)) - first[self.query]
        scores = np.full((n_queries, int(np.diff(first).max(initial=0))), -np.inf, dtype=np.float32)
        scores[self.query, place] = self.score
        return scores, place


def coded_prefixes(scan: Scan, asked: Asked) -> Coded:
    """What of the queries is multiplied with the codes."""
    return scan.coded(block(asked.narrow, 0, scan.dims[0]))


@final
class ScanBuffer:
    """Memory for all values of a scan, kept from one group of queries to the next."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._flat: torch.Tensor | None = None

    def take(self, shape: tuple[int, int, int], dtype: "torch.dtype") -> "torch.Tensor":
        """Uninitialised numbers of 4 bytes; what was taken before must not be used any more."""
        import torch

        n = math.prod(shape)
        if self._flat is None or len(self._flat) < n:
            self._flat = torch.empty(n, dtype=torch.int32)
        return self._flat[:n].view(shape).view(dtype)


@dataclass(frozen=True, eq=False)
class Scanned:
    """A value of every row, and the highest one of every group of rows.

    Attributes:
        values: (tiles, g, tile rows) float32 or int32, the least of all where there is no row.
        highest: (tiles, g, tile rows / GROUP), likewise.
    """

    values: NDArray[Any]
    highest: NDArray[Any]

    def promising(self, n: int) -> NDArray[np.int64]:
        """Rows with high values, (g, n) rising: the best one of each of the best groups, or simply the best ones.

        Any n rows would do to learn how high the k-th score is at least; good ones save work.

        Args:
            n: at most the number of rows.
        """
        n_tiles, g, size = self.values.shape
        wanted, grouped = self._candidates(n)
        best: NDArray[np.int64] = np.argpartition(wanted, wanted.shape[1] - n, axis=1)[:, wanted.shape[1] - n :]
        if grouped:
            tile, group = np.divmod(best, size // GROUP)
            opened = self.values.reshape(n_tiles, g, -1, GROUP)[tile, np.arange(g)[:, None], group]
            best = tile * size + group * GROUP + opened.argmax(axis=2)
        return np.sort(best, axis=1)

    def best(self, n: int) -> Alive:
        """The best n rows of every query by (-value, row), ordered by row; n is at most the number of rows."""
        wanted, _ = self._candidates(n)
        # n groups, or rows, have a value as high as this
        low = np.partition(wanted, wanted.shape[1] - n, axis=1)[:, wanted.shape[1] - n]
        return self.reaching(low).best(len(wanted), n)

    def reaching(self, low: NDArray[Any]) -> Alive:
        """Rows whose value reaches the threshold of their query, (g,), with that value."""
        n_groups, g = self.highest.shape[2], self.highest.shape[1]
        opened = np.flatnonzero(self.highest >= low[None, :, None])
        query = opened // n_groups % g
        values = self.values.reshape(-1, GROUP)[opened]
        found = np.flatnonzero(values >= low[query][:, None])
        at, column = np.divmod(found, GROUP)
        query = query[at]
        order = np.argsort(query, kind="stable")
        at, column, query, found = at[order], column[order], query[order], found[order]
        row = (opened[at] // (n_groups * g) * n_groups + opened[at] % n_groups) * GROUP + column
        return Alive(query, row, values.ravel()[found].astype(np.float32))

    def _candidates(self, n: int) -> tuple[NDArray[Any], bool]:
        """The highest values of the groups, (g, groups), and True; all values and False if there are too few groups."""
        g = self.values.shape[1]
        highest = self.highest.transpose(1, 0, 2).reshape(g, -1)
        if np.count_nonzero(highest[0] > _lowest(highest.dtype)) >= n:
            return highest, True
        return self.values.transpose(1, 0, 2).reshape(g, -1), False


def scan_products(scan: Scan, coded: Coded, buffer: ScanBuffer) -> Scanned:
    """The product of codes of every row; memory: 4 bytes per row and query."""
    import torch

    g = len(coded.codes)
    room = _Room(scan, g, buffer, torch.int32 if scan.codes.dtype == torch.int8 else torch.float32)
    for codes, tile, groups, highest in room.tiles:
        if len(codes) == room.size:
            code_products(coded, codes, tile)
        else:
            tile[:, : len(codes)] = code_products(coded, codes)
            tile[:, len(codes) :] = room.lowest
        torch.amax(groups, dim=2, out=highest)
    return room.scanned


def scan_bounds(scan: Scan, asked: Asked, coded: Coded, buffer: ScanBuffer) -> Scanned:
    """The bound of every row: dot product of the prefixes plus product of the suffixes' lengths; memory as above."""
    import torch

    g = len(asked)
    room = _Room(scan, g, buffer, torch.float32)
    lengths = torch.from_numpy(asked.suffix[:, :1].astype(np.float32))
    products = torch.empty((g, room.size), dtype=torch.int32 if scan.codes.dtype == torch.int8 else torch.float32)
    beyond = torch.split(scan.suffix[0], room.size)
    for (codes, tile, groups, highest), suffix in zip(room.tiles, beyond, strict=True):
        if len(codes) == room.size:
            torch.mul(code_products(coded, codes, products), coded.step, out=tile)
            tile.addcmul_(lengths, suffix)
        else:
            tile[:, : len(codes)] = torch.addcmul(code_products(coded, codes) * coded.step, lengths, suffix)
            tile[:, len(codes) :] = room.lowest
        torch.amax(groups, dim=2, out=highest)
    return room.scanned


@final
class _Room:
    """Where the values of a scan go, tile by tile, so that a tile is looked at while it is in the processor's cache.

    The tiles are cut once: every call of torch lets another worker's Python in and waits for its turn afterwards.
    """

    def __init__(self, scan: Scan, g: int, buffer: ScanBuffer, dtype: "torch.dtype") -> None:
        """Make room for g queries."""
        import torch

        self.size = tile_rows(scan.n_rows, g)
        codes = torch.split(scan.codes, self.size)
        values = buffer.take((len(codes), g, self.size), dtype)
        highest = torch.empty((len(codes), g, self.size // GROUP), dtype=dtype)
        self.scanned = Scanned(values.numpy(), highest.numpy())
        self.lowest = _lowest(self.scanned.values.dtype)
        groups = values.view(len(codes), g, -1, GROUP)
        self.tiles = list(zip(codes, values.unbind(), groups.unbind(), highest.unbind(), strict=True))


def _lowest(dtype: np.dtype[Any]) -> float:
    """Less than any value that a row has."""
    return -np.inf if dtype.kind == "f" else int(np.iinfo(dtype).min)


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
