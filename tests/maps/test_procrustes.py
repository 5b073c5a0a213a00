"""The orthogonal translator equals SciPy's, keeps similarities, and does not nest."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matryo.errors import MatryoError
from matryo.maps import SpaceRows, fit_procrustes
from matryo.prefix import unit_rows
from matryo.space import Space


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.booleans(), st.integers(0, 1000))
def test_scipy_finds_the_same_rotation_of_rows_filled_up_with_zeros(d: int, d2: int, centre: bool, seed: int) -> None:
    from scipy.linalg import orthogonal_procrustes

    rng = np.random.default_rng(seed)
    # positive rows, so that even one column varies before it is scaled; two columns at least, or nothing varies after
    x, y = (unit_rows(rng.random(size=(40, width + 1)).astype(np.float32)) for width in (d, d2))
    fitted = fit_procrustes(SpaceRows(x, Space("a", d + 1)), SpaceRows(y, Space("b", d2 + 1)), centre=centre)
    left, right = (v.astype(float) - (v.astype(float).mean(axis=0) if centre else 0.0) for v in (x, y))
    width = max(d, d2) + 1
    filled = [np.pad(v, ((0, 0), (0, width - v.shape[1]))) for v in (left, right)]
    theirs, _ = orthogonal_procrustes(*filled)
    assert np.abs(fitted.matrix - theirs[: d + 1, : d2 + 1]).max() < 1e-6
    mean = y.mean(axis=0) - x.mean(axis=0) @ fitted.matrix if centre else 0.0
    assert np.abs(fitted.offset - mean).max() < 1e-6


def test_a_hidden_rotation_is_found_again(rng) -> None:
    turn, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    x = unit_rows(rng.normal(size=(50, 6)).astype(np.float32))
    fitted = fit_procrustes(SpaceRows(x, Space("a", 6)), SpaceRows((x @ turn).astype(np.float32), Space("b", 6)))
    assert np.abs(fitted.matrix - turn).max() < 1e-5
    assert np.abs(fitted.apply(x) @ fitted.apply(x).T - x @ x.T).max() < 1e-5


def test_a_quarter_turn_by_hand() -> None:
    x, y = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]), np.array([[0.0, 1.0], [-1.0, 0.0], [-0.8, 0.6]])
    fitted = fit_procrustes(SpaceRows(x, Space("a", 2)), SpaceRows(y, Space("b", 2)))
    assert np.allclose(fitted.matrix, [[0.0, 1.0], [-1.0, 0.0]], atol=1e-6)


def test_into_a_wider_space_rows_are_orthonormal_and_into_a_narrower_one_columns(pair) -> None:
    narrow = fit_procrustes(pair.source, pair.target).matrix
    wide = fit_procrustes(pair.target, pair.source).matrix
    assert np.allclose(narrow.T @ narrow, np.eye(8), atol=1e-5)
    assert np.allclose(wide @ wide.T, np.eye(8), atol=1e-5)


def test_the_prefix_of_the_rotation_is_not_the_rotation_to_the_prefix(pair) -> None:
    prefix = fit_procrustes(pair.source, pair.target).to_prefix(3)
    alone = fit_procrustes(pair.source, pair.target, target_dim=3)
    assert np.abs(prefix.matrix - alone.matrix).max() > 0.1
    wanted = pair.y[:, :3]
    # the one that was fitted for it can only agree better; among rotations that is the same as being closer
    assert (alone.raw(pair.x) * wanted).sum() > 1.05 * (prefix.raw(pair.x) * wanted).sum()


def test_an_open_rotation_is_refused(pair) -> None:
    few = pair.source.chosen(np.arange(5)), pair.target.chosen(np.arange(5))
    with pytest.raises(MatryoError, match="needs more rows than that, got 5"):
        fit_procrustes(*few)
    assert fit_procrustes(*few, allow_degenerate=True).settings["rank"] == 5
    flat = SpaceRows(np.eye(8, dtype=np.float32)[np.arange(400) % 2], pair.target.space)
    with pytest.raises(MatryoError, match="column 2 of the target"):
        fit_procrustes(pair.source, flat)
    # no column is constant here, yet all rows of the target lie in a plane
    plane = np.random.default_rng(0).normal(size=(400, 2)) @ np.random.default_rng(1).normal(size=(2, 8))
    with pytest.raises(MatryoError, match="in 2 of 8 directions only"):
        fit_procrustes(pair.source, SpaceRows(unit_rows(plane), pair.target.space))
