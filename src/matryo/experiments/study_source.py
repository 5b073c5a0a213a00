"""What is read before a study is sampled and split."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from matryo.data.texts import Texts


@dataclass(frozen=True, eq=False)
class StudySource:
    """Texts as they were read.

    Attributes:
        name: of the data set.
        documents: every document.
        queries: every query that has a relevant document; None = there are none.
        judgements: query id -> document id -> grade; None without queries.
        groups: query id -> group.
        labels: document id -> label.
        notes: what was left out, one sentence each.
    """

    name: str
    documents: Texts
    queries: Texts | None = None
    judgements: Mapping[str, Mapping[str, int]] | None = None
    groups: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
