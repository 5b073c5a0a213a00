import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import r2_score

from matryo.errors import MatryoError, ShapeError
from matryo.measures.regression import measure_regression, r2_interval


def test_worked_by_hand():
    target = np.array([[1.0, 2.0], [3.0, 2.0]])
    predicted = np.array([[1.0, 1.0], [2.0, 2.0]])
    found = measure_regression(predicted, target, [0.0, 0.0], dims=(1,))
    # errors 0, 1 | 1, 0; deviations from the mean 0: 1, 4 | 9, 4
    assert found.dims == (1, 2)
    np.testing.assert_allclose(found.mse, [1 / 2, 2 / 4])
    np.testing.assert_allclose(found.r2, [1 - 1 / 10, 1 - 2 / 18])
    np.testing.assert_allclose(found.r2_per_dim, [1 - 1 / 10, 1 - 1 / 8])
    np.testing.assert_allclose(found.errors, [[0, 1], [1, 1]])
    np.testing.assert_allclose(found.spreads, [[1, 5], [9, 13]])
    assert found.mean_cosine == pytest.approx((3 / np.sqrt(10) + 10 / np.sqrt(104)) / 2)


def test_equals_scikit_learn_where_the_mean_is_that_of_the_rows(rng):
    target = rng.normal(size=(50, 6)) * np.arange(1, 7)
    predicted = target + rng.normal(size=(50, 6))
    found = measure_regression(predicted, target, target.mean(axis=0), dims=(2, 4))
    np.testing.assert_allclose(found.r2_per_dim, r2_score(target, predicted, multioutput="raw_values"))
    for dim, r2 in zip(found.dims, found.r2, strict=True):
        expected = r2_score(target[:, :dim], predicted[:, :dim], multioutput="variance_weighted")
        assert r2 == pytest.approx(expected)


def test_the_training_mean_has_r2_0_and_the_target_1(rng):
    target, mean = rng.normal(size=(20, 5)), rng.normal(size=5)
    assert measure_regression(np.tile(mean, (20, 1)), target, mean).r2[-1] == pytest.approx(0.0)
    assert measure_regression(target, target, mean).r2[-1] == 1.0
    assert measure_regression(-target, target, mean).mean_cosine == pytest.approx(-1.0)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100.0))
def test_invariances(seed, scale):
    rng = np.random.default_rng(seed)
    target, predicted, mean = rng.normal(size=(12, 4)), rng.normal(size=(12, 4)), rng.normal(size=4)
    found = measure_regression(predicted, target, mean)
    order, rotation = rng.permutation(12), np.linalg.qr(rng.normal(size=(4, 4)))[0]
    other = measure_regression(
        scale * predicted[order] @ rotation, scale * target[order] @ rotation, scale * mean @ rotation
    )
    assert other.r2[-1] == pytest.approx(found.r2[-1], abs=1e-9)
    np.testing.assert_allclose(other.cosines, found.cosines[order], atol=1e-9)


def test_raw_error_misleads_between_targets_and_r2_does_not(rng):
    r2s, errors = [], []
    for width in (384, 3_072):
        target = rng.normal(size=(200, width))
        target /= np.linalg.norm(target, axis=1, keepdims=True)
        found = measure_regression(target * 0.5, target, np.zeros(width))
        r2s.append(found.r2[-1])
        errors.append(found.mse[-1])
    assert r2s[0] == pytest.approx(r2s[1])
    assert errors[0] == pytest.approx(8 * errors[1])


def test_blocks_of_rows_change_nothing(rng, monkeypatch):
    target, predicted = rng.normal(size=(23, 6)).astype(np.float32), rng.normal(size=(23, 6)).astype(np.float32)
    whole = measure_regression(predicted, target, np.zeros(6), dims=(1, 3))
    monkeypatch.setattr("matryo.measures.regression._BLOCK_ROWS", 5)
    parts = measure_regression(predicted, target, np.zeros(6), dims=(1, 3))
    np.testing.assert_allclose(parts.r2, whole.r2, rtol=1e-14)
    np.testing.assert_array_equal(parts.errors, whole.errors)


def test_a_number_that_does_not_vary_has_no_r2(rng):
    target = rng.normal(size=(9, 3))
    target[:, 0] = 0.25
    found = measure_regression(target + 1.0, target, target.mean(axis=0), dims=(1, 2))
    assert np.isnan(found.r2[0]) and np.isfinite(found.r2[1:]).all()
    assert (found.n_constant, np.isnan(found.r2_per_dim).tolist()) == (1, [True, False, False])
    with pytest.raises(MatryoError, match="base above 0"):
        r2_interval(found, 1, seed=0)


def test_the_interval_holds_the_value_and_narrows(rng):
    target = rng.normal(size=(400, 4))
    found = measure_regression(target + 0.5 * rng.normal(size=(400, 4)), target, np.zeros(4), dims=(2,))
    wide = r2_interval(measure_regression(target[:40] * 0.9 + 0.4, target[:40], np.zeros(4)), n_draws=500, seed=1)
    one = r2_interval(found, 2, n_draws=500, seed=1)
    assert one.value == pytest.approx(found.r2[0])
    assert one.low < one.value < one.high
    assert one.high - one.low < wide.high - wide.low
    grouped = r2_interval(found, groups=np.arange(400) // 100, n_draws=500, seed=1)
    assert (grouped.n, grouped.n_groups, grouped.value) == (400, 4, pytest.approx(found.r2[1]))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: measure_regression(x, x[:, :2], np.zeros(2)), "one shape, got"),
        (lambda x: measure_regression(x, x, np.zeros(2)), "4 finite numbers"),
        (lambda x: measure_regression(x, x, np.full(4, np.nan)), "4 finite numbers"),
        (lambda x: measure_regression(x[:0], x[:0], np.zeros(4)), "no rows"),
        (lambda x: measure_regression(x, x, np.zeros(4), dims=(9,)), "within 1..4"),
        (lambda x: r2_interval(measure_regression(x, x, np.zeros(4)), 2, seed=0), "one of those measured"),
    ],
)
def test_bad_input(call, words, rng):
    with pytest.raises(ShapeError, match=words):
        call(rng.normal(size=(6, 4)))
