"""Which rows of a document set belong to which query of a task, known from one reading of the texts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matryo.data.retrieval import Retrieval
from matryo.errors import MatryoError
from matryo.progress import progress as show_progress
from matryo.training.components import Components, text_key
from matryo.training.rows import relevant_ids

_NONE = -1
_STEP = 4096  # documents between two signs of progress, which cost more than reading one


@dataclass(frozen=True)
class Related:
    """What mining must know of every document and query; 16 bytes per document, 8 per query.

    Attributes:
        keys: (m,) uint64, `text_key` of each document.
        components: (m,) int64, component that each document belongs to, -1 = it belongs to no query.
        query_components: (n,) int64, component of each query.
        rows: id of each relevant document -> its row.
    """

    keys: NDArray[np.uint64]
    components: NDArray[np.int64]
    query_components: NDArray[np.int64]
    rows: dict[str, int]


def relate(
    task: Retrieval, query_ids: Sequence[str], document_ids: Sequence[str], *, progress: bool = False
) -> Related:
    """Read the task's texts once.

    Args:
        task: queries, documents and judgements.
        query_ids: ids of the encoded queries, in order.
        document_ids: ids of the encoded documents, in order.
        progress: show rate and time left.

    Raises: MatryoError if the ids are not those of the task in its order, or a query has no relevant document among
        the documents.
    """
    answers = {id: relevant_ids(task, id) for id in (query.id for query in task.queries)}
    needed = {document for documents in answers.values() for document in documents}
    keys = np.empty(len(document_ids), dtype=np.uint64)
    rows: dict[str, int] = {}
    n_documents = 0
    with show_progress("read documents", len(document_ids), "documents", shown=progress) as advance:
        for row, document in enumerate(task.documents):
            _check_id(task, "documents", row, document.id, document_ids)
            keys[row] = text_key(document.text)
            if document.id in needed:
                rows[document.id] = row
            n_documents += 1
            if n_documents % _STEP == 0:
                advance(_STEP)
    _check_number(task, "documents", n_documents, document_ids)

    graph = Components()
    query_keys = []
    for row, query in enumerate(task.queries):
        _check_id(task, "queries", row, query.id, query_ids)
        query_keys.append(text_key(query.text))
        for answer in answers[query.id]:
            if answer not in rows:
                raise MatryoError(
                    f"{task.name}: document {answer!r} answers query {query.id!r} and is none of the {n_documents:,} "
                    "documents; check that judgements and documents belong together"
                )
            graph.join(query_keys[-1], int(keys[rows[answer]]))
    _check_number(task, "queries", len(query_keys), query_ids)
    of_queries = np.array([graph.of(key) for key in query_keys], dtype=np.int64)
    return Related(keys, _looked_up(graph, keys), of_queries, rows)


def _looked_up(graph: Components, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Component of each key, -1 for those that are not in the graph."""
    known = graph.keys()
    of_known = np.array([graph.of(key) for key in known], dtype=np.int64)
    order = np.argsort(np.array(known, dtype=np.uint64))
    ranked = np.array(known, dtype=np.uint64)[order]
    places = np.minimum(np.searchsorted(ranked, keys), len(ranked) - 1)
    return np.where(ranked[places] == keys, of_known[order][places], _NONE)


def _check_id(task: Retrieval, what: str, row: int, found: str, ids: Sequence[str]) -> None:
    if row >= len(ids) or ids[row] != found:
        encoded = f"{ids[row]!r}" if row < len(ids) else "no row"
        raise MatryoError(
            f"{task.name}: row {row} of the set of {what} is {encoded}, the task has {found!r} there; "
            f"encode this task's {what}"
        )


def _check_number(task: Retrieval, what: str, n: int, ids: Sequence[str]) -> None:
    if n != len(ids):
        raise MatryoError(
            f"{task.name}: the set of {what} has {len(ids):,} rows, the task only {n:,} {what}; "
            f"encode this task's {what}"
        )
