from dataclasses import astuple

import numpy as np
import pytest

from matryo.errors import MatryoError, ShapeError
from matryo.measures.cka import linear_cka
from matryo.measures.cka_jackknife import cka_without_each, pseudo_values
from matryo.measures.neighbours import mutual_neighbours, nearest_neighbours
from matryo.measures.resemblance import measure_resemblance
from matryo.measures.statistics import bootstrap_mean


@pytest.fixture
def spaces(rng):
    shared = rng.normal(size=(120, 3))
    source = np.hstack([shared, rng.normal(size=(120, 3))])
    target = np.hstack([shared, rng.normal(size=(120, 4))])
    return source, target


def test_it_sees_which_space_is_nearer(spaces, rng):
    source, target = spaces
    like_target = measure_resemblance(target + 0.3 * rng.normal(size=target.shape), source, target, n_draws=500, seed=0)
    like_source = measure_resemblance(source @ rng.normal(size=(6, 7)), source, target, n_draws=500, seed=0)
    for found, sign in ((like_target, 1), (like_source, -1)):
        for difference in (found.cka_difference, found.mutual_difference):
            assert sign * difference.low > 0 and sign * difference.high > 0
    assert like_target.chance == 10 / 119
    assert like_target.mutual_target.low > like_target.chance


def test_the_numbers_are_those_of_the_measures(spaces):
    source, target = spaces
    found = measure_resemblance(source, source, target, k=5, n_draws=200, seed=3)
    assert found.cka_source.value == pytest.approx(1.0)
    assert found.cka_target.value == pytest.approx(linear_cka(source, target, debiased=True))
    assert found.cka_difference.value == pytest.approx(found.cka_target.value - found.cka_source.value)
    lists = nearest_neighbours(source, 5)
    shares = mutual_neighbours(lists, nearest_neighbours(target, 5), (5,))[:, 0]
    alone = bootstrap_mean(shares, n_draws=200, seed=3)
    assert astuple(found.mutual_target) == pytest.approx(astuple(alone), abs=1e-12)
    assert (found.mutual_source.value, found.mutual_difference.value) == (1.0, pytest.approx(shares.mean() - 1.0))


def test_intervals_of_cka_hold_the_truth_as_often_as_they_say():
    def draw(n, seed):
        rng = np.random.default_rng(seed)
        shared = rng.normal(size=(n, 2))
        return np.hstack([shared, rng.normal(size=(n, 3))]), np.hstack([shared, rng.normal(size=(n, 2))])

    truth = linear_cka(*draw(400_000, 0), debiased=True)
    held = 0
    for seed in range(1, 121):
        x, y = draw(80, seed)
        whole, without = cka_without_each(x, y)
        found = bootstrap_mean(pseudo_values(whole, without), n_draws=400, seed=seed)
        held += found.low <= truth <= found.high
    assert 0.88 <= held / 120 <= 0.99


def test_rows_are_sampled_and_groups_drawn_whole(spaces):
    source, target = spaces
    groups = [f"title {i // 4}" for i in range(120)]
    found = measure_resemblance(target, source, target, groups, max_rows=60, n_draws=200, seed=1)
    assert (found.n, found.chance) == (60, 10 / 59)
    assert found.cka_target.n_groups <= 30
    assert found == measure_resemblance(target, source, target, groups, max_rows=60, n_draws=200, seed=1)


def test_lists_that_are_known_are_not_made_again(spaces):
    source, target = spaces
    lists = tuple(nearest_neighbours(side, 9) for side in (target, source, target))
    given = measure_resemblance(target, source, target, k=5, n_draws=200, seed=1, lists=lists)
    assert given == measure_resemblance(target, source, target, k=5, n_draws=200, seed=1)
    with pytest.raises(MatryoError, match="lists are of all 120 rows, got max_rows 60"):
        measure_resemblance(target, source, target, max_rows=60, seed=1, lists=lists)


def test_bad_input(spaces):
    source, target = spaces
    with pytest.raises(ShapeError, match="got 120, 119 and 120 rows; join them by id"):
        measure_resemblance(source, source[1:], target, seed=0)
    with pytest.raises(MatryoError, match="constant"):
        measure_resemblance(source, np.ones((120, 2)), target, seed=0)
