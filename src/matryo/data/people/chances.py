"""How likely what is among made-up people: weights, not percentages; a lean says which trait makes a style likelier."""

from collections.abc import Mapping

from matryo.data.people.schema import TRAITS

TRAIT_MEAN, TRAIT_DEVIATION = 50.0, 18.0
"""Big Five scores are normal, cut off at 0 and 100."""

MBTI_NOISE = 12.0
"""Deviation of what separates a letter from its trait: letters and traits correlate, they do not coincide."""
MBTI_LETTERS = (("extraversion", "E", "I"), ("openness", "N", "S"), ("agreeableness", "F", "T"),
                ("conscientiousness", "J", "P"))  # fmt: skip
"""Trait, letter of a high score, letter of a low one."""

COMMUNICATION_LEANS = {
    "direct": {"agreeableness": -0.5, "extraversion": 0.3},
    "diplomatic": {"agreeableness": 0.8},
    "analytical": {"conscientiousness": 0.5, "extraversion": -0.3},
    "expressive": {"extraversion": 0.6, "neuroticism": 0.3},
    "reserved": {"extraversion": -0.9},
    "playful": {"openness": 0.4, "extraversion": 0.4},
}
ATTACHMENTS = {"secure": 5.0, "anxious": 2.0, "avoidant": 2.0, "mixed": 1.0}
ATTACHMENT_LEANS = {
    "secure": {"neuroticism": -0.5},
    "anxious": {"neuroticism": 0.9},
    "avoidant": {"extraversion": -0.5, "agreeableness": -0.3},
    "mixed": {"neuroticism": 0.6},
}
TEAM_LEANS = {
    "solo": {"extraversion": -0.9},
    "small team": {"extraversion": -0.2},
    "mid-size team": {"extraversion": 0.3},
    "large organisation": {"extraversion": 0.5},
}

RELIGIONS = {"none": 35.0, "christian": 28.0, "muslim": 10.0, "spiritual": 9.0, "hindu": 7.0, "buddhist": 6.0,
             "jewish": 5.0}  # fmt: skip
POLITICS = {"progressive": 30.0, "moderate": 25.0, "conservative": 20.0, "libertarian": 10.0, "unpolitical": 15.0}
INDIFFERENT = ("none", "unpolitical")
"""Stands that matter little to those who take them: their intensity stays at most `MAX_INDIFFERENT_INTENSITY`."""
MAX_INDIFFERENT_INTENSITY = 0.3
INTENSE = 0.5
"""From here on a religion or a stand matters to a person: only then may a different one be a dealbreaker."""

GOALS = {"marriage": 20.0, "long-term": 35.0, "casual": 15.0, "friendship-first": 15.0, "undecided": 15.0}
RELATIONSHIP_STYLES = {
    "marriage": {"monogamous": 97.0, "open": 2.0, "polyamorous": 1.0},
    "casual": {"monogamous": 55.0, "open": 30.0, "polyamorous": 15.0},
}
"""By goal; all other goals take `OTHER_RELATIONSHIP_STYLES`."""
OTHER_RELATIONSHIP_STYLES = {"monogamous": 85.0, "open": 8.0, "polyamorous": 7.0}
KIDS = {
    30: {"wants": 45.0, "unsure": 30.0, "wants none": 17.0, "has and wants more": 5.0, "has and wants no more": 3.0},
    42: {"wants": 28.0, "unsure": 17.0, "wants none": 20.0, "has and wants more": 15.0, "has and wants no more": 20.0},
    66: {"wants": 3.0, "unsure": 5.0, "wants none": 32.0, "has and wants more": 3.0, "has and wants no more": 57.0},
}
"""Below this age."""
DEALBREAKER_COUNTS = {"0": 15.0, "1": 30.0, "2": 35.0, "3": 20.0}

SENIORITY_YEARS = {"junior": 3.0, "mid": 8.0, "senior": 15.0, "lead": 24.0}
"""Fewer years of work than this, more or less; with more years an executive, as far as a person ever rises."""
HIGHEST_SENIORITIES = {"senior": 45.0, "lead": 33.0, "executive": 22.0}
"""How far a person ever rises."""
SENIORITY_NOISE = 2.0
SENIORITY_AGES = {"lead": 29, "executive": 35}
"""Nobody younger is one."""
DRIVEN = ("leadership", "founder")
DRIVEN_YEARS = 2.0
"""Those who strive rise as if they had worked so many years more."""


def leaning(
    leans: Mapping[str, Mapping[str, float]], big_five: tuple[int, ...], base: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Weights of styles for a person.

    Args:
        leans: style -> trait -> by what share of its weight a score of 100 (or 0) makes it likelier (or less).
        big_five: the person's scores.
        base: weight of each style at scores of 50; None = 1.

    >>> leaning({"loud": {"extraversion": 0.5}, "quiet": {"extraversion": -1.0}}, (50, 50, 100, 50, 50))
    {'loud': 1.5, 'quiet': 0.05}
    """
    from_mean = {trait: (score - 50) / 50 for trait, score in zip(TRAITS, big_five, strict=True)}
    shares = {style: 1 + sum(by * from_mean[trait] for trait, by in of.items()) for style, of in leans.items()}
    return {style: max(0.05, share) * (base[style] if base else 1.0) for style, share in shares.items()}
