"""Tasks of queries that can be answered."""

import pytest

from matryo.data.retrieval import answerable
from matryo.data.texts import Text, Texts
from matryo.errors import MatryoError

DOCUMENTS = Texts.of(["d1", "d2"], ["one", "two"])


def test_queries_without_a_relevant_document_are_counted() -> None:
    queries = [Text("q1", "a", "g"), Text("q2", "b"), Text("q3", "c")]
    task = answerable("t", DOCUMENTS, queries, {"q1": {"d1": 2, "d2": 0}, "q2": {"d1": 0, "d2": -1}}, ["before"])
    assert task.queries.ids() == ["q1"]
    assert task.judgements == {"q1": {"d1": 2, "d2": 0}}
    assert task.groups == {"q1": "g"}
    assert task.notes == ("before", "2 of 3 queries have no relevant document and are left out")
    assert (task.n_judgements, task.n_relevant) == (2, 1)


def test_no_query_left() -> None:
    with pytest.raises(MatryoError, match="none of 1 queries has a relevant document among 2 documents"):
        answerable("t", DOCUMENTS, [Text("q", "a")], {"q": {"d1": 0}})
