"""Geometry of whole spaces with known truth, what it says, how it is kept, and bad input."""

import json

import numpy as np
import pytest

from matryo.errors import FormatError, MatryoError, ShapeError
from matryo.evaluation.geometry import Geometry, measure_geometry, usual_curve
from matryo.prefix import unit_rows

WIDTH, ROWS = 48, 500
FEW = 260  # for spaces without an order there is less to find


def texts(seed: int = 1, n: int = ROWS) -> np.ndarray:
    """Unit rows of falling energy in directions that are no columns."""
    basis = np.linalg.qr(np.random.default_rng(5).normal(size=(WIDTH, WIDTH)))[0]
    x = np.random.default_rng(seed).normal(size=(n, WIDTH)) * np.geomspace(1, 0.08, WIDTH)
    return unit_rows(x @ basis).astype(np.float32)


def rotated(x: np.ndarray) -> np.ndarray:
    """Onto the principal axes of other texts."""
    other = texts(2, 1000)
    return x @ np.linalg.eigh(other.T @ other)[1][:, ::-1]


def stepped(x: np.ndarray) -> np.ndarray:
    """Rotated, then mixed within four blocks, as losses at three dims would leave it."""
    y = rotated(x)
    mixing = np.random.default_rng(3)
    for start in range(0, WIDTH, WIDTH // 4):
        block = slice(start, start + WIDTH // 4)
        y[:, block] = y[:, block] @ np.linalg.qr(mixing.normal(size=(WIDTH // 4, WIDTH // 4)))[0]
    return y


@pytest.fixture(scope="module")
def found() -> dict[str, Geometry]:
    x, few = texts(), texts(n=FEW)
    spaces = {"plain": few, "rotated": rotated(x), "stepped": stepped(x)}
    spaces["shuffled"] = stepped(few)[:, np.random.default_rng(4).permutation(WIDTH)]
    return {
        name: measure_geometry(space, dims=(6, 24), n_queries=200, n_draws=3, seed=2) for name, space in spaces.items()
    }


@pytest.mark.parametrize(
    ("name", "privileged", "variance_ordered"),
    [
        ("plain", False, False),
        ("rotated", True, True),
        ("stepped", True, False),
        ("shuffled", False, False),
    ],
)
def test_verdicts(found: dict[str, Geometry], name: str, privileged: bool, variance_ordered: bool) -> None:
    assert (found[name].privileged, found[name].variance_ordered) == (privileged, variance_ordered)
    assert f"privileged: {'yes' if privileged else 'no'}" in found[name].sentences[0]
    assert f"Variance-ordered: {'yes' if variance_ordered else 'no'}" in found[name].sentences[1]


def test_kinks_only_where_steps_are(found: dict[str, Geometry]) -> None:
    assert found["stepped"].kinks == (12, 24, 36)
    assert all(one.kinks == () for name, one in found.items() if name != "stepped")


def test_nothing_is_called_trained(found: dict[str, Geometry]) -> None:
    for one in found.values():
        said = " ".join(one.sentences)
        assert "trained" not in said.replace("training is not needed", "")


def test_curve(found: dict[str, Geometry]) -> None:
    one = found["rotated"]
    assert one.dims == (6, 24, WIDTH)
    assert (one.width, one.n, one.n_given, one.n_queries, one.k) == (WIDTH, ROWS, ROWS, 200, 10)
    small, _, full = one.points
    assert small.energy_suffix < small.energy_random < small.energy <= small.energy_pca + 1e-6
    assert small.agreement > small.agreement_random + 3 * small.agreement_spread
    assert small.agreement == pytest.approx(small.agreement_pca, abs=0.05)
    assert small.energy_random == 6 / WIDTH
    for value in (full.energy, full.energy_suffix, full.energy_pca, full.agreement, full.agreement_suffix):
        assert value == pytest.approx(1.0, abs=1e-3)


def test_energy_worked_by_hand() -> None:
    x = np.tile(np.array([[2.0, 1.0, 2.0], [1.0, 2.0, -2.0]]), (6, 1)) + 1e-4 * np.arange(12)[:, None]
    points = measure_geometry(x, dims=(1, 2), n_queries=4, k=2, n_draws=2).points
    assert points[0].energy == pytest.approx((4 / 9 + 1 / 9) / 2, abs=1e-3)
    assert points[1].energy == pytest.approx(5 / 9, abs=1e-3)
    assert points[1].energy_suffix == pytest.approx((5 / 9 + 8 / 9) / 2, abs=1e-3)


def test_same_seed_same_result_and_scale_does_not_matter(found: dict[str, Geometry]) -> None:
    again = measure_geometry(4.0 * texts(n=FEW), dims=(6, 24), n_queries=200, n_draws=3, seed=2)
    assert again.points == found["plain"].points
    assert again.numbers == found["plain"].numbers and again.numbers


def test_json(found: dict[str, Geometry]) -> None:
    for one in found.values():
        assert Geometry.from_json(json.loads(json.dumps(one.to_json()))) == one


def test_damaged_json(found: dict[str, Geometry]) -> None:
    stored = found["plain"].to_json()
    with pytest.raises(FormatError, match=r"must have the fields.*matryo probe"):
        Geometry.from_json({**stored, "trained": True})
    with pytest.raises(FormatError, match="must have the fields"):
        Geometry.from_json({**stored, "points": [{"dim": 3}]})
    with pytest.raises(FormatError, match="damaged"):
        Geometry.from_json({**stored, "kinks": 3})


def test_zero_and_repeated_rows_are_left_out() -> None:
    x = texts(n=60)
    found = measure_geometry(np.vstack([x, np.zeros((5, WIDTH), np.float32), x[:20]]), dims=(8,), n_draws=2)
    assert (found.n, found.n_given) == (60, 85)


def test_too_few_rows_decide_nothing_and_say_how_many_do() -> None:
    found = measure_geometry(rotated(texts(n=150)), dims=(8,), n_draws=2)
    assert found.privileged is None
    assert found.variance_ordered is None
    assert "200" in found.privileged_why
    assert "undecided" in found.sentences[0]
    assert found.points[0].agreement > found.points[0].agreement_random


def test_too_few_columns_decide_nothing(rng: np.random.Generator) -> None:
    found = measure_geometry(rng.normal(size=(250, 8)), dims=(4,), n_draws=2)
    assert found.privileged is None
    assert "16" in found.privileged_why


def test_few_rows_per_column_leave_the_order_of_variance_open(rng: np.random.Generator) -> None:
    x = rng.normal(size=(220, 128)) * np.geomspace(1, 0.05, 128)
    axes = np.linalg.eigh(x.T @ x)[1][:, ::-1]
    found = measure_geometry(x @ axes, dims=(16,), n_draws=2)
    assert found.variance_ordered is None
    assert "256" in found.variance_why


def test_bad_input(rng: np.random.Generator) -> None:
    x = rng.normal(size=(30, 20))
    with pytest.raises(ShapeError, match=r"more than 10 distinct rows.*got 4 of 30"):
        measure_geometry(np.where(np.arange(30)[:, None] < 4, x, 0.0))
    with pytest.raises(ShapeError, match=r"within 1\.\.20"):
        measure_geometry(x, dims=(8, 64))
    with pytest.raises(ShapeError, match="finite"):
        measure_geometry(np.full((30, 20), np.nan))
    with pytest.raises(ShapeError, match="float matrix"):
        measure_geometry(np.ones((30, 20), dtype=np.int64))
    for name in ("k", "n_queries", "n_draws"):
        with pytest.raises(MatryoError, match=f"{name} must be at least"):
            measure_geometry(x, **{name: 0})


def test_usual_curve() -> None:
    assert usual_curve(256) == (32, 64, 128, 192, 256)
    assert usual_curve(3) == (1, 2, 3)
