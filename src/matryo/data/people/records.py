"""A made-up person as one JSON object with its texts, and back."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from matryo.data.people.render import render
from matryo.data.people.schema import DOMAINS, Domain, Level, Person
from matryo.data.problems import BadLine

OF = "of"
"""Field of a twin: id of the person it is like."""
LABELS = ("template", "age_band", "city", "career", "industry", "seniority", "mbti", "religion", "politics",
          "communication", "attachment")  # fmt: skip
"""What is told of each text beside it, in both domains."""

_ATTRIBUTES = tuple(f.name for f in fields(Person))
_LISTS = tuple(f.name for f in fields(Person) if str(f.type).startswith("tuple"))
_FIELDS = (
    "part",
    *_ATTRIBUTES,
    *(f"{domain}_template" for domain in DOMAINS),
    *(f"{domain}_text" for domain in DOMAINS),
)


def record_of(
    person: Person, part: str, templates: Mapping[Domain, str], level: Level, seed: int, of: str | None = None
) -> dict[str, Any]:
    """One line of `people.jsonl` or, with the id of whom it is like, of `twins.jsonl`.

    Args:
        person: who is told.
        part: of the split.
        templates: of each domain.
        level: of wording.
        seed: decides wordings.
        of: id of the person that this one is a twin of.

    Returns: part, every attribute, templates and texts.
    """
    record: dict[str, Any] = {"part": part} if of is None else {"part": part, OF: of}
    record.update((name, getattr(person, name)) for name in _ATTRIBUTES)
    record.update((f"{domain}_template", template) for domain, template in templates.items())
    for domain, template in templates.items():
        record[f"{domain}_text"] = render(person, domain, template, level, rng_seed=seed)
    return record


def check_record(record: Mapping[str, Any], *, twin: bool = False) -> None:
    """Refuse a line that is no person.

    Raises: BadLine naming fields that are missing or unknown.
    """
    expected = {*_FIELDS, OF} if twin else {*_FIELDS}
    missing, unknown = sorted(expected - set(record)), sorted(set(record) - expected)
    if missing or unknown:
        raise BadLine(f"missing: {missing}, unknown: {unknown}")


def person_of(record: Mapping[str, Any]) -> Person:
    """The person of a line."""
    values: dict[str, Any] = {name: tuple(record[name]) if name in _LISTS else record[name] for name in _ATTRIBUTES}
    return Person(**values)


def labels_of(record: Mapping[str, Any], domain: str) -> dict[str, str]:
    """Labels of a line's text of one domain, name -> value, in the order of `LABELS`."""
    own = {"template": record[f"{domain}_template"], "age_band": age_band(record["age"])}
    return {name: own[name] if name in own else record[name] for name in LABELS}


def age_band(age: int) -> str:
    """Decade of life.

    >>> age_band(42)
    '40s'
    """
    return f"{age // 10 * 10}s"
