"""Pushing, with engines that lose, refuse or break on request, each around a real one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from matryo.embeddings import EmbeddingSet
from matryo.errors import FormatError, MatryoError
from matryo.prefix import cut, unit_rows
from matryo.search.stores import Pushed
from matryo.search.stores.chroma import ChromaEngine
from matryo.search.stores.contents import all_ids, count, find
from matryo.search.stores.engine import Engine, Neighbours
from matryo.search.stores.label import Label
from matryo.search.stores.milvus import MilvusEngine
from matryo.search.stores.pushing import push_set
from matryo.search.stores.searching import search_store
from matryo.space import Space

pytest.importorskip("chromadb")
pytest.importorskip("milvus_lite")

PAUSES = (0.01, 0.02)
WIDTH = 16
SPACE = Space.declared("stores", WIDTH)


class Watched(Engine):
    """A real engine whose `put` can be watched, lost or broken.

    `before_put` is called with the number of the request, from 1; if it returns False the request is confirmed and
    nothing is stored.
    """

    def __init__(self, inner: Engine, before_put: Callable[[int], bool] = lambda n: True) -> None:
        self.inner = inner
        self.before_put = before_put
        self.n_puts = 0
        self.n_looked_up = 0
        self.largest = 0

    @property
    def where(self) -> str:
        return self.inner.where

    @property
    def most_hits(self) -> int:
        return self.inner.most_hits

    @property
    def pauses(self) -> tuple[float, ...]:
        return self.inner.pauses

    def most_rows(self, dim: int) -> int:
        return self.inner.most_rows(dim)

    def writing(self) -> AbstractContextManager[None]:
        return self.inner.writing()

    def metadata(self, beginning: str) -> dict[str, Mapping[str, object]]:
        return self.inner.metadata(beginning)

    def create(self, collection: str, dim: int, metadata: Mapping[str, str]) -> None:
        self.inner.create(collection, dim, metadata)

    def relabel(self, collection: str, metadata: Mapping[str, str]) -> None:
        self.inner.relabel(collection, metadata)

    def drop(self, collection: str) -> None:
        self.inner.drop(collection)

    def put(self, collection: str, ids: Sequence[str], vectors: np.ndarray) -> None:
        self.n_puts += 1
        self.largest = max(self.largest, len(ids))
        if self.before_put(self.n_puts):
            self.inner.put(collection, ids, vectors)

    def present(self, collection: str, ids: Sequence[str]) -> set[str]:
        self.n_looked_up += len(ids)
        return self.inner.present(collection, ids)

    def vectors(self, collection: str, ids: Sequence[str]) -> dict[str, np.ndarray]:
        return self.inner.vectors(collection, ids)

    def count(self, collection: str) -> int:
        return self.inner.count(collection)

    def pages(self, collection: str, size: int) -> Iterator[list[str]]:
        return self.inner.pages(collection, size)

    def nearest(self, collection: str, queries: np.ndarray, k: int) -> list[Neighbours]:
        return self.inner.nearest(collection, queries, k)


@pytest.fixture
def rows(rng: np.random.Generator, tmp_path: Path) -> EmbeddingSet:
    """50 unit rows."""
    x = unit_rows(rng.standard_normal((50, WIDTH), dtype=np.float32))
    return EmbeddingSet.from_numpy(tmp_path / "rows", x, [f"d{n:02d}" for n in range(50)], space=SPACE, shard_rows=20)


@pytest.fixture(params=["chroma", "milvus"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    if request.param == "chroma":
        return ChromaEngine(tmp_path / "chroma", PAUSES)
    return MilvusEngine(tmp_path / "m.db", pauses=PAUSES)


class Cut(RuntimeError):
    """What a process that is killed looks like from inside."""


def push(engine: Engine, rows: EmbeddingSet, dims: Sequence[int] = (8, 16), batch: int = 10, **more: bool) -> Pushed:
    asked = {"replace": False, "progress": False, **more}
    return push_set(engine, "docs", rows, dims=dims, batch=batch, **asked)


def check_whole(engine: Engine, rows: EmbeddingSet) -> None:
    """Every row is there at both dims and is the nearest to itself."""
    assert count(engine, "docs") == len(rows.ids()) == 50
    assert sorted(all_ids(engine, "docs", 7)) == rows.ids()
    for dim in (8, 16):
        hits = search_store(engine, "docs", rows, 1, dim, None)
        assert hits.ids[:, 0].tolist() == rows.ids()
        np.testing.assert_allclose(hits.scores, 1.0, atol=1e-5)


def cut_at(number: int) -> Callable[[int], bool]:
    def before_put(n: int) -> bool:
        if n == number:
            raise Cut
        return True

    return before_put


def test_an_interrupted_push_is_not_done_and_goes_on(engine: Engine, rows: EmbeddingSet) -> None:
    with pytest.raises(Cut):
        push(Watched(engine, cut_at(6)), rows)
    contents = find(engine, "docs")
    assert contents is not None and not contents.complete and count(engine, "docs") == 20
    for use in (lambda: search_store(engine, "docs", rows, 1, 8, None), lambda: next(all_ids(engine, "docs", 5))):
        with pytest.raises(MatryoError, match=r"docs at .* is not complete.*push the same set again"):
            use()
    with pytest.raises(MatryoError, match="another name, or ask to replace"):
        push(engine, rows, dims=(16,))
    assert 50 <= push(engine, rows).n_sent < 60  # some may be sent again until a search finds them
    check_whole(engine, rows)


def test_cut_between_two_collections_it_goes_on(engine: Engine, rows: EmbeddingSet) -> None:
    label = Label.of("docs", rows, (8, 16), 8)
    with engine.writing():
        engine.create(label.collection, 8, label.to_strings())
    assert count(engine, "docs") == 0
    assert 100 <= push(engine, rows).n_sent < 110
    check_whole(engine, rows)


def test_a_push_cut_before_its_marks_sends_nothing_again(engine: Engine, rows: EmbeddingSet) -> None:
    push(engine, rows)
    label = Label.of("docs", rows, (8, 16), 16)
    engine.relabel(label.collection, label.to_strings())
    assert push(engine, rows).n_sent == 0
    assert find(engine, "docs").complete
    check_whole(engine, rows)


def test_a_batch_that_was_confirmed_and_lost_is_sent_again(engine: Engine, rows: EmbeddingSet) -> None:
    watched = Watched(engine, lambda n: n != 4)
    assert 100 + 10 <= push(watched, rows).n_sent < 120
    check_whole(engine, rows)


def test_an_engine_that_goes_on_losing_is_called_so_and_nothing_is_called_done(
    engine: Engine, rows: EmbeddingSet
) -> None:
    watched = Watched(engine, lambda n: n % 2 == 1)
    watched.before_put = lambda n: n < 5  # keeps 20 rows of each dim, then none
    with pytest.raises(MatryoError, match=r"confirmed 50 rows of docs_8 and has 20 of them, sent 3 times; .* complete"):
        push(watched, rows)
    assert not find(engine, "docs").complete
    with pytest.raises(MatryoError, match="not complete"):
        search_store(engine, "docs", rows, 1, 8, None)
    assert 60 <= push(engine, rows).n_sent < 75
    check_whole(engine, rows)


def test_rows_lost_after_a_push_are_found_by_the_next(engine: Engine, rows: EmbeddingSet) -> None:
    push(engine, rows)
    label = Label.of("docs", rows, (8, 16), 8)
    engine.drop(label.collection)
    engine.create(label.collection, 8, replace(label, complete=True).to_strings())
    engine.put(label.collection, rows.ids()[10:], cut(rows.to_numpy()[10:], 8))
    watched = Watched(engine)
    assert 10 <= push(watched, rows).n_sent < 20
    check_whole(engine, rows)
    assert push(watched, rows).n_sent == 0


class Blind(Watched):
    """Has all rows and does not find some of them."""

    def nearest(self, collection: str, queries: np.ndarray, k: int) -> list[Neighbours]:
        found = self.inner.nearest(collection, queries, k)
        return [[(id, score) for id, score in hits if id not in ("d03", "d04")] for hits in found]


def test_rows_that_no_search_finds_are_sent_again_and_at_last_named(engine: Engine, rows: EmbeddingSet) -> None:
    with pytest.raises(MatryoError, match="has the rows of docs_8 and does not find 2 of 50, sent 3 times"):
        push(Blind(engine), rows)
    assert not find(engine, "docs").complete
    push(engine, rows)
    check_whole(engine, rows)


def test_rows_of_somebody_else_are_refused(engine: Engine, rows: EmbeddingSet) -> None:
    with pytest.raises(Cut):
        push(Watched(engine, cut_at(10)), rows)
    engine.put("docs_16", [f"x{n}" for n in range(30)], rows.to_numpy()[:30])
    with pytest.raises(MatryoError, match=r"docs_16 at .* has 80 rows, the set has 50; something else writes there"):
        push(engine, rows)
    assert not find(engine, "docs").complete


def test_a_foreign_row_in_the_place_of_a_lost_one_is_noticed(engine: Engine, rows: EmbeddingSet) -> None:
    def swap(n: int) -> bool:
        if n == 9:
            engine.put("docs_8", [f"x{i}" for i in range(10)], cut(rows.to_numpy()[:10], 8))
        return n != 9

    with pytest.raises(MatryoError, match="has 60 rows, the set has 50"):
        push(Watched(engine, swap), rows)


def test_somebody_elses_collection_is_left_alone(engine: Engine, rows: EmbeddingSet) -> None:
    with engine.writing():
        engine.create("docs_8", 8, {"owner": "me"})
    with pytest.raises(MatryoError, match="has a collection docs_8 already, which matryo did not make"):
        push(engine, rows)
    assert engine.metadata("docs_8")["docs_8"] == {"owner": "me"}


def test_batches_stay_below_what_was_asked_and_what_the_engine_takes(
    engine: Engine, rows: EmbeddingSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(engine)
    push(watched, rows, batch=1_000_000)
    assert (watched.n_puts, watched.largest) == (2, 50)
    monkeypatch.setattr(Watched, "most_rows", lambda self, dim: 10 if dim == 16 else 99)
    push(again := Watched(engine), rows, dims=(16,), replace=True)
    assert (again.n_puts, again.largest) == (5, 10)
    assert 1000 <= engine.most_rows(768) * 768 < 4_000_000 and engine.most_rows(10_000_000) == 1


def test_a_first_push_asks_for_no_ids_but_a_sample(engine: Engine, rows: EmbeddingSet) -> None:
    watched = Watched(engine)
    push(watched, rows)
    assert watched.n_looked_up == 2 * 50  # all of so few rows are the sample


def test_the_set_is_read_once_for_all_dims_and_batch_by_batch(
    engine: Engine, rows: EmbeddingSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, seen = EmbeddingSet.read, []

    def noted(self: EmbeddingSet, which: slice, start: int, stop: int) -> np.ndarray:
        seen.append((which.start, which.stop, stop))
        return read(self, which, start, stop)

    monkeypatch.setattr(EmbeddingSet, "read", noted)
    push(engine, rows, dims=(4, 8))
    assert seen == [(first, first + 10, 8) for first in range(0, 50, 10)]


def test_progress_counts_every_vector(engine: Engine, rows: EmbeddingSet, capsys: pytest.CaptureFixture[str]) -> None:
    push(engine, rows, progress=True)
    assert capsys.readouterr().out == ""


def test_a_label_of_another_format_or_a_damaged_one_is_refused(rows: EmbeddingSet) -> None:
    stored = Label.of("docs", rows, (8, 16), 8).to_strings()
    assert Label.from_strings(stored, "here") == Label.of("docs", rows, (8, 16), 8)
    assert Label.from_strings({**stored, "more": 1}, "here").space == SPACE
    assert Label.from_strings({"owner": "me", "n": 3}, "here") is None
    with pytest.raises(FormatError, match="here has format '9', this version reads '1'"):
        Label.from_strings({**stored, "matryo.format": "9"}, "here")
    for key in stored:
        damaged = {k: v for k, v in stored.items() if k != key}
        if key not in ("matryo.format", "matryo.space_id", "matryo.width"):
            with pytest.raises(FormatError, match="here has a damaged label"):
                Label.from_strings(damaged, "here")
