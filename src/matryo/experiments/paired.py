"""Pairs that are encoded once and split by group: what every comparison of maps works on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matryo.data.pairs import Pairs
from matryo.data.retrieval import Retrieval
from matryo.data.split import split_groups
from matryo.data.texts import Texts
from matryo.encoders import Encoder, encode_to_set
from matryo.evaluation.queries import Queries
from matryo.maps import PairVectors
from matryo.measures.judged import Judged, judge
from matryo.prefix import Array
from matryo.space import Space

SHARES = {"train": 0.6, "validation": 0.15, "test": 0.25}


@dataclass(frozen=True)
class EncodedPairs:
    """Vectors of all pairs, the split, and the retrieval task of its test part.

    Attributes:
        name: of the data set.
        space: where all vectors lie.
        pairs: the texts; None where only vectors are known.
        task: test queries against the documents of all parts; None where only vectors are known.
        queries: (n, d) float32, row i of pair i.
        documents: (m, d) float32, one row per different document.
        document_of: (n,) int64, the row of `documents` that answers query i.
        parts: part name -> positions of its pairs.
        groups: group of each pair.
    """

    name: str
    space: Space
    queries: Array
    documents: Array
    document_of: NDArray[np.int64]
    parts: dict[str, NDArray[np.int64]]
    groups: tuple[str, ...]
    pairs: Pairs | None = None
    task: Retrieval | None = None

    def vectors(self, part: str) -> PairVectors:
        """Aligned vectors of one part; pairs with the same document are no negatives of each other."""
        chosen = self.parts[part]
        rows = self.document_of[chosen]
        return PairVectors(self.queries[chosen], self.documents[rows], rows)

    @property
    def asked(self) -> NDArray[np.int64]:
        """Positions of the pairs whose queries are the test queries."""
        if self.pairs is None or self.task is None:
            return self.parts["test"]
        place = {pair.id: i for i, pair in enumerate(self.pairs.pairs)}
        return np.array([place[query] for query in self.task.queries.ids()], dtype=np.int64)

    @property
    def judged(self) -> Judged:
        """Which documents answer the test queries, in rows."""
        if self.task is not None:
            return judge(self.task.judgements, self.task.queries.ids(), self.task.documents.ids())
        return self.judge_rows(self.asked)

    def judge_rows(self, positions: NDArray[np.int64]) -> Judged:
        """Judgements of the queries of some pairs: each is answered by its own pair's document."""
        answers = {str(i): {str(self.document_of[i]): 1} for i in positions}
        return judge(answers, list(answers), [str(row) for row in range(len(self.documents))])

    @property
    def test_queries(self) -> Queries:
        """Ids and groups of the test queries."""
        ids = self.task.queries.ids() if self.task is not None else [str(i) for i in self.asked]
        return Queries(tuple(ids), tuple(self.groups[i] for i in self.asked))


def encode_pairs(
    pairs: Pairs, encoder: Encoder, folder: Path, *, seed: int, progress: bool = False
) -> tuple[EncodedPairs, tuple[str, ...]]:
    """Split pairs by group, 60 / 15 / 25 %, and encode every different text once.

    Args:
        pairs: at least three groups.
        encoder: turns the texts into vectors.
        folder: where the two embedding sets are kept; a second call reads them instead of encoding.
        seed: of the split.
        progress: show rate and time left.

    Returns: the encoded pairs, and what a reader must know about them, one sentence each.
    Raises: MatryoError if there are fewer than three groups or the folder holds sets of something else.
    """
    parts = split_groups(pairs.groups, SHARES, seed)
    task = pairs.to_retrieval(parts["test"].tolist())
    documents = encode_to_set(encoder, task.documents, folder / "documents", role="document", progress=progress)
    query_texts = Texts.of([p.id for p in pairs.pairs], [p.query for p in pairs.pairs], name=f"{pairs.name} queries")
    queries = encode_to_set(encoder, query_texts, folder / "queries", role="query", progress=progress)
    row_of = {text.text: row for row, text in enumerate(task.documents)}
    encoded = EncodedPairs(
        name=pairs.name,
        space=encoder.space,
        queries=queries.to_numpy(),
        documents=documents.to_numpy(),
        document_of=np.array([row_of[p.document] for p in pairs.pairs], dtype=np.int64),
        parts=parts,
        groups=tuple(pairs.groups),
        pairs=pairs,
        task=task,
    )
    sizes = ", ".join(f"{len(chosen):,} {part}" for part, chosen in parts.items())
    notes = (*task.notes, f"split by group into {sizes} pairs; test queries search the documents of all parts")
    return encoded, notes
