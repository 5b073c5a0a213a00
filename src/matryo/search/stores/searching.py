"""Searching a store: queries are checked and cut here, compared by the engine, and its hits put in order."""

from collections.abc import Sequence

import numpy as np

from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError
from matryo.hits import check_k
from matryo.prefix import Array, check_dims, cut
from matryo.search.exact import check_queries
from matryo.search.stores.base import MISSING, StoreHits
from matryo.search.stores.contents import Contents, whole
from matryo.search.stores.engine import Engine, Neighbours
from matryo.search.stores.label import Label
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
    stored = contents.any.space
    if isinstance(queries, EmbeddingSet):
        same_space(queries.space, stored, "queries and store")
        queries = queries.to_numpy()
    if space is not None:
        same_space(space, stored, "queries and store")
    check_queries(queries, stored.width)
    label = _label_at(engine, contents, dim)
    asked = _asked(engine, k, label.n_rows)
    found: list[Neighbours] = []
    for first in range(0, len(queries) if asked else 0, _QUERIES):
        found += engine.nearest(label.collection, cut(queries[first : first + _QUERIES], label.dim), asked)
    return _hits(found, len(queries), k)


def stored_vectors(engine: Engine, name: str, ids: Sequence[str], dim: int | None) -> Array:
    """Read stored vectors back; see `Store.vectors`."""
    return _vectors(engine, _label_at(engine, whole(engine, name), dim), ids)


def neighbours_of(engine: Engine, name: str, ids: Sequence[str], k: int, dim: int | None) -> StoreHits:
    """The k nearest other rows of some rows; see `Store.neighbours`."""
    check_k(k)
    label = _label_at(engine, whole(engine, name), dim)
    asked = _asked(engine, k + 1, label.n_rows)
    found: list[Neighbours] = []
    for first in range(0, len(ids), _QUERIES):
        some = ids[first : first + _QUERIES]
        nearest = engine.nearest(label.collection, _vectors(engine, label, some), asked)
        # by id: of equal rows an engine may give any before the row itself
        found += [[hit for hit in hits if hit[0] != own] for own, hits in zip(some, nearest, strict=True)]
    return _hits(found, len(ids), k)


def _label_at(engine: Engine, contents: Contents, dim: int | None) -> Label:
    """Label of the collection that answers at a dim, None = the largest."""
    stored, dims = contents.any, contents.any.dims
    (chosen,) = check_dims([dims[-1] if dim is None else dim], stored.space.width)
    if chosen not in dims:
        listed = ", ".join(str(d) for d in dims)
        raise MatryoError(
            f"{stored.store} at {engine.where} was pushed at dims {listed}, got dim {chosen}; "
            "choose one of these, or push the set at others"
        )
    return contents.labels[chosen]


def _asked(engine: Engine, k: int, n_rows: int) -> int:
    """Hits to ask the engine for."""
    asked = min(k, n_rows)
    if asked > engine.most_hits:
        raise MatryoError(
            f"{engine.where} gives at most {engine.most_hits:,} hits per query, got k {k:,}; ask for fewer"
        )
    return asked


def _vectors(engine: Engine, label: Label, ids: Sequence[str]) -> Array:
    found = np.empty((len(ids), label.dim), dtype=np.float32)
    size = engine.most_rows(label.dim)
    for first in range(0, len(ids), size):
        some = ids[first : first + size]
        by_id = engine.vectors(label.collection, list(dict.fromkeys(some)))
        for row, id in enumerate(some, first):
            if id not in by_id:
                raise MatryoError(
                    f"{label.store} at {engine.where} has no row {id!r}; take ids that `ids()` of the store gives"
                )
            found[row] = by_id[id]
    return found


def _hits(found: Sequence[Neighbours], n_queries: int, k: int) -> StoreHits:
    ids = np.full((n_queries, k), MISSING, dtype=object)
    scores = np.full((n_queries, k), -np.inf, dtype=np.float32)
    for row, neighbours in enumerate(found):
        ordered = sorted(((np.float32(score), id) for id, score in neighbours), key=lambda hit: (-hit[0], hit[1]))[:k]
        ids[row, : len(ordered)] = [id for _, id in ordered]
        scores[row, : len(ordered)] = [score for score, _ in ordered]
    return StoreHits(ids, scores)
