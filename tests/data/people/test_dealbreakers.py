"""Each dealbreaker is broken by what its table says and by nothing else."""

from dataclasses import replace

import pytest

from matryo.data.people.dealbreakers import DIFFERING, TOLD_BY, UNTOLD, broken_by, n_broken
from matryo.data.people.schema import DEALBREAKERS, Person


def test_every_dealbreaker_is_told_by_differing_or_untold() -> None:
    assert sorted([*TOLD_BY, *DIFFERING, *UNTOLD]) == sorted(DEALBREAKERS)


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"ambition": "steady"}, {"no ambition", "wants kids"}),
        ({"ambition": "founder"}, {"workaholism", "wants kids"}),
        ({"kids": "wants none"}, {"wants no kids"}),
        ({"kids": "has and wants no more"}, {"wants no kids"}),
        ({"kids": "has and wants more"}, {"wants kids"}),
        ({"kids": "unsure"}, set()),
        ({"kids": "unsure", "lifestyle": ("nightlife", "active")}, {"heavy drinking"}),
    ],
)
def test_what_a_person_breaks_for_anybody(somebody: Person, changes: dict[str, object], broken: set[str]) -> None:
    assert broken_by(replace(somebody, **changes)) == broken


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("long distance", {"city": "Paris"}),
        ("different faith", {"religion": "hindu"}),
        ("different politics", {"politics": "progressive"}),
        ("wants no kids", {"kids": "wants none"}),
        ("no ambition", {"ambition": "steady"}),
    ],
)
def test_dealbreakers_count_where_the_other_breaks_them(somebody: Person, name: str, other: dict[str, object]) -> None:
    a, b = replace(somebody, dealbreakers=(name,)), replace(somebody, **other)
    assert n_broken(a, somebody) == 0
    assert n_broken(a, b) == 1
    assert n_broken(b, a) == 0


def test_several_add_up_and_untold_ones_never_count(somebody: Person) -> None:
    a = replace(somebody, dealbreakers=("long distance", "different faith", "smoking"))
    assert n_broken(a, replace(somebody, city="Paris", religion="hindu")) == 2
