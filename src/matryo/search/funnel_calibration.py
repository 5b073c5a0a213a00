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
from matryo.search.funnel_pass import coded_prefixes, tile_rows, tiles
from matryo.search.funnel_plan import FunnelPlan, Stage
from matryo.search.funnel_recall import fewest_queries, recall_bound
from matryo.search.funnel_rows import row_ranges
from matryo.search.funnel_scan import code_products
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
    own_rows: NDArray[np.int64] | None = None,
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
        own_rows: (n,) the row that each query itself is, which does not count among its neighbours: for rows of the
            index that stand in for queries. None if queries are no rows.

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
    neighbours = neighbours_of(index, queries, k, own_rows)
    ranks = neighbour_ranks(index.parts, asked, neighbours)
    chosen = choose_sizes(ranks, index.n_rows, recall, confidence, seed=seed)
    stages = tuple(Stage(dim, size) for dim, size in zip(index.dims[:-1], chosen.sizes, strict=True))
    return FunnelPlan(stages, neighbours.shape[1], recall, chosen.recall_lower, confidence, chosen.n)


def neighbours_of(
    index: FunnelIndex, queries: Array | EmbeddingSet, k: int, own_rows: NDArray[np.int64] | None
) -> NDArray[np.int64]:
    """The exact best rows of every query, but for its own row: (n, k), or fewer if there are not so many.

    Raises: MatryoError if own_rows are not one row of the index per query, or there is nothing but the own row.
    """
    exact = index.with_plan(None)
    if own_rows is None:
        return exact.search(queries, min(k, index.n_rows)).rows
    wanted = min(k, index.n_rows - 1)
    if wanted < 1:
        raise MatryoError("a row that stands in for a query needs other rows as neighbours, got 1 row; add some")
    found = exact.search(queries, wanted + 1).rows
    if own_rows.shape != (len(found),) or own_rows.min() < 0 or own_rows.max() >= index.n_rows:
        raise MatryoError(
            f"own_rows must name one row within 0..{index.n_rows - 1} per query, {len(found)} of them, "
            f"got shape {own_rows.shape}; leave it out for queries that are no rows"
        )
    others = found != own_rows[:, None]
    others[others.all(axis=1), -1] = False  # duplicates of the query may push its own row out
    kept: NDArray[np.int64] = found[others].reshape(len(found), wanted)
    return kept


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


def neighbour_ranks(parts: Parts, asked: Asked, neighbours: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which place, from 1, each neighbour takes among all rows at each dim below the width, by (-score, row).

    Args:
        parts: what is searched.
        asked: n queries.
        neighbours: (n, k) rows.

    Returns: (n, k, len(dims) - 1). Memory: 4 bytes per row for each of up to 64 queries.
    """
    import torch

    dims, n_rows = parts.scan.dims, parts.scan.n_rows
    ranks = np.empty((*neighbours.shape, len(dims) - 1), dtype=np.int64)
    per_group = max(1, min(GROUP_QUERIES, GROUP_SCORES // n_rows))
    with exact_float32(None):
        for first in range(0, len(asked), per_group):
            some = asked.part(slice(first, first + per_group))
            scanned = torch.empty((len(some), n_rows))
            with torch.inference_mode(), torch.autocast("cpu", enabled=False):
                coded = coded_prefixes(parts.scan, some)
                for rows in tiles(n_rows, tile_rows(n_rows, len(some))):
                    torch.mul(code_products(coded, parts.scan.codes[rows]), coded.step, out=scanned[:, rows])
            scores = scanned.numpy()
            for i in range(len(dims) - 1):
                if i:
                    queries = block(some.narrow, dims[i - 1], dims[i])
                    for rows in row_ranges(parts.rows, _READ_ROWS):
                        scores[:, rows] += queries @ parts.rows.read(rows, dims[i - 1], dims[i]).T
                for at, found in enumerate(neighbours[first : first + len(some)]):
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
