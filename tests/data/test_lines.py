"""Numbered lines of text files."""

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matryo.data.lines import numbered_lines, read_lines
from matryo.data.problems import Problems
from matryo.errors import FormatError

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip)


@given(lines=st.lists(TEXT, min_size=1), end=st.sampled_from(["\n", "\r\n"]), packed=st.booleans(), mark=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lines_come_back(tmp_path: Path, lines: list[str], end: str, packed: bool, mark: bool) -> None:
    path = tmp_path / "x.txt"  # compression is seen in the content, not in the name
    content = ("\ufeff" if mark and not lines[0].startswith("\ufeff") else "").encode() + end.join(lines).encode()
    path.write_bytes(gzip.compress(content) if packed else content)
    if not lines[0].startswith("\ufeff"):
        assert [(t.id, t.text) for t in read_lines(path)] == [(str(i), x) for i, x in enumerate(lines, start=1)]


def test_texts_are_read_anew_and_named(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("a\nb\n\n\n")
    texts = read_lines(str(path))
    assert list(texts) == list(texts)
    assert (texts.name, len(texts), texts.notes) == ("words.txt", 2, ())


def test_blank_lines_between(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("a\n\n \nb\n")
    with pytest.raises(FormatError, match=r"x\.txt, line 2: the line is blank; expected one text per line"):
        read_lines(path)
    texts = read_lines(path, skip_bad=True)
    assert [(t.id, t.text) for t in texts] == [("1", "a"), ("4", "b")]
    assert texts.notes == ("x.txt: 2 bad lines skipped: line 2 (the line is blank), line 3 (the line is blank)",)


def test_wrong_encoding(tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes("plain\ncaf\xe9 noir\nend\n".encode("latin-1"))
    with pytest.raises(FormatError, match=r"latin\.txt, line 2: byte 4 of the line \(0xe9\) is not UTF-8"):
        read_lines(path)
    assert read_lines(path, skip_bad=True).ids() == ["1", "3"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "wide.txt"
    path.write_bytes(b"\xfe\xff" * (encoding == "utf-16-be") + "text\n".encode(encoding))
    with pytest.raises(FormatError, match=r"wide\.txt is UTF-16, expected UTF-8"):
        read_lines(path, skip_bad=True)


@pytest.mark.parametrize("content", [b"", b"\n\n \n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("skip_bad", [True, False])
def test_empty(tmp_path: Path, content: bytes, skip_bad: bool) -> None:
    path = tmp_path / "empty.txt"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"empty\.txt is empty, expected one text per line"):
        read_lines(path, skip_bad=skip_bad)


def test_missing_and_folder(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"none\.txt is missing"):
        read_lines(tmp_path / "none.txt")
    with pytest.raises(FormatError, match="cannot be opened"):
        read_lines(tmp_path)


@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_damaged_gzip(tmp_path: Path, damage: str) -> None:
    packed = bytearray(gzip.compress(b"".join(b"%d line\n" % i for i in range(5000))))
    if damage == "cut":
        packed = packed[: len(packed) // 2]
    else:
        packed[-6] ^= 1  # in the checksum
    path = tmp_path / "x.gz"
    path.write_bytes(packed)
    with pytest.raises(FormatError, match=r"x\.gz is cut short or damaged"):
        read_lines(path, skip_bad=True)


def test_file_that_went_away_between_two_readings(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("a\n")
    texts = read_lines(path)
    path.unlink()
    with pytest.raises(FormatError, match="is missing"):
        list(texts)


def test_only_line_ends_divide(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("a\u2028b\x0bc\x85d\ne")
    assert [line for _, line in numbered_lines(path, Problems(), "text")] == ["a\u2028b\x0bc\x85d", "e"]
