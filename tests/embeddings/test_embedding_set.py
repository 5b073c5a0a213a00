import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matryo.embeddings import ArrayVectors, EmbeddingSet
from matryo.errors import FormatError, MatryoError, ShapeError, SpaceError
from matryo.files import digest_file, only_writer
from matryo.prefix import Array, cut, unit_rows
from matryo.space import Space

Small = tuple[EmbeddingSet, Array]
Unit = Callable[[int, int], Array]

MEMORY = Path("/dev/shm")


def names(n: int, letter: str = "i") -> list[str]:
    return [f"{letter}{row}" for row in range(n)]


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize(("n", "width", "shard_rows"), [(1, 1, 5), (7, 20, 7), (9, 33, 4), (5, 300, 1), (3, 700, 8192)])
def test_what_is_saved_is_opened(tmp_path: Path, unit: Unit, dtype: str, n: int, width: int, shard_rows: int) -> None:
    x, space = unit(n, width), Space.declared("a", width)
    made = EmbeddingSet.from_numpy(
        tmp_path / "set", x, names(n), space=space, role="query", prompt="q: ", dtype=dtype, shard_rows=shard_rows
    )
    opened = EmbeddingSet.open(str(tmp_path / "set"), space=space.id)
    assert (opened.n_rows, opened.width, opened.dtype, opened.role, opened.prompt) == (n, width, dtype, "query", "q: ")
    assert (opened.space, opened.generation, opened.edges[-1]) == (space, 1, width)
    assert opened.digest == made.digest == digest_file(tmp_path / "set" / "manifest.json")
    assert opened.ids() == names(n) and opened.ids() is opened.ids()
    assert opened.texts() is None
    found = opened.to_numpy()
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, x.astype(dtype).astype(np.float32))
    assert opened.verify() == []


def test_a_set_says_what_it_is(small: Small) -> None:
    assert "10 x 70 float32, document" in repr(small[0]) and "generation 1" in repr(small[0])
    assert small[0].texts() == [f"word i{row}" for row in range(10)]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_slice_is_numpys(small: Small, data: st.DataObject) -> None:
    opened, x = small
    bound = st.none() | st.integers(-12, 12)
    rows = slice(data.draw(bound), data.draw(bound))
    start = data.draw(st.integers(0, 69))
    stop = data.draw(st.integers(start + 1, 70))
    np.testing.assert_array_equal(opened.read(rows, start, stop), x[rows][:, start:stop])


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(a=st.integers(1, 70), b=st.integers(1, 70))
def test_a_prefix_of_a_prefix(small: Small, a: int, b: int) -> None:
    short, long = sorted((a, b))
    found = small[0].to_numpy(short)
    np.testing.assert_allclose(cut(small[0].to_numpy(long), short), found, atol=1e-6)
    np.testing.assert_array_equal(found, cut(small[1], short))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_single_rows_in_any_order_are_those_of_the_matrix(data: st.DataObject) -> None:
    width, n = 70, data.draw(st.integers(1, 12))
    dtype = data.draw(st.sampled_from(["float32", "float16"]))
    edges = data.draw(st.sampled_from([None, (0, 70), (0, 5, 64, 70)]))
    x = unit_rows(np.random.default_rng(n).standard_normal((n, width), dtype=np.float32))
    gone = sorted(data.draw(st.sets(st.integers(0, n - 1), max_size=n - 1)))
    with tempfile.TemporaryDirectory() as folder:
        stored = EmbeddingSet.from_numpy(
            folder, x, names(n), space=Space.declared("take", width), dtype=dtype, shard_rows=4, edges=edges
        )
        stored = stored.delete([f"i{row}" for row in gone])
        left = np.delete(x, gone, axis=0).astype(dtype).astype(np.float32)
        rows = np.array(data.draw(st.lists(st.integers(0, len(left) - 1))), dtype=np.int64)
        start = data.draw(st.integers(0, width - 1))
        stop = data.draw(st.integers(start + 1, width))
        found = stored.take(rows, start, stop)
        assert found.dtype == np.float32 and found.flags.writeable
        np.testing.assert_array_equal(found, left[rows, start:stop])
        np.testing.assert_array_equal(ArrayVectors(left).take(rows, start, stop), left[rows, start:stop])


class Watched(np.ndarray):
    """Mapped numbers that remember what was picked out of them."""

    picked: ClassVar[list[tuple[tuple[int, ...], list[int]]]] = []

    def take(self, indices: np.ndarray, *args: object, **settings: object) -> object:
        self.picked.append((self.shape, indices.tolist()))
        return super().take(indices, *args, **settings)


def test_nothing_but_the_rows_taken_and_their_blocks_is_read(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    stored, x = small
    picked: list[tuple[tuple[int, ...], list[int]]] = []
    monkeypatch.setattr(Watched, "picked", picked)
    mapped = stored._blocks
    stored._blocks = lambda shard: {edges: held.view(Watched) for edges, held in mapped(shard).items()}
    np.testing.assert_array_equal(stored.take(np.array([9, 1, 9, 2]), 40, 66), x[[9, 1, 9, 2], 40:66])
    # two rows of the first shard, two of the third, of the blocks 32..64 and 64..70 that hold these columns
    assert picked == [((4, 32), [1, 2]), ((4, 6), [1, 2]), ((2, 32), [1, 1]), ((2, 6), [1, 1])]


@pytest.mark.parametrize(
    ("rows", "columns", "words"),
    [
        (np.array([0, 10]), (0, 3), "rows must lie within 0..9, got 0..10"),
        (np.array([-1]), (0, 3), "rows must lie within 0..9"),
        (np.array([0.0]), (0, 3), "vector of whole numbers, got float64"),
        (np.array([[0]]), (0, 3), "vector of whole numbers"),
        ([1, 2], (0, 3), "vector of whole numbers, got list"),
        (np.array([1]), (3, 3), "columns must rise"),
        (np.array([1]), (0, 71), "columns must rise within 0..70"),
    ],
)
def test_rows_and_columns_that_are_not_there_cannot_be_taken(
    small: Small, rows: np.ndarray, columns: tuple[int, int], words: str
) -> None:
    for source in (small[0], ArrayVectors(small[1])):
        with pytest.raises(ShapeError, match=words):
            source.take(rows, *columns)


def test_float16_is_read_as_float32_of_length_one_after_the_cut(tmp_path: Path, unit: Unit) -> None:
    x = unit(50, 128)
    opened = EmbeddingSet.from_numpy(
        tmp_path / "h", x, names(50), space=Space.declared("a", 128), dtype="float16", shard_rows=16
    )
    np.testing.assert_allclose(opened.read(slice(10, 40), 20, 100), x[10:40, 20:100], rtol=2**-10, atol=1e-7)
    for dim in (1, 32, 100, 128):
        found = opened.to_numpy(dim)
        assert found.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-6)
        assert (found * cut(x, dim)).sum(axis=1).min() > 0.999999
    size = (tmp_path / "h" / "shard-00000.safetensors").stat().st_size
    assert 16 * 128 * 2 < size < 16 * 128 * 2 + 1024


OPERATIONS = st.lists(
    st.tuples(st.just("append"), st.integers(0, 5)) | st.tuples(st.just("delete"), st.sets(st.integers(0, 30))),
    max_size=6,
)


@settings(deadline=None, max_examples=30)
@given(first=st.integers(0, 7), shard_rows=st.integers(1, 5), operations=OPERATIONS, data=st.data())
def test_changes_follow_a_plain_list(first: int, shard_rows: int, operations: list, data: st.DataObject) -> None:
    fresh = iter(range(1000))

    def rows(n: int) -> list[tuple[str, list[float]]]:
        return [(f"r{i}", [float(i), 1.0 + i, *([2.0] * 40)]) for i in (next(fresh) for _ in range(n))]

    def arrays(chosen: list[tuple[str, list[float]]]) -> tuple[Array, list[str]]:
        return np.array([v for _, v in chosen], np.float32).reshape(-1, 42), [name for name, _ in chosen]

    space = replace(Space.declared("a", 42), normalize=False)
    # In memory where there is such a place: every change waits for the disk otherwise.
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.exists() else None) as folder:
        model = rows(first)
        current = EmbeddingSet.from_numpy(Path(folder) / "s", *arrays(model), space=space, shard_rows=shard_rows)
        history = [(current, list(model))]
        for verb, what in operations:
            if verb == "append":
                added = rows(what)
                current = current.append(*arrays(added))
                model += added
                changed = bool(added)
            else:
                gone = {name for row, (name, _) in enumerate(model) if row in what}
                current = current.delete(gone)
                model = [row for row in model if row[0] not in gone]
                changed = bool(gone)
            assert current.generation == history[-1][0].generation + changed
            history.append((current, list(model)))
        again = EmbeddingSet.open(Path(folder) / "s")
        for opened, expected in [*history, (again, model)]:
            x, ids = arrays(expected)
            assert opened.ids() == ids and opened.n_rows == len(ids)
            np.testing.assert_array_equal(opened.to_numpy(), x)
            a = data.draw(st.integers(0, len(ids)))
            np.testing.assert_array_equal(opened.read(slice(a, a + 4), 1, 40), x[a : a + 4, 1:40])
            pinned = EmbeddingSet.open(Path(folder) / "s", generation=opened.generation)
            assert (pinned.digest, pinned.ids()) == (opened.digest, ids)
        assert again.verify() == []


def test_a_deleted_id_may_come_back(small: Small) -> None:
    opened, x = small
    back = opened.delete(["i0", "i5"]).append(x[5:6], ["i5"], ["again"])
    assert back.ids() == [*names(5)[1:], *names(10)[6:], "i5"]
    assert (back.texts() or [])[-1] == "again"
    assert opened.ids() == names(10)


def test_everything_may_be_deleted(small: Small) -> None:
    empty = small[0].delete(small[0].ids())
    assert (empty.n_rows, empty.ids(), empty.texts(), empty.to_numpy(5).shape) == (0, [], [], (0, 5))
    assert empty.verify() == []
    assert empty.append(small[1][:1], ["i0"], ["t"]).n_rows == 1


def test_no_rows_at_all(tmp_path: Path) -> None:
    space = Space.declared("a", 40)
    empty = EmbeddingSet.from_numpy(tmp_path / "e", np.empty((0, 40), np.float32), [], space=space)
    assert empty.read(slice(None), 0, 40).shape == (0, 40)
    assert empty.verify() == []
    assert empty.append(np.empty((0, 40), np.float32), []) is empty
    empty.export_npy(tmp_path / "e.npy")
    assert np.load(tmp_path / "e.npy").shape == (0, 40)
    with pytest.raises(ShapeError, match="width 40, got vectors of 41"):
        EmbeddingSet.from_numpy(tmp_path / "f", np.empty((0, 41), np.float32), [], space=space)


def test_rows_come_from_any_vectors(small: Small, tmp_path: Path) -> None:
    copied = EmbeddingSet.from_numpy(tmp_path / "c", small[0], small[0].ids(), space=small[0].space, shard_rows=3)
    np.testing.assert_array_equal(copied.to_numpy(), small[1])
    mapped = np.memmap(tmp_path / "m", np.float32, "w+", shape=(4, 70))
    mapped[:] = small[1][:4]
    other = EmbeddingSet.from_numpy(tmp_path / "d", ArrayVectors(mapped), names(4), space=small[0].space)
    np.testing.assert_array_equal(other.to_numpy(), small[1][:4])


def test_writing_the_same_again_opens_it_and_other_rows_are_refused(small: Small) -> None:
    opened, x = small
    again = EmbeddingSet.from_numpy(opened.folder, x, names(10), space=opened.space, texts=opened.texts(), shard_rows=4)
    assert again.digest == opened.digest
    with pytest.raises(MatryoError, match=r"input_digest is .*use another folder"):
        EmbeddingSet.from_numpy(opened.folder, -x, names(10), space=opened.space, texts=opened.texts(), shard_rows=4)


def test_another_space_is_refused(small: Small) -> None:
    with pytest.raises(SpaceError, match="must lie in one space"):
        EmbeddingSet.open(small[0].folder, space=Space.declared("other", 70))
    with pytest.raises(SpaceError):
        EmbeddingSet.open(small[0].folder, space="0123")


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (lambda x: (x[:, :69], names(10)), ShapeError, r"vectors of shape \(10, 70\)"),
        (lambda x: (x[:9], names(10)), ShapeError, "9 vectors need as many ids, got 10"),
        (lambda x: (x, "abcdefghij"), ShapeError, "need as many ids"),
        (lambda x: (x * 1.01, names(10)), ShapeError, "row 0 has length 1.01; pass unit rows"),
        (lambda x: (x, ["i0", *names(9)]), MatryoError, "rows 0 and 1 both have 'i0'"),
        (lambda x: (x, ["", *names(9)]), MatryoError, "row 0 has ''"),
        (lambda x: (np.where(x > 0.2, np.inf, x), names(10)), ShapeError, "must be finite"),
        (lambda x: (x * 1e300, names(10)), ShapeError, "row 0 has|must fit float32"),
        (lambda x: ((x * 100).astype(np.int8), names(10)), ShapeError, "float matrix"),
    ],
)
def test_rows_that_do_not_fit_leave_no_plan_behind(
    tmp_path: Path, small: Small, change: Callable[[Array], tuple], kind: type, words: str
) -> None:
    x, ids = change(small[1].astype(np.float64))
    with pytest.raises(kind, match=words):
        EmbeddingSet.from_numpy(tmp_path / "bad", x, ids, space=small[0].space)
    assert not (tmp_path / "bad" / "plan.json").exists()


def test_zero_rows_and_spaces_without_unit_length(tmp_path: Path, small: Small) -> None:
    x = small[1].copy()
    x[3] = 0.0
    assert not EmbeddingSet.from_numpy(tmp_path / "z", x, names(10), space=small[0].space).to_numpy(9)[3].any()
    loose = EmbeddingSet.from_numpy(
        tmp_path / "l", 5.0 * x, names(10), space=replace(small[0].space, normalize=False), shard_rows=3
    )
    np.testing.assert_array_equal(loose.to_numpy(), 5.0 * x)
    np.testing.assert_allclose(loose.to_numpy(70), unit_rows(x), atol=1e-6)


@pytest.mark.parametrize(("dim", "words"), [(0, "at least 1"), (71, r"within 1\.\.70"), (True, "whole numbers")])
def test_a_dim_outside_is_refused(small: Small, dim: int, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        small[0].to_numpy(dim)


def test_appended_rows_must_fit(small: Small, unit: Unit) -> None:
    opened, x = small
    with pytest.raises(MatryoError, match="rows 4 and 10 both have 'i4'"):
        opened.append(unit(1, 70), ["i4"], ["t"])
    with pytest.raises(MatryoError, match="stores texts, got none; give one per row"):
        opened.append(unit(1, 70), ["new"])
    with pytest.raises(ShapeError, match="as many texts, got 2"):
        opened.append(unit(1, 70), ["new"], ["a", "b"])
    with pytest.raises(ShapeError, match="texts must be strings, row 0"):
        opened.append(unit(1, 70), ["new"], [None])  # type: ignore[list-item]  # bad input is what this test is about
    with pytest.raises(ShapeError, match="vectors of shape"):
        opened.append(unit(1, 71), ["new"], ["t"])
    with pytest.raises(ShapeError, match="length 3"):
        opened.append(3 * unit(1, 70), ["new"], ["t"])
    assert EmbeddingSet.open(opened.folder).generation == 1
    plain = EmbeddingSet.from_numpy(opened.folder.parent / "plain", x, names(10), space=opened.space)
    with pytest.raises(MatryoError, match="stores no texts, got 1; leave them out"):
        plain.append(unit(1, 70), ["new"], ["t"])


def test_only_ids_that_are_there_can_be_deleted(small: Small) -> None:
    with pytest.raises(MatryoError, match=r"unknown: \['nobody'\]"):
        small[0].delete(["i1", "nobody"])
    with pytest.raises(MatryoError, match="given twice"):
        small[0].delete(["i1", "i1"])
    with pytest.raises(MatryoError, match="deletes ids"):
        small[0].delete("i1")
    assert small[0].delete([]) is small[0]


def test_a_set_opened_before_a_change_cannot_change_it_again(small: Small) -> None:
    small[0].delete(["i1"])
    with pytest.raises(MatryoError, match="is at generation 2 now, this set was opened at 1"):
        small[0].delete(["i2"])
    with pytest.raises(MatryoError, match="open it again"):
        small[0].append(small[1][:1], ["new"], ["t"])


def test_two_processes_do_not_write_at_once(small: Small) -> None:
    script = f"from matryo.embeddings import EmbeddingSet; EmbeddingSet.open({str(small[0].folder)!r}).delete(['i1'])"
    with only_writer(small[0].folder):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "is being written by another process" in done.stderr
    assert small[0].delete(["i1"]).n_rows == 9


def test_files_of_a_killed_append_are_written_over(small: Small) -> None:
    for name in ("shard-00003.safetensors", "shard-00003.parquet", "shard-00003.parquet.tmp-1", "manifest-000002.json"):
        (small[0].folder / name).write_bytes(b"rest")
    changed = EmbeddingSet.open(small[0].folder).append(small[1][:2], ["a", "b"], ["x", "y"])
    np.testing.assert_array_equal(changed.read(slice(10, 12), 0, 70), small[1][:2])
    assert changed.verify() == []
    assert not list(small[0].folder.glob("*.tmp-*"))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to count descriptors")
def test_many_shards_do_not_use_up_file_descriptors(tmp_path: Path, unit: Unit) -> None:
    x = unit(80, 8)
    opened = EmbeddingSet.from_numpy(tmp_path / "m", x, names(80), space=Space.declared("a", 8), shard_rows=1)
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    np.testing.assert_array_equal(opened.to_numpy(), x)
    assert len(list(Path("/proc/self/fd").iterdir())) - open_before <= 64


@pytest.mark.parametrize("dim", [None, 33])
def test_exports_are_read_by_others(small: Small, tmp_path: Path, dim: int | None) -> None:
    opened = small[0].delete(["i3", "i9"])
    expected = np.delete(small[1], [3, 9], axis=0)
    expected = expected if dim is None else cut(expected, dim)
    opened.export_npy(tmp_path / "x.npy", dim)
    found = np.load(tmp_path / "x.npy", allow_pickle=False)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)
    opened.export_parquet(str(tmp_path / "x.parquet"), dim)
    table = pq.read_table(tmp_path / "x.parquet")
    assert table.column("id").to_pylist() == opened.ids()
    assert str(table.schema.field("vector").type) == f"fixed_size_list<element: float>[{dim or 70}]"
    np.testing.assert_array_equal(np.array(table.column("vector").to_pylist(), np.float32), expected)
    with pytest.raises(ShapeError):
        opened.export_npy(tmp_path / "y.npy", 71)
    assert {p.name for p in tmp_path.iterdir()} == {"small", "x.npy", "x.parquet"}


def test_an_export_that_fails_leaves_the_old_file(small: Small, tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(b"old")
    (small[0].folder / "shard-00001.safetensors").unlink()
    with pytest.raises(FormatError):
        small[0].export_npy(tmp_path / "x.npy")
    assert (tmp_path / "x.npy").read_bytes() == b"old"


def test_importing_loads_numpy_only() -> None:
    script = "import sys, matryo.embeddings; sys.exit(any(m in sys.modules for m in ('pyarrow', 'torch', 'rich')))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
