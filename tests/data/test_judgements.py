"""Judgements that know both sides."""

from pathlib import Path

import pytest

from matryo.data.ids import Ids
from matryo.data.judgements import joined
from matryo.data.problems import Problems
from matryo.data.texts import Text, Texts
from matryo.errors import FormatError


def documents(*names: str) -> tuple[Texts, Ids]:
    ids = Ids()
    for line, name in enumerate(names, start=1):
        ids.add(name, Path("docs"), line)
    return Texts.of(names, names), ids


def test_unknown_documents_are_counted_once_each_and_the_first_few_named() -> None:
    judgements = {"q": {f"n{i}": 1 for i in range(5)}, "r": {"n0": 1, "d": 1}}
    with pytest.raises(FormatError, match=r"rel judges 5 documents .*: 'n0', 'n1', 'n2' and 2 more; add the documents"):
        joined("t", documents("d"), [Text("q", "?"), Text("r", "?")], judgements, Path("rel"), Problems())
    problems = Problems(skip_bad=True)
    task = joined("t", documents("d"), [Text("q", "?"), Text("r", "?")], judgements, Path("rel"), problems)
    assert task.judgements == {"r": {"d": 1}}
    assert len(task.notes) == 2
    assert "5 documents" in task.notes[0]
    assert task.notes[1] == "1 of 2 queries have no relevant document and are left out"
    assert judgements["r"] == {"n0": 1, "d": 1}
