"""A retrieval task: documents, queries, and which document answers which query."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from matryo.data.texts import Text, Texts
from matryo.errors import MatryoError


@dataclass(frozen=True)
class Retrieval:
    """One retrieval task; every query has at least one relevant document.

    Attributes:
        name: what the task is called in reports.
        documents: what is searched.
        queries: what is asked.
        judgements: query id -> document id -> grade, above 0 = relevant.
        groups: query id -> group that the bootstrap draws as a whole; {} = every query is its own group.
        notes: what was left out on reading, one sentence each.
    """

    name: str
    documents: Texts
    queries: Texts
    judgements: dict[str, dict[str, int]]
    groups: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def n_judgements(self) -> int:
        """Number of judged pairs."""
        return sum(map(len, self.judgements.values()))

    @property
    def n_relevant(self) -> int:
        """Number of judged pairs whose grade is above 0."""
        return sum(grade > 0 for grades in self.judgements.values() for grade in grades.values())


def answerable(
    name: str,
    documents: Texts,
    queries: Sequence[Text],
    judgements: Mapping[str, Mapping[str, int]],
    notes: Sequence[str] = (),
) -> Retrieval:
    """A task of those queries that have a relevant document; the others are counted in the notes.

    Args:
        name: of the task.
        documents: every id in `judgements` is one of theirs; the caller has checked it.
        queries: all queries, with their groups.
        judgements: query id -> document id -> grade.
        notes: what was left out so far.

    Raises: MatryoError if no query is left.
    """
    kept = [q for q in queries if any(grade > 0 for grade in judgements.get(q.id, {}).values())]
    if not kept:
        raise MatryoError(
            f"{name}: none of {len(queries)} queries has a relevant document among {len(documents)} documents, "
            "expected at least one judgement with a grade above 0; check that ids and split agree"
        )
    left_out = len(queries) - len(kept)
    if left_out:
        notes = [*notes, f"{left_out:,} of {len(queries):,} queries have no relevant document and are left out"]
    return Retrieval(
        name=name,
        documents=documents,
        queries=Texts.of([q.id for q in kept], [q.text for q in kept], [q.group for q in kept], name=f"{name} queries"),
        judgements={q.id: dict(judgements[q.id]) for q in kept},
        groups={q.id: q.group for q in kept if q.group},
        notes=tuple(notes),
    )
