"""Made-up people that several tests look at."""

import pytest

from matryo.data.people.generate import generate_people
from matryo.data.people.schema import Person


@pytest.fixture(scope="session")
def crowd() -> tuple[Person, ...]:
    """3,000 people of seed 0: enough to see how likely what is."""
    return tuple(generate_people(3000, 0))


PLAIN = Person(
    id="p000000",
    age=40,
    city="Berlin",
    big_five=(60, 50, 50, 50, 50),
    mbti="INFJ",
    career="nurse",
    industry="healthcare",
    skills=("triage", "medication", "wound care", "teamwork", "tax"),
    experience=15,
    seniority="senior",
    core_values=("honesty", "family", "freedom", "curiosity"),
    communication="direct",
    attachment="secure",
    religion="none",
    religion_intensity=0.2,
    politics="moderate",
    politics_intensity=0.6,
    goal="marriage",
    lifestyle=("active", "homebody"),
    interests=("hiking", "chess", "wine", "jazz", "film"),
    relationship_style="monogamous",
    kids="wants",
    dealbreakers=(),
    work_style=("structured", "flexible"),
    team="small team",
    ambition="mastery",
)


@pytest.fixture
def somebody() -> Person:
    """A person whose every attribute the hand-worked tests know."""
    return PLAIN
