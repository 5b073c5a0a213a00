"""Judgements bound to row numbers, so that measures need no dictionaries."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError


@dataclass(frozen=True, eq=False)
class Judged:
    """Which documents were judged for each query, in compressed sparse rows.

    Attributes:
        query_ids: queries in the order of the hits to be judged.
        n_documents: documents that were searched.
        offsets: (n_queries + 1,) int64; the judgements of query i are offsets[i] .. offsets[i + 1].
        rows: (n_judgements,) int64 document rows, rising within each query.
        grades: (n_judgements,) int64; above 0 = relevant, 0 and below = judged and not relevant.
    """

    query_ids: tuple[str, ...]
    n_documents: int
    offsets: NDArray[np.int64]
    rows: NDArray[np.int64]
    grades: NDArray[np.int64]

    @property
    def n_queries(self) -> int:
        """Number of queries, those without judgements included."""
        return len(self.query_ids)

    @cached_property
    def owners(self) -> NDArray[np.int64]:
        """Query number of every judgement, (n_judgements,)."""
        return np.repeat(np.arange(self.n_queries, dtype=np.int64), np.diff(self.offsets))

    @cached_property
    def n_relevant(self) -> NDArray[np.int64]:
        """Relevant documents of every query, (n_queries,)."""
        return np.bincount(self.owners[self.grades > 0], minlength=self.n_queries).astype(np.int64)

    @property
    def has_relevant(self) -> NDArray[np.bool_]:
        """Which queries have at least one relevant document, (n_queries,): those that means are taken over."""
        return self.n_relevant > 0

    @property
    def has_judged(self) -> NDArray[np.bool_]:
        """Which queries have at least one judged document, (n_queries,)."""
        return np.diff(self.offsets) > 0

    @property
    def counted_ids(self) -> tuple[str, ...]:
        """Ids of the queries with a relevant document, in order."""
        return tuple(self.query_ids[row] for row in np.flatnonzero(self.has_relevant))

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence for each kind of query that means leave out; () if all count."""
        n_unjudged = int((~self.has_judged).sum())
        n_irrelevant = int((self.has_judged & ~self.has_relevant).sum())
        told = []
        if n_unjudged:
            told.append(f"{n_unjudged} of {self.n_queries} queries have no judged document and are left out")
        if n_irrelevant:
            told.append(
                f"{n_irrelevant} of {self.n_queries} queries have judged but no relevant documents and are left out"
            )
        return tuple(told)


def judge(judgements: Mapping[str, Mapping[str, int]], query_ids: Sequence[str], document_ids: Sequence[str]) -> Judged:
    """Bind judgements to the row numbers of the queries and documents that are searched.

    Args:
        judgements: query id -> document id -> grade; above 0 = relevant. Queries may lack judgements.
        query_ids: ids in the order of the query vectors.
        document_ids: ids in the order of the document vectors.

    Raises: MatryoError, naming some, if ids occur twice, or judgements name queries or documents that are not given.

    >>> judge({"q": {"b": 2, "a": 0}}, ["q"], ["a", "b"]).grades
    array([0, 2])
    """
    query_rows = _row_numbers(query_ids, "query")
    document_rows = _row_numbers(document_ids, "document")
    _refuse_unknown(judgements, query_rows, "query", "queries")
    named = {document for grades in judgements.values() for document in grades}
    _refuse_unknown(named, document_rows, "document", "documents")
    pairs = [
        (query_rows[query], document_rows[document], int(grade))
        for query, grades in judgements.items()
        for document, grade in grades.items()
    ]
    table = np.array(sorted(pairs), dtype=np.int64).reshape(len(pairs), 3)
    counts = np.bincount(table[:, 0], minlength=len(query_rows))
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    return Judged(tuple(query_ids), len(document_rows), offsets, table[:, 1].copy(), table[:, 2].copy())


def _row_numbers(ids: Sequence[str], kind: str) -> dict[str, int]:
    numbers = {name: row for row, name in enumerate(ids)}
    if len(numbers) < len(ids):
        twice = sorted(name for name, count in Counter(ids).items() if count > 1)
        raise MatryoError(
            f"{kind} ids must differ, got {len(twice)} more than once, e.g. {twice[:3]}; drop repetitions"
        )
    return numbers


def _refuse_unknown(named: Iterable[str], known: Mapping[str, int], kind: str, plural: str) -> None:
    unknown = [name for name in named if name not in known]
    if unknown:
        raise MatryoError(
            f"judgements name {len(unknown)} {plural} that are not among the {len(known)} given, "
            f"e.g. {sorted(unknown)[:3]}; drop those judgements or add the {kind}"
        )
