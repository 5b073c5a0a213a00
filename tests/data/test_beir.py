"""BEIR folders."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matryo.data.beir import read_beir, write_beir
from matryo.data.retrieval import Retrieval
from matryo.data.texts import Texts
from matryo.errors import FormatError, MatryoError

Write = Callable[[dict[str, Any]], Path]

HEADER = "query-id\tcorpus-id\tscore\n"
GOOD: dict[str, Any] = {
    "corpus.jsonl": [
        {"_id": "d1", "title": "One", "text": "first text", "metadata": {}},
        {"_id": "d2", "title": "", "text": "second text"},
        {"_id": 3, "text": "third text"},
    ],
    "queries.jsonl": [
        {"_id": "q1", "text": "first?"},
        {"_id": "q2", "text": "second?"},
        {"_id": "q3", "text": "none?"},
    ],
    "qrels/test.tsv": HEADER + "q1\td1\t1\nq1\t3\t2\nq2\td2\t1\nq2\td1\t0\n",
    "qrels/train.tsv": HEADER + "q3\td1\t1\n",
}


def test_worked_by_hand(write: Write) -> None:
    folder = write(GOOD)
    task = read_beir(str(folder))
    assert task.name == "task"
    assert [(d.id, d.text) for d in task.documents] == [
        ("d1", "One first text"),
        ("d2", "second text"),
        ("3", "third text"),
    ]
    assert [(q.id, q.text) for q in task.queries] == [("q1", "first?"), ("q2", "second?")]
    assert task.judgements == {"q1": {"d1": 1, "3": 2}, "q2": {"d2": 1, "d1": 0}}
    assert task.notes == ("1 of 3 queries have no relevant document and are left out",)
    assert read_beir(folder, "train").queries.ids() == ["q3"]


def test_compressed(write: Write) -> None:
    plain = write(GOOD)
    expected = read_beir(plain)
    digest = expected.documents.digest()
    for path in [p for p in plain.rglob("*") if p.is_file()]:
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    task = read_beir(plain)
    assert task.judgements == expected.judgements
    assert task.documents.digest() == digest


BAD_LINES = [
    ("corpus.jsonl", "{", "line 4: not JSON", "one object per line"),
    ("corpus.jsonl", '{"_id": "d4"}', "line 4: no field 'text'", "one object per line"),
    ("corpus.jsonl", '{"text": "x"}', "line 4: no field '_id'", "one object per line"),
    ("corpus.jsonl", '{"_id": "d1", "text": "again"}', "line 4: the id of line 1 occurs again", "unique ids"),
    ("corpus.jsonl", '{"_id": "d4", "text": "a\\ud800"}', "line 4: .*surrogate", "one object per line"),
    ("queries.jsonl", '{"_id": "q4", "text": " "}', "line 4: the query is blank", "one object per line"),
    ("queries.jsonl", '{"_id": "q1", "text": "x"}', "line 4: the id of line 1 occurs again", "unique ids"),
    ("qrels/test.tsv", "q1 d1 1", "line 6: 1 tab-separated fields in 'q1 d1 1'", "query-id corpus-id score"),
    ("qrels/test.tsv", "q1\td2\tx", "line 6: score is 'x', no whole number", "query-id corpus-id score"),
    ("qrels/test.tsv", "q1\td1\t0", "line 6: query q1 and document d1 have grade 1 further up", "query-id"),
]


@pytest.mark.parametrize(("file", "line", "received", "expected"), BAD_LINES)
def test_bad_lines(write: Write, file: str, line: str, received: str, expected: str) -> None:
    folder = write(GOOD)
    with (folder / file).open("a") as stream:
        stream.write(line + "\n")
    with pytest.raises(FormatError, match=rf"{file}, {received}.*; expected .*{expected}"):
        read_beir(folder)
    task = read_beir(folder, skip_bad=True)
    assert task.judgements == {"q1": {"d1": 1, "3": 2}, "q2": {"d2": 1, "d1": 0}}
    assert len(task.documents) == 3
    assert any(f"{Path(file).name}: 1 bad lines skipped: line" in note for note in task.notes)


@pytest.mark.parametrize(
    ("line", "what", "id"),
    [("q1\tnew\t1\nq2\tnew\t1\nq2\tother\t0\n", "2 documents", "new"), ("q9\td1\t1\n", "1 queries", "q9")],
)
def test_unknown_ids(write: Write, line: str, what: str, id: str) -> None:
    folder = write({**GOOD, "qrels/test.tsv": GOOD["qrels/test.tsv"] + line})
    with pytest.raises(FormatError, match=rf"test\.tsv judges {what} that the collection does not have: '{id}'"):
        read_beir(folder)
    task = read_beir(folder, skip_bad=True)
    assert task.judgements == {"q1": {"d1": 1, "3": 2}, "q2": {"d2": 1, "d1": 0}}
    assert any(what in note and "left out" in note for note in task.notes)


def test_query_whose_only_document_is_unknown_is_left_out(write: Write) -> None:
    folder = write({**GOOD, "qrels/test.tsv": HEADER + "q1\td1\t1\nq2\tnew\t1\n"})
    task = read_beir(folder, skip_bad=True)
    assert task.judgements == {"q1": {"d1": 1}}
    assert task.notes[-1] == "2 of 3 queries have no relevant document and are left out"


@pytest.mark.parametrize("file", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
@pytest.mark.parametrize("skip_bad", [True, False])
def test_empty_and_missing_files(write: Write, file: str, skip_bad: bool) -> None:
    folder = write({**GOOD, file: ""})
    with pytest.raises(FormatError, match=rf"{file} is empty"):
        read_beir(folder, skip_bad=skip_bad)
    (folder / file).unlink()
    with pytest.raises(FormatError, match=rf"{file} is missing"):
        read_beir(folder, skip_bad=skip_bad)


def test_wrong_encoding(write: Write) -> None:
    folder = write({**GOOD, "corpus.jsonl": b'{"_id": "d1", "text": "caf\xe9"}\n'})
    with pytest.raises(FormatError, match=r"corpus\.jsonl, line 1: byte 27 of the line \(0xe9\) is not UTF-8"):
        read_beir(folder)


def test_missing_split_names_those_there_are(write: Write) -> None:
    with pytest.raises(FormatError, match=r"dev\.tsv is missing; splits in .*: test, train; choose"):
        read_beir(write(GOOD), "dev")


def test_header_is_needed(write: Write) -> None:
    with pytest.raises(FormatError, match=r"test\.tsv, line 1: the first line is 'q1\\td1\\t1', no header"):
        read_beir(write({**GOOD, "qrels/test.tsv": "q1\td1\t1\n"}))


def test_header_alone(write: Write) -> None:
    with pytest.raises(MatryoError, match="none of 3 queries has a relevant document"):
        read_beir(write({**GOOD, "qrels/test.tsv": HEADER}))


def test_repeated_judgements_are_counted(write: Write) -> None:
    folder = write({**GOOD, "qrels/test.tsv": GOOD["qrels/test.tsv"] + "q1\td1\t1\n" * 2})
    assert "test.tsv: 2 lines repeat a judgement and change nothing" in read_beir(folder).notes


IDS = st.lists(
    st.text(st.characters(exclude_categories=["Cs", "Cc"])).filter(str.strip), min_size=1, max_size=6, unique=True
)
ANY = st.text(st.characters(exclude_categories=["Cs"]))


@given(data=st.data(), documents=IDS, queries=IDS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
def test_written_is_read(tmp_path: Path, data: st.DataObject, documents: list[str], queries: list[str]) -> None:
    texts = [data.draw(ANY) for _ in documents]
    asked = [data.draw(ANY.filter(str.strip)) for _ in queries]
    judgements = {
        q: {data.draw(st.sampled_from(documents)): data.draw(st.integers(1, 3)), documents[0]: 1} for q in queries
    }
    groups = {q: data.draw(st.sampled_from(["", "g1", "g2"])) for q in queries}
    task = Retrieval(
        "t",
        Texts.of(documents, texts),
        Texts.of(queries, asked),
        judgements,
        {q: group for q, group in groups.items() if group},
    )
    write_beir(task, tmp_path / "out", split="dev")
    again = read_beir(tmp_path / "out", "dev")
    assert again.documents.digest() == task.documents.digest()
    assert again.queries.digest() == task.queries.digest()
    assert (again.judgements, again.groups, again.notes) == (task.judgements, task.groups, ())


@pytest.mark.parametrize("side", ["query", "document"])
def test_ids_that_no_tsv_can_hold(tmp_path: Path, side: str) -> None:
    query, document = ("q\t1", "d") if side == "query" else ("q", "d\n1")
    task = Retrieval("t", Texts.of([document], ["x"]), Texts.of([query], ["y"]), {query: {document: 1}})
    with pytest.raises(FormatError, match="holds a tab or a line break"):
        write_beir(task, tmp_path / "out")
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]
