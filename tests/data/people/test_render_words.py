"""The wordings: every value has some, they can be told apart, and at the disjoint level no word serves both domains."""

import re
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer

from matryo.data.people import schema
from matryo.data.people.careers import CAREERS, INDUSTRIES, SKILLS
from matryo.data.people.generate import generate_people
from matryo.data.people.render import TEMPLATES, WORDS, render
from matryo.data.people.render_choices import Choices
from matryo.data.people.render_telling import Template
from matryo.data.people.schema import DATING_TEMPLATES, DOMAINS, HIRING_TEMPLATES, Domain, Level

LEVELS: tuple[Level, ...] = ("plain", "disjoint")
N = 200
VALUES: dict[str, tuple[str, ...]] = {
    "age": tuple(str(age) for age in range(22, 66)),
    "city": schema.CITIES,
    "career": tuple(CAREERS),
    "industry": INDUSTRIES,
    "skills": SKILLS,
    "seniority": schema.SENIORITIES,
    "core_values": schema.CORE_VALUES,
    "communication": schema.COMMUNICATION_STYLES,
    "attachment": schema.ATTACHMENT_STYLES,
    "religion": schema.RELIGIONS,
    "politics": schema.POLITICS,
    "goal": schema.RELATIONSHIP_GOALS,
    "relationship_style": schema.RELATIONSHIP_STYLES,
    "kids": schema.KIDS,
    "lifestyle": schema.LIFESTYLES,
    "interests": schema.INTERESTS,
    "dealbreakers": schema.DEALBREAKERS,
    "work_style": schema.WORK_STYLES,
    "team": schema.TEAM_SIZES,
    "ambition": schema.AMBITIONS,
    **dict.fromkeys(schema.TRAITS, ("low", "middle", "high")),
}
SHARED = sorted(WORDS["disjoint"]["dating"].keys() & WORDS["disjoint"]["hiring"].keys())
every_table = pytest.mark.parametrize(("level", "domain"), list(product(LEVELS, DOMAINS)))


def stems(text: str) -> set[str]:
    """Content words cut to their first five letters."""
    words = re.findall(r"[a-z]+", text.lower())
    return {word[:5] for word in words if word not in ENGLISH_STOP_WORDS and len(word) > 2}


def clashes(a: set[str], b: set[str]) -> set[tuple[str, str]]:
    """Stems alike: equal, or one the beginning of the other and at least four letters long."""
    return {
        (x, y) for x in a for y in b if x == y or (min(len(x), len(y)) > 3 and (x.startswith(y) or y.startswith(x)))
    }


def template_stems(template: Template) -> set[str]:
    sentences = (*template.first, *template.free, *template.last)
    return stems(" ".join(re.sub(r"\{\w+\}", "", frame) for frames in sentences for frame in frames))


def attribute_stems(level: Level, domain: Domain, attribute: str) -> set[str]:
    return stems(" ".join(wording for wordings in WORDS[level][domain][attribute].values() for wording in wordings))


@every_table
def test_every_value_can_be_told(level: Level, domain: Domain) -> None:
    table = WORDS[level][domain]
    assert table.keys() - {"mbti"} <= VALUES.keys()
    for attribute in table.keys() - {"mbti"}:
        assert set(VALUES[attribute]) <= table[attribute].keys(), attribute
    types = {f"{a}{b}{c}{d}" for a in "EI" for b in "SN" for c in "TF" for d in "JP"}
    halves = {mbti[:2] for mbti in types} | {mbti[2:] for mbti in types}
    assert table["mbti"].keys() == (types if level == "plain" else halves)


def test_both_levels_tell_the_same_attributes() -> None:
    for domain in DOMAINS:
        assert WORDS["plain"][domain].keys() == WORDS["disjoint"][domain].keys()
    assert {"city", "career", "core_values", "mbti", "communication", "attachment", *schema.TRAITS} <= set(SHARED)


@every_table
def test_no_wording_could_mean_another_value(level: Level, domain: Domain) -> None:
    for attribute, values in WORDS[level][domain].items():
        if attribute in ("age", "skills"):
            continue  # ages share a band; skills keep the schema's own words, such as "safety" and "food safety"
        for (value, wordings), (other, others) in product(values.items(), repeat=2):
            if value != other:
                for x, y in product(wordings, others):
                    assert not re.search(rf"(?<!\w){re.escape(x)}(?!\w)", y, re.IGNORECASE), (attribute, x, y)


@pytest.mark.parametrize("domain", DOMAINS)
def test_shared_attributes_are_told_in_several_ways_at_the_disjoint_level(domain: Domain) -> None:
    for attribute in SHARED:
        n_ways = [len(set(wordings)) for wordings in WORDS["disjoint"][domain][attribute].values()]
        assert min(n_ways) >= (1 if (domain, attribute) == ("hiring", "career") else 2), attribute


@every_table
def test_wordings_are_clean(level: Level, domain: Domain) -> None:
    for values in WORDS[level][domain].values():
        for wording in (w for wordings in values.values() for w in wordings):
            assert wording == " ".join(wording.split()) and wording and wording[-1] not in ".,;:!?"
            assert "{" not in wording and "}" not in wording


@pytest.mark.parametrize("attribute", SHARED)
def test_no_content_word_of_an_attribute_serves_both_domains(attribute: str) -> None:
    dating, hiring = (attribute_stems("disjoint", domain, attribute) for domain in DOMAINS)
    assert dating and hiring and not clashes(dating, hiring)


def test_no_content_word_at_all_serves_both_domains() -> None:
    """Stronger than needed: also across attributes, and the templates' own words with it."""
    words: list[set[str]] = []
    for domain in DOMAINS:
        told = [attribute_stems("disjoint", domain, attribute) for attribute in WORDS["disjoint"][domain]]
        words.append(set().union(*told, *map(template_stems, TEMPLATES[domain].values())))
    assert not clashes(*words)
    assert min(map(len, words)) > 500


def test_the_schemas_words_stand_in_both_domains_at_the_plain_level() -> None:
    for attribute in ("city", "core_values", "career"):
        for value in VALUES[attribute]:
            for domain in DOMAINS:
                assert all(value in wording for wording in WORDS["plain"][domain][attribute][value])


def test_templates_are_the_schemas_and_unlike_each_other() -> None:
    assert tuple(TEMPLATES["dating"]) == DATING_TEMPLATES and tuple(TEMPLATES["hiring"]) == HIRING_TEMPLATES
    for templates in TEMPLATES.values():
        own = {name: template_stems(template) for name, template in templates.items()}
        for name, words in own.items():
            others = set().union(*(w for other, w in own.items() if other != name))
            assert len(words - others) >= (1 if name == "brief" else 3), name


def test_frames_of_a_sentence_tell_the_same_places() -> None:
    for template in (t for templates in TEMPLATES.values() for t in templates.values()):
        for frames in (*template.first, *template.free, *template.last):
            places = [set(re.findall(r"\{(?:a_)?(\w+)\}", frame.lower())) for frame in frames]
            assert all(place == places[0] for place in places), frames


def pairs(level: Level) -> tuple[list[str], list[str]]:
    """Texts of N people in both domains, their templates independent of each other."""
    people, choices = tuple(generate_people(N, seed=9)), Choices("templates")
    a = [render(p, "dating", choices.pick(DATING_TEMPLATES), level, rng_seed=0) for p in people]
    b = [render(p, "hiring", choices.pick(HIRING_TEMPLATES), level, rng_seed=0) for p in people]
    return a, b


def top_1(a: list[str], b: list[str]) -> float:
    vectors = TfidfVectorizer(sublinear_tf=True).fit([*a, *b])
    scores = (vectors.transform(a) @ vectors.transform(b).T).toarray()
    return float(np.mean(scores.argmax(1) == np.arange(len(a))))


def test_common_words_find_the_partner_at_the_plain_level_and_nobody_at_the_disjoint_one() -> None:
    assert top_1(*pairs("plain")) > 0.8
    assert top_1(*pairs("disjoint")) < 0.05


def shared(a: list[str], b: list[str]) -> float:
    return float(np.mean([len(stems(x) & stems(y)) for x, y in zip(a, b, strict=True)]))


def test_two_texts_of_one_person_share_no_content_word_at_the_disjoint_level() -> None:
    a, b = pairs("disjoint")
    assert shared(a, b) == 0.0
    a, b = pairs("plain")
    assert shared(a, b) > 1.5 * shared(a, b[1:] + b[:1])


def draws(choose: Callable[[Choices], int]) -> np.ndarray:
    return np.bincount([choose(Choices(f"key {i}")) for i in range(6000)])


def test_choices_are_even() -> None:
    assert np.all(np.abs(draws(lambda c: c.below(6)) - 1000) < 120)
    third = draws(lambda c: c.shuffled(range(4))[2])
    assert np.all(np.abs(third - 1500) < 140)
    assert sorted(Choices("x").shuffled("matryo")) == sorted("matryo")


def test_choices_are_the_same_everywhere() -> None:
    # in base 10 the choices are the last digits of the hash read as a number, worked out without this class
    choices = Choices("0|p000000|dating|brief|plain")
    assert [choices.below(10) for _ in range(8)] == [2, 6, 9, 9, 2, 4, 2, 4]
