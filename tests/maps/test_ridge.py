"""Ridge equals outside solvers, nests over prefixes, chooses its penalty on left-out groups, refuses what is open."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError, ShapeError
from matryo.maps import AffineMap, RidgeSettings, SpaceRows, fit_nested_ridge, fit_ridge
from matryo.maps.folds import fold_numbers
from matryo.maps.moments import Moments
from matryo.maps.ridge_path import RidgePath, cross_validated
from matryo.prefix import cut, unit_rows
from matryo.space import Space

PLAIN = RidgeSettings(penalties=(0.0,))


def least_squares(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What numpy finds, with a column of ones for the offset."""
    wide = np.concatenate([x, np.ones((len(x), 1))], axis=1).astype(float)
    found = np.linalg.lstsq(wide, y.astype(float), rcond=None)[0]
    return found[:-1], found[-1]


def r2(fitted: AffineMap, x: np.ndarray, y: np.ndarray, mean: np.ndarray) -> float:
    return 1.0 - float(((fitted.raw(x) - y) ** 2).sum() / ((y - mean) ** 2).sum())


def test_penalty_0_is_plain_least_squares(pair) -> None:
    fitted = fit_ridge(pair.source, pair.target, settings=PLAIN)
    matrix, offset = least_squares(pair.x, pair.y)
    assert np.abs(fitted.matrix - matrix).max() < 1e-4 and np.abs(fitted.offset - offset).max() < 1e-4


def test_a_penalty_is_what_scikit_learn_calls_alpha(pair) -> None:
    from sklearn.linear_model import Ridge

    for intercept in (True, False):
        fitted = fit_ridge(pair.source, pair.target, settings=RidgeSettings((0.3,), intercept=intercept))
        theirs = Ridge(alpha=fitted.settings["alpha"], fit_intercept=intercept).fit(pair.x.astype(float), pair.y)
        assert np.abs(fitted.matrix - theirs.coef_.T).max() < 1e-5
        assert np.abs(fitted.offset - theirs.intercept_).max() < 1e-5


def test_blocks_of_rows_on_disk_give_what_one_block_in_memory_gives(rng, tmp_path: Path, monkeypatch) -> None:
    reopened = []
    reopen = SpaceRows.reopened
    monkeypatch.setattr(SpaceRows, "reopened", lambda rows: reopened.append(rows) or reopen(rows))
    x, y = (unit_rows(rng.normal(size=(40_000, d)).astype(np.float32)) for d in (4, 3))
    ids = [str(i) for i in range(len(x))]
    sets = [
        EmbeddingSet.from_numpy(tmp_path / name, v, ids, space=Space(name, v.shape[1]), shard_rows=7000)
        for name, v in (("a", x), ("b", y))
    ]
    fitted = fit_ridge(*sets, settings=PLAIN)
    matrix, offset = least_squares(x, y)
    assert np.abs(fitted.matrix - matrix).max() < 1e-6 and np.abs(fitted.offset - offset).max() < 1e-6
    assert len(reopened) == 2  # one time per side: what they have mapped must not stay in memory
    assert fitted.settings["sets"] == [s.digest for s in sets] and fitted.settings["n_rows"] == 40_000


def test_left_out_errors_equal_fits_without_the_fold(pair) -> None:
    folds = fold_numbers(len(pair.x), 4, seed=1)
    sums = [Moments.nothing(12, 8) for _ in range(4)]
    for fold, moments in enumerate(sums):
        moments.add(pair.x[folds == fold], pair.y[folds == fold])
    errors, spread = np.zeros(2), 0.0
    for fold in range(4):
        rest, left_out = folds != fold, folds == fold
        spread += ((pair.y[left_out] - pair.y[rest].mean(axis=0)) ** 2).sum()
        for i, penalty in enumerate((0.0, 0.5)):
            rows = SpaceRows(pair.x[rest], Space("a", 12)), SpaceRows(pair.y[rest], Space("b", 8))
            fitted = fit_ridge(*rows, settings=RidgeSettings((penalty,)))
            errors[i] += ((fitted.raw(pair.x[left_out]) - pair.y[left_out]) ** 2).sum()
    assert cross_validated(sums, (0.0, 0.5)) == pytest.approx(1.0 - errors / spread, abs=1e-5)


def test_the_penalty_that_is_chosen_beats_the_others_on_new_rows(rng) -> None:
    truth = rng.normal(size=(12, 8))

    def rows(n: int) -> tuple[np.ndarray, np.ndarray]:
        x = unit_rows(rng.normal(size=(n, 12)).astype(np.float32))
        return x, unit_rows((x @ truth + 3.0 * rng.normal(size=(n, 8))).astype(np.float32))

    (x, y), (new_x, new_y) = rows(40), rows(2000)
    sides = SpaceRows(x, Space("a", 12)), SpaceRows(y, Space("b", 8))
    chosen = fit_ridge(*sides)
    assert 0.0 < chosen.settings["penalty"] == chosen.settings["penalties"][np.argmax(chosen.settings["r2_left_out"])]
    mean = y.mean(axis=0)
    plain = fit_ridge(*sides, settings=PLAIN)
    assert r2(chosen, new_x, new_y, mean) > r2(plain, new_x, new_y, mean) + 0.05


def test_rows_of_one_group_stay_together(rng) -> None:
    x, y = (unit_rows(rng.normal(size=(60, d)).astype(np.float32)) for d in (12, 8))
    twice = [SpaceRows(np.repeat(v, 2, axis=0), Space(str(i), v.shape[1])) for i, v in enumerate((x, y))]
    apart, together = fit_ridge(*twice), fit_ridge(*twice, groups=np.repeat(np.arange(60), 2))
    # there is nothing to learn here, which only the folds of whole groups can see
    assert max(together.settings["r2_left_out"]) < 0.02 < max(apart.settings["r2_left_out"])
    assert together.settings["grouped"] and not apart.settings["grouped"]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 8), st.sampled_from([0.0, 0.01, 1.0]), st.integers(0, 1000))
def test_the_prefix_of_the_map_is_the_map_to_the_prefix(dim: int, penalty: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = (unit_rows(rng.normal(size=(50, d)).astype(np.float32)) for d in (6, 8))
    sides = SpaceRows(x, Space("a", 6)), SpaceRows(y, Space("b", 8))
    chosen = RidgeSettings((penalty,))
    prefix = fit_ridge(*sides, settings=chosen).to_prefix(dim)
    alone = fit_ridge(*sides, settings=chosen, target_dim=dim)
    assert np.abs(prefix.matrix - alone.matrix).max() < 1e-6 and np.abs(prefix.offset - alone.offset).max() < 1e-6
    assert prefix.toward == alone.toward == Space("b", 8) and prefix.target.width == dim


def test_the_prefix_of_the_map_gives_its_vectors_cut(pair) -> None:
    fitted = fit_ridge(pair.source, pair.target)
    assert np.allclose(fitted.to_prefix(3).apply(pair.x), cut(fitted.apply(pair.x), 3), atol=1e-6)


def test_maps_from_cut_prefixes_equal_fits_on_them(pair) -> None:
    nested = fit_nested_ridge(pair.source, pair.target, (12, 3, 6))
    assert list(nested) == [3, 6, 12]
    for dim, fitted in nested.items():
        short = cut(pair.x, dim)
        alone = fit_ridge(SpaceRows(short, Space("cut", dim)), pair.target)
        assert np.abs(fitted.matrix - alone.matrix).max() < 1e-6
        assert fitted.settings["penalty"] == alone.settings["penalty"]
        assert np.allclose(fitted.apply(pair.x), fitted.apply(short), atol=1e-6)
        assert fitted.source == pair.source.space
    few = pair.source.chosen(np.arange(8)), pair.target.chosen(np.arange(8))
    assert fit_nested_ridge(*few, (2,))[2].matrix.shape == (2, 8)  # 8 rows decide what 2 columns lead to
    scores = [max(fitted.settings["r2_left_out"]) for fitted in nested.values()]
    assert all(a < b for a, b in pairwise(scores))


def test_maps_from_prefixes_as_they_lie_come_from_the_same_sums(pair) -> None:
    nested = fit_nested_ridge(pair.source, pair.target, (4, 12), renormalise=False, settings=PLAIN)
    matrix, offset = least_squares(pair.x[:, :4], pair.y)
    assert nested[4].matrix.shape == (12, 8) and not nested[4].matrix[4:].any()
    assert np.abs(nested[4].matrix[:4] - matrix).max() < 1e-5 and np.abs(nested[4].offset - offset).max() < 1e-5
    whole = fit_ridge(pair.source, pair.target, settings=PLAIN)
    assert np.abs(nested[12].matrix - whole.matrix).max() < 1e-6


def test_fewer_rows_than_columns_are_refused_or_give_the_smallest_map(pair) -> None:
    few = pair.source.chosen(np.arange(10)), pair.target.chosen(np.arange(10))
    with pytest.raises(MatryoError, match="12 columns needs more rows than that, got 10"):
        fit_ridge(*few)
    fitted = fit_ridge(*few, settings=PLAIN, allow_degenerate=True)
    x, y = pair.x[:10].astype(float), pair.y[:10].astype(float)
    smallest = np.linalg.pinv(x - x.mean(axis=0)) @ (y - y.mean(axis=0))
    assert np.abs(fitted.matrix - smallest).max() < 1e-4 and fitted.settings["rank"] == 9


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_constant_column_is_refused_or_left_without_a_say(pair, side: str) -> None:
    dead = (pair.x if side == "source" else pair.y).copy()
    dead[:, 5] = 0.0
    dead = unit_rows(dead)
    sides = [pair.source, pair.target]
    sides[side == "target"] = SpaceRows(dead, Space("dead", dead.shape[1]))
    with pytest.raises(MatryoError, match=f"column 5 of the {side} holds one number in all 400 rows"):
        fit_ridge(*sides)
    fitted = fit_ridge(*sides, settings=PLAIN, allow_degenerate=True)
    silent = fitted.matrix[5] if side == "source" else fitted.raw(pair.x)[:, 5]
    assert np.abs(silent).max() < 1e-6
    assert fitted.settings["constant_columns"] == {"source": 0, "target": 0} | {side: 1}


def test_a_doubled_column_gives_the_smallest_map(rng) -> None:
    x = rng.normal(size=(100, 4)).astype(np.float32)
    x = unit_rows(np.concatenate([x, x[:, :1]], axis=1))
    y = unit_rows(rng.normal(size=(100, 3)).astype(np.float32))
    fitted = fit_ridge(SpaceRows(x, Space("a", 5)), SpaceRows(y, Space("b", 3)), settings=PLAIN)
    assert fitted.settings["rank"] == 4
    assert np.abs(fitted.matrix[0] - fitted.matrix[4]).max() < 1e-6


def test_rows_that_do_not_belong_together_or_are_not_of_length_1_are_refused(pair, tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match=r"got 400 and 399; join the sets by id"):
        fit_ridge(pair.source, pair.target.chosen(np.arange(399)))
    long = pair.x.copy()
    long[7] *= 2.0
    with pytest.raises(ShapeError, match="row 7 of the source has length 2"):
        fit_ridge(SpaceRows(long, pair.source.space), pair.target)
    one, other = (
        EmbeddingSet.from_numpy(tmp_path / name, v, ids, space=Space(name, v.shape[1]))
        for name, v, ids in (("a", pair.x[:3], ["1", "2", "3"]), ("b", pair.y[:3], ["1", "3", "2"]))
    )
    with pytest.raises(MatryoError, match="row 1 is '2' in the source and '3' in the target"):
        fit_ridge(one, other)


@pytest.mark.parametrize("bad", [(), (-1.0,), (float("nan"),), ("a",)])
def test_penalties_that_are_none_are_refused(bad: tuple) -> None:
    with pytest.raises(MatryoError, match="penalties must be numbers >= 0"):
        RidgeSettings(bad)


def test_a_path_worked_by_hand() -> None:
    moments = Moments.nothing(1, 1)
    moments.add(np.array([[0.0], [2.0]]), np.array([[1.0], [5.0]]))
    path = RidgePath.of(moments)
    # centred: x -1, 1 and y -2, 2, so energy 2 and the slope 4 / (2 + penalty * 2)
    assert path.solve(0.0)[0] == pytest.approx(2.0) and path.solve(0.0)[1] == pytest.approx(1.0)
    assert path.solve(1.0)[0] == pytest.approx(1.0) and path.solve(1.0)[1] == pytest.approx(2.0)
    # at penalty 1 the fit gives 2 and 4 where 1 and 5 lie
    assert path.errors(moments, [0.0, 1.0]) == pytest.approx([0.0, 2.0])
