from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matryo.errors import MatryoError, ShapeError
from matryo.measures.cka import _permuted_product, cka_test, linear_cka


def brute_hsic(k, m):
    """Unbiased HSIC as the sum over all tuples of different rows that it is defined by."""
    n = len(k)
    pairs = np.mean([k[i, j] * m[i, j] for i, j in permutations(range(n), 2)])
    triples = np.mean([k[i, j] * m[i, q] for i, j, q in permutations(range(n), 3)])
    fours = np.mean([k[i, j] * m[q, r] for i, j, q, r in permutations(range(n), 4)])
    return pairs + fours - 2.0 * triples


def test_debiased_equals_the_sum_over_all_tuples(rng):
    x, y = rng.normal(size=(7, 3)) + 2.0, rng.normal(size=(7, 5))
    k, m = x @ x.T, y @ y.T
    expected = brute_hsic(k, m) / np.sqrt(brute_hsic(k, k) * brute_hsic(m, m))
    for path in ("gram", "features"):
        assert linear_cka(x, y, debiased=True, path=path) == pytest.approx(expected, abs=1e-10)


def test_biased_equals_a_double_loop_over_centred_kernels(rng):
    x, y = rng.normal(size=(9, 3)) + 1.0, rng.normal(size=(9, 5))
    centre = np.eye(9) - 1.0 / 9

    def hsic(a, b):
        k, m = centre @ (a @ a.T) @ centre, centre @ (b @ b.T) @ centre
        return sum(k[i, j] * m[i, j] for i in range(9) for j in range(9)) / 8**2

    expected = hsic(x, y) / np.sqrt(hsic(x, x) * hsic(y, y))
    for path in ("gram", "features"):
        assert linear_cka(x, y, path=path) == pytest.approx(expected, abs=1e-10)


def test_biased_worked_by_hand():
    x, y = np.array([[1.0], [-1.0], [1.0], [-1.0]]), np.array([[1.0], [1.0], [-1.0], [-1.0]])
    assert linear_cka(x, y) == 0.0
    both = np.hstack([x, y])
    # |x'[x y]|^2 = 16 over |x'x| = 4 and |[x y]'[x y]| = sqrt(32)
    assert linear_cka(x, both) == pytest.approx(16.0 / (4.0 * np.sqrt(32.0)))


@given(st.integers(4, 30), st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_both_paths_agree(n, p, q, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, p)), rng.normal(size=(n, q))
    for debiased in (False, True):
        through = [linear_cka(x, y, debiased=debiased, path=path) for path in ("gram", "features", "auto")]
        np.testing.assert_allclose(through, through[0], atol=1e-10, equal_nan=True)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_invariances(seed, debiased):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(20, 4)), rng.normal(size=(20, 6))
    value = linear_cka(x, y, debiased=debiased)
    rotation = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    order = rng.permutation(20)
    assert linear_cka(5.0 * x @ rotation + 3.0, y, debiased=debiased) == pytest.approx(value, abs=1e-9)
    assert linear_cka(x[order], y[order], debiased=debiased) == pytest.approx(value, abs=1e-9)
    assert linear_cka(y, x, debiased=debiased) == pytest.approx(value, abs=1e-12)
    assert linear_cka(x, x, debiased=debiased) == pytest.approx(1.0)


@pytest.mark.parametrize(("n", "p"), [(150, 32), (150, 64), (150, 384), (64, 8), (256, 8)])
def test_independent_data_give_what_the_bias_alone_gives(n, p):
    biased, debiased = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(n, p)), rng.normal(size=(n, p))
        biased.append(linear_cka(x, y))
        debiased.append(linear_cka(x, y, debiased=True))
    assert np.mean(biased) == pytest.approx(p / (p + n), rel=0.04)
    assert abs(np.mean(debiased)) < 4 * np.std(debiased, ddof=1) / np.sqrt(12)
    assert abs(np.mean(debiased)) < 0.02


def test_the_null_tells_paired_from_unpaired(rng):
    shared = rng.normal(size=(200, 4))
    x = np.hstack([shared, rng.normal(size=(200, 12))])
    y = np.hstack([rng.normal(size=(200, 12)), shared])
    paired = cka_test(x, y, n_permutations=99, seed=0)
    assert paired.p_value == 0.01
    assert paired.debiased == pytest.approx(linear_cka(x, y, debiased=True))
    assert paired.biased == pytest.approx(linear_cka(x, y))
    assert paired.debiased > paired.null_high > paired.null_mean > paired.null_low
    assert abs(paired.null_mean) < 0.01
    assert paired.biased_null_mean == pytest.approx(16 / 216, rel=0.1)
    unpaired = cka_test(x, y[rng.permutation(200)], n_permutations=99, seed=0)
    assert unpaired.p_value > 0.05
    assert unpaired.null_low < unpaired.debiased < unpaired.null_high


def test_the_null_is_that_of_a_slow_loop(rng):
    x, y = rng.normal(size=(30, 5)), rng.normal(size=(30, 7))
    found = cka_test(x, y, n_permutations=40, seed=5)
    again = np.random.default_rng(5)
    orders = [again.permutation(30) for _ in range(40)]
    slow = np.array([linear_cka(x, y[order], debiased=True, path="gram") for order in orders])
    observed = linear_cka(x, y, debiased=True)
    assert found.p_value == (1 + (slow >= observed).sum()) / 41
    assert found.null_mean == pytest.approx(slow.mean(), abs=1e-12)
    assert (found.null_low, found.null_high) == pytest.approx(tuple(np.quantile(slow, (0.025, 0.975))))
    biased = [linear_cka(x, y[order], path="gram") for order in orders]
    assert found.biased_null_mean == pytest.approx(np.mean(biased))


def test_p_values_of_unpaired_data_are_even():
    values = []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        values.append(cka_test(rng.normal(size=(20, 3)), rng.normal(size=(20, 3)), n_permutations=39, seed=1).p_value)
    assert np.mean(np.array(values) <= 0.1) == pytest.approx(0.1, abs=0.08)
    assert np.mean(values) == pytest.approx(0.5, abs=0.1)


def test_many_rows_are_sampled_and_it_is_said(rng):
    x = rng.normal(size=(300, 4))
    found = cka_test(x, x, n_permutations=20, max_rows=100, seed=0)
    assert (found.n, found.dim, found.n_permutations) == (100, 4, 20)
    assert found == cka_test(x, x, n_permutations=20, max_rows=100, seed=0)
    assert cka_test(x, x, n_permutations=20, max_rows=None, seed=0).n == 300


def test_a_constant_side_has_no_cka(rng):
    x, constant = rng.normal(size=(10, 3)), np.full((10, 2), 0.1)
    assert np.isnan(linear_cka(x, constant))
    found = cka_test(x, constant, n_permutations=20, seed=0)
    assert np.isnan([found.debiased, found.p_value, found.null_mean]).all()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: linear_cka(x, x[:5]), ShapeError, "10 and 5 rows"),
        (lambda x: linear_cka(x[:3], x[:3]), MatryoError, "at least 4 pairs, got 3"),
        (lambda x: cka_test(x, x[:5], seed=0), ShapeError, "10 and 5 rows"),
        (lambda x: cka_test(x, x, n_permutations=5, seed=0), MatryoError, "at least 20, got 5"),
    ],
)
def test_bad_input(call, error, words, rng):
    with pytest.raises(error, match=words) as caught:
        call(rng.normal(size=(10, 3)))
    assert type(caught.value) is error


def test_wide_rows_take_the_same_null_through_their_gram_matrices(rng, monkeypatch):
    x, y = rng.normal(size=(12, 50)) + 3.0, rng.normal(size=(12, 40))
    through_gram = cka_test(x, y, n_permutations=20, seed=2)
    monkeypatch.setattr("matryo.measures.cka._GRAM_ROWS", 0)
    through_features = cka_test(x, y, n_permutations=20, seed=2)
    names = [n for n in through_gram.__dataclass_fields__ if n != "dim"]
    np.testing.assert_allclose(
        [getattr(through_gram, n) for n in names], [getattr(through_features, n) for n in names], atol=1e-10
    )


def test_a_permuted_gram_matrix_is_multiplied_in_parts(rng, monkeypatch):
    k, m = (side @ side.T for side in (rng.normal(size=(23, 9)), rng.normal(size=(23, 7))))
    order = rng.permutation(23)
    whole = float((k * m[np.ix_(order, order)]).sum())
    for cells in (1, 23 * 5, 10_000):
        monkeypatch.setattr("matryo.measures.cka._GATHERED_CELLS", cells)
        assert _permuted_product(k, m, order) == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_paths_agree_to_1e_10_far_from_the_origin(scale, rng):
    x = (rng.normal(size=(300, 24)) + 20.0) * scale
    y = x @ rng.normal(size=(24, 30)) + scale * rng.normal(size=(300, 30))
    for debiased in (False, True):
        gram, features = (linear_cka(x, y, debiased=debiased, path=path) for path in ("gram", "features"))
        assert gram == pytest.approx(features, abs=1e-10)
