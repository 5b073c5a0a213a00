"""How many queries are enough, and what fewer cannot show."""

import math

import numpy as np
import pytest

from matryo.errors import MatryoError
from matryo.evaluation.probe_quality_enough import check_can_differ, queries_needed
from matryo.measures.measure import Measure
from matryo.measures.recommend import recommend_dim


@pytest.mark.parametrize(
    ("name", "k", "fits"), [("recall", 9, True), ("hit", 10, False), ("P", 11, False), ("MRR", 10, True)]
)
def test_a_measure_must_be_able_to_differ(name: str, k: int, fits: bool) -> None:
    if fits:
        check_can_differ(Measure(name, k), 10, "d")
        return
    with pytest.raises(MatryoError, match="same for every order of 10 documents"):
        check_can_differ(Measure(name, k), 10, "d")


def test_queries_needed_shrink_the_bound_to_the_share() -> None:
    rng = np.random.default_rng(5)
    full = rng.uniform(0.2, 1.0, size=60)
    short = full * rng.normal(0.99, 0.2, size=60).clip(0)
    found = recommend_dim({8: full, 4: short}, share=0.95, n_draws=500)
    step = found.tested[0]
    assert step.passed is False and step.ratio.value > 0.95
    expected = 60 * ((step.ratio.value - step.lower_bound) / (step.ratio.value - 0.95)) ** 2
    assert queries_needed(found) == math.ceil(expected)


def test_more_queries_do_not_help_where_the_mean_is_too_low() -> None:
    values = np.linspace(0.2, 1.0, 80)
    assert queries_needed(recommend_dim({8: values, 4: values / 2}, n_draws=500)) is None
    assert queries_needed(recommend_dim({8: values, 4: values}, n_draws=500)) is None


def test_without_any_loss_as_many_are_needed_as_could_show_it() -> None:
    assert queries_needed(recommend_dim({8: np.ones(30), 4: np.ones(30)}, n_draws=500)) == 59
