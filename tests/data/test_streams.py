"""Everything is checked in one pass, nothing is held."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from matryo.data.beir import read_beir
from matryo.data.problems import Problems
from matryo.data.streams import Located, checked_texts
from matryo.data.texts import Text
from matryo.errors import FormatError

PATH = Path("x")


def reader(ids: str) -> Iterator[Located]:
    return ((PATH, line, Text(id, f"text {line}")) for line, id in enumerate(ids, start=1))


def test_repeated_ids_name_both_lines() -> None:
    with pytest.raises(FormatError, match="x, line 4: the id of line 2 occurs again; expected unique ids"):
        checked_texts(lambda problems: reader("abcb"), "t", Problems())


def test_first_place_counts_where_repeats_are_skipped() -> None:
    texts, ids = checked_texts(lambda problems: reader("abcba"), "t", Problems(skip_bad=True))
    assert [t.text for t in texts] == ["text 1", "text 2", "text 3"]
    assert len(texts) == 3
    assert ids.unknown("abcd") == ["d"]
    assert texts.notes[0].startswith("x: 2 bad lines skipped: line 4 (the id of line 2 occurs again)")


def test_lines_that_are_skipped_are_reported_once() -> None:
    def read(problems: Problems) -> Iterator[Located]:
        yield PATH, 1, Text("a", "")
        problems.bad_line(PATH, 2, "bad", "good")

    problems = Problems(skip_bad=True)
    texts, _ = checked_texts(read, "t", problems)
    assert [*texts, *texts] == [Text("a", "")] * 2
    assert problems.notes == ("x: 1 bad lines skipped: line 2 (bad)",)


def test_nothing_left() -> None:
    with pytest.raises(FormatError, match="t has no text that can be used"):
        checked_texts(lambda problems: reader(""), "t", Problems())


@pytest.mark.parametrize("n", [5_000, pytest.param(50_000, marks=pytest.mark.slow)])
def test_corpus_is_not_held(tmp_path: Path, n: int) -> None:
    line = "many words of text " * 50
    (tmp_path / "qrels").mkdir()
    with (tmp_path / "corpus.jsonl").open("w") as stream:
        stream.writelines(f'{{"_id": "doc{i}", "text": "{line}"}}\n' for i in range(n))
    (tmp_path / "queries.jsonl").write_text('{"_id": "q", "text": "many"}\n')
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\tdoc7\t1\n")
    tracemalloc.start()
    task = read_beir(tmp_path)
    assert sum(1 for _ in task.documents) == len(task.documents) == n
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < n * len(line) / 5
