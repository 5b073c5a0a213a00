"""Searching a store: queries are checked and cut here, compared by the engine, and its hits put in order."""

from collections.abc import Sequence

import numpy as np

from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError
from matryo.hits import check_k
from matryo.prefix import Array, check_dims, cut
from matryo.search.exact import check_queries
from matryo.search.stores.base import MISSING, StoreHits
from matryo.search.stores.contents import whole
from matryo.search.stores.engine import Engine, Neighbours
from matryo.space import Space, same_space

_QUERIES = 500


def search_store(
    engine: Engine,
    name: str,
    queries: Array | EmbeddingSet,
    k: int,
    dim: int | None,
    space: Space | str | None,
) -> StoreHits:
    """Find the k nearest rows of every query; see `Store.search`."""
    check_k(k)
    contents = whole(engine, name)
    stored, dims = contents.any.space, contents.any.dims
    if isinstance(queries, EmbeddingSet):
        same_space(queries.space, stored, "queries and store")
        queries = queries.to_numpy()
    if space is not None:
        same_space(space, stored, "queries and store")
    check_queries(queries, stored.width)
    (chosen,) = check_dims([dims[-1] if dim is None else dim], stored.width)
    if chosen not in dims:
        listed = ", ".join(str(d) for d in dims)
        raise MatryoError(
            f"{name} at {engine.where} was pushed at dims {listed}, got dim {chosen}; "
            "choose one of these, or push the set at others"
        )
    label = contents.labels[chosen]
    asked = min(k, label.n_rows)
    if asked > engine.most_hits:
        raise MatryoError(
            f"{engine.where} gives at most {engine.most_hits:,} hits per query, got k {k:,}; ask for fewer"
        )
    found: list[Neighbours] = []
    for first in range(0, len(queries) if asked else 0, _QUERIES):
        found += engine.nearest(label.collection, cut(queries[first : first + _QUERIES], chosen), asked)
    return _hits(found, len(queries), k)


def _hits(found: Sequence[Neighbours], n_queries: int, k: int) -> StoreHits:
    ids = np.full((n_queries, k), MISSING, dtype=object)
    scores = np.full((n_queries, k), -np.inf, dtype=np.float32)
    for row, neighbours in enumerate(found):
        ordered = sorted(((np.float32(score), id) for id, score in neighbours), key=lambda hit: (-hit[0], hit[1]))[:k]
        ids[row, : len(ordered)] = [id for _, id in ordered]
        scores[row, : len(ordered)] = [score for score, _ in ordered]
    return StoreHits(ids, scores)
