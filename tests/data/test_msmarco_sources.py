"""Where the official files stand."""

import gzip
import io
import tarfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from matryo.data.msmarco_sources import ACCEPTED, files_for, find_sources, open_file, open_member, opened
from matryo.errors import FormatError

NAMES = [names[0] for names in ACCEPTED.values()]


def archive(path: Path, names: list[str]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        folder = tarfile.TarInfo("collection.tsv.d")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name in names:
            content = f"packed {name}".encode()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def test_plain_files_come_before_those_in_archives(tmp_path: Path) -> None:
    packed = archive(tmp_path / "collectionandqueries.tar.gz", [f"x/{name}" for name in NAMES])
    (tmp_path / "queries.train.tsv").write_text("plain")
    (tmp_path / "qrels.train.tsv.gz").write_bytes(gzip.compress(b"compressed"))
    (tmp_path / "qrels.dev.tsv").write_text("not the first choice")
    with ExitStack() as stack:
        sources = find_sources(tmp_path, tmp_path, stack, "advice")
        assert sources["queries.train"].label == tmp_path / "queries.train.tsv"
        assert sources["collection"].label == packed / "x/collection.tsv"
        content = {}
        for _ in range(2):  # each may be opened again
            for role, source in sources.items():
                with opened(source) as stream:
                    content[role] = stream.read().decode()
    assert content == {
        "collection": "packed x/collection.tsv",
        "queries.train": "plain",
        "qrels.train": "compressed",
        "queries.dev": "packed x/queries.dev.tsv",
        "qrels.dev": "packed x/qrels.dev.small.tsv",
    }
    assert not list(tmp_path.glob("*tmp*"))


def test_an_archive_is_not_read_without_need(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).write_text("plain")
    (tmp_path / "collectionandqueries.tar.gz").write_bytes(b"damaged")
    with ExitStack() as stack:
        assert {s.file.name for s in find_sources(tmp_path, tmp_path, stack, "").values()} == set(NAMES)
        (tmp_path / "queries.dev.tsv").unlink()
        with pytest.raises(FormatError, match=r"collectionandqueries\.tar\.gz is cut short or damaged"):
            find_sources(tmp_path, tmp_path, stack, "")


def test_files_that_decide(tmp_path: Path) -> None:
    for name in ("collection.tsv.gz", "queries.dev.tsv", "qrels.train.tsv", "queries.tar.gz", "other.tsv"):
        (tmp_path / name).touch()
    found = [p.name for p in files_for(tmp_path, ["collection", "queries.dev", "qrels.dev"])]
    assert found == ["collection.tsv.gz", "queries.dev.tsv", "queries.tar.gz"]


def test_single_files(tmp_path: Path) -> None:
    packed = archive(tmp_path / "a.tar.gz", ["x/a.tsv", "y/a.tsv"])
    for name in ("a.tsv", "x/a.tsv"):
        with open_member(packed, name) as stream:
            assert stream.readline() == b"packed x/a.tsv"
    with pytest.raises(FormatError, match=r"a\.tar\.gz has no b\.tsv"), open_member(packed, "b.tsv"):
        pass
    with pytest.raises(FormatError, match=r"nowhere cannot be opened \(No such file or directory\)"):
        open_file(tmp_path / "nowhere")
