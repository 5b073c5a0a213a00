"""Translated vectors beside the references: what a perfect, an idle and a real translator score."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from matryo.errors import MatryoError, ShapeError
from matryo.evaluation.translation import (
    IDENTITY,
    KEEP,
    MEAN,
    REENCODE,
    TRANSLATED,
    Rows,
    Translation,
    TranslationSettings,
    measure_native,
    measure_translation,
    widened,
)
from matryo.evaluation.translation_prefixes import prefix_grid
from matryo.maps import AffineMap, SpaceRows, fit_nested_ridge, fit_ridge
from matryo.prefix import Array, unit_rows
from matryo.space import Space

A, B = Space("a", 12), Space("b", 8)
SETTINGS = TranslationSettings(dims=(4, 2), k=3, depths=(1, 3, 5), n_draws=200)


def views(seed: int, n: int, noise: float) -> tuple[Array, Array]:
    """Two noisy views of 8 hidden numbers around means of their own, the same views for every seed."""
    fixed, rng = np.random.default_rng(1), np.random.default_rng(seed)
    hidden = rng.normal(size=(n, 8))
    found = []
    for width in (A.width, B.width):
        mixed = hidden @ fixed.normal(size=(8, width)) + fixed.normal(size=width)
        found.append(unit_rows((mixed + noise * rng.normal(size=(n, width))).astype(np.float32)))
    return found[0], found[1]


def rows_of(x: Array, y: Array, mean: Array, groups: tuple[str, ...] | None = None) -> Rows:
    return Rows(x, y, mean, tuple(f"t{i}" for i in range(len(x))), groups)


@pytest.fixture(scope="module")
def fitted() -> tuple[AffineMap, Array]:
    x, y = views(2, 300, 0.2)
    return fit_ridge(SpaceRows(x, A), SpaceRows(y, B)), y.mean(axis=0)


@pytest.fixture(scope="module")
def measured(fitted: tuple[AffineMap, Array]) -> Translation:
    return measure_translation(fitted[0], rows_of(*views(3, 120, 0.2), fitted[1]), SETTINGS)


def value(found: Translation, row: str, measure: str) -> float:
    (one,) = [one.found.value for one in found.values if (one.row, one.measure) == (row, measure)]
    return one


def test_a_translator_beats_what_does_nothing(measured: Translation) -> None:
    assert 0.5 < value(measured, TRANSLATED, "R2") < 1.0
    assert value(measured, IDENTITY, "R2") < 0.0
    assert value(measured, MEAN, "R2") == pytest.approx(0.0, abs=1e-6)
    assert value(measured, TRANSLATED, "top-1") > 10 * max(value(measured, IDENTITY, "top-1"), 1 / 120)
    assert value(measured, TRANSLATED, "mean rank") < value(measured, IDENTITY, "mean rank")
    for measure in ("mutual neighbours@3", "Jaccard@3", "RBO@3", "rank-harmonic@3"):
        assert value(measured, REENCODE, measure) == pytest.approx(1.0)
        assert value(measured, TRANSLATED, measure) > measured.chance
    assert value(measured, REENCODE, "edit distance@3") == 0.0
    assert measured.chance == pytest.approx(3 / 119)


def test_references_have_only_what_they_can_have(measured: Translation) -> None:
    named = {row: {one.measure for one in measured.values if one.row == row} for row in (MEAN, KEEP, REENCODE)}
    assert named[MEAN] == {"R2", "cosine"}
    assert "top-1" not in named[KEEP] and "R2" not in named[KEEP] and {"CKA", "RBO@3"} <= named[KEEP]
    assert set(measured.lists) == {TRANSLATED, IDENTITY, KEEP}
    assert measured.lists[TRANSLATED].depths == (1, 3, 5)


def test_the_last_prefix_is_the_whole(measured: Translation) -> None:
    assert [point.dim for point in measured.dims] == [2, 4, 8]
    assert measured.dims[-1].r2.value == pytest.approx(value(measured, TRANSLATED, "R2"))
    assert measured.dims[-1].cosine.value == pytest.approx(value(measured, TRANSLATED, "cosine"), abs=1e-5)
    assert measured.dims[-1].mutual.value == pytest.approx(value(measured, TRANSLATED, "mutual neighbours@3"))
    assert measured.dims[-1].cka.debiased == pytest.approx(value(measured, TRANSLATED, "CKA"), abs=1e-6)


def test_a_perfect_translator_is_the_target() -> None:
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(8, 8)))[0].astype(np.float32)
    x, _ = views(3, 60, 0.1)
    x = unit_rows(x[:, :8])
    perfect = AffineMap(turn, np.zeros(8, np.float32), Space("c", 8), B, "procrustes")
    found = measure_translation(perfect, rows_of(x, x @ turn, np.zeros(8)), SETTINGS)
    for measure, whole in (("R2", 1.0), ("cosine", 1.0), ("top-1", 1.0), ("mean rank", 1.0), ("CKA", 1.0)):
        assert value(found, TRANSLATED, measure) == pytest.approx(whole, abs=1e-5)
    # a rotation keeps every neighbour: the old model's lists are the new one's
    assert value(found, KEEP, "mutual neighbours@3") == pytest.approx(1.0)
    assert found.resemblance.mutual_difference.value == pytest.approx(0.0)


def test_a_native_side_measured_once_gives_the_same_numbers(fitted: tuple[AffineMap, Array]) -> None:
    rows = rows_of(*views(3, 60, 0.2), fitted[1])
    some = replace(SETTINGS, max_rows=50)
    native = pickle.loads(pickle.dumps(measure_native(rows, some)))
    alone, shared = measure_translation(fitted[0], rows, some), measure_translation(fitted[0], rows, some, native)
    assert [(v.row, v.measure) for v in alone.values] == [(v.row, v.measure) for v in shared.values]
    numbers = [[(v.found.value, v.found.low, v.found.high) for v in one.values] for one in (alone, shared)]
    np.testing.assert_array_equal(*numbers)
    assert alone.resemblance == shared.resemblance and alone.cka == shared.cka
    points = [[(p.dim, p.mse, p.r2, p.cosine, p.mutual, p.cka) for p in one.dims] for one in (alone, shared)]
    assert points[0] == points[1]
    for row, one in alone.lists.items():
        np.testing.assert_array_equal(one.mutual, shared.lists[row].mutual)
    np.testing.assert_array_equal(alone.different.rows, shared.different.rows)


def test_a_native_side_of_something_else_is_refused(fitted: tuple[AffineMap, Array]) -> None:
    rows = rows_of(*views(3, 40, 0.2), fitted[1])
    native = measure_native(rows, SETTINGS)
    with pytest.raises(MatryoError, match="the native side was measured with"):
        measure_translation(fitted[0], rows, replace(SETTINGS, k=2), native)
    with pytest.raises(MatryoError, match="measured on 40 rows of 8 numbers, got 40"):
        measure_translation(fitted[0], replace(rows, ids=rows.ids[::-1]), SETTINGS, native)


def test_errors_beside_what_they_are_a_share_of(measured: Translation) -> None:
    r2 = value(measured, TRANSLATED, "R2")
    assert 1.0 - measured.mse / measured.target_variance == pytest.approx(r2)
    assert measured.dims[-1].mse == measured.mse
    assert measured.cka.debiased == value(measured, TRANSLATED, "CKA")
    assert value(measured, TRANSLATED, "CKA biased") > value(measured, TRANSLATED, "CKA")
    assert value(measured, REENCODE, "CKA biased") == 1.0


def test_groups_widen_intervals_and_rows_are_sampled(fitted: tuple[AffineMap, Array]) -> None:
    x, y = views(3, 60, 0.2)
    groups = tuple(str(i // 10) for i in range(60))
    found = measure_translation(
        fitted[0], rows_of(x, y, fitted[1], groups), TranslationSettings(k=3, depths=(3,), max_rows=40, n_draws=200)
    )
    assert (found.n, found.n_compared, len(found.ids)) == (60, 40, 40)
    (r2,) = [one.found for one in found.values if (one.row, one.measure) == (TRANSLATED, "R2")]
    assert (r2.n, r2.n_groups) == (60, 6)


def test_texts_without_a_native_vector_have_no_neighbours_to_find(fitted: tuple[AffineMap, Array]) -> None:
    x, y = views(3, 60, 0.2)
    # empty to both models: their lists would be the same rows in the same order, which no translator has earned
    x, y = np.concatenate([np.zeros_like(x[:30]), x]), np.concatenate([np.zeros_like(y[:30]), y])
    plain = measure_translation(fitted[0], rows_of(x[30:], y[30:], fitted[1]), SETTINGS)
    found = measure_translation(fitted[0], rows_of(x, y, fitted[1]), SETTINGS)
    assert (found.n, found.n_compared, found.ids[0]) == (90, 60, "t30")
    for row in (TRANSLATED, KEEP):
        assert value(found, row, "mutual neighbours@3") == value(plain, row, "mutual neighbours@3")
    nested = fit_nested_ridge(SpaceRows(x[30:], A), SpaceRows(y[30:], B), [12])
    cells = [prefix_grid(nested, rows_of(*sides, fitted[1]), [8], k=3)[0] for sides in ((x, y), (x[30:], y[30:]))]
    assert cells[0].mutual == cells[1].mutual
    with pytest.raises(MatryoError, match="at least 12 rows, got 11, and 30 zero rows"):
        measure_translation(fitted[0], rows_of(x[:41], y[:41], fitted[1]), SETTINGS)


def test_too_few_rows_or_another_width_are_refused(fitted: tuple[AffineMap, Array]) -> None:
    x, y = views(3, 20, 0.2)
    with pytest.raises(MatryoError, match="at least 12 rows, got 11"):
        measure_translation(fitted[0], rows_of(x[:11], y[:11], fitted[1]), SETTINGS)
    with pytest.raises(ShapeError, match="gives 8 numbers, got native rows of 7"):
        measure_translation(fitted[0], rows_of(x, y[:, :7], fitted[1][:7]), SETTINGS)


def test_widened_pads_or_cuts() -> None:
    x = np.array([[1.0, 2.0, 3.0]])
    assert widened(x, 5).tolist() == [[1.0, 2.0, 3.0, 0.0, 0.0]]
    assert widened(x, 2).tolist() == [[1.0, 2.0]]


def test_a_grid_reads_less_and_gives_less() -> None:
    x, y = views(2, 300, 0.2)
    nested = fit_nested_ridge(SpaceRows(x, A), SpaceRows(y, B), [3, 12])
    rows = rows_of(*views(3, 100, 0.2), y.mean(axis=0))
    cells = prefix_grid(nested, rows, [8, 4], k=3)
    assert [(cell.source_dim, cell.target_dim) for cell in cells] == [(3, 4), (3, 8), (12, 4), (12, 8)]
    whole = measure_translation(nested[12], rows, SETTINGS)
    assert cells[-1].r2 == pytest.approx(whole.dims[-1].r2.value)
    assert cells[-1].mutual == pytest.approx(whole.dims[-1].mutual.value)
    assert cells[2].r2 == pytest.approx(whole.dims[1].r2.value)
    assert cells[2].mutual == pytest.approx(whole.dims[1].mutual.value)
    assert cells[1].r2 < cells[3].r2 and cells[1].mutual < cells[3].mutual
