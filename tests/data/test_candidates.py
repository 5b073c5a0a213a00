"""Candidates for reranking."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from matryo.data.candidates import read_candidates
from matryo.data.problems import Problems
from matryo.errors import FormatError

ROWS = "7\t30\twhich?\tthirty\n8\t10\twho?\tten\n7\t10\twhich?\tten\n7\t30\twhich?\tthirty\n"
READ = {"7": ["30", "10"], "8": ["10"]}


def archive(path: Path, name: str, content: bytes) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return path


def test_all_forms_read_the_same(tmp_path: Path) -> None:
    plain, packed = tmp_path / "top1000.dev", tmp_path / "top1000.dev.gz"
    plain.write_text(ROWS)
    packed.write_bytes(gzip.compress(ROWS.encode()))
    for path in (plain, packed, archive(tmp_path / "top1000.dev.tar.gz", "x/top1000.dev", ROWS.encode())):
        problems = Problems()
        assert read_candidates(path, problems=problems) == READ
        assert problems.notes == (f"{path.name}: 1 rows repeat a candidate of their query and are left out",)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("7\t30\twhich?\n", "line 2: 3 tab-separated fields"),
        ("7\t030\twhich?\tthirty\n", "line 2: pid is '030', no whole number"),
        ("\t30\twhich?\tthirty\n", "line 2: no query id"),
    ],
)
def test_bad_rows(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "top1000.dev"
    path.write_text("7\t30\twhich?\tthirty\n" + line)
    with pytest.raises(FormatError, match=rf"top1000\.dev, {message}"):
        read_candidates(path)
    problems = Problems(skip_bad=True)
    assert read_candidates(path, problems=problems) == {"7": ["30"]}
    assert problems.notes[0].startswith("top1000.dev: 1 bad lines skipped: line 2")


def test_bad_files(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"top1000\.dev cannot be opened .*check the path"):
        read_candidates(tmp_path / "top1000.dev")
    with pytest.raises(FormatError, match=r"has no top1000\.dev; check that it is the official archive"):
        read_candidates(archive(tmp_path / "other.tar.gz", "top1000.eval", ROWS.encode()))
    # rows that compress badly, so that half of the archive is half of the rows
    long = b"".join(b"7\t%d\tq\t%s\n" % (n, bytes(97 + (n * n + i * i) % 26 for i in range(300))) for n in range(500))
    whole = archive(tmp_path / "top1000.dev.tar.gz", "top1000.dev", long)
    assert len(read_candidates(whole)["7"]) == 500
    for keep in (len(whole.read_bytes()) // 2, len(whole.read_bytes()) - 4):
        cut = tmp_path / "cut.tar.gz"
        cut.write_bytes(whole.read_bytes()[:keep])
        with pytest.raises(FormatError, match=r"cut\.tar\.gz is cut short or damaged .*download it again"):
            read_candidates(cut)
