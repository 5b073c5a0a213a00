"""Every component of the three scores, worked by hand."""

import math
from dataclasses import replace
from typing import Any

import pytest

from matryo.data.people.compatibility import (
    belief,
    dating_compatibility,
    hiring_compatibility,
    identity_score,
    kids_wish,
    personality,
    relationship,
)
from matryo.data.people.generate import twin
from matryo.data.people.schema import RELATIONSHIP_GOALS, Person
from matryo.data.people.weights import DATING_WEIGHTS, GOAL_FITS, HIRING_WEIGHTS, IDENTITY_WEIGHTS, goal_fit

Changes = dict[str, Any]


@pytest.mark.parametrize("weights", [IDENTITY_WEIGHTS, DATING_WEIGHTS, HIRING_WEIGHTS])
def test_weights_sum_to_one_and_identity_outweighs_the_rest(weights: dict[str, float]) -> None:
    assert math.isclose(sum(weights.values()), 1.0)
    assert weights.get("identity", 1.0) > 0.5


def test_the_same_attributes_are_fully_alike(somebody: Person) -> None:
    assert identity_score(somebody, somebody) == pytest.approx(1.0)
    assert dating_compatibility(somebody, somebody) == pytest.approx(1.0)
    # all skills shared: the only part that is 0
    assert hiring_compatibility(somebody, somebody) == pytest.approx(1 - 0.09)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ((80, 50, 50, 50, 50), 1.0),  # same direction
        ((30, 50, 50, 50, 50), 0.0),  # opposite
        ((50, 90, 50, 50, 50), 0.5),  # at right angles
        ((50, 50, 50, 50, 50), 0.5),  # average in all: nothing known
        ((60, 60, 50, 50, 50), (1 + 1 / math.sqrt(2)) / 2),
    ],
)
def test_personality_is_the_cosine_of_centred_scores(
    somebody: Person, scores: tuple[int, ...], expected: float
) -> None:
    other = replace(somebody, big_five=scores)
    assert personality(somebody, other) == pytest.approx(expected)
    assert identity_score(somebody, other) == pytest.approx(1 - 0.35 * (1 - expected))


@pytest.mark.parametrize(
    ("changes", "lost"),
    [
        # 2 of 6 values shared
        ({"core_values": ("honesty", "family", "faith", "health")}, 0.25 * (1 - 2 / 6)),
        ({"core_values": ("faith", "health", "justice", "courage")}, 0.25),
        ({"core_values": ("curiosity", "freedom", "family", "honesty")}, 0.0),  # order does not count
        ({"mbti": "ENFJ"}, 0.15 / 4),
        ({"mbti": "ESTP"}, 0.15),
        ({"communication": "playful"}, 0.15 / 2),
        ({"attachment": "mixed"}, 0.15 / 2),
        ({"communication": "playful", "attachment": "mixed"}, 0.15),
        # intensities .2 and .8: .5 on average, half of the part
        ({"religion": "hindu", "religion_intensity": 0.8}, 0.10 * 0.5 / 2),
        ({"religion": "hindu", "religion_intensity": 0.0}, 0.10 * 0.1 / 2),
        ({"religion_intensity": 1.0}, 0.0),  # agreement costs nothing
        ({"politics": "progressive", "politics_intensity": 1.0}, 0.10 * 0.8 / 2),
    ],
)
def test_each_part_of_identity(somebody: Person, changes: Changes, lost: float) -> None:
    other = replace(somebody, **changes)
    assert identity_score(somebody, other) == pytest.approx(1 - lost)
    # what is alike less fits less, in the share that identity has
    assert dating_compatibility(somebody, other) == pytest.approx(1 - 0.70 * lost)
    assert hiring_compatibility(somebody, other) == pytest.approx(1 - 0.09 - 0.70 * lost)


@pytest.mark.parametrize(
    ("changes", "lost"),
    [
        ({"goal": "long-term"}, 0.09 * 0.3),
        ({"goal": "casual"}, 0.09),
        ({"goal": "undecided"}, 0.09 * 0.6),
        ({"lifestyle": ("active", "outdoors")}, 0.06 * 2 / 3),
        ({"interests": ("hiking", "chess", "cats", "dogs", "yoga")}, 0.06 * (1 - 2 / 8)),
        ({"relationship_style": "open"}, 0.04),
        ({"kids": "has and wants more"}, 0.0),
        ({"kids": "unsure"}, 0.05 * 0.5),
        ({"kids": "wants none"}, 0.05),
        ({"city": "Paris", "dealbreakers": ("long distance",)}, 0.03),
        ({"dealbreakers": ("long distance",)}, 0.0),  # same city
        ({"dealbreakers": ("wants kids",)}, 0.03),
        ({"city": "Paris", "dealbreakers": ("long distance", "wants kids")}, 0.06),
        ({"team": "solo", "industry": "law", "skills": ("tax",), "work_style": ("autonomous",)}, 0.0),
    ],
)
def test_each_part_of_dating(somebody: Person, changes: Changes, lost: float) -> None:
    other = replace(somebody, **changes)
    assert dating_compatibility(somebody, other) == pytest.approx(1 - lost)
    assert dating_compatibility(other, somebody) == pytest.approx(1 - lost)


def test_broken_dealbreakers_cost_up_to_a_limit(somebody: Person) -> None:
    breakers = ("long distance", "different faith", "different politics")
    a = replace(somebody, dealbreakers=breakers)
    b = replace(a, city="Paris", religion="hindu", politics="progressive")
    assert identity_score(a, b) == pytest.approx(1 - 0.10 * (0.2 + 0.6) / 2)
    # six broken, .18, but .12 at most
    assert dating_compatibility(a, b) == pytest.approx(0.70 * 0.96 + 0.30 - 0.12)


@pytest.mark.parametrize(
    ("changes", "score"),
    [
        ({"work_style": ("structured", "autonomous")}, 0.91 - 0.09 * 2 / 3),
        ({"team": "solo"}, 0.91 - 0.06 / 3),
        ({"team": "large organisation"}, 0.91 - 0.06 * 2 / 3),
        ({"industry": "law"}, 0.91 - 0.06),
        # 2 of 5 shared is the best
        ({"skills": ("triage", "medication", "CAD", "wiring", "SQL")}, 1.0),
        # 1 of 5: half way up; 4 of 5: a third is left of the way down
        ({"skills": ("triage", "tax fraud", "CAD", "wiring", "SQL")}, 0.91 + 0.09 * 0.5),
        ({"skills": ("triage", "medication", "wound care", "teamwork", "SQL")}, 0.91 + 0.09 / 3),
        ({"skills": ("CAD", "wiring", "SQL", "APIs", "Linux")}, 0.91),
        # the share is that of who has fewer: 2 of 5, not 2 of 6
        ({"skills": ("triage", "medication", "CAD", "wiring", "SQL", "APIs")}, 1.0),
        ({"goal": "casual", "kids": "wants none", "lifestyle": ("nomadic", "nightlife")}, 0.91),
    ],
)
def test_each_part_of_hiring(somebody: Person, changes: Changes, score: float) -> None:
    other = replace(somebody, **changes)
    assert hiring_compatibility(somebody, other) == pytest.approx(score)
    assert hiring_compatibility(other, somebody) == pytest.approx(score)


@pytest.mark.parametrize(
    ("a", "b", "fit"), [("open", "open", 1.0), ("open", "polyamorous", 0.5), ("monogamous", "open", 0.0)]
)
def test_relationship_styles(a: str, b: str, fit: float) -> None:
    assert relationship(a, b) == relationship(b, a) == fit


def test_wishes_for_kids_are_ordered() -> None:
    assert kids_wish("has and wants no more") == 0.0
    assert [kids_wish(k) for k in ("wants none", "unsure", "wants")] == [0.0, 0.5, 1.0]


def test_goals_fit_both_ways() -> None:
    assert all(goal_fit(a, b) == goal_fit(b, a) for a in RELATIONSHIP_GOALS for b in RELATIONSHIP_GOALS)
    assert GOAL_FITS[0] == (1.0, 0.7, 0.0, 0.0, 0.4)


def test_belief_without_any_weight_cannot_divide(somebody: Person) -> None:
    a = replace(somebody, religion_intensity=0.0, politics_intensity=0.0)
    assert belief(a, replace(a, religion="hindu", politics="progressive")) == 1.0


def test_scores_stay_within_0_and_1_and_are_symmetric(crowd: tuple[Person, ...]) -> None:
    for score in (identity_score, dating_compatibility, hiring_compatibility):
        values = [score(a, b) for a, b in zip(crowd[:400], crowd[400:800], strict=True)]
        assert 0 <= min(values) and max(values) <= 1
        assert values == pytest.approx([score(b, a) for a, b in zip(crowd[:400], crowd[400:800], strict=True)])


def test_a_score_below_zero_is_clipped(somebody: Person) -> None:
    a = replace(
        somebody,
        dealbreakers=("long distance", "wants no kids", "different faith"),
        religion_intensity=1.0,
        politics_intensity=1.0,
    )
    opposite: Changes = {
        "big_five": (40, 50, 50, 50, 50),
        "mbti": "ESTP",
        "core_values": ("faith", "health", "justice", "courage"),
        "communication": "playful",
        "attachment": "mixed",
        "religion": "hindu",
        "politics": "progressive",
        "goal": "casual",
        "lifestyle": ("nomadic", "nightlife"),
        "interests": ("cats", "dogs", "yoga", "piano", "poetry"),
        "relationship_style": "open",
        "kids": "wants none",
        "city": "Paris",
    }
    assert identity_score(a, replace(a, **opposite)) == pytest.approx(0.0)
    assert dating_compatibility(a, replace(a, **opposite)) == 0.0


def test_a_twin_is_no_closer_than_a_stranger_may_be(crowd: tuple[Person, ...]) -> None:
    scores = [identity_score(p, twin(p, 0)) for p in crowd[:300]]
    assert max(scores) < 0.7
