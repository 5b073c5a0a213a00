"""The 200 synthetic spaces are those that were frozen."""

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

FILE = Path(__file__).parents[1] / "bench" / "probe_spaces.py"
# linear algebra libraries differ in the last digits of an axis; a value at a rounding edge may then move
TOLERANCE = 2e-4


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("probe_spaces", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up by name
    sys.modules["probe_spaces"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def frozen() -> dict:
    return json.loads(FILE.with_suffix(".json").read_text(encoding="utf-8"))


def test_the_recipes_are_the_frozen_ones(bench, frozen) -> None:
    recipes = bench.recipes()
    assert len(recipes) == 200
    assert len({recipe.name for recipe in recipes}) == 200
    assert bench.recipe_digest() == frozen["recipes"]


def test_every_privileged_space_has_a_shuffled_partner_that_is_not(bench) -> None:
    recipes = bench.recipes()
    partners = {recipe.name.removesuffix("-shuffled"): recipe for recipe in recipes if recipe.shuffled}
    assert set(partners) == {recipe.name for recipe in recipes if recipe.privileged}
    assert not any(recipe.privileged or recipe.variance_ordered for recipe in partners.values())
    assert len(partners) >= 60
    assert sum(recipe.weak for recipe in recipes) <= 10


def test_sizes_are_those_of_real_embeddings(bench) -> None:
    recipes = bench.recipes()
    assert {recipe.width for recipe in recipes} == set(bench.WIDTHS)
    assert all(1500 <= recipe.n <= 5000 for recipe in recipes)


@pytest.mark.parametrize("name", ["pca-08", "nested-00", "outlier-00", "mild-00-shuffled"])
def test_some_rows_are_the_frozen_ones(bench, frozen, name: str) -> None:
    recipe = next(recipe for recipe in bench.recipes() if recipe.name == name)
    space = bench.make_space(recipe)
    assert space.vectors.shape == (recipe.n, recipe.width)
    assert bench.moments(space.vectors) == pytest.approx(frozen["moments"][name], rel=TOLERANCE, abs=TOLERANCE)


def test_other_rows_or_another_order_are_noticed(bench, frozen) -> None:
    recipe = next(recipe for recipe in bench.recipes() if recipe.name == "nested-00")
    frozen_moments = pytest.approx(frozen["moments"][recipe.name], rel=TOLERANCE, abs=TOLERANCE)
    vectors = bench.make_space(recipe).vectors
    assert bench.moments(np.ascontiguousarray(vectors[:, ::-1])) != frozen_moments
    assert bench.moments(bench.make_space(replace(recipe, seed=recipe.seed + 500)).vectors) != frozen_moments


def test_a_shuffled_partner_holds_the_same_columns(bench) -> None:
    recipe = next(recipe for recipe in bench.recipes() if recipe.name == "nested-00")
    plain = bench.make_space(replace(recipe, duplicates=0.0, rounded="no")).vectors
    shuffled = bench.make_space(replace(recipe, duplicates=0.0, rounded="no", shuffled=True)).vectors
    assert sorted(plain.std(axis=0)) == pytest.approx(sorted(shuffled.std(axis=0)), abs=1e-6)
    assert np.allclose(plain @ plain[:5].T, shuffled @ shuffled[:5].T, atol=1e-5)


@pytest.mark.slow
def test_all_rows_are_the_frozen_ones(bench, frozen) -> None:
    found = {space.name: bench.moments(space.vectors) for space in bench.make_spaces()}
    assert set(found) == set(frozen["moments"])
    for name, numbers in found.items():
        assert numbers == pytest.approx(frozen["moments"][name], rel=TOLERANCE, abs=TOLERANCE), name
