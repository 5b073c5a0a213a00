"""The order of variance: PCA of these rows or of others is one, what resembles it is none."""

import numpy as np
import pytest

from matryo.evaluation.geometry_order import VarianceOrder, fit_rows, variance_orders

WIDTH = 48


def axes(rows: np.ndarray, *, centred: bool = False) -> np.ndarray:
    """Directions of largest energy, largest first."""
    x = rows - rows.mean(axis=0) if centred else rows
    return np.linalg.eigh(x.T @ x)[1][:, ::-1]


def texts(rng: np.random.Generator, n: int, mean: float = 0.0) -> np.ndarray:
    """Unit rows of falling energy, turned so that no column is an axis."""
    basis = np.linalg.qr(np.random.default_rng(5).normal(size=(WIDTH, WIDTH)))[0]
    x = rng.normal(size=(n, WIDTH)) * np.geomspace(1, 0.1, WIDTH)
    x = x @ basis + mean * basis[7]
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def holds(rows: np.ndarray) -> tuple[bool, bool]:
    """Whether the rows stand in uncentred and in centred order of variance."""
    uncentred, centred = variance_orders(rows)
    return uncentred.holds, centred.holds


def test_pca_of_these_very_rows(rng: np.random.Generator) -> None:
    x = texts(rng, 1500, mean=3.0)
    uncentred, centred = variance_orders(x @ axes(x))
    assert uncentred.holds
    assert uncentred.correlation == pytest.approx(0, abs=1e-6)
    assert uncentred.worst_rise < 0
    assert not centred.holds
    assert holds(x @ axes(x, centred=True)) == (False, True)


def test_pca_of_other_rows_misses_by_as_much_as_theory_says(rng: np.random.Generator) -> None:
    x, y = texts(rng, 3000), texts(rng, 1000)
    uncentred, _ = variance_orders(x @ axes(y))
    assert uncentred.holds
    # 1/n1 + 1/n over the same with the rows that are allowed for, here n1 = 1000 = those that were fitted
    assert uncentred.correlation == pytest.approx(1.0, rel=0.12)
    better, _ = variance_orders(x @ axes(texts(rng, 3000)))
    assert better.correlation == pytest.approx((1 / 3000 + 1 / 3000) / (1 / 3000 + 1 / 1000), rel=0.2)


def test_pca_of_too_few_rows_is_told(rng: np.random.Generator) -> None:
    assert holds(texts(rng, 3000) @ axes(texts(rng, 250))) == (False, False)


@pytest.mark.parametrize("block", [8, 16])
def test_mixed_axes_are_no_order_of_variance(rng: np.random.Generator, block: int) -> None:
    x = texts(rng, 2000)
    y = x @ axes(x)
    for start in range(0, WIDTH, block):
        y[:, start : start + block] = y[:, start : start + block] @ np.linalg.qr(rng.normal(size=(block, block)))[0]
    assert holds(y) == (False, False)


def test_sorted_energies_alone_are_no_order_of_variance(rng: np.random.Generator) -> None:
    x = texts(rng, 2000) * np.linspace(1, 0.7, WIDTH)
    y = np.take(x, np.argsort(-(x**2).mean(axis=0)), axis=1)
    uncentred, _ = variance_orders(y)
    assert uncentred.falls_along
    assert uncentred.correlation > 10
    assert not uncentred.holds


def test_axes_in_another_order(rng: np.random.Generator) -> None:
    x = texts(rng, 2000)
    y = x @ axes(x)
    assert holds(y[:, ::-1]) == (False, False)
    assert holds(y[:, rng.permutation(WIDTH)]) == (False, False)
    swapped = np.arange(WIDTH)
    swapped[[2, 9]] = swapped[[9, 2]]
    assert holds(y[:, swapped]) == (False, False)


def test_equal_energies_have_no_order(rng: np.random.Generator) -> None:
    assert holds(rng.normal(size=(800, WIDTH))) == (False, False)


def test_a_few_strong_axes_before_equal_ones(rng: np.random.Generator) -> None:
    x = rng.normal(size=(1500, WIDTH))
    x[:, :3] *= np.array([6.0, 4.0, 3.0])
    assert holds(x)[0]


def test_dead_and_too_few_columns(rng: np.random.Generator) -> None:
    x = texts(rng, 1500)
    assert holds(np.hstack([x @ axes(x), np.zeros((1500, 4))]))[0]
    assert holds(rng.normal(size=(50, 3)) * [3, 2, 1]) == (False, False)


def test_numbers_name_their_kind() -> None:
    order = VarianceOrder("centred", 4.0, 2.0, 1.0, 0.5, 0.25, 0.75, 1.1)
    assert order.numbers()["centred worst rise"] == 1.0
    assert order.explained == pytest.approx(0.875)
    assert fit_rows(1) == 1
