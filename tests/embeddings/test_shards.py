import json
import mmap
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import safetensors.numpy

from matryo.embeddings import EmbeddingSet
from matryo.embeddings.shards import stored_rows
from matryo.errors import FormatError, ShapeError
from matryo.prefix import Array
from matryo.space import Space

Small = tuple[EmbeddingSet, Array]


def header_of(path: Path) -> tuple[int, dict[str, dict[str, list[int]]]]:
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    return 8 + length, json.loads(content[8 : 8 + length])


def with_header(path: Path, header: bytes, data: bytes) -> None:
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)


def resident_bytes(path: Path) -> int:
    """Bytes of a mapped file that this process has loaded."""
    wanted, total = False, 0
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split(" ")[0]:
            wanted = line.endswith(str(path))
        elif wanted and line.startswith("Rss:"):
            total += int(line.split()[1]) * 1024
    return total


def test_other_programs_read_the_same(small: Small) -> None:
    folder, x = small[0].folder, small[1]
    tensors = safetensors.numpy.load_file(folder / "shard-00001.safetensors")
    assert sorted(tensors) == ["block-0000-0032", "block-0032-0064", "block-0064-0070"]
    np.testing.assert_array_equal(np.hstack([tensors[name] for name in sorted(tensors)]), x[4:8])
    table = pq.read_table(folder / "shard-00001.parquet")
    assert table.to_pydict() == {"id": ["i4", "i5", "i6", "i7"], "text": [f"word i{n}" for n in range(4, 8)]}


def test_blocks_start_where_memory_likes_it(small: Small) -> None:
    data, header = header_of(small[0].folder / "shard-00000.safetensors")
    assert data % 64 == 0
    assert header["block-0032-0064"]["data_offsets"] == [4 * 32 * 4, 2 * 4 * 32 * 4]


def test_a_prefix_is_right_though_all_later_blocks_are_garbage(small: Small) -> None:
    folder, x = small[0].folder, small[1]
    for path in folder.glob("*.safetensors"):
        data, header = header_of(path)
        content = bytearray(path.read_bytes())
        later = data + header["block-0064-0070"]["data_offsets"][0]
        content[later:] = b"\xff" * (len(content) - later)
        path.write_bytes(content)
    damaged = EmbeddingSet.open(folder)
    np.testing.assert_array_equal(damaged.read(slice(None), 0, 64), x[:, :64])
    assert np.isnan(damaged.read(slice(None), 64, 70)).all()


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs /proc to see what is loaded")
def test_a_prefix_loads_its_blocks_only(tmp_path: Path, unit: Callable[[int, int], Array]) -> None:
    x = unit(4096, 1024)
    folder = tmp_path / "set"
    opened = EmbeddingSet.from_numpy(folder, x, [str(i) for i in range(4096)], space=Space.declared("a", 1024))
    path = folder / "shard-00000.safetensors"
    np.testing.assert_array_equal(opened.read(slice(None), 0, 64), x[:, :64])
    around = 64 * mmap.PAGESIZE
    assert 0 < resident_bytes(path) <= 4096 * 64 * 4 + around
    opened.read(slice(None), 512, 1024).sum()
    assert resident_bytes(path) >= 4096 * 512 * 4


def test_one_block_is_read_without_a_copy(small: Small) -> None:
    found = small[0].read(slice(0, 4), 4, 30)
    assert not found.flags.owndata and not found.flags.writeable
    np.testing.assert_array_equal(found, small[1][:4, 4:30])


@pytest.mark.parametrize("keep", [0, 7, 60, 0.5, -1])
def test_a_shard_cut_short_is_named(small: Small, tmp_path: Path, keep: float) -> None:
    path = small[0].folder / "shard-00001.safetensors"
    content = path.read_bytes()
    cut_at = int(keep * len(content)) if isinstance(keep, float) else keep % len(content)
    lazy = EmbeddingSet.open(small[0].folder)
    path.write_bytes(content[:cut_at])
    with pytest.raises(FormatError, match=r"shard-00001\.safetensors is cut short.*encode again"):
        EmbeddingSet.open(small[0].folder)
    with pytest.raises(FormatError, match=r"shard-00001\.safetensors.*encode again"):
        lazy.read(slice(None), 0, 70)
    np.testing.assert_array_equal(lazy.read(slice(0, 4), 0, 70), small[1][:4])


@pytest.mark.parametrize("name", ["shard-00001.safetensors", "shard-00001.parquet"])
def test_a_missing_file_is_named(small: Small, name: str) -> None:
    lazy = EmbeddingSet.open(small[0].folder)
    (small[0].folder / name).unlink()
    with pytest.raises(FormatError, match=f"{name} is missing"):
        EmbeddingSet.open(small[0].folder)
    with pytest.raises(FormatError, match=f"{name} is missing"):
        lazy.read(slice(None), 0, 70) if name.endswith("safetensors") else lazy.ids()


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (b"{", "no readable safetensors header"),
        (b"\xff\xfe", "no readable safetensors header"),
        (b"[]", "must hold block-0000-0032"),
        (b"{}", "must hold block-0000-0032"),
        (b'{"block-0000-0032": {"dtype": "F64", "shape": [4, 32], "data_offsets": [0, 1024]}}', "must hold block"),
        (b'{"block-0000-0032": {"dtype": "F32", "shape": [4, 32], "data_offsets": [0, 99999]}}', "must hold block"),
    ],
)
def test_a_header_that_lies_is_refused(small: Small, header: bytes, words: str) -> None:
    lazy = EmbeddingSet.open(small[0].folder)
    with_header(small[0].folder / "shard-00000.safetensors", header, b"\0" * 4 * 70 * 4)
    with pytest.raises(FormatError, match=words):
        lazy.read(slice(None), 0, 1)


def test_ids_of_another_number_of_rows_are_refused(small: Small) -> None:
    lazy = EmbeddingSet.open(small[0].folder)
    shutil.copy(small[0].folder / "shard-00002.parquet", small[0].folder / "shard-00000.parquet")
    with pytest.raises(FormatError, match="must have 4 rows with a column 'id', got 2 rows"):
        lazy.ids()
    (small[0].folder / "shard-00000.parquet").write_bytes(b"PAR1 no, it is not")
    with pytest.raises(FormatError, match="cannot be read as Parquet"):
        lazy.texts()


@pytest.mark.parametrize("row", [[7e4, 0.0], [1e-9, 1e-9], [3e-7, 2e-7]])
def test_float16_refuses_what_it_cannot_hold(row: list[float]) -> None:
    x = np.array([[0.5, 0.5], row], dtype=np.float32)
    with pytest.raises(ShapeError, match="values must fit float16, row 11 reaches"):
        stored_rows(x, "float16", 10)


def test_float16_takes_small_numbers_beside_large_ones_and_zero_rows() -> None:
    x = np.array([[1.0, 1e-9], [0.0, 0.0], [-6e4, 1.0]], dtype=np.float32)
    np.testing.assert_array_equal(stored_rows(x, "float16", 0), x.astype(np.float16))


def test_rows_of_the_right_type_are_not_copied(unit: Callable[[int, int], Array]) -> None:
    x = unit(3, 4)
    assert stored_rows(x, "float32", 0) is x
