from pathlib import Path

import numpy as np
import pytest

from matryo.embeddings import ArrayVectors, EmbeddingSet
from matryo.prefix import unit_rows
from matryo.search.funnel_rows import UnitRows, row_ranges, take_rows
from matryo.space import Space

WIDTH = 72  # blocks of a set end at 32, 64 and 72
SPACE = Space.declared("rows", WIDTH)


class Watched:
    """Vectors that remember the longest range read from them."""

    def __init__(self, matrix: np.ndarray) -> None:
        self._vectors = ArrayVectors(matrix)
        self.longest = 0

    n_rows = property(lambda self: self._vectors.n_rows)
    width = property(lambda self: self._vectors.width)

    def read(self, rows: slice, start: int, stop: int) -> np.ndarray:
        found = self._vectors.read(rows, start, stop)
        self.longest = max(self.longest, len(found))
        return found


@pytest.mark.parametrize("columns", [(0, 72), (0, 32), (32, 64), (16, 40), (70, 72)])
@pytest.mark.parametrize("shard_rows", [None, 50])
def test_rows_of_a_set_are_those_of_its_matrix(
    rng: np.random.Generator, tmp_path: Path, columns: tuple[int, int], shard_rows: int | None
) -> None:
    x = unit_rows(rng.standard_normal((230, WIDTH), dtype=np.float32))
    stored = EmbeddingSet.from_numpy(tmp_path / "s", x, [str(n) for n in range(230)], space=SPACE, shard_rows=50)
    for kept in (stored, stored.delete(["3", "120"])):
        held = kept.to_numpy()
        for rows in (np.array([0, 49, 50, 51, 149, 227]), np.arange(kept.n_rows), np.arange(0)):
            found = take_rows(kept, rows, *columns, shard_rows=shard_rows)
            np.testing.assert_array_equal(found, held[rows, columns[0] : columns[1]])


def test_unit_rows_are_scaled_and_turned_however_they_are_read(rng: np.random.Generator) -> None:
    x = rng.standard_normal((300, WIDTH)) * 10.0 ** rng.uniform(-30, 30, (300, 1))
    x[7] = 0.0
    matrix = np.linalg.qr(rng.standard_normal((WIDTH, WIDTH)))[0].astype(np.float32)
    rows = UnitRows(ArrayVectors(x.astype(np.float32)), matrix)
    whole = rows.read(slice(None), 0, WIDTH)
    expected = unit_rows(unit_rows(x.astype(np.float32).astype(np.float64)) @ matrix)
    np.testing.assert_allclose(whole, expected, atol=1e-7)
    assert whole.dtype == np.float32 and not whole[7].any()
    some = np.array([0, 7, 150, 299])
    np.testing.assert_allclose(take_rows(rows, some, 8, 40), whole[some, 8:40], atol=1e-7)


def test_few_rows_of_many_are_not_read_as_one_piece(rng: np.random.Generator) -> None:
    watched = Watched(rng.standard_normal((20_000, WIDTH), dtype=np.float32))
    take_rows(UnitRows(watched, None), np.array([5, 19_000]), 0, 8)
    assert 0 < watched.longest <= 8192


def test_ranges_cover_all_rows() -> None:
    assert list(row_ranges(ArrayVectors(np.zeros((5, 1))), 2)) == [slice(0, 2), slice(2, 4), slice(4, 5)]
    assert list(row_ranges(ArrayVectors(np.zeros((0, 1))), 2)) == []
