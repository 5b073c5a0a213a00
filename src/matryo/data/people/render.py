"""One text of one person: by a template, at a level of wording."""

import difflib
from collections.abc import Mapping

from matryo.data.people import words_cities, words_dating, words_dating_life, words_hiring
from matryo.data.people.render_choices import Choices
from matryo.data.people.render_dating import DATING
from matryo.data.people.render_hiring import HIRING
from matryo.data.people.render_telling import Telling, Template, Wordings
from matryo.data.people.schema import Domain, Level, Person
from matryo.data.people.words_plain import DATING_PLAIN, HIRING_PLAIN
from matryo.errors import MatryoError

TEMPLATES: Mapping[Domain, Mapping[str, Template]] = {"dating": DATING, "hiring": HIRING}
DATING_DISJOINT: Wordings = {
    "city": words_cities.CITIES_SEEN,
    **words_dating.TRAITS,
    **words_dating.CHARACTER,
    **words_dating_life.LIFE,
}
HIRING_DISJOINT: Wordings = {
    "city": words_cities.CITIES_REACHED,
    **words_hiring.TRAITS,
    **words_hiring.CHARACTER,
    **words_hiring.OFFICE,
}
WORDS: Mapping[Level, Mapping[Domain, Wordings]] = {
    "plain": {"dating": DATING_PLAIN, "hiring": HIRING_PLAIN},
    "disjoint": {"dating": DATING_DISJOINT, "hiring": HIRING_DISJOINT},
}


def render(person: Person, domain: Domain, template: str, level: Level, *, rng_seed: int) -> str:
    """What a person writes about themselves in one domain.

    Args:
        person: who is told; their id decides wordings, and does not stand in the text.
        domain: "dating" or "hiring".
        template: one of the domain's, see `DATING_TEMPLATES` and `HIRING_TEMPLATES`.
        level: "plain": attributes in the schema's own words; "disjoint": in words the other domain does not use.
        rng_seed: decides between wordings, orders and sentences.

    Returns: the text, 70 to 120 words on average by template and level, "brief" 40 to 50; always the same for the
        same arguments.
    Raises: MatryoError if domain, template or level is unknown, naming the nearest.
    """
    if domain not in TEMPLATES:
        raise MatryoError(f"no domain is called {domain!r}; choose from {', '.join(TEMPLATES)}")
    if level not in WORDS:
        raise MatryoError(f"no level of wording is called {level!r}; choose from {', '.join(WORDS)}")
    templates = TEMPLATES[domain]
    if template not in templates:
        near = difflib.get_close_matches(template, templates, n=1, cutoff=0)[0]
        raise MatryoError(
            f"no {domain} template is called {template!r}, nearest is {near!r}; choose from {', '.join(templates)}"
        )
    choices = Choices(f"{rng_seed}|{person.id}|{domain}|{template}|{level}")
    return Telling(person, templates[template], WORDS[level][domain], choices).text()
