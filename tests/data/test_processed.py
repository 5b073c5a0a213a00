"""The processed layout."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from matryo.data.processed import read_processed, write_processed
from matryo.data.retrieval import Retrieval
from matryo.data.texts import Texts
from matryo.errors import FormatError, MatryoError

Write = Callable[[dict[str, Any]], Path]

GOOD: dict[str, Any] = {
    "passages.jsonl": [{"docid": 0, "text": "zero"}, {"docid": 10, "text": "ten"}],
    "queries_train.jsonl": [{"qid": "a", "text": "which?"}],
    "qrels_train.tsv": "a\t0\t1\n",
    "queries_dev.jsonl": [{"qid": 7, "text": "seven?"}],
    "qrels_dev.tsv": "7\t10\t1\n7\t0\t0\n",
}


def test_worked_by_hand(write: Write) -> None:
    folder = write(GOOD)
    task = read_processed(str(folder))
    assert [(d.id, d.text) for d in task.documents] == [("0", "zero"), ("10", "ten")]
    assert [(q.id, q.text) for q in task.queries] == [("7", "seven?")]
    assert task.judgements == {"7": {"10": 1, "0": 0}}
    assert read_processed(folder, "train").judgements == {"a": {"0": 1}}


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("passages.jsonl", '{"docid": "0", "text": "x"}', r"line 1: docid is '0', no whole number"),
        ("passages.jsonl", '{"docid": true, "text": "x"}', r"line 1: docid is True, no whole number"),
        ("passages.jsonl", '{"docid": 1}', "line 1: no field 'text'"),
        ("queries_dev.jsonl", '{"qid": "7", "text": ""}', "line 1: the query is blank"),
        ("qrels_dev.tsv", "7 0 10 1", "line 1: 1 tab-separated fields"),
        ("qrels_dev.tsv", "7\tten\t1", "line 1: docid is 'ten'"),
        ("qrels_dev.tsv", "7\t11\t1", "judges 1 documents that the collection does not have: '11'"),
        ("qrels_dev.tsv", "", "is empty"),
    ],
)
def test_bad_input(write: Write, file: str, content: str, message: str) -> None:
    with pytest.raises(FormatError, match=rf"{file}.*{message}"):
        read_processed(write({**GOOD, file: content}))


def test_missing_split(write: Write) -> None:
    with pytest.raises(FormatError, match="has the splits dev, train, got 'test'"):
        read_processed(write(GOOD), "test")


def test_written_is_read(write: Write, tmp_path: Path) -> None:
    folder = write(GOOD)
    tasks = {split: read_processed(folder, split) for split in ("train", "dev")}
    write_processed(tasks, tmp_path / "out")
    assert (tmp_path / "out" / "passages.jsonl").read_text().splitlines()[0] == '{"docid": 0, "text": "zero"}'
    assert (tmp_path / "out" / "qrels_dev.tsv").read_text() == "7\t10\t1\n7\t0\t0\n"
    for split, task in tasks.items():
        again = read_processed(tmp_path / "out", split)
        assert again.documents.digest() == task.documents.digest()
        assert again.queries.digest() == task.queries.digest()
        assert again.judgements == task.judgements


def test_what_cannot_be_written(tmp_path: Path) -> None:
    def task(id: str) -> Retrieval:
        return Retrieval("t", Texts.of([id], ["x"]), Texts.of(["q"], ["y"]), {"q": {id: 1}})

    for bad in ("MED-10", "007", "1.5", "²", "-0", "9" * 5000):
        with pytest.raises(FormatError, match="is no whole number"):
            write_processed({"dev": task(bad)}, tmp_path / "out")
    with pytest.raises(MatryoError, match="train, dev have different documents"):
        write_processed({"train": task("1"), "dev": task("2")}, tmp_path / "out")
    with pytest.raises(MatryoError, match="no splits"):
        write_processed({}, tmp_path / "out")
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]
