import errno
import os
import threading
from pathlib import Path

import pytest

from matryo.errors import FormatError, MatryoError
from matryo.files import (
    atomic_path,
    check_fields,
    check_format,
    digest_bytes,
    digest_file,
    digest_json,
    only_writer,
    read_json,
    read_json_digest,
    write_json,
    write_pieces,
    write_text,
)

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1


def test_digests_are_those_of_the_standard(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert digest_bytes(b"abc") == digest_file(tmp_path / "abc") == ABC
    assert write_pieces(tmp_path / "pieces", [b"a", memoryview(b"bc")]) == ABC
    assert (tmp_path / "pieces").read_bytes() == b"abc"
    assert digest_json({"a": 1, "b": [2]}) == digest_json({"b": [2], "a": 1}) != digest_json({"a": 1, "b": [3]})


def test_a_large_file_is_digested_in_pieces(tmp_path: Path) -> None:
    content = bytes(range(256)) * 9000
    (tmp_path / "large").write_bytes(content)
    assert digest_file(tmp_path / "large") == digest_bytes(content)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x"
    write_text(path, "old")
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("new")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [p.name for p in path.parent.iterdir()] == ["x"]


def test_the_old_file_is_seen_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_text(path, "old")
    with atomic_path(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_no_room_is_said_in_one_line(tmp_path: Path, number: int) -> None:
    with (
        pytest.raises(MatryoError, match=r"x could not be written: .*make room") as caught,
        atomic_path(tmp_path / "x"),
    ):
        raise OSError(number, os.strerror(number))
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_device_is_said_in_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(MatryoError, match="No space left"),
        atomic_path(tmp_path / "x"),
        Path("/dev/full").open("wb") as full,
    ):
        full.write(b"x" * 100)
    assert list(tmp_path.iterdir()) == []


def test_other_errors_of_the_system_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError), atomic_path(tmp_path / "x"):
        raise IsADirectoryError(errno.EISDIR, "no")


def test_json_comes_back_with_the_digest_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_json(path, {"é": [1.5, None]})
    assert read_json(path, "a test") == {"é": [1.5, None]}
    assert read_json_digest(path, "a test") == ({"é": [1.5, None]}, digest_file(path))
    with pytest.raises(ValueError, match="Out of range"):
        write_json(path, float("nan"))
    assert read_json(path, "a test") == {"é": [1.5, None]}


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe"])
def test_what_is_no_json_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(FormatError, match="x is not readable as a test"):
        read_json(tmp_path / "x", "a test")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="x is missing, expected a test"):
        read_json(tmp_path / "x", "a test")


def test_unknown_formats_are_refused(tmp_path: Path) -> None:
    check_format(1, 1, tmp_path)
    with pytest.raises(FormatError, match="format 2, this version reads 1"):
        check_format(2, 1, tmp_path)


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        ([], "must hold a JSON object, got list"),
        ({"a": 1}, r"missing: \['b'\]"),
        ({"a": 1, "b": "", "c": 0}, r"unknown: \['c'\]"),
        ({"a": True, "b": ""}, r"wrong type: \['a'\]"),
    ],
)
def test_fields_are_exact(tmp_path: Path, stored: object, words: str) -> None:
    check_fields({"a": 1, "b": ""}, {"a": int, "b": str}, tmp_path)
    with pytest.raises(FormatError, match=words):
        check_fields(stored, {"a": int, "b": str}, tmp_path)


def test_one_writer_at_a_time_and_what_dead_ones_left_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "set"
    with only_writer(folder):
        refused = []

        def second() -> None:
            with pytest.raises(MatryoError, match="being written by another process"), only_writer(folder):
                pass
            refused.append(True)

        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
        assert refused == [True]
        (folder / "x.tmp-1").write_bytes(b"")
        (folder / "x").write_bytes(b"")
    with only_writer(folder):
        assert [p.name for p in folder.iterdir()] == ["x"]


def test_a_file_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"")
    for folder in (tmp_path / "x", tmp_path / "x" / "y"):
        with pytest.raises(MatryoError, match="must be a folder"), only_writer(folder):
            pass
