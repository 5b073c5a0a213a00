"""Pairs, and the retrieval task made of them."""

import pytest

from matryo.data.pairs import Pair, Pairs
from matryo.errors import MatryoError

PAIRS = Pairs(
    "p",
    (
        Pair("1", "up", "north", "a"),
        Pair("2", "down", "south", "b"),
        Pair("3", "up", "sky", "c"),
        Pair("4", "above", "sky", "c"),
    ),
    ("read with care",),
)


def test_one_part_is_asked_against_the_documents_of_all() -> None:
    task = PAIRS.to_retrieval([1])
    assert [(d.id, d.text) for d in task.documents] == [("1", "north"), ("2", "south"), ("3", "sky")]
    assert [(q.id, q.text) for q in task.queries] == [("2", "down")]
    assert task.judgements == {"2": {"2": 1}}
    assert task.groups == {"2": "b"}


def test_equal_texts_are_one_text() -> None:
    task = PAIRS.to_retrieval(name="all")
    assert task.name == "all"
    assert [(q.id, q.text) for q in task.queries] == [("1", "up"), ("2", "down"), ("4", "above")]
    # "up" is answered by the document of pair 3 also when pair 3 belongs to another part
    assert task.judgements == {"1": {"1": 1, "3": 1}, "2": {"2": 1}, "4": {"3": 1}}
    assert PAIRS.to_retrieval([0]).judgements == {"1": {"1": 1, "3": 1}}
    assert task.notes == (
        "read with care",
        "1 documents equal an earlier one and are one document with it",
        "1 queries equal an earlier one and are one query with it",
    )


def test_take() -> None:
    assert [p.id for p in PAIRS.take([2, 0]).pairs] == ["3", "1"]
    with pytest.raises(MatryoError, match="no pairs"):
        PAIRS.take([])


def test_equal_ids_are_refused() -> None:
    with pytest.raises(MatryoError, match="1 ids occur more than once: '1'"):
        Pairs("p", (Pair("1", "a", "b", ""), Pair("1", "c", "d", "")))
