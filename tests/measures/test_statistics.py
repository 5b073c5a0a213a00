import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from matryo.errors import MatryoError, ShapeError
from matryo.measures.statistics import bootstrap_difference, bootstrap_mean, bootstrap_ratio


def test_mean_interval_agrees_with_scipy(rng):
    values = rng.random(400)
    ours = bootstrap_mean(values, seed=0)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=10_000, method="percentile", rng=rng).confidence_interval
    assert ours.value == pytest.approx(values.mean())
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.002)
    assert (ours.n, ours.n_groups, ours.few_groups) == (400, 400, False)


def test_large_groups_weigh_as_much_as_they_hold():
    found = bootstrap_mean([1.0, 1.0, 1.0, 0.0], groups=["big", "big", "big", "small"], seed=0)
    assert found.value == 0.75
    assert (found.low, found.high) == (0.0, 1.0)
    assert found.n_groups == 2 and found.few_groups


def test_groups_widen_what_resembles_inside(rng):
    groups = np.repeat(np.arange(40), 10)
    values = rng.random(40)[groups] + 0.01 * rng.random(400)
    alone, grouped = bootstrap_mean(values, seed=0), bootstrap_mean(values, groups, seed=0)
    assert grouped.high - grouped.low > 2.5 * (alone.high - alone.low)
    assert grouped.value == alone.value


def test_labels_of_groups_do_not_matter(rng):
    values, numbers = rng.random(60), rng.integers(0, 9, 60)
    assert bootstrap_mean(values, numbers, seed=4) == bootstrap_mean(values, [f"g{n}" for n in numbers], seed=4)


def test_same_seed_same_interval_other_seed_another(rng):
    values = rng.random(50)
    assert bootstrap_mean(values, seed=1) == bootstrap_mean(values, seed=1)
    assert bootstrap_mean(values, seed=1) != bootstrap_mean(values, seed=2)


def test_one_group_tells_no_interval():
    found = bootstrap_mean([0.1, 0.9], groups=["a", "a"], seed=0)
    assert found.value == 0.5
    assert math.isnan(found.low) and math.isnan(found.high)


def test_pairing_removes_what_both_sides_share(rng):
    shared = rng.random(300)
    a, b = shared + 0.01, shared
    found = bootstrap_difference(a, b, seed=0)
    assert (found.value, found.low, found.high) == pytest.approx((0.01, 0.01, 0.01), abs=1e-9)
    shuffled = bootstrap_difference(a, rng.permutation(b), seed=0)
    assert shuffled.high - shuffled.low > 0.05


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_difference_turns_with_its_sides_and_ratio_with_scale(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.random(40), rng.random(40) + 0.1
    there, back = (bootstrap_difference(*sides, seed=0, n_draws=501) for sides in ((a, b), (b, a)))
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=1e-12)
    once, twice = bootstrap_ratio(a, b, seed=0, n_draws=500), bootstrap_ratio(2 * a, b, seed=0, n_draws=500)
    assert (twice.value, twice.low, twice.high) == pytest.approx((2 * once.value, 2 * once.low, 2 * once.high))
    assert once.low <= once.value <= once.high


def test_ratio_is_that_of_the_means_not_the_mean_of_ratios():
    assert bootstrap_ratio([1.0, 1.0], [4.0, 1.0], seed=0).value == pytest.approx(2 / 5)


def test_ratio_agrees_with_scipy(rng):
    b = rng.random(300)
    a = 0.8 * b + 0.1 * rng.random(300)
    ours = bootstrap_ratio(a, b, seed=0)
    theirs = stats.bootstrap(
        (a, b), lambda x, y, axis: x.mean(axis) / y.mean(axis), paired=True, method="percentile", rng=rng
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.003)


def test_base_of_zero():
    with pytest.raises(MatryoError, match="base above 0, got a mean of 0"):
        bootstrap_ratio([1.0, 0.0], [0.0, 0.0], seed=0)
    # a third of all draws miss the only query with a base
    sparse = bootstrap_ratio([0.0, 0.0, 0.5], [0.0, 0.0, 1.0], seed=0)
    assert sparse.value == 0.5
    assert math.isnan(sparse.low) and math.isnan(sparse.high)


def test_seeds_that_differ_widen_the_interval(rng):
    base = rng.random(200)
    steady = bootstrap_mean(np.stack([base, base, base]), seed=0)
    assert steady.value == pytest.approx(base.mean())
    spread = bootstrap_mean(np.stack([base - 0.2, base, base + 0.2]), seed=0)
    assert spread.value == pytest.approx(base.mean())
    assert spread.high - spread.low > 3 * (steady.high - steady.low)
    assert spread.n == 200


def test_a_side_without_seeds_is_the_same_for_all(rng):
    seeds, single = rng.random((3, 50)), rng.random(50)
    assert bootstrap_difference(seeds, single, seed=0) == bootstrap_difference(seeds, np.stack([single] * 3), seed=0)


def test_seeds_are_paired(rng):
    seeds = rng.random((3, 50)) + np.array([[0.0], [1.0], [2.0]])
    found = bootstrap_difference(seeds + 0.5, seeds, seed=0)
    assert (found.low, found.high) == pytest.approx((0.5, 0.5), abs=1e-9)


@pytest.mark.parametrize("shape", ["plain", "skewed"])
def test_intervals_cover_the_truth(rng, shape):
    # 50 groups of unequal size with an effect of their own; the truth is the mean over what groups are drawn from
    hits = 0
    n_trials = 600
    sizes = np.tile([1, 2, 3, 6, 8], 10)
    groups = np.repeat(np.arange(50), sizes)
    for trial in range(n_trials):
        effect = rng.normal(size=50) if shape == "plain" else rng.exponential(size=50) - 1.0
        values = effect[groups] + rng.normal(size=len(groups))
        found = bootstrap_mean(values, groups, n_draws=600, seed=trial)
        hits += found.low <= 0.0 <= found.high
    assert 0.915 <= hits / n_trials <= 0.975


@pytest.mark.parametrize(
    ("a", "b", "error", "words"),
    [
        ([1.0, 2.0], [1.0], ShapeError, "same queries"),
        (np.ones((3, 4)), np.ones((2, 4)), ShapeError, "same queries and seeds"),
        (np.ones((1, 3, 4)), np.ones(4), ShapeError, r"\(n,\) or \(seeds, n\)"),
        ([], [], MatryoError, "at least one query"),
        ([1.0, np.nan], [1.0, 1.0], MatryoError, "finite"),
        ([1.0, np.inf], [1.0, 1.0], MatryoError, "finite"),
    ],
)
def test_values_that_do_not_fit_are_refused(a, b, error, words):
    for compare in (bootstrap_difference, bootstrap_ratio):
        with pytest.raises(error, match=words):
            compare(a, b, seed=0)


def test_groups_must_fit():
    with pytest.raises(ShapeError, match="one label per value"):
        bootstrap_mean([1.0, 2.0], groups=[1], seed=0)
