"""TREC collections."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from matryo.data.retrieval import Retrieval
from matryo.data.trec import read_trec, topic_ids
from matryo.errors import FormatError

Write = Callable[[dict[str, Any]], Path]

GOOD: dict[str, Any] = {
    "docs": "<DOC>\n<DOCNO> FT-1 </DOCNO>\n<TEXT>\na  < b\n</TEXT>\n</DOC>\n<doc><docno>2</docno>one line</doc>\n",
    "topics": (
        "<top>\n<num> Number: 301\n<title> Topic: cats and\ndogs\n<desc> Description:\nmore\n</top>\n\n"
        "<top><num>2</num><title>\nBIRDS\n</title></top>\n"
    ),
    "qrels": "301 0 FT-1 2\n301 Q0 2 0\n2 0 2 -1\n",
}


def read(folder: Path, skip_bad: bool = False) -> Retrieval:
    return read_trec(str(folder / "docs"), folder / "topics", folder / "qrels", skip_bad=skip_bad)


def test_worked_by_hand(write: Write) -> None:
    task = read(write(GOOD))
    assert [(d.id, d.text) for d in task.documents] == [("FT-1", "a < b"), ("2", "one line")]
    assert [(q.id, q.text) for q in task.queries] == [("301", "cats and dogs")]
    assert task.judgements == {"301": {"FT-1": 2, "2": 0}}
    assert task.notes == ("1 of 2 queries have no relevant document and are left out",)


def test_several_files_are_one_collection(write: Write) -> None:
    folder = write({**GOOD, "more": "<DOC><DOCNO>3</DOCNO>x</DOC>"})
    task = read_trec([folder / "docs", folder / "more"], folder / "topics", folder / "qrels", name="t", notes=["hello"])
    assert task.documents.ids() == ["FT-1", "2", "3"]
    assert (task.name, task.notes[0]) == ("t", "hello")
    (folder / "more").write_text("<DOC>\n<DOCNO>2</DOCNO>x</DOC>")
    with pytest.raises(FormatError, match=r"more, line 1: the id of .*docs, line 7 occurs again"):
        read_trec([folder / "docs", folder / "more"], folder / "topics", folder / "qrels")


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("docs", "<DOC>\n<DOCNO>1</DOCNO>\nx\n", "line 1: <doc> is not closed before the end"),
        (
            "docs",
            "<DOC>\n<DOCNO>1</DOCNO>\n<DOC>\n<DOCNO>2</DOCNO>\n</DOC>",
            "line 1: <doc> is not closed before line 3",
        ),
        ("docs", "<DOC>\nx\n</DOC>", "line 1: a document without <DOCNO>"),
        ("docs", "hm\n<DOC><DOCNO>1</DOCNO></DOC>", "line 1: 'hm' outside of <doc>"),
        ("docs", "", "is empty"),
        ("topics", "<top><title>x</title></top>", "line 1: a topic without <num>"),
        ("topics", "<top><num>1<title> </top>", "line 1: topic 1 has no <title>"),
        ("qrels", "301 0 FT-1", "line 1: 3 fields"),
        ("qrels", "301 0 FT-1 yes", "line 1: grade is 'yes'"),
        ("qrels", "301 0 FT-9 1", "judges 1 documents that the collection does not have: 'FT-9'"),
    ],
)
def test_bad_input(write: Write, file: str, content: str, message: str) -> None:
    with pytest.raises(FormatError, match=rf"{file}.*{message}"):
        read(write({**GOOD, file: content}))


def test_bad_ones_are_skipped(write: Write) -> None:
    docs = "hm\n<DOC>\nx\n</DOC>\n<DOC>\n<DOCNO>open</DOCNO>\n" + GOOD["docs"]
    task = read(write({**GOOD, "docs": docs}), skip_bad=True)
    assert task.documents.ids() == ["FT-1", "2"]
    assert task.notes[0].startswith("docs: 3 bad lines skipped: line 1 ('hm' outside of <doc>), line 2 (a document wi")


def test_topic_ids(write: Write) -> None:
    assert topic_ids(write(GOOD) / "topics") == {"301", "2"}
