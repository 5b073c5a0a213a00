"""Texts of made-up people: what they tell, what they must not tell, and how they read."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matryo.data.people.generate import generate_people, twin
from matryo.data.people.render import TEMPLATES, WORDS, render
from matryo.data.people.render_telling import age_band, marked_traits, told_beliefs
from matryo.data.people.schema import DATING_TEMPLATES, HIRING_TEMPLATES, TRAITS, Domain, Level, Person
from matryo.errors import MatryoError

PEOPLE = tuple(generate_people(60, seed=3))
LEVELS: tuple[Level, ...] = ("plain", "disjoint")
ALL = [
    *product(("dating",), DATING_TEMPLATES, LEVELS),
    *product(("hiring",), HIRING_TEMPLATES, LEVELS),
]
HIRING_TELLS = WORDS["disjoint"]["hiring"].keys()
MANY = {"core_values", "interests", "skills", "lifestyle", "work_style", "dealbreakers"}
every_template = pytest.mark.parametrize(("domain", "template", "level"), ALL)


def texts(domain: Domain, template: str, level: Level, seed: int = 1) -> Iterator[tuple[Person, str]]:
    return ((person, render(person, domain, template, level, rng_seed=seed)) for person in PEOPLE)


def found(domain: Domain, level: Level, attribute: str, text: str) -> set[str]:
    """The values of an attribute whose wordings stand in a text as whole words."""
    lower = text.lower()
    return {
        value
        for value, wordings in WORDS[level][domain][attribute].items()
        for wording in wordings
        if wording.lower() in lower and re.search(rf"(?<!\w){re.escape(wording)}(?!\w)", text, re.IGNORECASE)
    }


def told(person: Person, domain: Domain, template: str, level: Level) -> dict[str, set[str]]:
    """What a text should tell: attribute -> values; of interests and skills all that it may tell."""
    made = TEMPLATES[domain][template]
    values: dict[str, set[str]] = {}
    for place in made.places:
        if place == "traits":
            values |= {trait: {at} for trait, at in marked_traits(person, made.n_traits)}
        elif place == "values":
            values["core_values"] = set(person.core_values[: made.n_values])
        elif place == "beliefs":
            values |= {belief: {getattr(person, belief)} for belief in told_beliefs(person)}
        elif place == "mbti":
            values["mbti"] = {person.mbti} if level == "plain" else {person.mbti[:2], person.mbti[2:]}
        elif place in ("title", "a_title"):
            values |= {"seniority": {person.seniority}, "career": {person.career}}
        elif place in MANY:
            values[place] = set(getattr(person, place))
        elif place != "experience":
            values[place] = {str(getattr(person, place))}
    return values


@every_template
def test_what_a_template_tells_can_be_read_from_the_text(domain: Domain, template: str, level: Level) -> None:
    for person, text in texts(domain, template, level):
        for attribute, values in told(person, domain, template, level).items():
            read = found(domain, level, attribute, text)
            if attribute == "age" and level == "disjoint":
                assert {age_band(int(age)) for age in read} == {age_band(person.age)}, text
            elif attribute in ("interests", "skills"):
                assert len(read & values) == min(len(values), TEMPLATES[domain][template].n_items), (read, text)
            else:
                assert values <= read, (attribute, text)
            if level == "disjoint" and attribute in WORDS["disjoint"]["dating"].keys() & HIRING_TELLS:
                assert read <= values, (attribute, text)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("domain", TEMPLATES)
def test_each_attribute_is_told_somewhere_and_identity_in_all_but_the_brief(domain: Domain, level: Level) -> None:
    identity = {"city", "career", "core_values", "communication", "attachment", "mbti"}
    religious = replace(PEOPLE[0], religion_intensity=1.0, politics_intensity=1.0, dealbreakers=("smoking",))
    all_told = {template: told(religious, domain, template, level).keys() for template in TEMPLATES[domain]}
    for template, attributes in all_told.items():
        if template != "brief":
            assert identity | {"religion", "politics"} <= attributes, template
            assert len(attributes & set(TRAITS)) >= 3, template
    assert set().union(*all_told.values()) >= set(WORDS[level][domain]) - set(TRAITS)


@every_template
def test_read_well(domain: Domain, template: str, level: Level) -> None:
    for person, text in texts(domain, template, level):
        assert "  " not in text and text == text.strip(), text
        assert "{" not in text and "}" not in text and "None" not in text, text
        assert not re.search(r"[,;:.!?]{2}| [,;:.!?]", text), text
        assert not re.search(r"\ba (?!uni)[aeiou]|\ban (?!hour)[^aeiouAEIOU]", text), text
        assert not re.search(r"\b(\w+) \1\b", text, re.IGNORECASE), text
        assert not re.search(r"\b1 years\b|\b0 years\b", text), text
        assert all(
            sentence[0].isupper() or sentence[0].isdigit() for sentence in re.split(r"(?<=[.!?]) |\n(?:- )?", text)
        ), text
        assert person.id not in text and str(person) not in text


@every_template
def test_no_template_is_named(domain: Domain, template: str, level: Level) -> None:
    for person, text in texts(domain, template, level):
        if template != "casual" or person.goal != "casual":  # a goal has the same name
            assert not re.search(rf"\b{template.replace('-', '[- ]')}\b", text, re.IGNORECASE), text


@every_template
def test_length(domain: Domain, template: str, level: Level) -> None:
    n_words = [len(text.split()) for _, text in texts(domain, template, level)]
    low, high = (30, 66) if template == "brief" else (58, 142)
    assert low <= min(n_words) and max(n_words) <= high
    assert (36 <= sum(n_words) / len(n_words) <= 52) if template == "brief" else sum(n_words) / len(n_words) <= 118


def test_equal_arguments_give_equal_texts_and_others_differ() -> None:
    person = PEOPLE[0]
    text = render(person, "dating", "narrative", "disjoint", rng_seed=5)
    assert text == render(person, "dating", "narrative", "disjoint", rng_seed=5)
    assert text != render(person, "dating", "narrative", "disjoint", rng_seed=6)
    assert text != render(replace(person, id="p999999"), "dating", "narrative", "disjoint", rng_seed=5)
    assert text != render(person, "dating", "narrative", "plain", rng_seed=5)


KIM = Person(
    id="p000000",
    age=41,
    city="Lisbon",
    big_five=(81, 30, 50, 66, 48),
    mbti="ENFP",
    career="nurse",
    industry="healthcare",
    skills=("patient care", "triage", "medication", "teamwork"),
    experience=1,
    seniority="senior",
    core_values=("honesty", "family", "humour", "courage"),
    communication="playful",
    attachment="secure",
    religion="jewish",
    religion_intensity=0.8,
    politics="moderate",
    politics_intensity=0.2,
    goal="marriage",
    lifestyle=("outdoors", "minimalist"),
    interests=("chess", "jazz", "dogs", "travel", "wine"),
    relationship_style="monogamous",
    kids="wants",
    dealbreakers=("smoking",),
    work_style=("flexible", "collaborative"),
    team="small team",
    ambition="impact",
)


def test_texts_stay_as_they_are() -> None:
    """Texts are data: who changes a wording, a sentence or the order of choices changes every data set made so far."""
    assert render(KIM, "dating", "brief", "plain", rng_seed=0) == (
        "I call Lisbon home. By day I earn my money as a nurse. I have low conscientiousness and show high openness, "
        "and I have a playful communication style. Honesty and family, always. Love chess and travel. "
        "Here for marriage."
    )
    assert render(KIM, "dating", "brief", "disjoint", rng_seed=0) == (
        "I call a town of fado and yellow trams home. By day I change bandages on a ward. "
        "Smoky jazz bars and chess: yes please. I leave chaos behind me and chase every odd idea, and I joke about "
        "everything. A clear conscience and my parents and siblings, always. Here for a ring and a wedding."
    )
    assert render(KIM, "hiring", "resume-style", "disjoint", rng_seed=0) == (
        "Senior nurse, Portugal\nProfile\n- 1 year in the healthcare sector\n"
        "- Characteristics: confident reliance on coworkers, empathetic adaptability, a relaxed approach to deadlines "
        "and jocular exchanges\n"
        "- Professional manner: enthusiasm for innovation, an accommodating manner and visionary group facilitation\n"
        "Core skills\n- Teamwork, medication, triage and patient care\n"
        "Core principles\n- Integrity, kinship, comic relief and audacity\n"
        "Working preferences\n- Flexible schedules and collaborative projects, within a small team\n"
        "- Affiliations: the synagogue council\n- Direction: public benefit"
    )


def with_value(attribute: str, value: str) -> Person:
    """Kim with this value, strong enough to be told."""
    if attribute in TRAITS:
        score = {"low": 5, "middle": 55, "high": 95}[value]
        scores = [score if trait == attribute else 50 for trait in TRAITS]
        return replace(KIM, big_five=tuple(scores))  # type: ignore[arg-type]  # five
    if attribute == "mbti":  # at the disjoint level half a type has a wording
        return replace(KIM, mbti=value if len(value) == 4 else value + "TJ" if value[0] in "EI" else "EN" + value)
    if attribute in MANY:
        return replace(KIM, **{attribute: (value,)})
    changed = {attribute: int(value) if attribute == "age" else value}
    return replace(KIM, **changed, religion_intensity=1.0, politics_intensity=1.0)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("domain", TEMPLATES)
def test_every_value_of_every_attribute_can_be_read(domain: Domain, level: Level) -> None:
    for attribute, values in WORDS[level][domain].items():
        for value in values:
            if attribute == "age" and not 22 <= int(value) <= 65:
                continue
            person = with_value(attribute, value)
            for template in TEMPLATES[domain]:
                if attribute in told(person, domain, template, level):
                    assert value in found(domain, level, attribute, render(person, domain, template, level, rng_seed=0))


@pytest.mark.parametrize("level", LEVELS)
def test_an_exact_age_stands_in_no_hiring_text(level: Level) -> None:
    for template in HIRING_TEMPLATES:
        for person, text in texts("hiring", template, level):
            assert re.findall(r"\d+", text) == ([str(person.experience)] if person.experience else []), text
    for template in DATING_TEMPLATES:
        for _, text in texts("dating", template, "disjoint"):
            assert not re.search(r"\d", text), text


def test_texts_of_one_person_differ_with_the_seed() -> None:
    for domain, template, level in ALL:
        assert len({render(PEOPLE[1], domain, template, level, rng_seed=seed) for seed in range(40)}) >= 35, template


def test_a_twin_reads_otherwise_in_the_same_city_and_career() -> None:
    for person in PEOPLE[:20]:
        other = twin(person, seed=0)
        a, b = (render(p, "hiring", "team-fit", "plain", rng_seed=0) for p in (person, other))
        assert a != b and person.city in a and person.city in b and person.career in a and person.career in b


def test_only_strong_beliefs_are_told() -> None:
    person = replace(PEOPLE[0], religion="jewish", religion_intensity=0.2, politics_intensity=0.1)
    for domain in TEMPLATES:
        for template in TEMPLATES[domain]:
            assert "Jewish" not in render(person, domain, template, "plain", rng_seed=0)
    told_text = render(replace(person, religion_intensity=0.9), "hiring", "team-fit", "plain", rng_seed=0)
    assert "Jewish" in told_text


def test_who_has_no_dealbreakers_mentions_none() -> None:
    person = replace(PEOPLE[0], dealbreakers=())
    for seed in range(20):
        text = render(person, "dating", "values-first", "plain", rng_seed=seed)
        assert not re.search("dealbreaker|hard no|swipe", text, re.IGNORECASE)


@given(seed=st.integers(-(2**40), 2**40), number=st.integers(0, 59), case=st.sampled_from(ALL))
def test_any_seed_will_do(seed: int, number: int, case: tuple[Domain, str, Level]) -> None:
    text = render(PEOPLE[number], *case, rng_seed=seed)
    assert text and "{" not in text


@pytest.mark.parametrize("experience", [0, 1, 2, 40])
def test_years_of_experience_agree_in_number(experience: int) -> None:
    person = replace(PEOPLE[0], experience=experience)
    expected = {0: "less than a year", 1: "1 year"}.get(experience, f"{experience} years")
    for template in HIRING_TEMPLATES:
        assert re.search(rf"\b{expected}\b", render(person, "hiring", template, "plain", rng_seed=0), re.IGNORECASE)


def test_unknown_names_are_refused_and_the_nearest_is_named() -> None:
    with pytest.raises(MatryoError, match=r"'narative'.*nearest is 'narrative'"):
        render(PEOPLE[0], "dating", "narative", "plain", rng_seed=0)
    with pytest.raises(MatryoError, match=r"'resume-style'.*choose from intro-first"):
        render(PEOPLE[0], "dating", "resume-style", "plain", rng_seed=0)
    with pytest.raises(MatryoError, match="no domain is called 'sport'; choose from dating, hiring"):
        render(PEOPLE[0], "sport", "brief", "plain", rng_seed=0)  # type: ignore[arg-type]
    with pytest.raises(MatryoError, match="no level of wording is called 'fancy'; choose from plain, disjoint"):
        render(PEOPLE[0], "dating", "brief", "fancy", rng_seed=0)  # type: ignore[arg-type]
