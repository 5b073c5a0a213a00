"""Which texts every model of a run encodes, and where the training and validation pairs lie among them.

Texts of the training part are mostly texts of the searched corpus too; they are found there by their text and not
encoded a second time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matryo.data.retrieval import Retrieval
from matryo.data.texts import Texts
from matryo.measures.judged import Judged, judge
from matryo.training.components import Components, text_key


@dataclass(frozen=True)
class PairRows:
    """Pairs of a query and a relevant document, as rows.

    Attributes:
        queries: (n,) int64, rows of the test queries, then of the further queries.
        documents: (n,) int64, rows of the searched documents, then of the further documents.
        groups: (n,) int64, equal where two pairs must not be each other's negatives.
    """

    queries: NDArray[np.int64]
    documents: NDArray[np.int64]
    groups: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.queries)


@dataclass(frozen=True)
class SearchRows:
    """A whole retrieval task, as rows numbered like those of `PairRows`, with its judgements."""

    queries: NDArray[np.int64]
    documents: NDArray[np.int64]
    judged: Judged


@dataclass(frozen=True)
class RunSample:
    """Texts of one run.

    Attributes:
        task: what is measured: its documents and queries are encoded by every model.
        more_documents: documents of training and validation that the task does not hold.
        more_queries: queries of training and validation that the task does not hold.
        train: pairs that rotations and heads are fitted on.
        validation: pairs that heads are stopped on; empty without a validation part.
        search: the validation part as a task of its own, by which a seed is chosen; None without one.
    """

    task: Retrieval
    more_documents: Texts
    more_queries: Texts
    train: PairRows
    validation: PairRows
    search: SearchRows | None


def run_sample(
    task: Retrieval, train: Retrieval, validation: Retrieval | None, *, max_pairs: int, seed: int
) -> RunSample:
    """Draw the pairs that maps are fitted on and find their texts among those of the measured task.

    Args:
        task: what is measured.
        train: training part; none of its judgements is of a measured query.
        validation: validation part, or None.
        max_pairs: pairs of each part at most, drawn without replacement; 0 = none.
        seed: of the draw.

    Returns: RunSample; documents are streamed, and only needed texts are held.
    """
    parts = [train] if validation is None else [train, validation]
    drawn = [_draw(part, max_pairs, seed) for part in parts]
    asked = [_texts(part.queries, {query for query, _ in pairs}) for part, pairs in zip(parts, drawn, strict=True)]
    found = [_texts(part.documents, {doc for _, doc in pairs}) for part, pairs in zip(parts, drawn, strict=True)]
    searched = () if validation is None else tuple(validation.documents)
    asking = () if validation is None else tuple(validation.queries)

    documents = _Places(task.documents, [*_values(found), *(text.text for text in searched)])
    queries = _Places(task.queries, [*_values(asked), *(text.text for text in asking)])
    rows = [
        _pair_rows(pairs, of_query, of_document, queries, documents)
        for pairs, of_query, of_document in zip(drawn, asked, found, strict=True)
    ]
    search = None
    if validation is not None:
        ids = [text.id for text in asking], [text.id for text in searched]
        search = SearchRows(
            queries.rows([text.text for text in asking]),
            documents.rows([text.text for text in searched]),
            judge(validation.judgements, *ids),
        )
    return RunSample(
        task=task,
        more_documents=documents.missing("further documents"),
        more_queries=queries.missing("further queries"),
        train=rows[0],
        validation=rows[1] if validation is not None else _pair_rows([], {}, {}, queries, documents),
        search=search,
    )


def _draw(task: Retrieval, max_pairs: int, seed: int) -> list[tuple[str, str]]:
    """Pairs (query id, id of a relevant document), in their order, some of them if there are too many."""
    pairs = [(q, d) for q, grades in task.judgements.items() for d, grade in grades.items() if grade > 0]
    if len(pairs) <= max_pairs:
        return pairs
    chosen = np.random.default_rng(seed).choice(len(pairs), max_pairs, replace=False)
    return [pairs[i] for i in np.sort(chosen).tolist()]


def _texts(texts: Texts, wanted: set[str]) -> dict[str, str]:
    return {text.id: text.text for text in texts if text.id in wanted} if wanted else {}


def _values(found: Sequence[Mapping[str, str]]) -> Iterable[str]:
    return (text for part in found for text in part.values())


class _Places:
    """Rows of needed texts: of the known ones, read once, and after them of those that are not known."""

    def __init__(self, known: Texts, needed: Iterable[str]) -> None:
        wanted = dict.fromkeys(needed)
        self._row_of: dict[str, int] = {}
        n_known = 0
        for row, text in enumerate(known):
            n_known = row + 1
            if text.text in wanted:
                self._row_of.setdefault(text.text, row)
        self._missing = [text for text in wanted if text not in self._row_of]
        self._row_of |= {text: n_known + place for place, text in enumerate(self._missing)}

    def rows(self, texts: Sequence[str]) -> NDArray[np.int64]:
        return np.array([self._row_of[text] for text in texts], dtype=np.int64)

    def missing(self, name: str) -> Texts:
        return Texts.of([str(place) for place in range(len(self._missing))], self._missing, name=name)


def _pair_rows(
    pairs: Sequence[tuple[str, str]],
    query_text: Mapping[str, str],
    document_text: Mapping[str, str],
    queries: _Places,
    documents: _Places,
) -> PairRows:
    texts = [(query_text[query], document_text[document]) for query, document in pairs]
    together = Components()
    for asked, answer in texts:
        together.join(text_key(asked), text_key(answer))
    groups = [together.of(text_key(asked)) for asked, _ in texts]
    return PairRows(
        queries.rows([asked for asked, _ in texts]),
        documents.rows([answer for _, answer in texts]),
        np.array(groups, dtype=np.int64),
    )
