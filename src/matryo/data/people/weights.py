"""What makes two people fit: every weight and table of the three compatibility scores."""

from typing import Literal

from matryo.data.people.schema import RELATIONSHIP_GOALS

Kind = Literal["identity", "dating", "hiring"]
"""Which score: how alike two people are, or how well they fit as a couple or as colleagues."""

IDENTITY_WEIGHTS = {"personality": 0.35, "values": 0.25, "letters": 0.15, "style": 0.15, "belief": 0.10}
"""Given by the specification; each part lies in 0..1, so does the sum."""

DATING_WEIGHTS = {"identity": 0.70, "goal": 0.09, "lifestyle": 0.06, "interests": 0.06, "relationship": 0.04,
                  "kids": 0.05}  # fmt: skip
"""Ours: identity outweighs the rest more than twofold, and the parts sum to 1 before dealbreakers are taken off."""
DEALBREAKER_COST, MAX_DEALBREAKER_COST = 0.03, 0.12
"""Taken off for each broken dealbreaker of either side, up to a limit: what any goal or identity may outweigh."""

HIRING_WEIGHTS = {"identity": 0.70, "work_style": 0.09, "team": 0.06, "skills": 0.09, "industry": 0.06}
"""Ours, with the same share for identity as in dating."""
BEST_SKILL_OVERLAP = 0.4
"""Colleagues share some skills and bring others: less or more than this share fits less well."""

_KIN_GOALS = {
    frozenset(("marriage", "long-term")): 0.7,
    frozenset(("long-term", "friendship-first")): 0.5,
    frozenset(("casual", "friendship-first")): 0.3,
}
_UNDECIDED = 0.4


def goal_fit(a: str, b: str) -> float:
    """How well two goals of a relationship go together: 1 if equal, some if related or undecided, else 0.

    >>> goal_fit("marriage", "long-term"), goal_fit("marriage", "casual"), goal_fit("undecided", "casual")
    (0.7, 0.0, 0.4)
    """
    if a == b:
        return 1.0
    if "undecided" in (a, b):
        return _UNDECIDED
    return _KIN_GOALS.get(frozenset((a, b)), 0.0)


GOAL_FITS = tuple(tuple(goal_fit(a, b) for b in RELATIONSHIP_GOALS) for a in RELATIONSHIP_GOALS)
"""The same as a matrix, in the order of `RELATIONSHIP_GOALS`."""
