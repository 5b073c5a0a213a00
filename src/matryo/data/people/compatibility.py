"""How alike two people are and how well they fit, one pair at a time; `Population` does the same for many.

Every part of a score lies in 0..1 and has a function of its own; weights stand in `weights`. All scores are symmetric.
"""

import math
from collections.abc import Collection

from matryo.data.people.dealbreakers import WANTS_KIDS, WANTS_NO_KIDS, n_broken
from matryo.data.people.population import Population
from matryo.data.people.schema import TEAM_SIZES, Person
from matryo.data.people.weights import (
    BEST_SKILL_OVERLAP,
    DATING_WEIGHTS,
    DEALBREAKER_COST,
    HIRING_WEIGHTS,
    IDENTITY_WEIGHTS,
    MAX_DEALBREAKER_COST,
    goal_fit,
)

__all__ = ["Population", "dating_compatibility", "hiring_compatibility", "identity_score"]


def identity_score(a: Person, b: Person) -> float:
    """How alike two people are, whatever they are looked at for.

    .35 personality + .25 core values + .15 MBTI letters + .15 communication and attachment + .10 religion and politics.

    Args:
        a: one person.
        b: the other.

    Returns: 0 to 1; 1 for the same attributes.
    Source: the specification of the shared prefix.
    """
    parts = {
        "personality": personality(a, b),
        "values": jaccard(a.core_values, b.core_values),
        "letters": sum(x == y for x, y in zip(a.mbti, b.mbti, strict=True)) / len(a.mbti),
        "style": ((a.communication == b.communication) + (a.attachment == b.attachment)) / 2,
        "belief": belief(a, b),
    }
    return _clipped(_weighted(IDENTITY_WEIGHTS, parts))


def dating_compatibility(a: Person, b: Person) -> float:
    """How well two people fit as a couple.

    Identity, goal, lifestyle, interests, relationship style and kids add up; broken dealbreakers are taken off.

    Args:
        a: one person.
        b: the other.

    Returns: 0 to 1.
    Source: parts from the specification, weights ours.
    """
    parts = {
        "identity": identity_score(a, b),
        "goal": goal_fit(a.goal, b.goal),
        "lifestyle": jaccard(a.lifestyle, b.lifestyle),
        "interests": jaccard(a.interests, b.interests),
        "relationship": relationship(a.relationship_style, b.relationship_style),
        "kids": 1 - abs(kids_wish(a.kids) - kids_wish(b.kids)),
    }
    cost = min(MAX_DEALBREAKER_COST, DEALBREAKER_COST * (n_broken(a, b) + n_broken(b, a)))
    return _clipped(_weighted(DATING_WEIGHTS, parts) - cost)


def hiring_compatibility(a: Person, b: Person) -> float:
    """How well two people fit as colleagues: identity, work style, team, skills, industry.

    Args:
        a: one person.
        b: the other.

    Returns: 0 to 1.
    Source: parts from the specification, weights ours.
    """
    parts = {
        "identity": identity_score(a, b),
        "work_style": jaccard(a.work_style, b.work_style),
        "team": 1 - abs(TEAM_SIZES.index(a.team) - TEAM_SIZES.index(b.team)) / (len(TEAM_SIZES) - 1),
        "skills": skill_fit(overlap(a.skills, b.skills)),
        "industry": float(a.industry == b.industry),
    }
    return _clipped(_weighted(HIRING_WEIGHTS, parts))


def personality(a: Person, b: Person) -> float:
    """Cosine of the Big Five scores centred at 50, mapped to 0..1; somebody average in all is half like anybody."""
    x, y = ([score - 50 for score in person.big_five] for person in (a, b))
    lengths = math.hypot(*x) * math.hypot(*y)
    cosine = sum(i * j for i, j in zip(x, y, strict=True)) / lengths if lengths else 0.0
    return (1 + cosine) / 2


def jaccard(a: Collection[str], b: Collection[str]) -> float:
    """Share of all values of two people that both have; 0 where neither has any.

    >>> jaccard(("a", "b"), ("b", "c"))
    0.3333333333333333
    """
    united = len({*a, *b})
    return len(set(a) & set(b)) / united if united else 0.0


def overlap(a: Collection[str], b: Collection[str]) -> float:
    """Share of the values of who has fewer that the other has too; 0 where one has none.

    >>> overlap(("a", "b"), ("b", "c", "d"))
    0.5
    """
    fewer = min(len(a), len(b))
    return len(set(a) & set(b)) / fewer if fewer else 0.0


def skill_fit(shared: float) -> float:
    """Fit of two sets of skills by their overlap: rises in a line to 1 at 40 % and falls to 0 at 100 %.

    >>> skill_fit(0.0), skill_fit(0.2), skill_fit(0.4), skill_fit(1.0)
    (0.0, 0.5, 1.0, 0.0)
    """
    best = BEST_SKILL_OVERLAP
    return shared / best if shared <= best else (1 - shared) / (1 - best)


def belief(a: Person, b: Person) -> float:
    """Religion and politics: a difference costs as much as it matters to the two on average, agreement nothing."""
    faith = (a.religion != b.religion) * (a.religion_intensity + b.religion_intensity) / 2
    stand = (a.politics != b.politics) * (a.politics_intensity + b.politics_intensity) / 2
    return 1 - (faith + stand) / 2


def relationship(a: str, b: str) -> float:
    """1 for one style, .5 for open with polyamorous, 0 where only one of the two is monogamous."""
    if a == b:
        return 1.0
    return 0.0 if "monogamous" in (a, b) else 0.5


def kids_wish(kids: str) -> float:
    """1 = wants (more) kids, 0 = wants none (any more), .5 = unsure."""
    return 1.0 if kids in WANTS_KIDS else 0.0 if kids in WANTS_NO_KIDS else 0.5


def _weighted(weights: dict[str, float], parts: dict[str, float]) -> float:
    return sum(weights[name] * part for name, part in parts.items())


def _clipped(score: float) -> float:
    return min(1.0, max(0.0, score))
