import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from matryo.errors import MatryoError, ShapeError
from matryo.measures.resample import tail
from matryo.measures.similarity import average_ranks, cosine_rows, pearson, spearman, spearman_intervals

_LISTS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=40)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=30))
def test_ranks_equal_scipy(x):
    np.testing.assert_array_equal(average_ranks(x), stats.rankdata(x))


@given(_LISTS)
def test_correlations_equal_scipy(pairs):
    a, b = np.array(pairs, dtype=float).T
    if len(set(a)) == 1 or len(set(b)) == 1:
        with pytest.raises(MatryoError, match="all equal"):
            spearman(a, b)
        return
    assert pearson(a, b) == pytest.approx(stats.pearsonr(a, b).statistic, abs=1e-12)
    assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-12)
    assert spearman(np.exp(a), b) == pytest.approx(spearman(a, b), abs=1e-12)


def test_worked_by_hand():
    assert spearman([1, 2, 3], [3, 2, 1]) == pytest.approx(-1.0)
    # ranks 1, 2.5, 2.5 against 1, 2, 3
    assert spearman([0, 7, 7], [1, 2, 3]) == pytest.approx(1.5 / np.sqrt(1.5 * 2.0))


@pytest.mark.parametrize("groups", [None, np.arange(40) // 4])
def test_bootstrap_equals_a_slow_loop(rng, groups):
    gold = np.round(rng.random(40), 1)
    rated = np.stack([gold + 0.3 * rng.random(40), np.round(rng.random(40), 1)])
    found = spearman_intervals(rated, gold, groups, n_draws=200, seed=7)
    numbers = np.arange(40) if groups is None else groups
    n_groups = numbers.max() + 1
    drawn = np.random.default_rng(7).integers(0, n_groups, size=(200, n_groups))
    for row, interval in zip(rated, found, strict=True):
        slow = []
        for draw in drawn:
            items = np.concatenate([np.flatnonzero(numbers == group) for group in draw])
            slow.append(stats.spearmanr(row[items], gold[items]).statistic)
        assert interval.value == pytest.approx(stats.spearmanr(row, gold).statistic)
        left_out = tail(0.025, n_groups)
        assert interval.low == pytest.approx(np.quantile(slow, left_out, method="lower"), abs=1e-9)
        assert interval.high == pytest.approx(np.quantile(slow, 1 - left_out, method="higher"), abs=1e-9)
        assert (interval.n, interval.n_groups) == (40, n_groups)


def test_two_items_give_no_interval():
    (found,) = spearman_intervals([[1.0, 2.0]], [1.0, 2.0], seed=0)
    assert found.value == 1.0
    assert np.isnan([found.low, found.high]).all()  # half of the draws hold one item twice


def test_cosine_of_rows(rng):
    a, b = rng.normal(size=(20, 5)), rng.normal(size=(20, 5))
    expected = [x @ y / np.linalg.norm(x) / np.linalg.norm(y) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(cosine_rows(a, b), expected, atol=1e-12)
    np.testing.assert_allclose(cosine_rows(a, 3 * a), 1.0)
    a[4] = 0.0
    assert cosine_rows(a, b)[4] == 0.0


def test_cosine_of_small_half_precision_numbers():
    tiny = np.full((1, 8), 1e-4, dtype=np.float16)
    assert cosine_rows(tiny, tiny)[0] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("a", "b", "error", "words"),
    [
        ([1, 2], [1, 2, 3], ShapeError, "one length"),
        ([[1, 2]], [[1, 2]], ShapeError, "two lists"),
        ([1], [1], MatryoError, "at least 2"),
        ([], [], MatryoError, "at least 2"),
        ([1, np.nan], [1, 2], MatryoError, "finite"),
        ([1, 1], [1, 2], MatryoError, "all equal"),
    ],
)
def test_lists_that_do_not_fit_are_refused(a, b, error, words):
    for correlate in (pearson, spearman):
        with pytest.raises(error, match=words):
            correlate(a, b)


def test_matrices_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match="one shape"):
        cosine_rows(np.ones((2, 3)), np.ones((3, 3)))
