"""Parts have the numbers asked for, and templates say nothing about each other or about the part they are not for."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from matryo.data.people.generate import person_id
from matryo.data.people.parts import (
    N_BASE,
    N_STUDY,
    PARTS,
    SHARES,
    STUDY,
    check_counts,
    counts_of,
    draw_templates,
    part_numbers,
    templates_of,
)
from matryo.data.people.schema import DATING_TEMPLATES, HIRING_TEMPLATES
from matryo.errors import MatryoError


def p_of_independence(pairs: list[tuple[str, str]]) -> float:
    """Chi-square test of two columns of names."""
    rows, columns = (sorted({pair[i] for pair in pairs}) for i in (0, 1))
    table = np.zeros((len(rows), len(columns)))
    for a, b in pairs:
        table[rows.index(a), columns.index(b)] += 1
    return float(stats.chi2_contingency(table).pvalue)


def drawn(part: str, held_out: bool, seed: int = 0) -> list[tuple[str, str]]:
    templates = [draw_templates(seed, person_id(i), part, held_out=held_out) for i in range(6000)]
    return [(t["dating"], t["hiring"]) for t in templates]


@pytest.mark.parametrize(("part", "held_out"), [("train", True), ("test", True), ("train", False)])
def test_templates_of_the_two_domains_do_not_correlate(part: str, held_out: bool) -> None:
    pairs = drawn(part, held_out)
    assert p_of_independence(pairs) > 1e-3
    for place in (0, 1):
        assert stats.chisquare(list(Counter(pair[place] for pair in pairs).values())).pvalue > 1e-3


def test_templates_do_not_follow_the_number_of_a_person() -> None:
    numbered = [(str(i % 8), dating) for i, (dating, _) in enumerate(drawn("train", False))]
    assert p_of_independence(numbered) > 1e-3


def test_the_check_sees_a_fixed_offset() -> None:
    # the leak that this guards against: one template says which the other is
    offset = [(DATING_TEMPLATES[i % 8], HIRING_TEMPLATES[(i + 3) % 8]) for i in range(6000)]
    assert p_of_independence(offset) < 1e-9


def test_held_out_templates_occur_in_the_test_part_only() -> None:
    for domain, all_templates in (("dating", DATING_TEMPLATES), ("hiring", HIRING_TEMPLATES)):
        train, validation, test = (set(templates_of(domain, part, held_out=True)) for part in PARTS)
        assert train == validation and len(train) == 6
        assert test == set(all_templates[-2:])
        assert not train & test
        assert all(set(templates_of(domain, part, held_out=False)) == set(all_templates) for part in PARTS)


def test_the_study_and_the_base() -> None:
    assert counts_of(N_STUDY, SHARES) == STUDY == {"train": 3400, "validation": 600, "test": 2000}
    assert counts_of(N_BASE, SHARES) == {"train": 567, "validation": 100, "test": 333}


@given(st.integers(40, 5000), st.integers(10, 80), st.integers(10, 80))
def test_counts_sum_to_n_and_are_off_by_less_than_one(n: int, a: int, b: int) -> None:
    total = a + b + 40
    shares = {"train": a / total, "validation": 40 / total, "test": b / total}
    counts = counts_of(n, shares)
    assert sum(counts.values()) == n
    assert all(abs(counts[part] - n * shares[part]) < 1 + 1e-6 for part in PARTS)


def test_everybody_is_in_one_part_that_the_seed_decides() -> None:
    numbers = part_numbers(STUDY, seed=0)
    assert {PARTS[i]: n for i, n in enumerate(np.bincount(numbers))} == STUDY
    np.testing.assert_array_equal(numbers, part_numbers(STUDY, seed=0))
    assert (numbers != part_numbers(STUDY, seed=1)).any()
    # parts are spread over the numbers
    assert abs((numbers[:3000] == 0).sum() - 1700) < 120


@pytest.mark.parametrize(
    ("counts", "n", "words"),
    [
        ({"train": 10, "validation": 1, "test": 5}, 16, "part validation would have 1 of 16 people, at least 3"),
        ({"train": 10, "validation": 5, "test": 0}, 15, "part test would have 0"),
        ({"train": 10, "validation": 5, "test": 5}, 21, r"sum to n=21.*\(sum 20\)"),
        ({"train": 10, "test": 5}, 15, "train, validation, test, got train, test"),
    ],
)
def test_impossible_counts_are_refused(counts: dict[str, int], n: int, words: str) -> None:
    with pytest.raises(MatryoError, match=words):
        check_counts(counts, n)


def test_too_few_people_are_refused() -> None:
    with pytest.raises(MatryoError, match="part validation would have 1 of 10 people"):
        counts_of(10, SHARES)


@pytest.mark.parametrize("last", [0.3, 0.0, -0.1])
def test_impossible_shares_are_refused(last: float) -> None:
    with pytest.raises(MatryoError, match="above 0 and sum to 1"):
        counts_of(100, {"train": 0.9 - last, "validation": 0.2, "test": last})
