import numpy as np
import pytest

from matryo.errors import MatryoError
from matryo.measures.judged import judge


def test_judgements_lie_by_query_and_rising_row():
    judged = judge({"q3": {"c": 1, "a": 2}, "q1": {"b": -1}}, ["q1", "q2", "q3"], ["a", "b", "c"])
    assert judged.offsets.tolist() == [0, 1, 1, 3]
    assert judged.rows.tolist() == [1, 0, 2]
    assert judged.grades.tolist() == [-1, 2, 1]
    assert judged.owners.tolist() == [0, 2, 2]
    assert judged.n_documents == 3
    assert judged.n_relevant.tolist() == [0, 0, 2]


def test_queries_that_do_not_count_are_told_apart():
    judged = judge({"a": {"d": 0}, "b": {"d": 1}, "c": {}}, ["a", "b", "c", "e"], ["d"])
    assert judged.has_judged.tolist() == [True, True, False, False]
    assert judged.has_relevant.tolist() == [False, True, False, False]
    assert judged.counted_ids == ("b",)
    unjudged, irrelevant = judged.notes
    assert unjudged.startswith("2 of 4 queries have no judged")
    assert irrelevant.startswith("1 of 4 queries have judged but no relevant")


def test_nothing_to_note_when_every_query_counts():
    assert judge({"a": {"d": 1}}, ["a"], ["d"]).notes == ()


def test_no_judgements_at_all():
    judged = judge({}, ["a"], ["d"])
    assert judged.offsets.tolist() == [0, 0]
    assert judged.rows.dtype == np.int64
    assert not judged.has_relevant.any()


@pytest.mark.parametrize(
    ("judgements", "queries", "documents", "words"),
    [
        ({"q": {"lost": 1}}, ["q"], ["d"], r"1 documents.*\['lost'\]"),
        ({"lost": {"d": 1}}, ["q"], ["d"], r"1 queries.*\['lost'\]"),
        ({"q": {"d": 1}}, ["q", "q"], ["d"], r"query ids must differ.*\['q'\]"),
        ({"q": {"d": 1}}, ["q"], ["d", "e", "d"], r"document ids must differ.*\['d'\]"),
    ],
)
def test_unknown_or_repeated_ids_are_named(judgements, queries, documents, words):
    with pytest.raises(MatryoError, match=words):
        judge(judgements, queries, documents)
