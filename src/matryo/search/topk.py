"""The best k of every query while blocks of scores stream by: a threshold per query lets nearly all scores pass unread.

A query's threshold is the k-th score found so far. Of each block only the maxima of short groups of documents are
compared with it; the few groups that beat it are looked at one by one. Later blocks hold ever fewer such groups.
"""

from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from matryo.hits import MISSING, Hits, best
from matryo.search.scaled import GROUP

if TYPE_CHECKING:
    import torch

_WAITING = 2  # candidates per query, in multiples of k, collected before they are merged into the best k


@final
class RunningTop:
    """Best k scores of each query among all the blocks offered so far.

    Blocks must be offered in the order of their rows: among equal scores the one seen first stays.

    Memory: 36 bytes per query and k.
    """

    def __init__(self, n_queries: int, k: int) -> None:
        """Start with nothing found.

        Args:
            n_queries: number of queries.
            k: places per query, >= 1.
        """
        self._k = k
        # the first k columns hold the best so far, the others wait to be merged into them
        self._scores = np.full((n_queries, (1 + _WAITING) * k), -np.inf, dtype=np.float32)
        self._rows = np.full((n_queries, (1 + _WAITING) * k), MISSING, dtype=np.int64)
        self._waiting = np.zeros(n_queries, dtype=np.int64)
        self._threshold = np.full(n_queries, -np.inf, dtype=np.float32)

    def offer(self, scores: "torch.Tensor", first_row: int) -> None:
        """Take what belongs to the best k out of one block.

        Args:
            scores: (n, b) float32, contiguous, b a multiple of GROUP, finite, or -inf where there is no document.
            first_row: row number of the block's first document.
        """
        n, b = scores.shape
        n_groups = b // GROUP
        maxima: NDArray[np.float32] = scores.view(n, n_groups, GROUP).amax(dim=2).numpy()
        open_groups = maxima > self._threshold[:, None]
        # where most groups are open, opening them one by one costs more than reading the whole row
        crowded = np.count_nonzero(open_groups, axis=1) > n_groups // 2
        open_groups[crowded] = False
        whole = scores.numpy()
        opened = np.flatnonzero(open_groups)
        values = whole.reshape(-1, GROUP)[opened]
        above = np.flatnonzero(values > self._threshold[opened // n_groups, None])
        group, kept = opened[above // GROUP], values.ravel()[above]
        query = group // n_groups
        column = (group - query * n_groups) * GROUP + above % GROUP

        crowded |= np.bincount(query, minlength=n) > _WAITING * self._k
        chosen = np.flatnonzero(crowded)
        if len(chosen):
            sparse = ~crowded[query]
            query, column, kept = query[sparse], column[sparse], kept[sparse]
            if len(chosen) < n:
                whole, maxima = whole[chosen], maxima[chosen]
            self._offer_whole(whole, maxima, chosen, first_row)
        self._add(query, column + first_row, kept)

    def _offer_whole(
        self, scores: NDArray[np.float32], maxima: NDArray[np.float32], chosen: NDArray[np.int64], first_row: int
    ) -> None:
        """Take what is above the threshold out of whole rows of scores; where that is too much, the best k of them."""
        b, n_groups = scores.shape[1], maxima.shape[1]
        low = self._threshold[chosen]
        if n_groups > self._k:
            # k groups have a score as high as the k-th maximum, so nothing below it can be among the best k
            kth = np.partition(maxima, n_groups - self._k, axis=1)[:, n_groups - self._k]
            low = np.maximum(low, np.nextafter(kth, np.float32(-np.inf)))
        keep = scores > low[:, None]
        over = np.flatnonzero(np.count_nonzero(keep, axis=1) > _WAITING * self._k)
        if len(over):
            keep[over] &= mark_best(scores[over], self._k)
        position = np.flatnonzero(keep)
        query = position // b
        self._add(chosen[query], position - query * b + first_row, scores.ravel()[position])
        self._merge()  # at once, because these thresholds were far too low

    def _add(self, query: NDArray[np.int64], row: NDArray[np.int64], score: NDArray[np.float32]) -> None:
        """Put candidates, ordered by query and then row, at most _WAITING * k per query, among those that wait."""
        if not len(query):
            return
        counts = np.bincount(query, minlength=len(self._waiting))
        if (self._waiting + counts).max() > _WAITING * self._k:
            self._merge()
            passed = score > self._threshold[query]
            query, row, score = query[passed], row[passed], score[passed]
            counts = np.bincount(query, minlength=len(self._waiting))
        place = np.arange(len(query)) - (np.cumsum(counts) - counts)[query] + self._waiting[query] + self._k
        self._scores[query, place] = score
        self._rows[query, place] = row
        self._waiting += counts

    def _merge(self) -> None:
        """Keep the best k, in the order of their rows, and raise the thresholds."""
        k = self._k
        used = k + int(self._waiting.max())
        if used == k:
            return
        scores, rows = self._scores[:, :used], self._rows[:, :used]
        keep = mark_best(scores, k)
        # boolean indexing keeps the order within a row, so equal scores stay ordered by their rows
        self._scores[:, :k] = scores[keep].reshape(-1, k)
        self._rows[:, :k] = rows[keep].reshape(-1, k)
        self._scores[:, k:used] = -np.inf
        self._rows[:, k:used] = MISSING
        self._waiting[:] = 0
        self._threshold = self._scores[:, :k].min(axis=1)

    def hits(self, k: int) -> Hits:
        """Everything found, best first, padded to k places per query."""
        self._merge()
        return best(self._rows[:, : self._k], self._scores[:, : self._k], k)


def mark_best(scores: NDArray[np.float32], k: int) -> NDArray[np.bool_]:
    """Mark exactly k entries per row, the largest ones; of those equal to the smallest marked one the first ones.

    Args:
        scores: (n, m) float32, m >= k.
        k: entries to mark.

    Returns: (n, m) bool.
    """
    m = scores.shape[1]
    kth = np.partition(scores, m - k, axis=1)[:, m - k, None]
    keep: NDArray[np.bool_] = scores >= kth
    tied = np.flatnonzero(keep.sum(axis=1) > k)
    if len(tied):
        equal = scores[tied] == kth[tied]
        wanted = k - (keep[tied] & ~equal).sum(axis=1, keepdims=True)
        keep[tied] &= ~equal | (equal.cumsum(axis=1) <= wanted)
    return keep
