import json
import math

import numpy as np
import pytest

from matryo.errors import MatryoError
from matryo.measures.recommend import Recommendation, queries_for, recommend_dim


def curve(rng, shares, n=400, noise=0.1):
    """Values per dim whose true mean is the given share of that at the widest dim."""
    full = rng.random(n) + 0.5
    widest = max(shares)
    return {dim: full if dim == widest else share * full + noise * rng.normal(size=n) for dim, share in shares.items()}


def test_smallest_dim_that_keeps_enough(rng):
    found = recommend_dim(curve(rng, {32: 0.6, 64: 0.93, 128: 0.98, 256: 1.0, 384: 1.0}), share=0.95)
    assert found.dim == 128
    assert found.full_dim == 384
    assert [(step.dim, step.passed) for step in found.tested] == [(256, True), (128, True), (64, False), (32, None)]
    for step in found.tested:
        assert step.ratio.low < step.lower_bound < step.ratio.value < step.ratio.high


def test_stops_at_the_first_failure_even_if_a_smaller_dim_would_pass(rng):
    found = recommend_dim(curve(rng, {32: 1.0, 64: 0.5, 128: 1.0, 384: 1.0}))
    assert found.dim == 128
    assert [step.passed for step in found.tested] == [True, False, None]


def test_full_width_if_nothing_passes(rng):
    found = recommend_dim(curve(rng, {64: 0.5, 384: 1.0}))
    assert found.dim == 384


def test_asking_for_more_never_gives_a_smaller_dim(rng):
    values = curve(rng, {32: 0.8, 64: 0.93, 96: 0.96, 128: 0.98, 256: 0.995, 384: 1.0})
    dims = [recommend_dim(values, share=share).dim for share in (0.5, 0.7, 0.9, 0.95, 0.97, 0.99, 0.999)]
    assert dims == sorted(dims)
    assert len(set(dims)) >= 4


def test_equal_values_pass_with_no_loss_to_detect_but_what_their_number_leaves_open(rng):
    full = rng.random(3000)
    found = recommend_dim({8: full, 4: full, 2: full}, share=0.999, n_draws=200)
    assert found.dim == 2
    assert found.detectable == pytest.approx(1 - 0.05 ** (1 / 3000))


@pytest.mark.parametrize("share", [0.9, 0.95, 0.99])
def test_a_loss_as_large_hides_from_so_many_once_in_twenty_times(share):
    n = queries_for(share)
    assert share**n <= 0.05 < share ** (n - 1)


def test_a_few_queries_without_a_loss_show_nothing():
    few, enough = ({8: np.ones(n), 4: np.ones(n), 2: np.ones(n)} for n in (58, 59))
    found = recommend_dim(few, n_draws=200)
    assert found.dim == 8 and [step.passed for step in found.tested] == [False, None]
    assert found.detectable == pytest.approx(1 - 0.05 ** (1 / 58))
    assert recommend_dim(enough, n_draws=200).dim == 2


def test_seldom_recommends_what_keeps_too_little(rng):
    # the truth keeps exactly the share asked: the test may pass in at most about 5 % of the trials
    n_trials, passed = 800, 0
    groups = np.repeat(np.arange(60), 3)
    for trial in range(n_trials):
        full = rng.random(60)[groups] + 0.2
        short = 0.95 * full + 0.1 * rng.normal(size=60)[groups] + 0.1 * rng.normal(size=180)
        passed += recommend_dim({2: full, 1: short}, groups, n_draws=600, seed=trial).dim == 1
    assert 0.02 <= passed / n_trials <= 0.07


def test_what_it_says_it_can_detect_passes_four_times_in_five(rng):
    pilot = curve(rng, {1: 1.0, 2: 1.0}, n=200, noise=0.2)
    share = 1.0 - recommend_dim(pilot).detectable
    n_trials = 300
    passed = sum(
        recommend_dim(curve(rng, {1: 1.0, 2: 1.0}, n=200, noise=0.2), share=share, n_draws=400, seed=trial).dim == 1
        for trial in range(n_trials)
    )
    assert 0.7 <= passed / n_trials <= 0.9


def test_more_queries_detect_less(rng):
    small, large = (recommend_dim(curve(rng, {1: 1.0, 2: 1.0}, n=n)).detectable for n in (100, 1600))
    assert 3.0 < small / large < 5.5


def test_seeds_are_resampled(rng):
    full = rng.random(200) + 0.5
    steady = np.stack([0.97 * full] * 3)
    spread = steady + np.array([[-0.05], [0.0], [0.05]])
    assert recommend_dim({2: full, 1: steady}).dim == 1
    assert recommend_dim({2: full, 1: spread}).dim == 2


def test_groups_count(rng):
    values = curve(rng, {1: 1.0, 2: 1.0}, n=100)
    found = recommend_dim(values, groups=np.arange(100) // 5)
    assert (found.n, found.n_groups) == (100, 20)


def test_one_group_shows_nothing(rng):
    found = recommend_dim(curve(rng, {1: 1.0, 2: 1.0}, n=20), groups=["one"] * 20)
    assert found.dim == 2
    assert math.isnan(found.detectable)


def test_only_the_full_width(rng):
    found = recommend_dim({8: rng.random(10)})
    assert (found.dim, found.tested) == (8, ())
    assert math.isnan(found.detectable)


def test_through_json_and_back(rng):
    found = recommend_dim(curve(rng, {32: 0.6, 64: 0.93, 384: 1.0}), groups=np.arange(400) // 8)
    stored = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert Recommendation.from_json(stored) == found
    lone = recommend_dim({8: rng.random(10)})
    again = Recommendation.from_json(json.loads(json.dumps(lone.to_json(), allow_nan=False)))
    assert math.isnan(again.detectable) and again.dim == 8


@pytest.mark.parametrize(
    ("values", "share", "words"),
    [
        ({}, 0.95, "at one dim at least"),
        ({2: [1.0, 1.0], 1: [1.0, 1.0]}, 95, "between 0 and 1, got 95"),
        ({2: [1.0, 1.0], 1: [1.0, 1.0]}, 1.0, "between 0 and 1"),
        ({2: [0.0, 0.0], 1: [1.0, 1.0]}, 0.95, "base above 0"),
        ({2: [1.0, 1.0], 1: [1.0]}, 0.95, "same queries"),
    ],
)
def test_bad_input_is_refused(values, share, words):
    with pytest.raises(MatryoError, match=words):
        recommend_dim(values, share=share)
