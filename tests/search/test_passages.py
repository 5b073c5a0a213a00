"""Passages in SQLite: what goes in comes out, and a file is whole or refused."""

import hashlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matryo.data import Text, Texts
from matryo.errors import FormatError, MatryoError
from matryo.search import Passages, build_passages
from matryo.search import passages as module

STORABLE = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
COLLECTION = st.dictionaries(STORABLE, STORABLE, max_size=30)


def numbered(n: int, name: str = "numbers") -> Texts:
    """Streamed texts, whose number is not known in advance; ids in no order."""
    return Texts(lambda: (Text(f"d{i * 7919 % n}", f"text {i}") for i in range(n)), name)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "passages.sqlite"


@given(COLLECTION, st.randoms())
def test_a_dictionary(tmp_path_factory: pytest.TempPathFactory, held: dict[str, str], chance: random.Random) -> None:
    texts = Texts.of(list(held), list(held.values()), name="held")
    with build_passages(texts, tmp_path_factory.mktemp("p") / "p.sqlite") as passages:
        assert (len(passages), passages.name, passages.digest) == (len(held), "held", texts.digest())
        assert list(passages) == list(texts)
        asked = chance.choices(list(held), k=10) if held else []
        assert passages.texts(asked) == [held[i] for i in asked]
        assert all(passages.text(i) == held[i] and i in passages for i in held)
        passages.verify()


def test_more_than_one_query_and_transaction(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TRANSACTION_ROWS", 300)
    texts = numbered(1300)
    held = {t.id: t.text for t in texts}
    build_passages(texts, path).close()
    with Passages.open(path) as passages:
        asked = sorted(held, reverse=True)
        queries: list[str] = []
        passages._connection.set_trace_callback(queries.append)
        assert passages.texts(asked) == [held[i] for i in asked]
        assert len([q for q in queries if q.startswith("SELECT id, text")]) == 3  # 500 ids each
        assert [t.id for t in passages] == texts.ids()
        plan = passages._rows("EXPLAIN QUERY PLAN SELECT text FROM passages WHERE id IN ('d1', 'd2')")
        assert "USING INDEX passages_by_id" in plan[0][-1]


def test_unknown_ids_are_named(path: Path) -> None:
    with build_passages(Texts.of(["1", "b"], ["one", "two"], name="few"), path) as passages:
        with pytest.raises(MatryoError, match=r"no text for 2 of 3 ids: 'x', 'y'; ask for ids of few"):
            passages.texts(["x", "b", "y", "x"])
        with pytest.raises(MatryoError, match="1 of 1 ids: 1;"):
            passages.text(1)  # type: ignore[arg-type]
        for unknown in ("", "one", "1\0", "\ud800", 1, None):
            assert unknown not in passages
        with pytest.raises(MatryoError, match=r"got the text '1b'"):
            passages.texts("1b")
        assert passages.texts([]) == []
    with pytest.raises(MatryoError, match=r"closed.*Passages.open"):
        passages.text("b")


@pytest.mark.parametrize(
    ("ids", "texts", "words"),
    [
        (["a", "b"], ["x", "y\0z"], "bad, number 2: the text of 'b' holds a NUL"),
        (["a", "b\0"], ["x", "y"], "the id .* holds a NUL"),
        (["a", "b"], ["x", "\udc80"], "the text of 'b' holds half a surrogate"),
        (["a", 2], ["x", "y"], "the id 2 is int, no text"),
        (["a", "b"], ["x", None], "the text of 'b' is NoneType"),
    ],
)
def test_what_cannot_be_stored_leaves_nothing(path: Path, ids: list[str], texts: list[str], words: str) -> None:
    with pytest.raises(MatryoError, match=words):
        build_passages(Texts.of(ids, texts, name="bad"), path)
    assert list(path.parent.iterdir()) == []


def test_repeated_ids_are_named(path: Path) -> None:
    twice = Texts(lambda: (Text(i, i) for i in ("z", "b", "z", "a", "b", "z")), "twice")
    with pytest.raises(MatryoError, match=r"^twice: 2 ids occur more than once: 'z', 'b'; make"):
        build_passages(twice, path)
    assert list(path.parent.iterdir()) == []


def test_an_error_while_reading_leaves_nothing(path: Path) -> None:
    def breaks() -> Iterator[Text]:
        yield Text("a", "first")
        raise FormatError("line 2 is bad")

    with pytest.raises(FormatError, match="line 2 is bad"):
        build_passages(Texts(breaks, "breaking"), path)
    assert list(path.parent.iterdir()) == []


def test_a_full_disk_is_one_readable_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configured = module._configure

    def small(connection: sqlite3.Connection) -> None:
        configured(connection)
        connection.execute("PRAGMA max_page_count = 20")  # SQLite then answers as on a full disk

    monkeypatch.setattr(module, "_configure", small)
    with pytest.raises(MatryoError, match=r"could not be written: database or disk is full; make room"):
        build_passages(numbered(20_000), path)
    assert list(path.parent.iterdir()) == []


def state(path: Path) -> tuple[int, int, bytes]:
    """What changes if a file is written or replaced."""
    return path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes()


def test_the_same_texts_are_kept_and_others_refused(path: Path) -> None:
    build_passages(numbered(50), path).close()
    before = state(path)
    with build_passages(numbered(50, "renamed"), path) as passages:
        assert passages.name == "numbers"
    assert state(path) == before
    with pytest.raises(MatryoError, match=r"holds other texts already, 50 of numbers; remove it"):
        build_passages(numbered(51), path)
    assert state(path) == before


@pytest.mark.parametrize("content", [b"", b"notes of mine\n", b"SQLite format 3\0" + bytes(200)])
def test_another_file_is_never_replaced(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(MatryoError, match="is there already and no whole file of passages"):
        build_passages(numbered(5), path)
    assert path.read_bytes() == content
    with pytest.raises(FormatError, match=r"passages\.sqlite"):
        Passages.open(path)


def test_missing_folders_and_foreign_databases_are_refused(path: Path) -> None:
    with pytest.raises(FormatError, match="is missing"):
        Passages.open(path)
    with pytest.raises(FormatError, match="is a folder"):
        Passages.open(path.parent)
    assert not path.exists()
    foreign = sqlite3.connect(path)
    foreign.execute("CREATE TABLE passages (id, text)")
    foreign.close()
    with pytest.raises(FormatError, match="no whole file of passages"):
        Passages.open(path)


def changed(path: Path, statement: str) -> None:
    """Change a file behind the back of `Passages`."""
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE about SET value = 2 WHERE key = 'format'", "has format 2, this version reads 1"),
        ("DELETE FROM about WHERE key = 'n'", r"missing: \['n'\]"),
        ("UPDATE about SET value = 'many' WHERE key = 'n'", r"wrong type: \['n'\]"),
        ("DROP TABLE about", "no such table: about"),
    ],
)
def test_unknown_formats_and_fields_are_refused(path: Path, statement: str, words: str) -> None:
    build_passages(numbered(5), path).close()
    changed(path, statement)
    with pytest.raises(FormatError, match=words):
        Passages.open(path)


def test_damage_is_found(path: Path) -> None:
    build_passages(numbered(2000), path).close()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match="malformed"):
        Passages.open(path)
    path.write_bytes(whole.replace(b"text 1234", b"text 4321"))
    with Passages.open(path) as passages, pytest.raises(FormatError, match="not those that were stored"):
        passages.verify()
    path.write_bytes(whole.replace(b"text 1234", b"text \xff234"))
    with Passages.open(path) as passages, pytest.raises(FormatError, match=r"damaged.*UTF-8"):
        list(passages)
    pages = len(whole) // 4096
    path.write_bytes(whole[: 4096 * 3] + b"\xff" * 4096 * (pages - 3))
    with Passages.open(path) as passages:
        with pytest.raises(FormatError, match="damaged"):
            passages.texts(numbered(2000).ids())
        with pytest.raises(FormatError, match="damaged"):
            passages.verify()


def test_reading_changes_nothing_and_needs_no_writable_folder(tmp_path: Path) -> None:
    folder = tmp_path / "a #strange?name% ü"
    build_passages(numbered(5), folder / "p?.sqlite").close()
    folder.chmod(0o555)
    try:
        with Passages.open(folder / "p?.sqlite") as passages:
            assert passages.text("d0") == "text 0"
            with pytest.raises(FormatError, match="readonly"):
                passages._rows("DELETE FROM passages")
            assert [p.name for p in folder.iterdir()] == ["p?.sqlite"]
    finally:
        folder.chmod(0o755)


def test_threads_share_one_file(path: Path) -> None:
    wrong: list[str] = []
    with build_passages(numbered(500), path) as passages:
        held = {t.id: t.text for t in passages}

        def read() -> None:
            for id, text in held.items():
                if passages.text(id) != text:
                    wrong.append(id)

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


READER = """
import sys
from matryo.search import Passages
with Passages.open(sys.argv[1]) as passages:
    texts = iter(passages)
    next(texts)
    print("reading", flush=True)
    sys.stdin.readline()
    rest = [t.id for t in texts]
    passages.verify()
    right = passages.texts(rest) == [f"text {i}" for i in range(1, len(rest) + 1)]
    print(len(rest), right, passages.digest, flush=True)
"""


def test_two_processes_read_at_once_also_while_the_file_is_built_anew(path: Path) -> None:
    build_passages(numbered(2000), path).close()
    readers = [
        subprocess.Popen([sys.executable, "-c", READER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for reader in readers:
        assert reader.stdout is not None and reader.stdout.readline() == "reading\n"
    path.unlink()
    with build_passages(numbered(10), path) as passages:
        assert len(passages) == 10
        for reader in readers:
            printed, _ = reader.communicate("go on\n", timeout=60)
            assert printed == f"1999 True {numbered(2000).digest()}\n"


BUILDER = """
import itertools, sys
from matryo.data import Text, Texts
from matryo.search import build_passages

def endless():
    for i in itertools.count():
        if i == 50_000:
            print("under way", flush=True)
        yield Text(f"d{i}", "a text " * 20)

build_passages(Texts(endless, "endless"), sys.argv[1])
"""


def test_a_killed_build_leaves_nothing_that_looks_whole(path: Path) -> None:
    builder = subprocess.Popen([sys.executable, "-c", BUILDER, path], stdout=subprocess.PIPE, text=True)
    assert builder.stdout is not None and builder.stdout.readline() == "under way\n"
    with pytest.raises(MatryoError, match="is being built by another process"):
        build_passages(numbered(10), path)
    os.kill(builder.pid, signal.SIGKILL)
    builder.communicate()
    (leftover,) = path.parent.iterdir()
    assert leftover.name == f"{path.name}.tmp-{builder.pid}" and leftover.stat().st_size > 1_000_000
    with pytest.raises(FormatError, match="is missing"):
        Passages.open(path)
    with pytest.raises(FormatError, match=r"no whole file|damaged"):
        Passages.open(leftover)
    neighbour = path.with_name(f"other-{path.name}.tmp-1")
    neighbour.touch()
    with build_passages(numbered(10), path) as passages:
        assert len(passages) == 10
    assert sorted(path.parent.iterdir()) == sorted([path, neighbour])


def test_the_file_is_the_same_for_the_same_texts(tmp_path: Path) -> None:
    digests = set()
    for name in ("one", "two"):
        build_passages(numbered(500), tmp_path / name).close()
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1


def test_progress_is_told(path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("matryo.progress._SECONDS_BETWEEN_LINES", 0.0)
    monkeypatch.setattr(module, "_TRANSACTION_ROWS", 400)
    build_passages(numbered(1000), path, progress=True).close()
    told = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in told] == [f"store passages.sqlite: {n} of 1000" for n in (400, 800, 1000)]
    assert all("s left" in line for line in told)
