"""Rows that a training learns from: a query, a relevant document, hard negatives, and which of them belong together."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from matryo.data.retrieval import Retrieval
from matryo.data.texts import few
from matryo.errors import MatryoError, MissingExtra, ShapeError
from matryo.training.components import Components, text_key

if TYPE_CHECKING:
    from datasets import Dataset  # type: ignore[import-untyped]  # it carries no types

_SPARE_FILLERS = 1024  # documents drawn beyond those that are surely needed, in case some belong to their query


@dataclass(frozen=True)
class TrainingRows:
    """One row per pair of a query and a document that answers it.

    Attributes:
        queries: n texts.
        documents: n texts, the relevant ones.
        negatives: one list of n texts per hard negative; () = none.
        groups: (n, 1 + len(negatives)) int64, component of each row's relevant document, which is also that of its
            query, then of each negative; texts of one component are never negatives of each other.
        notes: what a reader must know, one sentence each.
    """

    queries: list[str]
    documents: list[str]
    negatives: tuple[list[str], ...]
    groups: NDArray[np.int64]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse columns that do not fit each other."""
        lengths = [len(column) for column in (self.queries, self.documents, *self.negatives)]
        expected = (len(self.queries), 1 + len(self.negatives))
        if set(lengths) != {len(self.queries)} or self.groups.shape != expected or self.groups.dtype != np.int64:
            raise ShapeError(
                f"rows need columns of one length and int64 groups of shape (n, 1 + negatives), got lengths {lengths} "
                f"and {self.groups.dtype} groups of shape {self.groups.shape}; give one entry per row"
            )

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.queries)

    def dataset(self) -> "Dataset":
        """The rows as the sentence-transformers trainer takes them, in memory.

        Returns: columns anchor, positive, negative_1 .. and label, a list of int64: the row's number, then its groups.
        Raises: MissingExtra if the library datasets is not installed.
        """
        try:
            from datasets import Dataset, DatasetInfo, Features, Sequence, Value
        except ImportError:
            raise MissingExtra("datasets", "train", "training") from None
        import pyarrow as pa

        texts = {"anchor": self.queries, "positive": self.documents}
        texts |= {f"negative_{number}": column for number, column in enumerate(self.negatives, start=1)}
        label = np.column_stack((np.arange(len(self)), self.groups))
        features = Features({name: Value("large_string") for name in texts})
        features["label"] = Sequence(Value("int64"), length=label.shape[1])
        columns = {name: pa.array(column, pa.large_string()) for name, column in texts.items()}
        columns["label"] = pa.FixedSizeListArray.from_arrays(pa.array(label.ravel()), label.shape[1])
        # a table and a fingerprint of our own: the library's ways to make either hold several copies of all texts
        return Dataset(pa.table(columns), info=DatasetInfo(features=features), fingerprint=self.digest()[:16])

    def digest(self) -> str:
        """SHA-256 over every text, each preceded by its length in bytes, and all groups; notes do not count."""
        running = hashlib.sha256(repr(self.groups.shape).encode())
        for text in chain(self.queries, self.documents, *self.negatives):
            encoded = text.encode()
            running.update(len(encoded).to_bytes(8, "little"))
            running.update(encoded)
        running.update(self.groups.astype("<i8").tobytes())
        return running.hexdigest()


def training_rows(
    task: Retrieval, negatives: Mapping[str, Sequence[str]] | None = None, n_negatives: int = 0, seed: int = 0
) -> TrainingRows:
    """Make the rows of a task: one per query and relevant document, in the order of queries and judgements.

    Groups are the connected components of the graph of queries and their relevant documents, in which texts that are
    equal but for white space and upper case are one; so two documents that answer one query are never negatives of
    each other. They are numbered from 0 by first appearance, row by row.

    The documents are read once; only the texts that are needed, and at most 1,024 more, are held.

    Args:
        task: queries, documents and judgements; a grade above 0 = relevant.
        negatives: query id -> ids of hard negatives, best first; the first `n_negatives` usable ones are taken. Those
            that belong to the query's component or repeat a text are left out, and counted in the notes.
        n_negatives: per row. A row that has fewer gets other documents, drawn at random but never from its query's
            component; they are counted in the notes.
        seed: of the random documents.

    Raises: MatryoError if ids do not belong to the task, a query has no relevant document, or the corpus is too small
        for the negatives.

    >>> from matryo.data import Pair, Pairs
    >>> pairs = Pairs("p", (Pair("1", "up", "north", ""), Pair("2", "up", "top", ""), Pair("3", "down", "south", "")))
    >>> rows = training_rows(pairs.to_retrieval())
    >>> list(zip(rows.queries, rows.documents, rows.groups[:, 0].tolist()))
    [('up', 'north', 0), ('up', 'top', 0), ('down', 'south', 1)]
    """
    given = dict(negatives or {})
    if n_negatives < 0:
        raise MatryoError(f"n_negatives must be at least 0, got {n_negatives}; 0 trains without hard negatives")
    queries = {query.id: query.text for query in task.queries}
    if unknown := [query for query in given if query not in queries]:
        raise MatryoError(
            f"{task.name}: {len(unknown):,} of {len(given):,} queries with negatives are none of the task's: "
            f"{few(unknown)}; mine negatives for this task"
        )
    relevant = {query: relevant_ids(task, query) for query in queries}
    wanted = {query: list(dict.fromkeys(given.get(query, ()))) if n_negatives else [] for query in queries}
    n_missing = sum(max(0, n_negatives - len(wanted[query])) * len(relevant[query]) for query in queries)
    fillers = _draw(len(task.documents), n_missing + _SPARE_FILLERS, seed) if n_negatives else []
    documents, drawn = _read(task, chain(*relevant.values(), *wanted.values()), fillers)

    graph = Components()
    key_of = {id: text_key(text) for id, text in documents.items()}
    query_keys = {query: text_key(text) for query, text in queries.items()}
    for query, answers in relevant.items():
        for answer in answers:
            graph.join(query_keys[query], key_of[answer])
    for key in key_of.values():
        graph.add(key)

    chooser = _Chooser(graph, key_of, drawn, n_negatives)
    numbers: dict[int | None, int] = {}
    rows, groups = [], []
    for query, answers in relevant.items():
        usable = chooser.usable(wanted[query], query_keys[query])
        for answer in answers:
            chosen = [answer, *chooser.filled(usable, query_keys[query], query)]
            rows.append((queries[query], [documents[id] for id in chosen]))
            groups.append([numbers.setdefault(graph.of(key_of[id]), len(numbers)) for id in chosen])
    columns = [[texts[place] for _, texts in rows] for place in range(1 + n_negatives)]
    return TrainingRows(
        queries=[query for query, _ in rows],
        documents=columns[0],
        negatives=tuple(columns[1:]),
        groups=np.array(groups, dtype=np.int64).reshape(len(rows), 1 + n_negatives),
        notes=(*task.notes, *chooser.notes(len(rows))),
    )


def relevant_ids(task: Retrieval, query: str) -> list[str]:
    """Ids of the documents whose grade for a query is above 0, in the order of the judgements.

    Raises: MatryoError if there is none, which no reader of tasks lets through.
    """
    found = [document for document, grade in task.judgements.get(query, {}).items() if grade > 0]
    if not found:
        raise MatryoError(
            f"{task.name}: query {query!r} has no relevant document, every query needs one; leave it out of the task"
        )
    return found


@final
class _Chooser:
    """Chooses the negatives of each row and counts what it had to leave out or fill in."""

    def __init__(self, graph: Components, key_of: dict[str, int], fillers: list[str], n: int) -> None:
        self._graph, self._key_of, self._fillers, self._n = graph, key_of, fillers, n
        self._next = 0
        self._left_out = self._short_rows = self._filled = 0

    def usable(self, ids: list[str], query_key: int) -> list[str]:
        """The first n ids that neither belong to the query nor repeat a text."""
        seen: set[int] = set()
        chosen: list[str] = []
        for id in ids:
            if len(chosen) == self._n:
                break
            if self._fits(id, query_key, seen):
                seen.add(self._key_of[id])
                chosen.append(id)
            else:
                self._left_out += 1
        return chosen

    def filled(self, usable: list[str], query_key: int, query: str) -> list[str]:
        """The same ids, and random documents up to n."""
        chosen = list(usable)
        seen = {self._key_of[id] for id in chosen}
        tried = 0
        while len(chosen) < self._n:
            if tried == len(self._fillers):
                raise MatryoError(
                    f"query {query!r} needs {self._n} negatives, the corpus has only {len(chosen)} other texts that "
                    "do not belong to it; lower negatives"
                )
            id = self._fillers[self._next]
            self._next = (self._next + 1) % len(self._fillers)
            tried += 1
            if self._fits(id, query_key, seen):
                seen.add(self._key_of[id])
                chosen.append(id)
        self._short_rows += len(usable) < self._n
        self._filled += self._n - len(usable)
        return chosen

    def notes(self, n_rows: int) -> tuple[str, ...]:
        """What was done, one sentence each."""
        found = []
        if self._left_out:
            found.append(f"{self._left_out:,} given negatives belong to their query or repeat a text and are left out")
        if self._filled:
            found.append(
                f"{self._short_rows:,} of {n_rows:,} rows have fewer than {self._n} mined negatives and are filled "
                f"with {self._filled:,} documents drawn at random"
            )
        return tuple(found)

    def _fits(self, id: str, query_key: int, seen: set[int]) -> bool:
        key = self._key_of[id]
        return key not in seen and self._graph.of(key) != self._graph.of(query_key)


def _draw(n_documents: int, n: int, seed: int) -> list[int]:
    """Numbers of n different documents, or of all of them, in random order."""
    drawn = np.random.default_rng(seed).choice(n_documents, min(n, n_documents), replace=False)
    numbers: list[int] = drawn.tolist()
    return numbers


def _read(task: Retrieval, needed: Iterable[str], numbers: list[int]) -> tuple[dict[str, str], list[str]]:
    """Texts of the needed ids and of the documents with these numbers, and the ids of the latter in their order."""
    missing = dict.fromkeys(needed)
    chosen = dict.fromkeys(numbers, "")
    texts: dict[str, str] = {}
    for number, document in enumerate(task.documents):
        if number in chosen:
            chosen[number] = document.id
        if number in chosen or document.id in missing:
            texts[document.id] = document.text
    if lost := [id for id in missing if id not in texts]:
        raise MatryoError(
            f"{task.name}: {len(lost):,} documents that are judged or given as negatives are not among the "
            f"task's: {few(lost)}; check that judgements, negatives and documents belong together"
        )
    return texts, list(chosen.values())
