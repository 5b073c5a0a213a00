"""Mining hard negatives: documents that a model finds similar to a query and that do not answer it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from matryo.data.retrieval import Retrieval
from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError
from matryo.prefix import Array, check_dims, cut
from matryo.progress import progress as show_progress
from matryo.search import search_dim
from matryo.space import same_space
from matryo.training.related import Related, relate
from matryo.training.rows import relevant_ids
from matryo.training.settings import MineSettings

_SPARE = 16  # hits beyond the last rank, for documents that are taken out before ranks are counted
_DEEPER = 4


@dataclass(frozen=True, slots=True)
class Mined:
    """Hard negatives of one query.

    Attributes:
        query: its id.
        positive_score: smallest cosine between the query and a document that answers it.
        negatives: ids, most similar first; may be fewer than asked for, or none.
        scores: their cosines to the query.
    """

    query: str
    positive_score: float
    negatives: tuple[str, ...]
    scores: tuple[float, ...]


def mine_negatives(
    task: Retrieval,
    queries: EmbeddingSet,
    documents: EmbeddingSet,
    settings: MineSettings,
    *,
    block: int = 1024,
    first_query: int = 0,
    progress: bool = False,
) -> Iterator[Mined]:
    """Find hard negatives of every query, by cosine of the vectors cut to `settings.dim`.

    For each query the documents are ranked after these have been taken out: those that answer it, everything else in
    its connected component (see `training_rows`: documents of a query with an equal text or with a shared document,
    and every copy of any of them), and every text that stands at a better rank already. So rank 1 is the best document
    that is not known to be relevant, and ranks count different texts. Of ranks `settings.first` to `settings.last` the
    first `settings.n` are taken whose cosine is below all limits: `max_score`, the positive score - `margin`, and
    `share` of the positive score (if that is negative, as far below it as the share would be on the other side). The
    positive score is the smallest cosine between the query and a document that answers it.

    The checks and one reading of the task's texts come at the call, the search while the result is read. Memory: ids,
    16 bytes per document, 8 per query and, per block, what `search_dim` needs; the documents are read from disk once
    per block. The same arguments give the same result.

    Args:
        task: queries, documents and judgements.
        queries: the task's queries, encoded.
        documents: the task's documents, encoded, read from disk.
        settings: dim, number, ranks and limits.
        block: queries that are searched together.
        first_query: row of the query to begin with, to go on where an earlier run ended; a multiple of `block` gives
            the same bytes.
        progress: show rate and time left.

    Returns: one value per query, in order; those that have fewer than `settings.n` negatives within the limits give
        what there is.
    Raises: ShapeError if the dim is beyond the width; SpaceError if the sets lie in two spaces; MatryoError if a set is
        not that of the task, a query has no relevant document, or block or first_query are out of range.
    Source: ranks and limits as in Moreira et al. 2024 (NV-Retriever); that the component is excluded is ours.
    """
    same_space(queries.space, documents.space, "queries and documents")
    (dim,) = check_dims([settings.dim or documents.width], documents.width)
    if block < 1 or not 0 <= first_query <= queries.n_rows:
        raise MatryoError(
            f"block must be at least 1 and first_query within 0..{queries.n_rows}, got {block} and {first_query}; "
            "leave them out for the defaults"
        )
    related = relate(task, queries.ids(), documents.ids(), progress=progress)
    return _mined(_Miner(task, queries, documents, settings, dim, related), block, first_query, progress)


def _mined(miner: "_Miner", block: int, first_query: int, progress: bool) -> Iterator[Mined]:
    n = miner.n_queries
    with show_progress("mine negatives", n - first_query, "queries", shown=progress) as advance:
        for start in range(first_query, n, block):
            stop = min(start + block, n)
            yield from miner.mine(start, stop)
            advance(stop - start)


@final
class _Miner:
    """Searches blocks of queries and chooses among what is found."""

    def __init__(
        self,
        task: Retrieval,
        queries: EmbeddingSet,
        documents: EmbeddingSet,
        settings: MineSettings,
        dim: int,
        related: Related,
    ) -> None:
        self._task, self._queries, self._documents = task, queries, documents
        self._settings, self._dim, self._related = settings, dim, related

    @property
    def n_queries(self) -> int:
        """Number of queries."""
        return self._queries.n_rows

    def mine(self, start: int, stop: int) -> list[Mined]:
        """Negatives of the queries in rows start..stop."""
        vectors = self._queries.read(slice(start, stop), 0, self._queries.width)
        positives = [
            self._positive_score(start + place, vector) for place, vector in enumerate(cut(vectors, self._dim))
        ]
        found: dict[int, Mined] = {}
        waiting = list(range(stop - start))
        k = min(self._settings.last + _SPARE, self._documents.n_rows)
        while waiting:
            hits = search_dim(vectors[waiting], self._documents, self._dim, k)
            for place, rows, scores in zip(waiting, hits.rows, hits.scores, strict=True):
                chosen, enough = self._choose(start + place, rows, scores, positives[place])
                if enough or k == self._documents.n_rows:
                    found[place] = self._named(start + place, positives[place], rows[chosen], scores[chosen])
            # some queries need more hits, because many of theirs belong to them or repeat a text
            waiting = [place for place in waiting if place not in found]
            k = min(k * _DEEPER, self._documents.n_rows)
        return [found[place] for place in sorted(found)]

    def _positive_score(self, query: int, vector: Array) -> float:
        """Smallest cosine of a query, cut and of length 1, with a document that answers it."""
        rows = [self._related.rows[id] for id in relevant_ids(self._task, self._queries.ids()[query])]
        stored = np.concatenate([self._documents.read(slice(row, row + 1), 0, self._dim) for row in rows])
        return float((cut(stored, self._dim) @ vector).min())

    def _choose(
        self, query: int, rows: NDArray[np.int64], scores: NDArray[np.float32], positive_score: float
    ) -> tuple[NDArray[np.int64], bool]:
        """Places of the negatives among the hits of a query, and whether more hits could not change them."""
        settings = self._settings
        foreign = np.flatnonzero(self._related.components[rows] != self._related.query_components[query])
        _, first_of_text = np.unique(self._related.keys[rows[foreign]], return_index=True)
        ranked = foreign[np.sort(first_of_text)]
        candidates = ranked[settings.first - 1 : settings.last]
        chosen = candidates[scores[candidates] < _limit(settings, positive_score)][: settings.n]
        return chosen, len(chosen) == settings.n or len(ranked) >= settings.last

    def _named(self, query: int, positive_score: float, rows: NDArray[np.int64], scores: NDArray[np.float32]) -> Mined:
        ids = self._documents.ids()
        return Mined(
            self._queries.ids()[query], positive_score, tuple(ids[row] for row in rows.tolist()), tuple(scores.tolist())
        )


def _limit(settings: MineSettings, positive_score: float) -> float:
    """The cosine that a negative must stay below."""
    limits = [np.inf if settings.max_score is None else settings.max_score]
    if settings.margin is not None:
        limits.append(positive_score - settings.margin)
    if settings.share is not None:
        # share * score for a positive score; for a negative one that product would lie above the score
        limits.append(positive_score - (1.0 - settings.share) * abs(positive_score))
    return float(min(limits))
