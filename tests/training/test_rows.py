import builtins

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matryo.data import Retrieval, Text, Texts, toy
from matryo.errors import MatryoError, MissingExtra, ShapeError
from matryo.training.rows import TrainingRows, training_rows


def task_of(documents, queries, judgements, notes=()):
    return Retrieval(
        "made",
        Texts.of(list(documents), list(documents.values()), name="documents"),
        Texts.of(list(queries), list(queries.values()), name="queries"),
        judgements,
        notes=tuple(notes),
    )


@pytest.fixture
def task():
    """Worked by hand: q1 and q2 share a document, d5 equals d4 but for case, q4 asks as q3 does, d8 answers nothing."""
    documents = {f"d{i}": f"text {i}" for i in range(1, 10)} | {"d5": "TEXT  4"}
    queries = {"q1": "one", "q2": "two", "q3": "three", "q4": "Three", "q5": "five"}
    judgements = {
        "q1": {"d1": 1, "d2": 2},
        "q2": {"d2": 1, "d9": 0},
        "q3": {"d3": 1},
        "q4": {"d4": 1},
        "q5": {"d6": 1},
    }
    return task_of(documents, queries, judgements, notes=["one line skipped"])


def test_one_row_per_query_and_relevant_document(task):
    rows = training_rows(task)
    assert list(zip(rows.queries, rows.documents, rows.groups[:, 0].tolist(), strict=True)) == [
        ("one", "text 1", 0),
        ("one", "text 2", 0),
        ("two", "text 2", 0),
        ("three", "text 3", 1),
        ("Three", "text 4", 1),
        ("five", "text 6", 2),
    ]
    assert (rows.negatives, rows.groups.shape, rows.groups.dtype) == ((), (6, 1), np.int64)
    assert (len(rows), rows.notes) == (6, ("one line skipped",))


def test_given_negatives_are_taken_best_first_and_numbered_by_first_appearance(task):
    rows = training_rows(
        task,
        {"q1": ["d8", "d9"], "q2": ["d9", "d3"], "q3": ["d8", "d7"], "q4": ["d8", "d7"], "q5": ["d3", "d5", "d8"]},
        n_negatives=2,
    )
    assert rows.negatives[0] == ["text 8", "text 8", "text 9", "text 8", "text 8", "text 3"]
    assert rows.negatives[1] == ["text 9", "text 9", "text 3", "text 7", "text 7", "TEXT  4"]
    # d5 equals d4, which answers q4, which asks as q3 does: so it is of d3's group
    assert rows.groups.tolist() == [[0, 1, 2], [0, 1, 2], [0, 2, 3], [3, 1, 4], [3, 1, 4], [5, 3, 3]]
    assert rows.notes == ("one line skipped",)


def test_negatives_that_belong_to_the_query_are_replaced_and_counted(task):
    # d5 equals q4's own document, d3 answers the equal query, d8 stands twice
    rows = training_rows(task, {"q4": ["d5", "d3", "d8", "d8", "d7"]}, n_negatives=2)
    assert [column[4] for column in rows.negatives] == ["text 8", "text 7"]
    assert "2 given negatives belong to their query or repeat a text and are left out" in rows.notes
    assert (
        "5 of 6 rows have fewer than 2 mined negatives and are filled with 10 documents drawn at random" in rows.notes
    )
    for own, *others in rows.groups.tolist():
        assert own not in others
        assert len(set(others)) == 2


def test_a_document_that_equals_a_query_belongs_to_it():
    task = task_of({"d1": "b", "d2": " A", "d3": "c"}, {"q1": "a", "q2": "z"}, {"q1": {"d1": 1}, "q2": {"d2": 1}})
    assert training_rows(task).groups.tolist() == [[0], [0]]


def test_random_negatives_depend_on_the_seed_alone():
    task = toy().train
    first, same, other = (training_rows(task, n_negatives=3, seed=seed) for seed in (1, 1, 2))
    assert first.digest() == same.digest() != other.digest()
    texts = {text.text for text in task.documents}
    drawn = [text for column in first.negatives for text in column]
    assert set(drawn) <= texts
    # 200 documents are used in turn for 192 places: hardly any twice
    assert len(set(drawn)) > 180


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_groups_join_what_shares_a_text_and_nothing_else(data):
    n_documents, n_queries = 12, 6
    words = st.sampled_from(["a", "b", "c", "d", "e", "f", "g", "h"])
    documents = {f"d{i}": data.draw(words) for i in range(n_documents)}
    queries = {f"q{i}": "? " + data.draw(words) for i in range(n_queries)}
    ids = st.sampled_from(sorted(documents))
    judgements = {q: dict.fromkeys(data.draw(st.lists(ids, min_size=1, max_size=2)), 1) for q in queries}
    rows = training_rows(task_of(documents, queries, judgements))
    reached = {text: {text} for text in (*rows.queries, *rows.documents)}
    for _ in reached:
        for query, document in zip(rows.queries, rows.documents, strict=True):
            reached[query] |= reached[document]
            reached[document] |= reached[query]
    for query, row in zip(rows.queries, rows.groups, strict=True):
        for document, other in zip(rows.documents, rows.groups, strict=True):
            assert (row[0] == other[0]) == (document in reached[query])


def test_documents_are_read_once_and_not_kept():
    reads = []

    def read():
        reads.append(1)
        return (Text(f"d{i}", f"text {i}") for i in range(5_000))

    task = Retrieval("made", Texts(read, "documents", n=5_000), Texts.of(["q"], ["ask"]), {"q": {"d3": 1}})
    rows = training_rows(task, {"q": ["d4"]}, n_negatives=1)
    assert (len(reads), rows.documents, rows.negatives) == (1, ["text 3"], (["text 4"],))


def test_dataset_has_the_columns_of_the_trainer(task):
    pytest.importorskip("datasets")
    rows = training_rows(task, {"q1": ["d8", "d9"]}, n_negatives=2)
    made = rows.dataset()
    assert made.column_names == ["anchor", "positive", "negative_1", "negative_2", "label"]
    assert made["anchor"][:] == rows.queries
    assert made["negative_2"][:] == rows.negatives[1]
    assert made["label"][:] == [[number, *groups] for number, groups in enumerate(rows.groups.tolist())]
    assert made.features["label"].feature.dtype == "int64"
    assert made.select([2, 0])["positive"][:] == ["text 2", "text 1"]
    assert made.map(lambda row: {"length": len(row["anchor"])})["length"][:] == [len(text) for text in rows.queries]
    # the library keys what it caches by the fingerprint
    assert made._fingerprint == rows.dataset()._fingerprint != training_rows(task).dataset()._fingerprint


def test_dataset_without_the_library(task, monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "datasets":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtra, match=r"matryo\[train\]"):
        training_rows(task).dataset()


def test_digest_sees_texts_groups_and_where_a_text_ends():
    def made(queries, documents, groups):
        return TrainingRows(queries, documents, (), np.array(groups, dtype=np.int64)).digest()

    kept = made(["a", "b"], ["c", "d"], [[0], [1]])
    assert kept == made(["a", "b"], ["c", "d"], [[0], [1]])
    others = [made(["ab", ""], ["c", "d"], [[0], [1]]), made(["a", "b"], ["c", "d"], [[0], [0]])]
    others.append(TrainingRows(["a"], ["b"], (["c"],), np.array([[0, 1]])).digest())
    others.append(TrainingRows(["a", "b"], ["c", "d"], (), np.array([[0], [1]]), notes=("n",)).digest())
    assert len({kept, *others}) == 4
    assert others[-1] == kept


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"n_negatives": -1}, "at least 0, got -1"),
        ({"negatives": {"q9": ["d1"]}, "n_negatives": 1}, "1 of 1 queries with negatives are none of the task's: 'q9'"),
        ({"negatives": {"q1": ["d99"]}, "n_negatives": 1}, "not among the task's: 'd99'"),
        ({"n_negatives": 8}, "has only . other texts"),
    ],
)
def test_bad_input(task, arguments, words):
    with pytest.raises(MatryoError, match=words):
        training_rows(task, **arguments)


def test_judged_documents_that_are_not_there():
    with pytest.raises(MatryoError, match=r"1 documents that are judged.*'d7'"):
        training_rows(task_of({"d1": "a"}, {"q": "b"}, {"q": {"d7": 1}}))


@pytest.mark.parametrize("judgements", [{}, {"q": {"d1": 0}}])
def test_a_query_without_a_relevant_document(judgements):
    with pytest.raises(MatryoError, match="query 'q' has no relevant document"):
        training_rows(task_of({"d1": "a"}, {"q": "b"}, judgements))


def test_columns_that_do_not_fit():
    with pytest.raises(ShapeError, match=r"lengths \[2, 1\]"):
        TrainingRows(["a", "b"], ["c"], (), np.zeros((2, 1), dtype=np.int64))
    with pytest.raises(ShapeError, match=r"shape \(1, 1\)"):
        TrainingRows(["a"], ["c"], (["d"],), np.zeros((1, 1), dtype=np.int64))
