"""Made-up people: person i of a seed depends on the seed and on i alone, so that any part can be made alone."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple, cast

from matryo.data.people import chances
from matryo.data.people.careers import CAREERS, SKILLS
from matryo.data.people.chances import INDIFFERENT, INTENSE, MBTI_LETTERS, leaning
from matryo.data.people.dealbreakers import broken_by
from matryo.data.people.draws import Draws
from matryo.data.people.schema import (
    AMBITIONS,
    ATTACHMENT_STYLES,
    CITIES,
    COMMUNICATION_STYLES,
    CORE_VALUES,
    DEALBREAKERS,
    INTERESTS,
    LIFESTYLES,
    POLITICS,
    RELIGIONS,
    SENIORITIES,
    TRAITS,
    WORK_STYLES,
    Person,
)
from matryo.errors import MatryoError

TWIN = "-twin"
"""What the id of a twin ends in."""
N_MIRRORED = 2
"""Traits of a twin that lie on the other side of the middle."""

_YOUNGEST, _OLDEST = 22, 65
_BigFive = tuple[int, int, int, int, int]


class _Work(NamedTuple):
    career: str
    industry: str
    skills: tuple[str, ...]
    experience: int
    seniority: str
    ambition: str


def generate_people(n: int, seed: int, *, start: int = 0) -> Iterator[Person]:
    """Make people one after the other.

    Args:
        n: how many.
        seed: decides everything about them.
        start: number of the first one: `generate_people(5, seed, start=10)` are the last five of
            `generate_people(15, seed)`.

    Returns: an iterator; nothing is held.
    Raises: MatryoError if n < 1 or start < 0.

    >>> next(generate_people(1, seed=0)).id
    'p000000'
    """
    if n < 1 or start < 0:
        raise MatryoError(f"people are numbered from 0 and at least 1 is made, got n={n}, start={start}; raise them")
    return (_person(number, seed) for number in range(start, start + n))


def person_id(number: int) -> str:
    """Id of the person of this number.

    >>> person_id(42)
    'p000042'
    """
    return f"p{number:06d}"


def twin(person: Person, seed: int) -> Person:
    """Somebody who is easily taken for this person: same city, career, age and all that one domain alone tells.

    Another identity: the two traits that stand out most are mirrored at 50, with the letters that go with them; two of
    four core values are others; so is the style of communication or of attachment; so are religion and politics where
    they matter.

    Args:
        person: who is altered.
        seed: decides what replaces what.

    Returns: a person with the id of the first and "-twin" behind it.
    """
    draws = Draws(seed, "twin", person.id)
    mirrored = sorted(range(len(TRAITS)), key=lambda t: (-abs(person.big_five[t] - 50), t))[:N_MIRRORED]
    scores = tuple(100 - score if t in mirrored else score for t, score in enumerate(person.big_five))
    kept = draws.some(person.core_values, 2)
    new_values = draws.some([v for v in _values_for(person.religion) if v not in person.core_values], 2)
    communication, attachment = person.communication, person.attachment
    if draws.uniform() < 0.5:
        communication = draws.pick([s for s in COMMUNICATION_STYLES if s != communication])
    else:
        attachment = draws.pick([s for s in ATTACHMENT_STYLES if s != attachment])
    return replace(
        person,
        id=person.id + TWIN,
        big_five=cast(_BigFive, scores),
        mbti=_other_letters(person.mbti, [TRAITS[t] for t in mirrored]),
        core_values=draws.some(kept + new_values, 4),
        communication=communication,
        attachment=attachment,
        religion=_other_stand(draws, RELIGIONS, person.religion, person.religion_intensity),
        politics=_other_stand(draws, POLITICS, person.politics, person.politics_intensity),
    )


def _person(number: int, seed: int) -> Person:
    draws = Draws(seed, "person", number)
    # a power above 1: more people in their twenties and thirties than in their sixties
    age = _YOUNGEST + int((_OLDEST - _YOUNGEST + 1) * draws.uniform() ** 1.25)
    big_five = tuple(_score(draws) for _ in TRAITS)
    religion, religion_intensity = _stand(draws, chances.RELIGIONS)
    politics, politics_intensity = _stand(draws, chances.POLITICS)
    goal = draws.weighted(chances.GOALS)
    work = _work(draws, age)
    person = Person(
        id=person_id(number),
        age=age,
        city=draws.pick(CITIES),
        big_five=cast(_BigFive, big_five),
        mbti=_letters(draws, big_five),
        **work._asdict(),
        core_values=draws.some(_values_for(religion), 4),
        communication=draws.weighted(leaning(chances.COMMUNICATION_LEANS, big_five)),
        attachment=draws.weighted(leaning(chances.ATTACHMENT_LEANS, big_five, chances.ATTACHMENTS)),
        religion=religion,
        religion_intensity=religion_intensity,
        politics=politics,
        politics_intensity=politics_intensity,
        goal=goal,
        lifestyle=draws.some(LIFESTYLES, 2),
        interests=draws.some(INTERESTS, 5),
        relationship_style=draws.weighted(
            chances.RELATIONSHIP_STYLES.get(goal, chances.OTHER_RELATIONSHIP_STYLES),
        ),
        kids=draws.weighted(next(weights for below, weights in chances.KIDS.items() if age < below)),
        dealbreakers=(),
        work_style=draws.some(WORK_STYLES, 2),
        team=draws.weighted(leaning(chances.TEAM_LEANS, big_five)),
    )
    return replace(person, dealbreakers=_dealbreakers(draws, person))


def _score(draws: Draws) -> int:
    return round(min(100.0, max(0.0, draws.normal(chances.TRAIT_MEAN, chances.TRAIT_DEVIATION))))


def _letters(draws: Draws, big_five: tuple[int, ...]) -> str:
    scores = dict(zip(TRAITS, big_five, strict=True))
    return "".join(
        high if draws.normal(scores[trait], chances.MBTI_NOISE) > chances.TRAIT_MEAN else low
        for trait, high, low in MBTI_LETTERS
    )


def _other_letters(mbti: str, mirrored: list[str]) -> str:
    """The letters of mirrored traits change sides."""
    return "".join(
        (low if letter == high else high) if trait in mirrored else letter
        for letter, (trait, high, low) in zip(mbti, MBTI_LETTERS, strict=True)
    )


def _stand(draws: Draws, weights: dict[str, float]) -> tuple[str, float]:
    """A religion or a politics, and how much it matters."""
    stand = draws.weighted(weights)
    ceiling = chances.MAX_INDIFFERENT_INTENSITY if stand in INDIFFERENT else 1.0
    return stand, round(draws.uniform() * ceiling, 2)


def _other_stand(draws: Draws, stands: tuple[str, ...], stand: str, intensity: float) -> str:
    """Another stand where it matters, the same one where it does not."""
    others = [s for s in stands if s != stand and s not in INDIFFERENT]
    return draws.pick(others) if intensity >= INTENSE else stand


def _values_for(religion: str) -> list[str]:
    """Who believes in nothing does not name faith as a core value."""
    return [value for value in CORE_VALUES if value != "faith" or religion != "none"]


def _work(draws: Draws, age: int) -> _Work:
    career = draws.pick(tuple(CAREERS))
    industries, own = CAREERS[career]
    skills = draws.some(own, draws.whole(4, 6))
    skills += draws.some([skill for skill in SKILLS if skill not in own], draws.whole(1, 2))
    experience = max(0, age - draws.whole(20, 25) - draws.whole(0, 3))
    ambition = draws.pick(AMBITIONS)
    seniority = _seniority(draws, age, experience, ambition)
    return _Work(career, draws.pick(industries), skills, experience, seniority, ambition)


def _seniority(draws: Draws, age: int, experience: int, ambition: str) -> str:
    years = draws.normal(experience, chances.SENIORITY_NOISE)
    years += chances.DRIVEN_YEARS if ambition in chances.DRIVEN else 0.0
    reached = next((name for name, below in chances.SENIORITY_YEARS.items() if years < below), "executive")
    highest = draws.weighted(chances.HIGHEST_SENIORITIES)
    rank = min(SENIORITIES.index(reached), SENIORITIES.index(highest))
    while age < chances.SENIORITY_AGES.get(SENIORITIES[rank], 0):
        rank -= 1
    return SENIORITIES[rank]


def _dealbreakers(draws: Draws, person: Person) -> tuple[str, ...]:
    """Up to three that the person does not break, and that fit how much faith, politics and kids matter."""
    unfit = set(broken_by(person))
    if person.kids == "unsure":
        unfit |= {"wants kids", "wants no kids"}
    if person.religion_intensity < INTENSE:
        unfit.add("different faith")
    if person.politics_intensity < INTENSE:
        unfit.add("different politics")
    if "nomadic" in person.lifestyle:
        unfit.add("long distance")
    return draws.some([d for d in DEALBREAKERS if d not in unfit], int(draws.weighted(chances.DEALBREAKER_COUNTS)))
