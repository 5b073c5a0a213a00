"""How many of the nearest neighbours at full width an order of the columns finds at each of its prefixes."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from matryo.prefix import Array, block, prefix_blocks, unit_rows

_TINY = 1e-12  # squared length below which a prefix is taken for zero: it scores 0 with everything


@final
class Neighbours:
    """The nearest neighbours of some rows among all rows at full width, to compare shorter choices of columns with.

    The search is not `search_prefixes`, because some hundred orders of the columns are tried on one small set of rows:
    what it prepares for one order would cost more than the search.
    """

    def __init__(self, rows: Array, n_queries: int, k: int) -> None:
        """Find them.

        Args:
            rows: (n, width) float, in random order: the first `n_queries` are the queries.
            n_queries: at most n.
            k: neighbours of each, at most n - 1.
        """
        import torch

        self._rows = unit_rows(rows).astype(np.float32, copy=False)
        self._n_queries, self._k = n_queries, k
        self._itself = torch.arange(n_queries)
        self._wanted: Any = None  # (queries, rows) bool, set by the search at full width
        width = self._rows.shape[1]
        (top,) = self._tops(np.arange(width), (width,))
        self._wanted = torch.zeros((n_queries, len(rows)), dtype=torch.bool).scatter_(1, top, True)

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self._rows.shape[1])

    def agreement(self, order: Sequence[int] | NDArray[np.int64], dims: tuple[int, ...]) -> NDArray[np.float64]:
        """Share of each query's neighbours that the first columns of an order find.

        Args:
            order: every column once, or some of them.
            dims: how many leading columns of the order to use, strictly rising.

        Returns: (n_queries, len(dims)) float64 in 0..1.
        """
        found = [self._wanted.gather(1, top).float().mean(dim=1).numpy() for top in self._tops(order, dims)]
        return np.stack(found, axis=1).astype(np.float64)

    def agreement_of(self, rows: Array, dims: tuple[int, ...]) -> NDArray[np.float64]:
        """The same for other vectors of the same rows, e.g. rotated ones.

        Args:
            rows: (n, any width) float, row by row the texts of this object.
            dims: prefix lengths of them, strictly rising.
        """
        found = [
            self._wanted.gather(1, top).float().mean(dim=1).numpy()
            for top in _tops(rows.astype(np.float32, copy=False), self._itself, dims, self._k)
        ]
        return np.stack(found, axis=1).astype(np.float64)

    def _tops(self, order: Sequence[int] | NDArray[np.int64], dims: tuple[int, ...]) -> list[Any]:
        ordered = np.take(self._rows, np.asarray(order)[: dims[-1]], axis=1)
        return _tops(ordered, self._itself, dims, self._k)


def _tops(rows: Array, queries: Any, dims: tuple[int, ...], k: int) -> list[Any]:
    """Row numbers of the k nearest of the first rows at every dim, themselves excluded by number."""
    import torch

    n_queries = len(queries)
    scores = torch.zeros((n_queries, len(rows)))
    squares = torch.zeros(len(rows))
    tops = []
    with torch.inference_mode(), torch.autocast("cpu", enabled=False):
        for start, stop in prefix_blocks(dims):
            part = torch.from_numpy(np.ascontiguousarray(block(rows, start, stop)))
            scores.addmm_(part[:n_queries], part.T)
            squares += (part * part).sum(dim=1)
            # the length of the query changes no order; a prefix of length 0 gets score 0
            shrink = torch.where(squares > _TINY, squares.clamp_min(_TINY).rsqrt(), torch.zeros(()))
            scaled = scores * shrink
            scaled[queries, queries] = -torch.inf
            tops.append(scaled.topk(k, dim=1).indices)
    return tops
