"""A made-up person, and every value an attribute may have."""

from dataclasses import dataclass
from typing import Literal

TRAITS = ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")
CORE_VALUES = (
    "honesty", "family", "freedom", "curiosity", "loyalty", "creativity", "kindness", "achievement", "adventure",
    "security", "justice", "faith", "humour", "independence", "tradition", "health", "learning", "generosity",
    "courage", "harmony",
)  # fmt: skip
COMMUNICATION_STYLES = ("direct", "diplomatic", "analytical", "expressive", "reserved", "playful")
ATTACHMENT_STYLES = ("secure", "anxious", "avoidant", "mixed")
RELIGIONS = ("none", "christian", "muslim", "jewish", "hindu", "buddhist", "spiritual")
POLITICS = ("progressive", "moderate", "conservative", "libertarian", "unpolitical")
RELATIONSHIP_GOALS = ("marriage", "long-term", "casual", "friendship-first", "undecided")
RELATIONSHIP_STYLES = ("monogamous", "open", "polyamorous")
KIDS = ("has and wants more", "has and wants no more", "wants", "wants none", "unsure")
LIFESTYLES = ("active", "homebody", "nightlife", "outdoors", "urban culture", "minimalist", "family-centred", "nomadic")
INTERESTS = (
    "hiking", "climbing", "cycling", "running", "yoga", "swimming", "football", "chess", "board games",
    "video games", "cooking", "baking", "wine", "coffee", "gardening", "birdwatching", "photography", "painting",
    "pottery", "knitting", "woodworking", "writing", "poetry", "novels", "history books", "astronomy", "guitar",
    "piano", "choir", "jazz", "theatre", "film", "travel", "sailing", "camping", "volunteering", "dogs", "cats",
    "dancing", "languages",
)  # fmt: skip
DEALBREAKERS = ("smoking", "heavy drinking", "no ambition", "long distance", "wants kids", "wants no kids",
                "different faith", "different politics", "dishonesty", "workaholism")  # fmt: skip
WORK_STYLES = ("structured", "autonomous", "collaborative", "fast-paced", "deep-focus", "flexible")
TEAM_SIZES = ("solo", "small team", "mid-size team", "large organisation")
AMBITIONS = ("steady", "growth", "leadership", "founder", "mastery", "impact")
SENIORITIES = ("junior", "mid", "senior", "lead", "executive")
CITIES = (
    "Amsterdam", "Athens", "Austin", "Barcelona", "Berlin", "Boston", "Chicago", "Copenhagen", "Denver", "Dublin",
    "Edinburgh", "Lisbon", "London", "Madrid", "Melbourne", "Montreal", "Munich", "New York", "Paris", "Portland",
    "Prague", "San Francisco", "Seattle", "Singapore", "Stockholm", "Sydney", "Toronto", "Vancouver", "Vienna",
    "Zurich",
)  # fmt: skip

DATING_TEMPLATES = (
    "intro-first", "personality-led", "values-first", "casual", "interests-led", "brief", "narrative",
    "psychology-forward",
)  # fmt: skip
HIRING_TEMPLATES = (
    "resume-style", "skills-first", "narrative-bio", "culture-fit", "linkedin", "brief", "ambition-led", "team-fit",
)  # fmt: skip
DOMAINS = ("dating", "hiring")

Domain = Literal["dating", "hiring"]
Level = Literal["plain", "disjoint"]
"""How a person is told: with the same words in both domains, or with none of an attribute's words shared."""


@dataclass(frozen=True, slots=True)
class Person:
    """One made-up person; values come from the tuples of this module and of `careers`.

    Attributes:
        id: such as "p000042".
        age: in years, 22 to 65.
        city: where they live.
        big_five: five numbers 0 to 100 in the order of `TRAITS`.
        mbti: four letters, correlated with the Big Five.
        career: what they do.
        industry: of the career.
        skills: five to eight, most of them the career's.
        experience: years of work.
        seniority: follows from age and experience.
        core_values: four, the most important first.
        communication: style of talking.
        attachment: style of bonding.
        religion: what they believe in.
        religion_intensity: 0 = does not matter, 1 = matters above all.
        politics: where they stand.
        politics_intensity: 0 to 1.
        goal: of a relationship.
        lifestyle: two of them.
        interests: five.
        relationship_style: closed or open.
        kids: have, want or neither.
        dealbreakers: up to three.
        work_style: two of them.
        team: size of team they like.
        ambition: what they want from work.
    """

    id: str
    age: int
    city: str
    big_five: tuple[int, int, int, int, int]
    mbti: str
    career: str
    industry: str
    skills: tuple[str, ...]
    experience: int
    seniority: str
    core_values: tuple[str, ...]
    communication: str
    attachment: str
    religion: str
    religion_intensity: float
    politics: str
    politics_intensity: float
    goal: str
    lifestyle: tuple[str, ...]
    interests: tuple[str, ...]
    relationship_style: str
    kids: str
    dealbreakers: tuple[str, ...]
    work_style: tuple[str, ...]
    team: str
    ambition: str
