import gzip
import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matryo.data.chunk_files import Chunk, chunk_format, read_chunks
from matryo.data.problems import Problems
from matryo.errors import FormatError


def chunks(path: Path, *, skip_bad: bool = False) -> list[Chunk]:
    return list(read_chunks(path, Problems(skip_bad)))


def written(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    raw = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    return path


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["a b", "c"], [(None, 0, "a b"), (None, 1, "c")]),
        ([{"id": "x", "text": "a"}, {"_id": 7, "content": "b"}], [("x", 0, "a"), ("7", 1, "b")]),
        ({"source": "s", "chunks": [{"page_content": "a"}, "b"]}, [(None, 0, "a"), (None, 1, "b")]),
        ({"id": "one", "title": "T", "text": "a", "tags": []}, [("one", 0, "T a")]),
        ([{"text": " ", "title": "T"}], [(None, 0, " ")]),
        ([], []),
    ],
)
def test_json_as_list_of_objects_or_strings_or_as_object(
    tmp_path: Path, value: Any, expected: list[tuple[Any, ...]], ending: str
) -> None:
    assert chunks(written(tmp_path, f"a.json{ending}", json.dumps(value))) == expected


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_lines_text_and_markdown(tmp_path: Path, ending: str) -> None:
    lines = written(tmp_path, f"a.jsonl{ending}", '{"docid": "d", "text": "a"}\n\n"b"\n{"chunk": "c"}')
    assert chunks(lines) == [("d", 0, "a"), (None, 1, "b"), (None, 2, "c")]
    assert chunks(written(tmp_path, f"a.md{ending}", "# T\n\ntext\n")) == [(None, 0, "# T\n\ntext\n")]
    assert chunks(written(tmp_path, f"a.txt{ending}", b"\xef\xbb\xbftext")) == [(None, 0, "text")]


def test_parquet_reads_only_ids_and_texts(tmp_path: Path) -> None:
    table = {"id": ["x", None], "text": ["a", "b"], "vector": [[1.0], [2.0]]}
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    assert chunks(tmp_path / "a.parquet") == [("x", 0, "a"), (None, 1, "b")]
    pq.write_table(pa.table({"vector": [[1.0]]}), tmp_path / "b.parquet")
    with pytest.raises(FormatError, match=r"columns \['vector'\], expected one of text"):
        chunks(tmp_path / "b.parquet")


@given(st.lists(st.tuples(st.none() | st.integers(0, 99), st.text(st.characters(codec="utf-8")))))
def test_whatever_format_the_texts_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int | None, str]]
) -> None:
    folder = tmp_path_factory.mktemp("formats")
    objects = [{"id": id, "text": text} for id, text in rows]
    expected = [(None if id is None else str(id), place, text) for place, (id, text) in enumerate(rows)]
    assert chunks(written(folder, "a.json", json.dumps(objects))) == expected
    assert chunks(written(folder, "b.jsonl.gz", "\n".join(map(json.dumps, objects)))) == expected


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", b"abc\0def", "binary, byte 4 is 0"),
        ("a.md", b"caf\xe9", "byte 4 is 0xe9"),
        ("a.txt", "abc".encode("utf-16"), "UTF-16"),
        ("a.json", b"{", "not readable as JSON"),
        ("a.json", b"3", "must hold a list, an object with one list, or"),
        ("a.json", b'{"a": [], "b": []}', r"the lists \['a', 'b'\]"),
        ("a.json", b"[3]", "line 1: a int: '3'"),
        ("a.json", b'[{"text": ["a"]}]', "field 'text' is a list"),
        ("a.json", b'[{"id": "", "text": "a"}]', "field 'id' is blank"),
        ("a.json", b'["\\ud800"]', "half a surrogate pair"),
        ("a.jsonl", b'{"text": "a"}\n{"words": "a"}', r"line 2: no text among the fields \['words'\]"),
        ("a.jsonl", b"PNG\x89", "UTF-8"),
        ("a.parquet", b"PAR1", "not readable as Parquet"),
        ("a.png", b"", "none of .json, .jsonl, .md, .txt, .parquet by its name"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    with pytest.raises(FormatError, match=words) as caught:
        chunks(written(tmp_path, name, content))
    assert str(tmp_path / name) in str(caught.value) and "\n" not in str(caught.value)


def test_a_damaged_gzip_and_a_file_without_leave_to_read(tmp_path: Path) -> None:
    whole = gzip.compress(b"some text that is cut short" * 20)
    (tmp_path / "a.txt.gz").write_bytes(whole[:-12])
    with pytest.raises(FormatError, match="cut short or damaged"):
        chunks(tmp_path / "a.txt.gz")
    path = written(tmp_path, "b.txt", "text")
    path.chmod(0)
    if not os.access(path, os.R_OK):
        with pytest.raises(FormatError, match=r"b\.txt cannot be opened"):
            chunks(path)


def test_bad_entries_can_be_skipped_and_keep_their_number(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", '"a"\n{"words": "b"}\n"c"')
    problems = Problems(skip_bad=True)
    assert list(read_chunks(path, problems)) == [(None, 0, "a"), (None, 2, "c")]
    assert "line 2 (no text among" in problems.notes[0]


def test_formats_by_name() -> None:
    names = ["a.txt", "a.TXT.gz", "a.parquet.gz", "a", "a.gz", ".md", "a.json.bak"]
    assert [chunk_format(Path(name)) for name in names] == [".txt", ".txt", None, None, None, None, None]
