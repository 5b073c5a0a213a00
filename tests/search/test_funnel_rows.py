import numpy as np

from matryo.embeddings import ArrayVectors
from matryo.prefix import unit_rows
from matryo.search.funnel_rows import UnitRows, row_ranges

WIDTH = 72


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
    np.testing.assert_allclose(rows.take(some, 8, 40), whole[some, 8:40], atol=1e-7)


def test_ranges_cover_all_rows() -> None:
    assert list(row_ranges(ArrayVectors(np.zeros((5, 1))), 2)) == [slice(0, 2), slice(2, 4), slice(4, 5)]
    assert list(row_ranges(ArrayVectors(np.zeros((0, 1))), 2)) == []
