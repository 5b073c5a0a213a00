"""What is Milvus's own: files, addresses, locks, limits."""

import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError
from matryo.search.stores import MilvusStore
from matryo.space import Space

pytest.importorskip("milvus_lite")

PAUSES = (0.01, 0.02)
SPACE = Space.declared("milvus", 4)


@pytest.fixture
def rows(tmp_path: Path) -> EmbeddingSet:
    return EmbeddingSet.from_numpy(tmp_path / "rows", np.eye(4, dtype=np.float32), list("abcd"), space=SPACE)


def test_nobody_listens(rows: EmbeddingSet, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        store = MilvusStore(f"http://127.0.0.1:{taken.getsockname()[1]}", "docs", pauses=PAUSES)
        for use in (lambda: store.push(rows), lambda: store.search(np.eye(4), 1), store.count, store.drop):
            with pytest.raises(MatryoError, match=r"does not answer, tried 3 times: .*Fail connecting") as caught:
                use()
            assert "\n" not in str(caught.value)
    assert "Traceback" not in capfd.readouterr().err


def test_another_process_has_the_file_open(tmp_path: Path, rows: EmbeddingSet) -> None:
    MilvusStore(tmp_path / "mine.db", "docs").push(rows)
    code = (
        "import sys\n"
        "from matryo.search.stores import MilvusStore\n"
        "print(MilvusStore(sys.argv[1], 'docs', pauses=(0.01,)).count())\n"
    )
    ran = subprocess.run([sys.executable, "-c", code, tmp_path / "mine.db"], capture_output=True, text=True)
    last = ran.stderr.strip().splitlines()[-1]
    assert ran.returncode != 0 and last.startswith("matryo.errors.MatryoError") and "close other processes" in last


def test_a_file_is_opened_again_by_another_process(tmp_path: Path, rows: EmbeddingSet) -> None:
    code = (
        "import sys\n"
        "from matryo.embeddings import EmbeddingSet\n"
        "from matryo.search.stores import MilvusStore\n"
        "print(MilvusStore(sys.argv[1], 'docs').push(EmbeddingSet.open(sys.argv[2]), dims=[2, 4]).n_sent)\n"
    )
    words = [sys.executable, "-c", code, tmp_path / "sub" / "m.db", rows.folder]
    assert subprocess.run(words, check=True, capture_output=True, text=True).stdout == "8\n"
    store = MilvusStore(tmp_path / "sub" / "m.db", "docs")
    assert store.search(np.eye(4, dtype=np.float32), 1, 4).ids[:, 0].tolist() == list("abcd")
    assert store.push(rows, dims=[2, 4]).n_sent == 0


def test_a_push_into_a_file_says_nothing_of_its_own(tmp_path: Path, rows: EmbeddingSet) -> None:
    code = (
        "import logging, sys\n"
        "logging.basicConfig(level=logging.WARNING)\n"
        "from matryo.embeddings import EmbeddingSet\n"
        "from matryo.search.stores import MilvusStore\n"
        "store = MilvusStore(sys.argv[1], 'docs')\n"
        "store.push(EmbeddingSet.open(sys.argv[2]), dims=[2, 4])\n"
        "print(list(store.ids()))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code, tmp_path / "m.db", rows.folder], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "['a', 'b', 'c', 'd']\n", "")


def test_reading_makes_no_file(tmp_path: Path) -> None:
    store = MilvusStore(tmp_path / "typo.db", "docs")
    with pytest.raises(MatryoError, match="has no store 'docs', it has: none"):
        store.search(np.eye(4), 1)
    assert store.count() == 0 and not (tmp_path / "typo.db").exists()


def test_a_file_of_something_else_is_refused_and_stays(tmp_path: Path, rows: EmbeddingSet) -> None:
    (tmp_path / "text.db").write_text("not vectors")
    with pytest.raises(MatryoError, match="cannot be opened as Milvus Lite"):
        MilvusStore(tmp_path / "text.db", "docs").push(rows)
    assert (tmp_path / "text.db").read_text() == "not vectors"


def test_a_file_needs_its_ending() -> None:
    with pytest.raises(MatryoError, match=r"ends in \.db or http://host:port, got 'vectors'"):
        MilvusStore("vectors", "docs")


def test_an_id_that_is_too_long_is_refused(tmp_path: Path) -> None:
    long = EmbeddingSet.from_numpy(tmp_path / "s", np.eye(4, dtype=np.float32)[:1], ["é" * 33_000], space=SPACE)
    with pytest.raises(MatryoError, match="ids of at most 65,535 bytes"):
        MilvusStore(tmp_path / "m.db", "docs").push(long)


def test_more_hits_than_a_cluster_gives_are_refused(tmp_path: Path) -> None:
    n = 16_385
    many = EmbeddingSet.from_numpy(
        tmp_path / "s", np.ones((n, 4), dtype=np.float32) / 2, [str(row) for row in range(n)], space=SPACE
    )
    store = MilvusStore(tmp_path / "m.db", "docs")
    store.push(many, dims=[1], batch=16_000)
    with pytest.raises(MatryoError, match="at most 16,384 hits per query, got k 16,385"):
        store.search(np.eye(4), n)
    assert (store.search(np.eye(4)[:1], 16_384).ids != "").all()
