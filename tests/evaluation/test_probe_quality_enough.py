"""How many queries are enough, and what fewer cannot show."""

import math

import numpy as np
import pytest

from matryo.errors import MatryoError
from matryo.evaluation.probe_quality_enough import as_shown, check_can_differ, queries_for, queries_needed
from matryo.measures.measure import Measure
from matryo.measures.recommend import recommend_dim


@pytest.mark.parametrize("share", [0.9, 0.95, 0.99])
def test_a_loss_as_large_hides_from_so_many_once_in_twenty_times(share: float) -> None:
    n = queries_for(share)
    assert share**n <= 0.05 < share ** (n - 1)


def test_a_few_queries_without_a_loss_show_nothing() -> None:
    few, enough = ({8: np.ones(n), 4: np.ones(n), 2: np.ones(n)} for n in (58, 59))
    assert recommend_dim(few, n_draws=200).dim == 2
    found = as_shown(recommend_dim(few, n_draws=200))
    assert found.dim == 8 and [step.passed for step in found.tested] == [False, None]
    assert found.detectable == pytest.approx(1 - 0.05 ** (1 / 58)) and queries_needed(found) == 59
    assert as_shown(recommend_dim(enough, n_draws=200)).dim == 2
    # where there are enough nothing else changes
    values = np.linspace(0.2, 1.0, 80)
    plain = recommend_dim({8: values, 4: values * 0.97}, n_draws=200)
    assert as_shown(plain).tested == plain.tested and as_shown(plain).dim == plain.dim


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
    values = np.linspace(0.2, 1.0, 30)
    assert queries_needed(recommend_dim({8: values, 4: values / 2}, n_draws=500)) is None
    assert queries_needed(recommend_dim({8: values, 4: values}, n_draws=500)) is None
