"""Row numbers of one generation: live rows counted over all shards, and where they lie in them."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray


class Piece(NamedTuple):
    """Some rows of one shard: `rows` there go to first..last of the result."""

    shard: int
    rows: slice | NDArray[np.int64]
    first: int
    last: int


@final
class LiveRows:
    """Live rows of a set, numbered from 0 in shard order.

    >>> LiveRows([3, 2], deleted=[1]).stored([2, 1])
    array([3, 2])
    """

    def __init__(self, n_rows: Sequence[int], deleted: Sequence[int]) -> None:
        """Count them.

        Args:
            n_rows: stored rows of each shard.
            deleted: those that do not count, numbered over all stored rows, rising.
        """
        self._deleted = np.array(deleted, dtype=np.int64)
        self._live_before_deleted = self._deleted - np.arange(len(self._deleted))
        before = np.cumsum([0, *n_rows])
        self._ends = before[1:]
        self._stored_before: list[int] = before.tolist()
        self.live_before: list[int] = (before - np.searchsorted(self._deleted, before)).tolist()

    def within(self, shard: int) -> NDArray[np.int64] | None:
        """Live rows of one shard as numbered there, None for all of them."""
        begin, end = self._stored_before[shard], self._stored_before[shard + 1]
        low, high = np.searchsorted(self._deleted, (begin, end))
        return None if low == high else np.delete(np.arange(end - begin), self._deleted[low:high] - begin)

    def pieces(self, first: int, last: int) -> Iterator[Piece]:
        """Live rows first..last, shard by shard; neighbours in a shard come as a slice."""
        for shard, (low, high) in enumerate(pairwise(self.live_before)):
            begin, end = max(first, low), min(last, high)
            if begin >= end:
                continue
            chosen: slice | NDArray[np.int64] = slice(begin - low, end - low)
            live = self.within(shard)
            if live is not None:
                chosen = live[begin - low : end - low]
                if int(chosen[-1] - chosen[0]) + 1 == len(chosen):
                    chosen = slice(int(chosen[0]), int(chosen[-1]) + 1)
            yield Piece(shard, chosen, begin - first, end - first)

    def stored(self, live: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """Numbers over all stored rows of some live rows, in any order."""
        rows = np.asarray(live, dtype=np.int64)
        found: NDArray[np.int64] = rows + np.searchsorted(self._live_before_deleted, rows, side="right")
        return found

    def places(self, live: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64] | slice]]:
        """Where some live rows lie, in any order, shard by shard.

        Returns: the shard, row numbers in it, and which of `live` these are.
        """
        if len(self._ends) == 1 and not len(self._deleted):
            yield 0, live, slice(None)
            return
        stored = self.stored(live)
        shards = np.searchsorted(self._ends, stored, side="right")
        for shard in np.flatnonzero(np.bincount(shards)).tolist():
            inside = shards == shard
            chosen = slice(None) if inside.all() else np.flatnonzero(inside)
            yield shard, stored[chosen] - self._stored_before[shard], chosen
