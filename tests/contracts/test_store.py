"""One list of checks for every Store, run against real engines; exhaustive comparison in float64 judges them.

Chroma in a folder, Chroma's HTTP server, a Milvus Lite file, and Milvus Lite behind the address that a cluster would
have. Servers are started here, on loopback, once.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError, ShapeError, SpaceError
from matryo.prefix import cut, unit_rows
from matryo.search.stores import ChromaStore, Location, MilvusStore, Pushed, Store, StoreHits
from matryo.space import Space

pytest.importorskip("chromadb")
pytest.importorskip("milvus_lite")

WIDTH = 40
DIMS = (7, 32, WIDTH)
N = 150
SPACE = Space.declared("contract", WIDTH)
NAMES = (f"store_{n}" for n in count())

CHROMA = "from chromadb.cli.cli import app; app()"
MILVUS = "from milvus_lite.cmdline import main; main()"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(code: str, arguments: list[str], port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the end of the block; it can reach nothing beyond this machine."""
    nowhere = {name: "http://127.0.0.1:9" for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")}
    environment = {**os.environ, **nowhere, "ANONYMIZED_TELEMETRY": "False", "NO_PROXY": ""}
    with log.open("ab") as out:
        process = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=out, stderr=out, env=environment)
    try:
        end = time.monotonic() + 30
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None and time.monotonic() < end, log.read_text(errors="replace")
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()


def chroma_server(folder: Path, port: int) -> AbstractContextManager[subprocess.Popen[bytes]]:
    arguments = ["run", "--path", str(folder / "data"), "--host", "127.0.0.1", "--port", str(port)]
    return served(CHROMA, arguments, port, folder / "log")


def milvus_server(folder: Path, port: int) -> AbstractContextManager[subprocess.Popen[bytes]]:
    arguments = ["server", "--data-dir", str(folder / "data.db"), "--host", "127.0.0.1", "--port", str(port)]
    return served(MILVUS, arguments, port, folder / "log")


@pytest.fixture(scope="module")
def chroma_http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    with chroma_server(tmp_path_factory.mktemp("chroma"), port):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def milvus_http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    with milvus_server(tmp_path_factory.mktemp("milvus"), port):
        yield f"http://127.0.0.1:{port}"


@dataclass(frozen=True)
class Case:
    """A kind of store and what is promised of it.

    Attributes:
        location: where it is.
        make: opens a store there.
        recall: least share of the true best that it must find; 1.0 = exact.
    """

    location: str
    make: Callable[[str], Store]
    recall: float


@pytest.fixture(scope="module", params=["chroma_folder", "chroma_http", "milvus_file", "milvus_http"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("store")
    if request.param == "chroma_folder":
        return Case(f"chroma:{folder / 'chroma'}", lambda name: ChromaStore(folder / "chroma", name), 0.95)
    if request.param == "milvus_file":
        return Case(f"milvus:{folder / 'm.db'}", lambda name: MilvusStore(folder / "m.db", name), 1.0)
    address = request.getfixturevalue(request.param)
    if request.param == "chroma_http":
        return Case(f"chroma:{address}", lambda name: ChromaStore(address, name), 0.95)
    return Case(f"milvus:{address}", lambda name: MilvusStore(address, name), 1.0)


@pytest.fixture(scope="module")
def documents() -> np.ndarray:
    """Unit rows, some of them equal, one of them zero."""
    x = unit_rows(np.random.default_rng(5).standard_normal((N, WIDTH), dtype=np.float32))
    x[[30, 70, 119]] = x[5]
    x[40] = 0.0
    return x


@pytest.fixture(scope="module")
def documents_set(documents: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> EmbeddingSet:
    return set_of(documents, tmp_path_factory.mktemp("set"))


def set_of(vectors: np.ndarray, folder: Path, space: Space = SPACE) -> EmbeddingSet:
    ids = [f"d{row:03d}" for row in range(len(vectors))]
    return EmbeddingSet.from_numpy(folder / "set", vectors, ids, space=space, shard_rows=60)


@pytest.fixture(scope="module")
def store(case: Case, documents_set: EmbeddingSet) -> Store:
    """A store that tests read and leave as it is."""
    made = case.make(next(NAMES))
    assert made.push(documents_set, dims=DIMS, batch=64) == Pushed(N, DIMS, N * len(DIMS))
    return made


@pytest.fixture
def fresh(case: Case) -> Store:
    return case.make(next(NAMES))


@pytest.fixture
def queries(rng: np.random.Generator, documents: np.ndarray) -> np.ndarray:
    near = documents[5] + 0.1 * rng.standard_normal(WIDTH, dtype=np.float32)
    return np.vstack([rng.standard_normal((6, WIDTH), dtype=np.float32), near]).astype(np.float32)


def rows_of(hits: StoreHits) -> np.ndarray:
    return np.array([[int(id[1:]) if id else -1 for id in ids] for ids in hits.ids])


@pytest.mark.parametrize("dim", [None, *DIMS])
def test_finds_what_exhaustive_comparison_of_cut_vectors_finds(
    case: Case, store: Store, queries: np.ndarray, documents: np.ndarray, dim: int | None
) -> None:
    k = 15
    hits = store.search(queries, k, dim)
    scores = cut(queries.astype(np.float64), dim or WIDTH) @ cut(documents.astype(np.float64), dim or WIDTH).T
    assert hits.ids.shape == hits.scores.shape == (len(queries), k)
    assert hits.ids.dtype == object and hits.scores.dtype == np.float32
    theirs = np.take_along_axis(scores, rows_of(hits), axis=1)
    np.testing.assert_allclose(hits.scores, theirs, atol=1e-4)
    best = -np.sort(-scores, axis=1)[:, :k]
    assert (theirs >= best[:, -1:] - 1e-6).mean() >= case.recall
    if case.recall == 1.0:
        np.testing.assert_allclose(hits.scores, best, atol=1e-4)


def test_a_few_thousand_rows_are_found_by_the_graph(
    case: Case, fresh: Store, rng: np.random.Generator, tmp_path: Path
) -> None:
    x = unit_rows(rng.standard_normal((3000, WIDTH), dtype=np.float32))
    fresh.push(set_of(x, tmp_path), dims=[24])
    hits = fresh.search(x[:50], 10, 24)
    best = np.argsort(-(cut(x[:50], 24) @ cut(x, 24).T), axis=1)[:, :10]
    shared = [len(set(a) & set(b)) / 10 for a, b in zip(rows_of(hits).tolist(), best.tolist(), strict=True)]
    assert np.mean(shared) >= min(case.recall, 0.999)


def test_scores_fall_and_equal_ones_are_ordered_by_id(store: Store, queries: np.ndarray) -> None:
    hits = store.search(queries, 30)
    falls, ties = np.diff(hits.scores, axis=1) < 0, np.diff(hits.scores, axis=1) == 0
    assert (falls | (ties & (hits.ids[:, :-1] < hits.ids[:, 1:]))).all()
    assert hits.ids[-1, :4].tolist() == ["d005", "d030", "d070", "d119"]


def test_zero_rows_and_zero_queries_score_zero(store: Store, queries: np.ndarray) -> None:
    hits = store.search(queries, N)
    assert (np.abs(hits.scores[hits.ids == "d040"]) < 1e-6).all() and (hits.ids == "d040").any()
    assert np.abs(store.search(np.zeros((1, WIDTH), dtype=np.float32), 3).scores).max() < 1e-6


def test_k_beyond_the_rows_is_filled_up(store: Store, queries: np.ndarray) -> None:
    hits = store.search(queries, N + 3)
    missing = hits.ids == ""
    assert missing[:, -3:].all() and (np.isneginf(hits.scores) == missing).all()
    assert (np.sort(missing, axis=1) == missing).all() and missing.sum() == 3 * len(queries)


def test_no_queries_find_nothing(store: Store) -> None:
    assert store.search(np.empty((0, WIDTH), dtype=np.float32), 4).ids.shape == (0, 4)


def test_queries_of_any_float_type_stay_as_they_are(store: Store, queries: np.ndarray) -> None:
    expected = store.search(queries, 3)
    for dtype in (np.float16, np.float64):
        given = np.asfortranarray(queries.astype(dtype))
        given.setflags(write=False)
        np.testing.assert_allclose(store.search(given, 3).scores, expected.scores, atol=2e-3)


@pytest.mark.parametrize("k", [0, -1])
def test_k_below_one_is_refused(store: Store, queries: np.ndarray, k: int) -> None:
    with pytest.raises(MatryoError, match="k must be at least 1"):
        store.search(queries, k)


def test_dims_that_are_impossible_or_were_not_pushed_are_refused(store: Store, queries: np.ndarray) -> None:
    for dim in (0, WIDTH + 1):
        with pytest.raises(ShapeError, match="dims must"):
            store.search(queries, 3, dim)
    with pytest.raises(MatryoError, match="pushed at dims 7, 32, 40, got dim 8"):
        store.search(queries, 3, 8)


def test_queries_that_are_no_matrix_of_this_width_are_refused(store: Store, queries: np.ndarray) -> None:
    for width in (WIDTH - 1, WIDTH + 1, 7):
        with pytest.raises(ShapeError, match="queries must be as wide as the documents, 40"):
            store.search(np.ones((2, width), dtype=np.float32), 3)
    with pytest.raises(ShapeError, match="queries must be a float matrix"):
        store.search(queries[0], 3)
    for bad in (np.nan, np.inf):
        queries[3, 2] = bad
        with pytest.raises(ShapeError, match="row 3"):
            store.search(queries, 3, 7)


def test_queries_of_another_space_are_refused(store: Store, queries: np.ndarray, tmp_path: Path) -> None:
    other = Space.declared("elsewhere", WIDTH)
    with pytest.raises(SpaceError, match="one space"):
        store.search(queries, 3, space=other)
    with pytest.raises(SpaceError, match="one space"):
        store.search(set_of(unit_rows(queries), tmp_path, other), 3)
    assert store.search(queries, 3, space=SPACE.id).k == 3


def test_a_set_of_queries_is_searched_like_its_matrix(store: Store, queries: np.ndarray, tmp_path: Path) -> None:
    as_set = set_of(unit_rows(queries), tmp_path)
    np.testing.assert_array_equal(store.search(as_set, 4).ids, store.search(queries, 4).ids)


def test_it_knows_what_was_pushed(store: Store, documents_set: EmbeddingSet) -> None:
    assert (store.space, store.dims, store.set_digest) == (SPACE, DIMS, documents_set.digest)
    assert store.complete and store.count() == N
    assert sorted(store.ids(page=37)) == documents_set.ids()


def test_rows_come_back_by_id_and_ask_for_their_neighbours(store: Store, documents: np.ndarray) -> None:
    ids = [f"d{row:03d}" for row in (119, 0, 77)]
    for dim in (None, 7):
        x = cut(documents, dim or WIDTH)
        np.testing.assert_allclose(store.vectors(ids, dim), x[[119, 0, 77]], atol=1e-6)
        hits = store.neighbours(ids, 12, dim)
        scores = (x @ x.T)[[119, 0, 77]]
        np.testing.assert_allclose(hits.scores, np.take_along_axis(scores, rows_of(hits), axis=1), atol=1e-4)
        assert not (hits.ids == np.array(ids)[:, None]).any()
    assert store.neighbours(ids[:1], 3).ids[0].tolist() == ["d005", "d030", "d070"]
    with pytest.raises(MatryoError, match="has no row 'x'"):
        store.vectors(["d001", "x"])


def test_pushed_again_nothing_changes(store: Store, documents_set: EmbeddingSet, queries: np.ndarray) -> None:
    before = store.search(queries, 5, 7)
    assert store.push(documents_set, dims=reversed(DIMS), batch=10) == Pushed(N, DIMS, 0)
    np.testing.assert_array_equal(store.search(queries, 5, 7).ids, before.ids)


def test_the_full_width_alone_is_the_default(fresh: Store, documents_set: EmbeddingSet, queries: np.ndarray) -> None:
    assert fresh.push(documents_set).dims == (WIDTH,)
    assert fresh.search(queries, 2).k == 2


def test_another_set_is_refused_unless_asked_for(
    fresh: Store, documents: np.ndarray, queries: np.ndarray, tmp_path: Path
) -> None:
    first = set_of(documents, tmp_path)
    fresh.push(first, dims=[7, 32])
    changed = first.delete(["d003", "d005"])
    with pytest.raises(MatryoError, match="another name, or ask to replace"):
        fresh.push(changed, dims=[7, 32])
    with pytest.raises(MatryoError, match=r"at dims 7,32, got set .* at dims 7;"):
        fresh.push(first, dims=[7])
    assert fresh.count() == N and fresh.set_digest == first.digest
    assert fresh.push(changed, dims=[32], replace=True).n_sent == N - 2
    assert (fresh.count(), fresh.dims, fresh.set_digest) == (N - 2, (32,), changed.digest)
    assert "d005" not in fresh.search(queries, 20).ids
    with pytest.raises(MatryoError, match="pushed at dims 32"):
        fresh.search(queries, 3, 7)


def test_an_empty_set_and_a_single_row(fresh: Store, case: Case, documents: np.ndarray, tmp_path: Path) -> None:
    empty = set_of(np.empty((0, WIDTH), dtype=np.float32), tmp_path / "empty")
    assert fresh.push(empty, dims=[7, 40]) == Pushed(0, (7, 40), 0)
    assert fresh.complete and fresh.count() == 0 and list(fresh.ids()) == []
    hits = fresh.search(documents[:2], 3)
    assert (hits.ids == "").all() and hits.ids.shape == (2, 3)
    other = case.make(next(NAMES))
    other.push(set_of(documents[:1], tmp_path / "one"))
    assert other.search(-documents[:1], 2).ids.tolist() == [["d000", ""]]


def test_ids_may_hold_any_character(fresh: Store, documents: np.ndarray, tmp_path: Path) -> None:
    ids = ["a'b", 'a"b', "a\\b", "é ü", "a\nb", "{x}", "𝄞", "100%", "x in [1]", "t\tb", "\\n", "\x01", " "]
    odd = EmbeddingSet.from_numpy(tmp_path / "odd", documents[: len(ids)], ids, space=SPACE)
    fresh.push(odd, dims=[WIDTH], batch=5)
    assert sorted(fresh.ids()) == sorted(ids)
    found = fresh.search(documents[: len(ids)], 1).ids[:, 0].tolist()
    assert found == ids


def test_a_dropped_store_is_gone(fresh: Store, case: Case, documents_set: EmbeddingSet, queries: np.ndarray) -> None:
    fresh.push(documents_set, dims=[7, 32])
    fresh.drop()
    assert fresh.count() == 0 and not fresh.complete
    for use in (lambda: fresh.search(queries, 3), fresh.drop, lambda: fresh.space, lambda: next(fresh.ids())):
        with pytest.raises(MatryoError, match=r"has no store 'store_.*push a set first"):
            use()
    assert fresh.push(documents_set, dims=[7]).n_sent == N


def test_stores_of_an_engine_are_listed(case: Case, store: Store) -> None:
    listed = Location.parse(case.location).stores()
    (name,) = [name for name, contents in listed.items() if contents.any.dims == DIMS]
    contents = listed[name]
    assert contents.complete and contents.any.n_rows == N and contents.any.space == SPACE
    assert Location.parse(case.location).store(name).count() == N


def test_a_name_that_begins_like_another_is_another_store(
    case: Case, documents_set: EmbeddingSet, queries: np.ndarray
) -> None:
    name = next(NAMES)
    inner, outer = case.make(name), case.make(f"{name}_7")
    outer.push(documents_set, dims=[7])
    assert inner.count() == 0
    inner.push(documents_set, dims=[7])
    inner.drop()
    assert outer.count() == N


def test_bad_arguments_of_a_push_are_refused_before_anything_is_made(
    fresh: Store, case: Case, documents_set: EmbeddingSet
) -> None:
    with pytest.raises(MatryoError, match="batch has at least 1"):
        fresh.push(documents_set, batch=0)
    for dims in ([0], [WIDTH + 1], [7, 7], []):
        with pytest.raises(ShapeError, match="dims must"):
            fresh.push(documents_set, dims=dims)
    assert not fresh.complete
    for name in ("", "1a", "a-b", "a b", "x" * 201):
        with pytest.raises(MatryoError, match="a store's name"):
            case.make(name)
    with pytest.raises(MatryoError, match="page has at least 1"):
        next(fresh.ids(page=0))


@pytest.mark.parametrize("engine", ["chroma", "milvus"])
def test_a_server_that_dies_during_a_push_and_comes_back(
    engine: str, documents_set: EmbeddingSet, queries: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    server = chroma_server if engine == "chroma" else milvus_server
    made = ChromaStore if engine == "chroma" else MilvusStore
    store = made(f"http://127.0.0.1:{port}", "docs", pauses=(0.02, 0.05))
    read = EmbeddingSet.read
    with server(tmp_path, port) as process:

        def read_and_kill(self: EmbeddingSet, rows: slice, start: int, stop: int) -> np.ndarray:
            if rows.start == 100:
                process.kill()
                process.wait()
            return read(self, rows, start, stop)

        monkeypatch.setattr(EmbeddingSet, "read", read_and_kill)
        with pytest.raises(MatryoError, match="does not answer, tried 3 times") as caught:
            store.push(documents_set, dims=[7, 32], batch=20)
        assert "\n" not in str(caught.value)
        with pytest.raises(MatryoError, match="does not answer, tried 3 times"):
            store.search(queries, 3)
    monkeypatch.setattr(EmbeddingSet, "read", read)
    # gRPC itself waits about a second before it looks for a server that was gone
    store = made(f"http://127.0.0.1:{port}", "docs", pauses=(0.3, 1.0, 2.0))
    with server(tmp_path, port):
        assert not store.complete
        with pytest.raises(MatryoError, match="not complete"):
            store.search(queries, 3)
        assert 0 < store.push(documents_set, dims=[7, 32], batch=20).n_sent < 2 * N
        assert store.complete and store.count() == N and sorted(store.ids()) == documents_set.ids()
        assert store.search(queries[-1:], 4).ids.tolist() == [["d005", "d030", "d070", "d119"]]
