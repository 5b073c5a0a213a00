"""Kinks: found where the variance steps down, not where it is level, falls smoothly or jumps once."""

import numpy as np
import pytest

from matryo.evaluation.geometry_kinks import find_kinks, usual_dims


def rows_of(profile: np.ndarray) -> np.ndarray:
    """Two rows whose columns have the variances exp(profile)."""
    return np.stack([np.exp(profile / 2), -np.exp(profile / 2)])


def steps(edges: tuple[int, ...], width: int, step: float) -> np.ndarray:
    """Level pieces, each `step` below the one before."""
    return -step * np.searchsorted(edges, np.arange(width), side="right").astype(float)


@pytest.mark.parametrize("edges", [(64, 128), (32, 64, 128, 256), (96,)])
def test_steps_at_usual_dims_are_found(rng: np.random.Generator, edges: tuple[int, ...]) -> None:
    width = 384
    assert find_kinks(rows_of(steps(edges, width, 0.3) + 0.08 * rng.normal(size=width))) == edges


def test_steps_elsewhere_are_found_about_where_they_are(rng: np.random.Generator) -> None:
    found = find_kinks(rows_of(steps((50, 150), 256, 0.4) + 0.08 * rng.normal(size=256)))
    assert len(found) == 2
    assert np.abs(np.subtract(found, (50, 150))).max() <= 2


@pytest.mark.parametrize("noise", [0.01, 0.1, 0.4])
def test_smooth_and_level_profiles_have_none(rng: np.random.Generator, noise: float) -> None:
    for width in (64, 128, 256):
        place = np.arange(1, width + 1)
        for smooth in (np.zeros(width), -np.log(place), -2 * place / width, -np.sqrt(place / width)):
            profile = smooth + noise * rng.normal(size=width)
            assert find_kinks(rows_of(profile)) == ()
            assert find_kinks(rows_of(np.sort(profile)[::-1])) == ()


def test_steps_up_and_single_columns_are_no_kinks(rng: np.random.Generator) -> None:
    noise = 0.08 * rng.normal(size=256)
    assert find_kinks(rows_of(-steps((64, 128), 256, 0.4) + noise)) == ()
    outlying = noise.copy()
    outlying[[5, 60, 61, 200]] = 6.0
    assert find_kinks(rows_of(outlying)) == ()


def test_too_few_columns_and_constant_columns() -> None:
    assert find_kinks(np.ones((5, 24))) == ()
    assert find_kinks(np.ones((5, 64))) == ()
    assert usual_dims(32) == (8, 16, 24)
