import sys

import numpy as np
import pytest

from matryo.errors import MatryoError, MissingExtra, ShapeError
from matryo.evaluation.layout import fit_layout, trustworthiness


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(MissingExtra, match=r"umap-learn.*matryo\[umap\]"):
        fit_layout(rng.normal(size=(30, 4)))


@pytest.mark.parametrize(
    ("n", "options", "words"),
    [
        (19, {}, "at least 20 vectors, got 19"),
        (30, {"n_neighbours": 30}, r"within 2\.\.29, got 30"),
        (30, {"n_neighbours": 1}, r"within 2\.\.29, got 1"),
        (30, {"min_dist": 1.5}, r"min_dist must lie within 0\.\.1"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_compiled(
    n: int, options: dict[str, float], words: str, rng: np.random.Generator
) -> None:
    with pytest.raises(MatryoError, match=words):
        fit_layout(rng.normal(size=(n, 4)), **options)


def test_trust_is_1_where_the_plane_is_the_space_and_low_where_rows_are_mixed_up(rng: np.random.Generator) -> None:
    angles = rng.uniform(0, 2 * np.pi, size=60)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert trustworthiness(3.0 * circle, circle, 5) == 1.0
    assert trustworthiness(circle, circle[rng.permutation(60)], 5) < 0.7


def test_trust_refuses_rows_that_do_not_pair_and_too_many_neighbours(rng: np.random.Generator) -> None:
    x = rng.normal(size=(10, 3))
    with pytest.raises(ShapeError, match="got 10 and 9 rows"):
        trustworthiness(x, x[:9, :2])
    with pytest.raises(MatryoError, match="below half of the 10 points, got 5"):
        trustworthiness(x, x[:, :2].copy(), 5)


@pytest.mark.slow  # the first layout of a process compiles code, 20 s of one core
def test_groups_stay_apart_placed_points_join_theirs_and_nothing_is_left_to_chance(rng: np.random.Generator) -> None:
    pytest.importorskip("umap")
    centres = np.eye(3, 8)
    groups = np.repeat(np.arange(3), 30)
    native = (centres[groups] + 0.05 * rng.normal(size=(90, 8))).astype(np.float32)
    more = (centres[groups] + 0.05 * rng.normal(size=(90, 8))).astype(np.float32)
    layout = fit_layout(native, n_neighbours=10, seed=1)
    placed = layout.place(more)
    assert layout.native.shape == placed.shape == (90, 2) and np.isfinite(placed).all()
    middles = np.stack([layout.native[groups == group].mean(axis=0) for group in range(3)])
    nearest = np.linalg.norm(placed[:, None] - middles, axis=2).argmin(axis=1)
    assert (nearest == groups).mean() > 0.95
    assert trustworthiness(native, layout.native, 10) > 0.8
    again = fit_layout(native, n_neighbours=10, seed=1)
    assert (again.native == layout.native).all() and (again.place(more) == placed).all()
    with pytest.raises(ShapeError, match="vectors of 8 numbers, got 5"):
        layout.place(more[:, :5].copy())
