"""Whether an engine finds the rows that it has: each row is searched for, those that stay unseen are sent again."""

import time
from collections.abc import Sequence

import numpy as np

from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError
from matryo.prefix import cut, row_norms
from matryo.search.stores.engine import Engine
from matryo.search.stores.label import Label

# A row is found if something as near as itself is: equal rows stand for each other.
_ITSELF = 0.999

# An approximate engine may miss a row that it has; more than this share is no approximation.
_MISSED = 0.01


def send_unseen(engine: Engine, label: Label, vectors: EmbeddingSet, pieces: Sequence[Sequence[int]]) -> int:
    """Search for rows by their own vectors and send again those that are not found.

    Chroma 1.5 keeps the graph of a collection that was read; rows that come after the reading are stored and counted,
    and now and then one of them never reaches that graph. Sent once more it does.

    Args:
        engine: where the rows are.
        label: of their collection.
        vectors: the set.
        pieces: rows to look at, in pieces of at most the size of a batch.

    Returns: how many rows were sent.
    Raises: MatryoError if more than one row in a hundred is not found though sent again.
    """
    n_sent = 0
    for pause in (*engine.pauses, None):
        n_unseen = 0
        for piece in pieces:
            rows = cut(vectors.take(np.array(piece, dtype=np.int64), 0, label.dim), label.dim)
            best = engine.nearest(label.collection, rows, 1)
            scores = np.array([max((score for _, score in hits), default=-np.inf) for hits in best])
            places = np.flatnonzero((scores < _ITSELF) & (row_norms(rows) > 0.0)).tolist()
            if places and pause is not None:
                ids = [vectors.ids()[piece[place]] for place in places]
                engine.put(label.collection, ids, np.ascontiguousarray(rows[places]))
                n_sent += len(places)
            n_unseen += len(places)
        if not n_unseen:
            return n_sent
        if pause is not None:
            time.sleep(pause)
    n_looked_at = sum(len(piece) for piece in pieces)
    if n_unseen > _MISSED * n_looked_at:
        raise MatryoError(
            f"{engine.where} has the rows of {label.collection} and does not find {n_unseen:,} of {n_looked_at:,}, "
            f"sent {len(engine.pauses) + 1} times; restart it and push the same set again: the store stays marked as "
            "not complete"
        )
    return n_sent
