"""Layouts are seen in the folder."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from matryo.data.beir import write_beir
from matryo.data.open import open_retrieval, open_texts
from matryo.data.toy import toy, write_toy
from matryo.errors import FormatError

Write = Callable[[dict[str, Any]], Path]
REAL = Path(__file__).parents[3] / "shared" / "data"

SMART: dict[str, Any] = {
    "abc.all": gzip.compress(b".I 1\n.T\nt\n.W\nx\n"),
    "ABC.QRY": ".I 1\n.W\nq\n",
    "abcrel": "1 1 1\n",
    "README": "hello\n",
    "ABC.BLN": "#q1\n",
}
TREC: dict[str, Any] = {
    "corpus/a.trec.gz": gzip.compress(b"<DOC><DOCNO>1</DOCNO>x</DOC>"),
    "corpus/b.trec": "<DOC><DOCNO>2</DOCNO>y</DOC>",
    "all.topics": "<top><num>1<title>a</top>\n<top><num>2<title>b</top>\n",
    "few.topics": "<top><num>2<title>b</top>\n",
    "judged": "1 0 1 1\n2 0 2 1\n",
    "README.md": "A collection of four words\n",
    "picture.bin": b"\x00\xff\xfe\n",
    ".hidden": "1 0 1 1\n",
}


def test_beir_and_its_usual_split(tmp_path: Path) -> None:
    made = toy()
    write_beir(made.train, tmp_path / "b", "dev")
    assert open_retrieval(str(tmp_path / "b")).judgements == made.train.judgements
    write_beir(made.dev, tmp_path / "b", "test")
    assert open_retrieval(tmp_path / "b").judgements == made.dev.judgements
    assert [t.text for t in open_texts(tmp_path / "b")] == [t.text for t in made.dev.documents]


def test_only_split_is_taken_and_others_asked_for(tmp_path: Path) -> None:
    made = toy()
    write_beir(made.train, tmp_path / "b", "train")
    assert len(open_retrieval(tmp_path / "b").queries) == 64
    write_beir(made.train, tmp_path / "b", "more")
    with pytest.raises(FormatError, match="has the splits more, train, neither test nor dev"):
        open_retrieval(tmp_path / "b")


def test_processed(tmp_path: Path) -> None:
    write_toy(tmp_path)
    assert len(open_retrieval(tmp_path).queries) == 32
    assert len(open_retrieval(tmp_path, "train").queries) == 64


def test_smart(write: Write) -> None:
    task = open_retrieval(write(SMART))
    assert (task.name, task.judgements) == ("task", {"1": {"1": 1}})


def test_trec(write: Write) -> None:
    task = open_retrieval(write(TREC))
    assert task.documents.ids() == ["1", "2"]
    assert task.judgements == {"1": {"1": 1}, "2": {"2": 1}}
    assert task.notes == ("few.topics is not read: its 1 topics are also in all.topics",)


def test_pairs(write: Write) -> None:
    folder = write({"p.jsonl": [{"query": "a", "document": "b"}]})
    assert open_retrieval(folder / "p.jsonl").judgements == {"1": {"1": 1}}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({**SMART, "new.qry": SMART["ABC.QRY"]}, r"needs one file of SMART queries .* found ABC\.QRY, new\.qry"),
        ({"docs": ".I 1\n.W\nx\n"}, r"needs one file of SMART queries .* found none"),
        ({k: v for k, v in SMART.items() if k != "abcrel"}, "needs one file of SMART judgements"),
        ({**TREC, "other.topics": "<top><num>9<title>a</top>\n"}, "needs one file of TREC topics, found"),
        ({**TREC, "judged2": "1 0 1 1\n"}, "needs one file of TREC judgements, found judged, judged2"),
        ({"a.txt": "hello\n"}, r"holds a\.txt, expected one of: BEIR .*processed .*SMART .*TREC .*pairs"),
        ({"deep/er/corpus.jsonl": "{}"}, "holds nothing, expected one of: BEIR"),
    ],
)
def test_no_layout(write: Write, files: dict[str, Any], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        open_retrieval(write(files))


def test_no_folder(write: Write, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="none is missing, expected one of: BEIR"):
        open_retrieval(tmp_path / "none")
    with pytest.raises(FormatError, match="is a file, expected one of: BEIR"):
        open_retrieval(write({"x.txt": "a\n"}) / "x.txt")


def test_collections_of_one_split(write: Write) -> None:
    folder = write(SMART)
    assert open_retrieval(folder, "test").judgements
    with pytest.raises(FormatError, match="has one set of judgements, called test, got split 'dev'"):
        open_retrieval(folder, "dev")


def test_texts_of_a_file(write: Write) -> None:
    folder = write(
        {
            "a.jsonl": [{"id": "x", "text": "1"}, {"docid": 5, "text": "2", "title": "T"}, {"text": "3"}],
            "a.txt": "one\ntwo\n",
            "bad.jsonl": '{"id": "x", "text": "1"}\n{"id": "x"}\n',
        }
    )
    assert [(t.id, t.text) for t in open_texts(folder / "a.jsonl")] == [("x", "1"), ("5", "T 2"), ("3", "3")]
    assert [(t.id, t.text) for t in open_texts(str(folder / "a.txt"))] == [("1", "one"), ("2", "two")]
    with pytest.raises(FormatError, match=r"bad\.jsonl, line 2: no field 'text'"):
        open_texts(folder / "bad.jsonl")
    assert len(open_texts(folder / "bad.jsonl", skip_bad=True).notes) == 1


@pytest.mark.skipif(not REAL.is_dir(), reason="needs the real collections beside the repository")
@pytest.mark.parametrize(
    ("name", "documents", "queries", "judgements", "relevant"),
    [
        ("cranfield", 1400, 225, 1837, 1612),
        ("cisi", 1460, 76, 3114, 3114),
        ("cacm", 3204, 52, 796, 796),
        ("vaswani", 11429, 93, 2083, 2083),
    ],
)
def test_real_collections(name: str, documents: int, queries: int, judgements: int, relevant: int) -> None:
    task = open_retrieval(REAL / name)
    assert task.name == name
    assert (len(task.documents), len(task.queries)) == (documents, queries)
    assert (task.n_judgements, task.n_relevant) == (judgements, relevant)
