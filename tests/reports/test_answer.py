import math
from dataclasses import replace
from typing import Any

import pytest

from matryo.errors import FormatError
from matryo.evaluation.results import RunResults
from matryo.reports.answer import (
    Question,
    answer,
    answer_facts,
    difference_at,
    full_widths,
    purpose_of,
    question_of,
    seeds_of,
)
from matryo.reports.panels import Panel, panels

ASKED = Question("matryoshka", "dense_baseline", "rotation", 96)


def with_interval(results: RunResults, value: float, low: float, high: float, dim: int = 96) -> Panel:
    """The main panel, with another difference to the control."""
    changed = [
        replace(d, value=value, low=low, high=high)
        if (d.left.model, d.left.map, d.left.dim) == ("matryoshka", "none", dim)
        and d.right.model == "dense_baseline"
        and (d.right.map == "rotation" or d.name.startswith("full"))
        else d
        for d in results.differences
    ]
    return panels(replace(results, differences=tuple(changed)))[0]


def test_the_question_is_read_from_the_settings(dense_results: RunResults, results: RunResults) -> None:
    assert question_of(dense_results) == ASKED
    assert question_of(results) is None and purpose_of(results) == "" and purpose_of(dense_results) == ""


@pytest.mark.parametrize("stored", ["matryoshka", {"arm": "a"}, {"arm": "a", "control": "b", "map": "c", "dim": "x"}])
def test_a_garbled_question_is_refused(dense_results: RunResults, stored: Any) -> None:
    with pytest.raises(FormatError, match=r"settings\.control .* arm, control, map and dim"):
        question_of(replace(dense_results, settings={**dense_results.settings, "control": stored}))


@pytest.mark.parametrize(
    ("value", "low", "high", "wanted"),
    [
        (0.012, 0.004, 0.020, "matryoshka is better than dense_baseline + rotation (the control: "),
        (-0.012, -0.020, -0.004, "matryoshka is worse than dense_baseline + rotation (the control: "),
    ],
)
def test_an_interval_clear_of_zero_decides(
    dense_results: RunResults, value: float, low: float, high: float, wanted: str
) -> None:
    said = answer(with_interval(dense_results, value, low, high), ASKED)
    assert said.startswith("At 96 of 384 numbers, " + wanted)
    assert "trained at the full width only, then rotated" in said
    assert f"{value:+.3f} MRR@10 [{low:+.3f} to {high:+.3f}] on stdlib" in said
    assert said.endswith("(n = 1,159 in 46 groups, 3 seeds)") and "significant" not in said


@pytest.mark.parametrize(
    ("low", "high", "excluded"), [(-0.0101, 0.004, "0.011"), (-0.004, 0.01, "0.010"), (0.0, 0.02, "0.020")]
)
def test_an_interval_that_holds_zero_says_what_it_excludes(
    dense_results: RunResults, low: float, high: float, excluded: str
) -> None:
    said = answer(with_interval(dense_results, 0.001, low, high), ASKED)
    assert "there is no significant difference between matryoshka and dense_baseline + rotation" in said
    assert said.endswith(f"the interval holds 0, differences beyond {excluded} can be excluded")
    assert "better" not in said and "worse" not in said


def test_nothing_follows_without_an_interval_or_a_comparison(dense_results: RunResults) -> None:
    unknown = answer(with_interval(dense_results, 0.1, math.nan, math.nan), ASKED)
    assert "+0.100 MRR@10 on stdlib" in unknown and unknown.endswith("without an interval nothing follows from it")
    lost = answer(panels(replace(dense_results, differences=()))[0], ASKED)
    assert "was not compared" in lost and lost.endswith("this run does not say whether nesting helps")


def test_one_seed_is_called_so(dense_results: RunResults) -> None:
    scores = tuple(replace(s, n_seeds=1) if s.n_seeds else s for s in dense_results.scores if s.seed in (None, 0))
    panel = panels(replace(dense_results, scores=scores))[0]
    assert seeds_of(panel, ASKED) == 1 and ", one seed)" in answer(panel, ASKED)


def test_the_arm_is_compared_as_trained_and_not_with_a_map_fitted_afterwards(dense_results: RunResults) -> None:
    panel = panels(dense_results)[0]
    found = difference_at(panel, ASKED)
    assert found is not None and found.name == "matryoshka vs dense_baseline + rotation at 96"
    panel.differences.remove(found)
    assert difference_at(panel, ASKED) is None
    columns = replace(found, left=found.left._replace(map="strided columns"))
    panel.differences.append(columns)
    assert difference_at(panel, ASKED) is columns


def test_both_full_widths_are_compared(dense_results: RunResults) -> None:
    panel = panels(dense_results)[0]
    assert full_widths(panel, ASKED) == (
        "At the full width, 384 numbers, there is no significant difference between matryoshka and dense_baseline: "
        "-0.002 MRR@10 [-0.012 to +0.008]; differences beyond 0.013 can be excluded."
    )
    worse = full_widths(with_interval(dense_results, -0.03, -0.04, -0.02, dim=384), ASKED)
    assert worse is not None and "matryoshka is worse than dense_baseline: -0.030" in worse
    assert full_widths(panels(replace(dense_results, differences=()))[0], ASKED) is None


def test_facts_hold_the_difference_and_both_sides(dense_results: RunResults) -> None:
    found = {fact.label: fact.value for fact in answer_facts(panels(dense_results)[0], ASKED)}
    assert found["difference in MRR@10 at 96, -0.007 to +0.013"] == "+0.003"
    assert found["matryoshka, 0.493–0.548"] == "0.520"  # noqa: RUF001
    assert found["dense_baseline + rotation, 0.490–0.545"] == "0.517"  # noqa: RUF001
    assert found["queries in 46 groups"] == "1,159" and found["seeds, one training of each arm per seed"] == "3"
