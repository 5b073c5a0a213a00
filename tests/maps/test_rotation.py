"""The rotation keeps full-width similarities and orders what the prefixes hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matryo.errors import ShapeError
from matryo.maps import fit_rotation, random_dims, second_moment
from matryo.prefix import cut, unit_rows
from matryo.space import Space


def skewed(rng: np.random.Generator, n: int, width: int) -> np.ndarray:
    """Unit rows whose energy lies in a few hidden directions, the last columns as large as the first."""
    hidden = rng.normal(size=(n, width)) * np.geomspace(1.0, 0.01, width)
    mix, _ = np.linalg.qr(rng.normal(size=(width, width)))
    return unit_rows((hidden @ mix).astype(np.float32))


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 60), st.integers(2, 24), st.integers(0, 10_000))
def test_full_width_dot_products_stay(n: int, width: int, seed: int) -> None:
    x = skewed(np.random.default_rng(seed), n, width)
    rotated = fit_rotation(x, Space("w", width)).apply(x)
    assert np.abs(rotated @ rotated.T - x @ x.T).max() < 5e-6


def test_prefixes_hold_the_most_energy_that_any_orthogonal_map_allows(rng: np.random.Generator) -> None:
    x = skewed(rng, 500, 16)
    rotated = fit_rotation(x, Space("w", 16)).apply(x)
    energies = np.sort(np.linalg.eigvalsh(x.T.astype(float) @ x))[::-1]
    for dim in range(1, 17):
        held = (rotated[:, :dim].astype(float) ** 2).sum()
        assert held == pytest.approx(energies[:dim].sum(), rel=1e-5)


def test_rotated_prefixes_agree_better_with_the_full_width(rng: np.random.Generator) -> None:
    x = skewed(rng, 300, 32)
    full = x @ x.T
    rotated = fit_rotation(x, Space("w", 32)).apply(x)
    errors = [np.abs(cut(v, 4) @ cut(v, 4).T - full).mean() for v in (x, rotated)]
    assert errors[1] < 0.5 * errors[0]


def test_a_refit_gives_the_same_map(rng: np.random.Generator) -> None:
    x = skewed(rng, 100, 12)
    assert fit_rotation(x, Space("w", 12)).digest == fit_rotation(x.copy(), Space("w", 12)).digest


def test_second_moment_in_blocks_equals_one_product(rng: np.random.Generator) -> None:
    x = rng.normal(size=(40_000, 3)).astype(np.float32)
    assert np.allclose(second_moment(x), x.astype(float).T @ x, rtol=1e-5)


def test_queries_weigh_as_much_as_documents(rng: np.random.Generator) -> None:
    along, across = np.eye(2, dtype=np.float32)[[0] * 1000], np.eye(2, dtype=np.float32)[[1] * 10]
    leaning = unit_rows(np.concatenate([across, across + 0.5 * along[:10]]))
    rotation = fit_rotation(along, Space("w", 2), more=leaning)
    assert rotation.settings["energy"][1] > 0.2


def test_random_dims_is_a_permutation_that_its_seed_decides() -> None:
    space = Space("w", 9)
    x = np.arange(1.0, 10.0, dtype=np.float32)[None]
    shuffled = random_dims(space, 3).apply(x)
    assert sorted(shuffled[0]) == pytest.approx(sorted(unit_rows(x)[0]))
    assert not np.allclose(shuffled, unit_rows(x))
    assert random_dims(space, 3).digest == random_dims(space, 3).digest != random_dims(space, 4).digest


def test_no_rows_or_another_width_are_refused() -> None:
    with pytest.raises(ShapeError, match="8-wide space"):
        fit_rotation(np.zeros((0, 8), dtype=np.float32), Space("w", 8))
    with pytest.raises(ShapeError, match="8-wide space"):
        fit_rotation(np.ones((4, 6), dtype=np.float32), Space("w", 8))
