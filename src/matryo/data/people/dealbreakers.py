"""Which dealbreakers a person meets in another, as far as attributes tell."""

from matryo.data.people.schema import Person

WANTS_KIDS = ("wants", "has and wants more")
WANTS_NO_KIDS = ("wants none", "has and wants no more")

TOLD_BY = {
    "no ambition": ("ambition", ("steady",)),
    "workaholism": ("ambition", ("founder",)),
    "wants kids": ("kids", WANTS_KIDS),
    "wants no kids": ("kids", WANTS_NO_KIDS),
    "heavy drinking": ("lifestyle", ("nightlife",)),
}
"""Dealbreaker -> attribute and the values that break it, whoever asks."""
DIFFERING = {"long distance": "city", "different faith": "religion", "different politics": "politics"}
"""Dealbreaker -> attribute that breaks it where two people differ."""
UNTOLD = ("smoking", "dishonesty")
"""Dealbreakers that no attribute tells: said, but never known to be broken."""


def broken_by(person: Person) -> frozenset[str]:
    """Dealbreakers that this person breaks for anybody who has them.

    Args:
        person: whose own dealbreakers are not looked at.

    Returns: names out of `TOLD_BY`.
    """
    return frozenset(name for name, (attribute, values) in TOLD_BY.items() if _has(person, attribute, values))


def n_broken(a: Person, b: Person) -> int:
    """How many dealbreakers of a are broken by b.

    A different faith or stand breaks also where it matters little to b: the dealbreaker is a's.
    """
    differing = {name for name, attribute in DIFFERING.items() if getattr(a, attribute) != getattr(b, attribute)}
    return len(set(a.dealbreakers) & (broken_by(b) | differing))


def _has(person: Person, attribute: str, values: tuple[str, ...]) -> bool:
    value = getattr(person, attribute)
    return any(v in values for v in (value if isinstance(value, tuple) else (value,)))
