"""How far down a scan the exact neighbours lie, and the shortlists that follow: learnt without building an index."""

import numpy as np
from numpy.typing import NDArray

from matryo.prefix import Array
from matryo.search.exact import exact_float32
from matryo.search.funnel_recall import recall_bound
from matryo.search.quantized_codes import Codes

_GROUP_QUERIES = 64
_GROUP_SCORES = 1 << 26  # scores held at a time: 256 MiB, unless one query has more
_CONFIDENCES = (0.995, 0.98, 0.95)  # on the queries that choose, best above that of those that verify
_SLACK = 0.2  # of what may be missed must be left to be missed, or a confidence asks too much of so few queries
_STEPS, _FEWER = 20, 0.8  # quantiles to try; each leaves this share of the misses of the one before
_ROUNDING = 1e-12


def places(scores: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Place, from 1, of some rows in the order of (-score, row).

    Args:
        scores: (m,) one per row.
        rows: (k,) rows.

    >>> places(np.array([0.5, 0.9, 0.5], dtype=np.float32), np.array([0, 1, 2]))
    array([2, 1, 3])
    """
    wanted = scores[rows]
    high = np.flatnonzero(scores >= wanted.min())
    values = scores[high]
    better = len(values) - np.searchsorted(np.sort(values), wanted, side="right")
    tied = [np.count_nonzero((values == score) & (high <= row)) for score, row in zip(wanted, rows, strict=True)]
    found: NDArray[np.int64] = better + np.array(tied, dtype=np.int64)
    return found


def code_ranks(codes: Codes, queries: Array, neighbours: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which place, from 1, each neighbour takes when all rows are compared by their codes.

    Args:
        codes: of all rows.
        queries: (n, width) float, not cut.
        neighbours: (n, k) rows.

    Returns: (n, k, 1). Memory: 4 bytes per row for each of up to 64 queries.
    """
    import torch

    ranks = np.empty((*neighbours.shape, 1), dtype=np.int64)
    at_once = max(1, min(_GROUP_QUERIES, _GROUP_SCORES // codes.n_rows))
    with exact_float32(None), torch.inference_mode(), torch.autocast("cpu", enabled=False):
        for first in range(0, len(queries), at_once):
            part = queries[first : first + at_once]
            scores = torch.empty((len(part), codes.n_rows))
            codes.scorer(part, codes.dim)(0, codes.n_rows, scores)
            for at, one in enumerate(scores.numpy()):
                ranks[first + at, :, 0] = places(one, neighbours[first + at])
    return ranks


def sizes_for(ranks: NDArray[np.int64], recall: float, k: int) -> tuple[int, ...]:
    """Shortlists, one per stage, with which other queries like these will show this recall.

    These queries miss at most half of what they may, and their own lower bound reaches the recall, at the highest
    confidence that so many queries can have. Every stage is cut at the same quantile of the ranks, which is raised
    until then.

    Args:
        ranks: (n, k, stages) from 1.
        recall: mean to show, below 1.
        k: smallest shortlist.

    Returns: sizes that fall from stage to stage.

    >>> ranks = np.arange(1, 101).reshape(10, 10, 1)
    >>> sizes_for(ranks, 0.9, 10), sizes_for(ranks, 0.01, 60)
    ((95,), (60,))
    """
    flat = ranks.reshape(-1, ranks.shape[2])
    misses = (1.0 - recall) / 2.0
    without_misses, wanted = np.ones(len(ranks)), recall + _SLACK * (1.0 - recall)
    confidence = next((c for c in _CONFIDENCES if recall_bound(without_misses, c) >= wanted), None)
    for number in range(_STEPS + 1):
        share = 1.0 if number == _STEPS else 1.0 - misses * _FEWER**number
        cut = np.maximum(np.quantile(flat, share, axis=0, method="inverted_cdf").astype(np.int64), k)
        # a stage keeps at least what the next one is given
        sizes = tuple(np.maximum.accumulate(cut[::-1])[::-1].tolist())
        shares = kept(ranks, sizes)
        few = shares.mean() >= 1.0 - misses - _ROUNDING
        if few and (confidence is None or recall_bound(shares, confidence) >= recall):
            break
    return sizes


def kept(ranks: NDArray[np.int64], sizes: tuple[int, ...]) -> NDArray[np.float64]:
    """Share of each query's neighbours that every shortlist keeps, (n,)."""
    shares: NDArray[np.float64] = (ranks <= np.array(sizes)).all(axis=2).mean(axis=1)
    return shares
