import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from matryo.errors import MatryoError, ShapeError
from matryo.measures import resample


@pytest.mark.parametrize("max_cells", [1, 7, 1000])
def test_counts_sum_to_the_groups_in_any_block_size(max_cells):
    blocks = list(resample.draw_counts(5, 200, np.random.default_rng(3), max_cells=max_cells))
    counts = np.concatenate(blocks)
    assert counts.shape == (200, 5)
    assert (counts.sum(axis=1) == 5).all()
    assert max(block.size for block in blocks) <= max(max_cells, 5)
    whole = np.concatenate(list(resample.draw_counts(5, 200, np.random.default_rng(3))))
    np.testing.assert_array_equal(counts, whole)


def test_counts_are_multinomial():
    counts = np.concatenate(list(resample.draw_counts(4, 20_000, np.random.default_rng(0))))
    np.testing.assert_allclose(counts.mean(axis=0), 1.0, atol=0.03)
    np.testing.assert_allclose(counts.var(axis=0), 4 * 0.25 * 0.75, atol=0.03)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 12))
def test_means_equal_a_slow_loop(seed, n_seeds, n):
    rng = np.random.default_rng(seed)
    values = rng.random((2, n_seeds, n))
    groups = resample.group_numbers(rng.integers(0, 4, n), n)
    n_groups = groups.max() + 1
    means = resample.resampled_means(values, groups, n_draws=30, seed=seed)
    again = np.random.default_rng(seed)
    drawn = again.integers(0, n_groups, size=(30, n_groups))
    chosen = again.integers(0, n_seeds, size=(30, n_seeds)) if n_seeds > 1 else np.zeros((30, 1), dtype=int)
    for draw in range(30):
        rows = np.concatenate([np.flatnonzero(groups == group) for group in drawn[draw]])
        for side in range(2):
            expected = np.mean([values[side, which][rows].mean() for which in chosen[draw]])
            assert means[draw, side] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("alpha", [0.025, 0.05, 0.005])
@pytest.mark.parametrize("n_groups", [8, 15, 50, 1000])
def test_tail_uses_the_t_quantile(alpha, n_groups):
    t = stats.t.ppf(1 - alpha, n_groups - 1)
    exact = stats.norm.cdf(-np.sqrt(n_groups / (n_groups - 1)) * t)
    assert resample.tail(alpha, n_groups) == pytest.approx(exact, rel=0.05, abs=1e-6)
    assert resample.tail(alpha, n_groups) < alpha


def test_one_group_has_no_interval():
    draws = np.linspace(0, 1, 100)
    assert np.isnan(resample.ends(draws, draws, 0.025, 1)).all()


def test_undefined_draws_make_an_end_undefined_only_where_they_reach_it():
    draws = np.linspace(0, 1, 1000)
    few, many = draws.copy(), draws.copy()
    few[:2], many[:100] = -np.inf, -np.inf
    assert np.isfinite(resample.ends(few, draws, 0.025, 1000)).all()
    low, high = resample.ends(many, draws, 0.025, 1000)
    assert np.isnan(low) and np.isfinite(high)


def test_group_numbers():
    assert resample.group_numbers(["b", "a", "b"], 3).tolist() == [1, 0, 1]
    assert resample.group_numbers(None, 3).tolist() == [0, 1, 2]
    with pytest.raises(ShapeError, match=r"one label per value.*\(2,\) for 3"):
        resample.group_numbers(["a", "b"], 3)


@pytest.mark.parametrize(("n_draws", "level"), [(99, 0.95), (1000, 0.5), (1000, 1.0), (1000, 95)])
def test_settings_without_an_interval_are_refused(n_draws, level):
    with pytest.raises(MatryoError, match=r"at least 100|between 0\.5 and 1"):
        resample.check_draws(n_draws, level)
