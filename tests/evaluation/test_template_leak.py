"""Dependence of templates, beside scipy and at its two ends."""

import numpy as np
import pytest

from matryo.data.views import View, Views
from matryo.errors import MatryoError
from matryo.evaluation.identity_rules import TextScores
from matryo.evaluation.template_leak import crossed_template_rule, knows_templates, template_dependence


def views(first: np.ndarray, second: np.ndarray) -> Views:
    ids, number = tuple(map(str, range(len(first)))), np.arange(len(first))
    texts = tuple(f"text {i}" for i in ids)
    a = View("x", ids, texts, number, {"template": tuple(map(str, first))})
    b = View("y", ids, texts, number, {"template": tuple(map(str, second))})
    return Views("made", a, b, ids)


def test_a_fixed_offset_is_full_dependence(rng: np.random.Generator) -> None:
    first = rng.integers(0, 8, 400)
    found = template_dependence(views(first, (first + 3) % 8))
    assert found.cramers_v == pytest.approx(1.0)
    assert (found.n, found.n_templates, found.degrees) == (400, (8, 8), 49)
    assert found.chi_square == pytest.approx(400 * 7)
    assert found.p < 1e-100


def test_independent_templates_are_told_by_a_p_value_that_is_uniform(rng: np.random.Generator) -> None:
    p = [template_dependence(views(*rng.integers(0, 4, (2, 400)))).p for _ in range(100)]
    assert 0.4 < np.mean(p) < 0.6
    assert template_dependence(views(*rng.integers(0, 4, (2, 400)))).cramers_v < 0.1


def test_chi_square_by_hand() -> None:
    # 30 pairs, expected 15 x 15 / 30 = 7.5 in each cell
    first, second = np.repeat([0, 0, 1, 1], [10, 5, 5, 10]), np.repeat([0, 1, 0, 1], [10, 5, 5, 10])
    found = template_dependence(views(first, second))
    assert found.chi_square == pytest.approx(4 * 2.5**2 / 7.5)
    assert found.degrees == 1


def test_one_template_says_nothing() -> None:
    found = template_dependence(views(np.zeros(5, int), np.arange(5)))
    assert (found.chi_square, found.p, found.cramers_v) == (0.0, 1.0, 0.0)


def test_each_half_is_asked_with_what_the_other_taught(rng: np.random.Generator) -> None:
    first = rng.integers(0, 4, 80)
    made = views(first, (first + 1) % 4)
    scores = TextScores(crossed_template_rule(made, seed=0), made.a, made.b)
    (matrix,) = scores.blocks(np.arange(80))
    right = made.b.labels["template"] == np.array(made.b.labels["template"])[:, None]
    assert (matrix[right] > 1).all()
    assert (matrix[~right] < 1).all()


def test_nobody_is_asked_about_himself(rng: np.random.Generator) -> None:
    # every template occurs once: what was counted of others says nothing
    made = views(np.arange(40), rng.permutation(40))
    scores = TextScores(crossed_template_rule(made, seed=0), made.b, made.a)
    (matrix,) = scores.blocks(np.arange(40))
    own = np.diagonal(matrix)
    assert own == pytest.approx(np.ones(40))


def test_what_is_needed(rng: np.random.Generator) -> None:
    made = views(np.arange(3), np.arange(3))
    with pytest.raises(MatryoError, match="4 matched entities"):
        crossed_template_rule(made, seed=0)
    bare = Views("bare", View("x", ("1",), ("t",), np.array([0])), View("y", ("1",), ("t",), np.array([0])), ("1",))
    assert knows_templates(made) and not knows_templates(bare)
    with pytest.raises(MatryoError, match="label its texts with a template"):
        template_dependence(bare)
