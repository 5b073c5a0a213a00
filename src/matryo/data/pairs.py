"""Pairs of a query and the document that answers it: what adapting and training learn from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from matryo.data.retrieval import Retrieval, answerable
from matryo.data.texts import Text, Texts, check_unique
from matryo.errors import MatryoError


@dataclass(frozen=True, slots=True)
class Pair:
    """A query, the document that answers it, and the group that no split may tear apart."""

    id: str
    query: str
    document: str
    group: str


@dataclass(frozen=True)
class Pairs:
    """Pairs in a fixed order.

    Attributes:
        name: what they are called in reports.
        pairs: at least one; no two ids are equal.
        notes: what was left out on reading, one sentence each.
    """

    name: str
    pairs: tuple[Pair, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an empty set and equal ids."""
        if not self.pairs:
            raise MatryoError(f"{self.name}: got no pairs, expected at least one; check the source")
        check_unique([p.id for p in self.pairs], self.name)

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.pairs)

    @property
    def groups(self) -> list[str]:
        """Group of each pair, in order."""
        return [p.group for p in self.pairs]

    def take(self, indices: Sequence[int], name: str | None = None) -> "Pairs":
        """The pairs at these positions.

        Raises: IndexError if one is beyond the end; MatryoError if there are none.
        """
        return replace(self, name=name or self.name, pairs=tuple(self.pairs[int(i)] for i in indices))

    def to_retrieval(self, indices: Sequence[int] | None = None, name: str | None = None) -> Retrieval:
        """Queries of one part against the documents of ALL pairs: a larger and harder corpus than the part's own.

        Equal documents become one document, equal queries one query with several relevant documents; both carry the
        id of the first pair they stand in, and a note counts them.

        Args:
            indices: positions of the pairs whose queries are asked; None = all.
            name: of the task; None = the name of the pairs.

        Returns: a task whose groups are those of the pairs.

        >>> pairs = Pairs("p", (Pair("1", "up", "north", "a"), Pair("2", "down", "south", "b")))
        >>> task = pairs.to_retrieval([1])
        >>> task.judgements, len(task.documents)
        ({'2': {'2': 1}}, 2)
        """
        asked = range(len(self)) if indices is None else [int(i) for i in indices]
        documents: dict[str, str] = {}
        for pair in self.pairs:
            documents.setdefault(pair.document, pair.id)
        queries: dict[str, Pair] = {}
        for i in asked:
            queries.setdefault(self.pairs[i].query, self.pairs[i])
        judgements: dict[str, dict[str, int]] = {first.id: {} for first in queries.values()}
        for pair in self.pairs:
            if first := queries.get(pair.query):
                judgements[first.id][documents[pair.document]] = 1
        notes = list(self.notes)
        if merged := len(self) - len(documents):
            notes.append(f"{merged:,} documents equal an earlier one and are one document with it")
        if merged := len(asked) - len(queries):
            notes.append(f"{merged:,} queries equal an earlier one and are one query with it")
        return answerable(
            name or self.name,
            Texts.of(list(documents.values()), list(documents), name=f"{name or self.name} documents"),
            [Text(q.id, q.query, q.group) for q in queries.values()],
            judgements,
            notes,
        )
