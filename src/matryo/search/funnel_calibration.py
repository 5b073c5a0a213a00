"""Shortlists for a promised recall: sizes from some sample queries, the promise tested on the others.

The sizes form one falling ladder, whose proportions between the stages come from the first part of the queries. On the
second part the ladder is walked from "everything" downwards, and every rung is tested: is the mean recall@k, at this
confidence, at least what was asked for? The last rung before the first that fails is taken. Because the order is fixed
before the second part is looked at, this choice needs no correction for the number of rungs tried (fixed-sequence
testing, Angelopoulos et al. 2021, Learn then Test).
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError
from matryo.prefix import Array, block
from matryo.search.exact import exact_float32
from matryo.search.funnel import GROUP_QUERIES, GROUP_SCORES, FunnelIndex
from matryo.search.funnel_bound import Asked
from matryo.search.funnel_plan import FunnelPlan, Stage
from matryo.search.funnel_recall import fewest_queries, recall_bound
from matryo.search.funnel_rows import row_ranges
from matryo.search.funnel_stages import Parts

_SHAPE_SHARE = 4  # one query of this many shapes the ladder, the others test it
_SHAPE_LEVEL = 0.95  # sizes are in proportion to the ranks within which this share of the neighbours lies
_RUNGS_PER_DOUBLING = 4
_READ_ROWS = 1 << 13


class Sizes(NamedTuple):
    """Shortlist sizes that passed, the bound they passed with, and the queries it rests on."""

    sizes: tuple[int, ...]
    recall_lower: float
    n: int


def calibrate(
    index: FunnelIndex,
    queries: Array | EmbeddingSet,
    k: int,
    recall: float,
    confidence: float = 0.95,
    *,
    seed: int = 0,
) -> FunnelPlan:
    """Choose shortlists so that the mean recall@k over queries like these is at least `recall` at this confidence.

    Recall is the share of the exact best k, by row, that the funnel finds; a row that the last stage would find is
    counted as missed if any stage's shortlist, taken over all rows, is too short for it. Every row is read once per 64
    queries.

    Args:
        index: with at least one dim below the width; a plan that it has plays no part.
        queries: (n, width) float or a set; independent of each other and like those to come.
        k: hits per query.
        recall: mean to reach, below 1.
        confidence: that it is reached, over the draw of the queries.
        seed: of the division of the queries.

    Returns: the smallest plan of the ladder that passes; `index.with_plan(plan)` uses it.
    Raises: MatryoError if the values are out of range, the index has one stage only or no rows, or the queries are so
        few that not even a funnel without a miss could pass; what `search` raises about queries.
    """
    if not (0.0 < recall < 1.0 and 0.0 < confidence < 1.0):
        raise MatryoError(
            f"recall and confidence must lie between 0 and 1, got {recall}, {confidence}; for all of it search exactly"
        )
    if len(index.dims) < 2 or index.n_rows == 0:
        raise MatryoError(
            f"shortlists need rows and a dim below the width, got {index.n_rows} rows, dims {index.dims}; add some"
        )
    asked = index.asked(queries)
    needed = -(-fewest_queries(recall, confidence) * _SHAPE_SHARE // (_SHAPE_SHARE - 1))
    if len(asked) < needed:
        raise MatryoError(
            f"recall {recall} at confidence {confidence} needs at least {needed} queries, got {len(asked)}; "
            "pass more, or ask for less"
        )
    exact = index.with_plan(None).search(queries, min(k, index.n_rows))
    ranks = neighbour_ranks(index.parts, asked, exact.rows)
    chosen = choose_sizes(ranks, index.n_rows, recall, confidence, seed=seed)
    stages = tuple(Stage(dim, size) for dim, size in zip(index.dims[:-1], chosen.sizes, strict=True))
    return FunnelPlan(stages, exact.k, recall, chosen.recall_lower, confidence, chosen.n)


def choose_sizes(ranks: NDArray[np.int64], n_rows: int, recall: float, confidence: float, *, seed: int) -> Sizes:
    """Walk down the ladder on three quarters of the queries, after the other quarter has shaped it.

    Args:
        ranks: (n, k, stages) from 1, see `neighbour_ranks`; enough queries for "everything" to pass.
        n_rows: rows of the index.
        recall: mean to reach.
        confidence: that it is reached.
        seed: of the division of the queries.
    """
    order = np.random.default_rng(seed).permutation(len(ranks))
    n_shaping = len(ranks) // _SHAPE_SHARE
    shaping, testing = ranks[order[:n_shaping]], ranks[order[n_shaping:]]
    k, n_stages = ranks.shape[1:]
    everything = (n_rows,) * n_stages
    chosen = Sizes(everything, recall_bound(np.ones(len(testing)), confidence), len(testing))
    for sizes in _ladder(shaping, k, n_rows):
        bound = recall_bound((testing <= np.array(sizes)).all(axis=2).mean(axis=1), confidence)
        if bound < recall:
            break
        chosen = Sizes(sizes, bound, len(testing))
    return chosen


def _ladder(ranks: NDArray[np.int64], k: int, n_rows: int) -> Iterator[tuple[int, ...]]:
    """Sizes in the proportions of these ranks, from those that keep everything down to k."""
    base = np.maximum(np.quantile(ranks, _SHAPE_LEVEL, axis=(0, 1)), k)
    factor = n_rows / base.min()
    last: tuple[int, ...] = ()
    while last != (k,) * len(base):
        wanted = np.clip(np.ceil(base * factor), k, n_rows).astype(int)
        sizes = tuple(np.minimum.accumulate(wanted).tolist())
        if sizes != last:
            yield sizes
        last, factor = sizes, factor * 0.5 ** (1.0 / _RUNGS_PER_DOUBLING)


def neighbour_ranks(parts: Parts, asked: list[Asked], neighbours: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which place, from 1, each neighbour takes among all rows at each dim below the width, by (-score, row).

    Args:
        parts: what is searched.
        asked: n queries.
        neighbours: (n, k) rows.

    Returns: (n, k, len(dims) - 1). Memory: 4 bytes per row for each of up to 64 queries.
    """
    import torch

    dims = parts.scan.dims
    ranks = np.empty((*neighbours.shape, len(dims) - 1), dtype=np.int64)
    per_group = max(1, min(GROUP_QUERIES, GROUP_SCORES // parts.scan.n_rows))
    with exact_float32(None):
        for first in range(0, len(asked), per_group):
            some = slice(first, first + per_group)
            narrow = np.concatenate([a.narrow for a in asked[some]])
            with torch.inference_mode(), torch.autocast("cpu", enabled=False):
                scanned = parts.scan.scores(torch.from_numpy(block(narrow, 0, dims[0])))
            scores = scanned.numpy()[:, : parts.scan.n_rows]
            for i in range(len(dims) - 1):
                if i:
                    for rows in row_ranges(parts.rows, _READ_ROWS):
                        held = parts.rows.read(rows, dims[i - 1], dims[i])
                        scores[:, rows] += block(narrow, dims[i - 1], dims[i]) @ held.T
                for at, found in enumerate(neighbours[some]):
                    ranks[first + at, :, i] = _places(scores[at], found)
    return ranks


def _places(scores: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Place, from 1, of some rows in the order of (-score, row).

    >>> _places(np.array([0.5, 0.9, 0.5], dtype=np.float32), np.array([0, 1, 2]))
    array([2, 1, 3])
    """
    wanted = scores[rows]
    high = np.flatnonzero(scores >= wanted.min())
    values = scores[high]
    better = len(values) - np.searchsorted(np.sort(values), wanted, side="right")
    tied = [np.count_nonzero((values == score) & (high <= row)) for score, row in zip(wanted, rows, strict=True)]
    places: NDArray[np.int64] = better + np.array(tied, dtype=np.int64)
    return places
