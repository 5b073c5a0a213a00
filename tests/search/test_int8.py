import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matryo.errors import ShapeError
from matryo.prefix import cut, unit_rows
from matryo.search.int8 import Int8Columns, int8_scores


def columns_of(x: np.ndarray) -> Int8Columns:
    return Int8Columns.fit([x], x.shape[1])


def test_worked_by_hand() -> None:
    x = np.array([[0.0, -1.0], [255.0, 0.5], [100.0, 1.55]])
    columns = columns_of(x)
    np.testing.assert_allclose(columns.step, [1.0, 0.01], rtol=1e-6)
    assert columns.zero.tolist() == [-128.0, -28.0]
    assert columns.encode(x).tolist() == [[-128, -128], [127, 22], [-28, 127]]
    np.testing.assert_allclose(columns.decode(columns.encode(x)), x, atol=1e-5)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 30), dim=st.integers(1, 9), shift=st.sampled_from([0.0, 5.0]))
def test_numbers_come_back_within_a_step_and_zero_exactly(seed: int, n: int, dim: int, shift: float) -> None:
    rng = np.random.default_rng(seed)
    x = (rng.standard_normal((n, dim)) * 10.0 ** rng.integers(-6, 6, dim) + shift).astype(np.float32)
    columns = columns_of(x)
    assert (np.abs(columns.decode(columns.encode(x)) - x) <= columns.step * 1.001 + 1e-6 * np.abs(x)).all()
    inside = (x > np.minimum(x.min(axis=0), 0) + columns.step) & (x < np.maximum(x.max(axis=0), 0) - columns.step)
    error = np.abs(columns.decode(columns.encode(x)) - x)
    assert (error <= columns.step * 0.501 + 1e-6 * np.abs(x))[inside].all()
    assert not columns.decode(columns.encode(np.zeros((1, dim)))).any()


@pytest.mark.parametrize("dim", [3, 24])
def test_scores_equal_those_of_the_decoded_numbers(rng: np.random.Generator, dim: int) -> None:
    documents = rng.standard_normal((200, 24)) * rng.uniform(0.01, 3.0, 24) + rng.standard_normal(24)
    columns = columns_of(documents)
    codes = columns.encode(documents)
    queries = rng.standard_normal((7, dim))
    theirs = queries @ np.float64(columns.decode(codes))[:, :dim].T
    np.testing.assert_allclose(int8_scores(queries, codes, columns), theirs, atol=2e-4)


def test_products_of_raw_codes_would_order_rows_otherwise(rng: np.random.Generator) -> None:
    """Columns of small range weigh as much as the others there: the bias that the scale per column takes away."""
    documents = unit_rows(rng.standard_normal((400, 32)) * np.geomspace(1.0, 0.01, 32))
    queries = unit_rows(documents[:50] + 0.02 * rng.standard_normal((50, 32)))
    true = queries @ documents.T
    columns = columns_of(documents)
    codes = columns.encode(documents)
    raw = queries @ codes.T.astype(np.float64)
    ours = int8_scores(queries, codes, columns)

    def recall(scores: np.ndarray) -> float:
        tops = [np.argsort(-s, axis=1)[:, :10] for s in (scores, true)]
        return float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(*tops, strict=True)]))

    assert recall(ours) > 0.97 > 0.9 > recall(raw)


def test_ranges_are_joined_over_blocks(rng: np.random.Generator) -> None:
    x = rng.standard_normal((90, 5))
    whole, pieces = columns_of(x), Int8Columns.fit([x[:1], x[1:50], x[50:50], x[50:]], 5)
    np.testing.assert_array_equal(whole.step, pieces.step)
    np.testing.assert_array_equal(whole.zero, pieces.zero)
    prefix = columns_of(x).first(2)
    np.testing.assert_array_equal(prefix.decode(whole.encode(x)[:, :2]), whole.decode(whole.encode(x))[:, :2])


def test_no_rows_a_column_of_zeros_and_numbers_beyond_the_range() -> None:
    assert Int8Columns.fit([], 3).encode(np.zeros((0, 3))).shape == (0, 3)
    columns = columns_of(np.array([[0.0, 1.0], [0.0, -1.0]]))
    assert columns.decode(columns.encode(np.array([[0.0, 9.0]]))).round(2).tolist() == [[0.0, 1.0]]
    assert np.isfinite(columns.step).all()


def test_other_widths_are_refused() -> None:
    columns = columns_of(np.ones((2, 3)))
    with pytest.raises(ShapeError, match=r"fitted for \(n, 3\), got shape \(2, 4\)"):
        columns.encode(np.ones((2, 4)))
    with pytest.raises(ShapeError, match=r"fitted for \(n, 3\)"):
        columns.decode(np.ones((2, 2), dtype=np.int8))


def test_a_quarter_of_the_numbers_keeps_the_cosine(rng: np.random.Generator) -> None:
    x = cut(rng.standard_normal((500, 128)), 96)
    columns = columns_of(x)
    back = unit_rows(columns.decode(columns.encode(x)).astype(np.float64))
    assert (np.einsum("ij,ij->i", back, x) > 0.9995).all()
