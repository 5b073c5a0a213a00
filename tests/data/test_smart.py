"""SMART collections."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from matryo.data.retrieval import Retrieval
from matryo.data.smart import read_smart
from matryo.errors import FormatError

Write = Callable[[dict[str, Any]], Path]

DOCUMENTS = """.I 1
.T
the wing
.A
smith, j.
.W
the wing
in a  slipstream
.I 2
.T
No
.W
Nothing here starts with the title
.X
1\t5\t1
.I 3
.T
.W
"""
QUERIES = ".I 001\n.W\nfirst\nquery\n.I 004\n.T\nA title\n.W\nsecond .\n.I 009\n.W\nthird\n"


def read(folder: Path, skip_bad: bool = False) -> Retrieval:
    return read_smart(folder / "docs", str(folder / "qry"), folder / "rel", skip_bad=skip_bad)


def test_codes_and_numbers_by_file_order(write: Write) -> None:
    task = read(write({"docs": DOCUMENTS, "qry": QUERIES, "rel": "1 1 2 \n1 2 -1\n2 2 4\n3 1 -1\n"}))
    assert [(d.id, d.text) for d in task.documents] == [
        ("1", "the wing in a slipstream"),
        ("2", "No Nothing here starts with the title"),
        ("3", ""),
    ]
    assert [(q.id, q.text) for q in task.queries] == [("1", "first query"), ("2", "A title second .")]
    assert task.judgements == {"1": {"1": 1, "2": 0}, "2": {"2": 1}}
    assert task.name == "task"
    assert task.notes == (
        "rel counts the queries of qry from 1 in file order, and so do the ids",
        "1 of 3 queries have no relevant document and are left out",
    )


def test_listed_lines_are_relevant_and_numbers_are_their_own(write: Write) -> None:
    task = read(write({"docs": DOCUMENTS, "qry": QUERIES, "rel": " 01   2 0 0\n   4\t1\t0\t0.000000\r\n"}))
    assert task.judgements == {"1": {"2": 1}, "4": {"1": 1}}
    assert not any("file order" in note for note in task.notes)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("rel", "1 1 2\n1 9 1\n", "judges 1 documents that the collection does not have: '9'"),
        ("rel", "1 1 2\n7 1 1\n", "judges 1 queries that the collection does not have: '7'"),
        ("rel", "1 1\n", "line 1: 2 fields in '1 1'"),
        ("rel", "1 0 1 1\n", "line 1: 4 fields"),
        ("rel", "1 a 1\n", "line 1: document is 'a'"),
        ("docs", "text\n.I 1\n.W\nx\n", "line 1: 'text' before the first record"),
        ("docs", ".I 1\nlost\n.W\nx\n", "line 2: 'lost' within no field"),
        ("docs", ".I 1\n.W\nx\n.I 01\n.W\ny\n", "line 4: the id of line 1 occurs again"),
        ("docs", "", "is empty"),
        ("qry", ".I 1\n.W\nx\n.I 2\n.W\n", "line 4: record 2 has no text"),
        ("docs", b".I 1\n.W\n\xff\n", "line 3: byte 1 of the line"),
    ],
)
def test_bad_input(write: Write, file: str, content: str | bytes, message: str) -> None:
    folder = write({"docs": DOCUMENTS, "qry": QUERIES, "rel": "1 1 1\n", file: content})
    with pytest.raises(FormatError, match=rf"{file}.*{message}"):
        read(folder)


def test_bad_lines_are_skipped(write: Write) -> None:
    docs = "text\n.I 1\nlost\n.W\nkept\n"
    task = read(write({"docs": docs, "qry": QUERIES, "rel": "1 1 2\n1 9 1\nx\n"}), skip_bad=True)
    assert [d.text for d in task.documents] == ["kept"]
    assert task.judgements == {"1": {"1": 1}}
    assert task.notes[0].startswith("docs: 2 bad lines skipped: line 1")
    assert task.notes[1].startswith("rel: 1 bad lines skipped: line 3")
    assert "1 documents" in task.notes[2]
