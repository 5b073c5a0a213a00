"""A person and both texts survive being a line of JSON."""

import json

import pytest

from matryo.data.people.records import LABELS, age_band, check_record, labels_of, person_of, record_of
from matryo.data.people.render import render
from matryo.data.people.schema import Person
from matryo.data.problems import BadLine


@pytest.fixture
def record(somebody: Person) -> dict[str, object]:
    made = record_of(somebody, "train", {"dating": "casual", "hiring": "linkedin"}, "plain", 3)
    return json.loads(json.dumps(made))


def test_there_and_back(somebody: Person, record: dict[str, object]) -> None:
    check_record(record)
    assert person_of(record) == somebody
    assert (record["part"], record["dating_template"], record["hiring_template"]) == ("train", "casual", "linkedin")
    assert record["dating_text"] == render(somebody, "dating", "casual", "plain", rng_seed=3)
    assert record["hiring_text"] == render(somebody, "hiring", "linkedin", "plain", rng_seed=3)


def test_labels_are_texts_of_both_domains(record: dict[str, object]) -> None:
    dating, hiring = labels_of(record, "dating"), labels_of(record, "hiring")
    assert tuple(dating) == tuple(hiring) == LABELS
    assert (dating["template"], hiring["template"], dating["age_band"]) == ("casual", "linkedin", "40s")
    assert {name for name in LABELS if dating[name] != hiring[name]} == {"template"}
    assert all(isinstance(value, str) for value in dating.values())


@pytest.mark.parametrize(("age", "band"), [(22, "20s"), (29, "20s"), (30, "30s"), (65, "60s")])
def test_age_bands(age: int, band: str) -> None:
    assert age_band(age) == band


def test_a_line_that_is_no_person_is_named(record: dict[str, object]) -> None:
    del record["mbti"]
    with pytest.raises(BadLine, match=r"missing: \['mbti'\], unknown: \['shoe'\]"):
        check_record({**record, "shoe": 43})


def test_a_twin_says_whose_it_is(somebody: Person) -> None:
    made = record_of(somebody, "train", {"dating": "casual", "hiring": "linkedin"}, "plain", 3, of="p000007")
    assert made["of"] == "p000007"
    check_record(made, twin=True)
    with pytest.raises(BadLine, match=r"unknown: \['of'\]"):
        check_record(made)
