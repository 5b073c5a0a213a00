"""The permutation test: calibrated where the order means nothing, blind to single columns of much energy."""

import dataclasses

import numpy as np
import pytest

from matryo.evaluation.geometry_privilege import Privilege, measure_privilege, usual_columns

WIDTH, ROWS, K, ORDERS = 48, 220, 5, 30


def privileged_rows(rng: np.random.Generator) -> np.ndarray:
    """Early columns of more energy; the columns are correlated, so this is no order of variance."""
    mixed = rng.normal(size=(ROWS, WIDTH)) + rng.normal(size=(ROWS, 1))
    return mixed * np.linspace(1.0, 0.4, WIDTH)


def test_a_privileged_prefix_is_seen_and_its_reverse_is_not(rng: np.random.Generator) -> None:
    rows = privileged_rows(rng)
    found = measure_privilege(rows, K, 0, n_orders=ORDERS)
    assert found.holds is True
    assert found.rank == 0
    assert found.sigma > 4
    assert found.dims == (6, 12, 24)
    assert found.low < found.advantage < found.high
    turned = measure_privilege(rows[:, ::-1], K, 0, n_orders=ORDERS)
    assert turned.holds is False
    assert turned.sigma < -3
    assert turned.over_suffix == pytest.approx(-found.over_suffix)


def test_random_orders_stand_anywhere_among_random_orders(rng: np.random.Generator) -> None:
    rows = privileged_rows(rng)
    found = [measure_privilege(rows[:, rng.permutation(WIDTH)], K, seed, n_orders=ORDERS) for seed in range(8)]
    sigmas = np.array([one.sigma for one in found])
    assert abs(sigmas.mean()) < 1.0  # 8 draws of spread 1: beyond it in one suite of two hundred, and the seed is fixed
    assert 0.4 < sigmas.std() < 1.8
    assert not any(one.holds for one in found)


def test_energy_of_one_column_at_the_front_is_no_privilege(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(ROWS, WIDTH))
    rows[:, 0] *= 8.0
    found = measure_privilege(rows, K, 0, n_orders=ORDERS)
    assert found.n_outliers == 1
    assert found.holds is False


def test_where_every_order_finds_the_same_nothing_is_privileged() -> None:
    same = np.repeat(np.linspace(-1, 1, ROWS)[:, None], WIDTH, axis=1)
    found = measure_privilege(same, K, 0, n_orders=4)
    assert found.sigma == 0
    assert found.holds is False


def test_usual_columns_leaves_out_few_and_keeps_order() -> None:
    energy = np.ones(64)
    energy[[3, 10, 20]] = [100.0, 300.0, 200.0]
    kept = usual_columns(np.sqrt(energy)[None, :])
    assert kept.tolist() == [j for j in range(64) if j not in {10, 20}]
    assert usual_columns(np.ones((2, 5))).tolist() == [0, 1, 2, 3, 4]


def test_what_is_asked_for() -> None:
    good = Privilege(0.05, 0.04, 0.06, 0.08, 6.0, 0, 200, (6, 12, 24), 0)
    assert good.holds is True
    changes: dict[str, tuple[dict[str, float], bool | None]] = {
        "a trifle": ({"advantage": 0.005}, False),
        "the suffix is as good": ({"over_suffix": 0.0}, False),
        "other queries may differ": ({"low": -0.001}, False),
        "chance": ({"sigma": 2.0}, False),
        "perhaps chance": ({"sigma": 3.5}, None),
        "one order is as good": ({"rank": 1}, None),
    }
    for name, (change, verdict) in changes.items():
        assert dataclasses.replace(good, **change).holds is verdict, name
