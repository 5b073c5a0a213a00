"""Readers of single official files."""

import gzip
from pathlib import Path

import pytest

from matryo.data.msmarco import read_collection, read_qrels, read_queries
from matryo.data.problems import Problems
from matryo.errors import FormatError

REAL = Path(__file__).parents[3] / "shared" / "data" / "msmarco-passage"


def test_worked_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "collection.tsv.gz"
    path.write_bytes(gzip.compress(b"0\tzero \x01 is\n7\t\n"))
    texts = read_collection(path)
    assert [(t.id, t.text) for t in texts] == [(t.id, t.text) for t in texts] == [("0", "zero is"), ("7", "")]
    assert (len(texts), texts.name, len(texts.notes)) == (2, "collection.tsv.gz", 2)
    path = tmp_path / "queries.dev.tsv"
    path.write_bytes(b"3\twhat?\n4\t \n3\twhat?\n")
    with pytest.raises(FormatError, match=r"queries\.dev\.tsv, line 2: query 4 is empty"):
        read_queries(path)
    queries = read_queries(path, skip_bad=True)
    assert queries.ids() == ["3"]
    assert "2 bad lines skipped: line 2 (query 4 is empty), line 3 (the id of line 1 occurs again)" in queries.notes[0]
    path = tmp_path / "qrels.dev.tsv"
    path.write_bytes(b"3\t0\t7\t1\n3\t0\t7\t1\n3\t0\t8\t2\n")
    problems = Problems()
    assert read_qrels(path, problems=problems) == {"3": {"7": 1, "8": 2}}
    assert problems.notes == ("qrels.dev.tsv: 1 lines repeat a judgement and change nothing",)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here")
def test_real_files() -> None:
    passages = read_collection(REAL / "collection.sample1000.tsv.gz")
    assert len(passages) == 1000
    first = next(iter(passages))
    assert (first.id, first.text.split()[:6]) == ("0", ["The", "presence", "of", "communication", "amid", "scientific"])
    queries = read_queries(REAL / "topics.msmarco-passage.dev-subset.txt.gz")
    assert len(queries) == 6980
    texts = {q.id: q.text for q in queries}
    assert (texts["2"], texts["1048585"]) == ("Androgen receptor define", "what is paula deen's brother")
    judgements = read_qrels(REAL / "qrels.msmarco-passage.dev-subset.txt")
    assert sum(map(len, judgements.values())) == 7437
    assert set(judgements) == set(texts)
    assert judgements["300674"] == {"7067032": 1}
