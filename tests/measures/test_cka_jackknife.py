import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matryo.errors import MatryoError, ShapeError
from matryo.measures.cka import linear_cka
from matryo.measures.cka_jackknife import cka_without_each, pseudo_values


@settings(deadline=None, max_examples=40)
@given(st.integers(5, 20), st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_equals_leaving_rows_out_one_by_one(n, p, q, seed):
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, 1))
    x, y = rng.normal(size=(n, p)) + 3.0 * shared + 2.0, rng.normal(size=(n, q)) + 3.0 * shared
    whole, without = cka_without_each(x, y)
    assert whole == pytest.approx(linear_cka(x, y, debiased=True), abs=1e-9)
    expected = [linear_cka(np.delete(x, i, 0), np.delete(y, i, 0), debiased=True) for i in range(n)]
    np.testing.assert_allclose(without, expected, atol=1e-7, equal_nan=True)


def test_pseudo_values_of_a_mean_are_its_values(rng):
    x = rng.normal(size=12)
    without = (x.sum() - x) / 11
    np.testing.assert_allclose(pseudo_values(x.mean(), without), x)


def test_a_constant_side_has_none(rng):
    whole, without = cka_without_each(rng.normal(size=(8, 2)), np.zeros((8, 3)))
    assert np.isnan(whole) and np.isnan(without).all()


def test_bad_input(rng):
    x = rng.normal(size=(8, 2))
    with pytest.raises(ShapeError, match="8 and 7 rows"):
        cka_without_each(x, x[:7])
    with pytest.raises(MatryoError, match="at least 5 pairs, got 4"):
        cka_without_each(x[:4], x[:4])
