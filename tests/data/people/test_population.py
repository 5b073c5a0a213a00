"""Columns give what the functions for one pair give."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from matryo.data.people.compatibility import dating_compatibility, hiring_compatibility, identity_score
from matryo.data.people.population import Population
from matryo.data.people.schema import Person
from matryo.errors import MatryoError

SCORES = {"identity": identity_score, "dating": dating_compatibility, "hiring": hiring_compatibility}


@pytest.fixture(scope="module")
def population(crowd: tuple[Person, ...]) -> Population:
    return Population.of(crowd)


@pytest.mark.parametrize("kind", SCORES)
def test_pairs_score_as_the_function_does(
    crowd: tuple[Person, ...], population: Population, kind: Any, rng: np.random.Generator
) -> None:
    a, b = rng.integers(0, len(crowd), (2, 1500))
    expected = [SCORES[kind](crowd[i], crowd[j]) for i, j in zip(a.tolist(), b.tolist(), strict=True)]
    scores = population.pair_scores(kind, a, b)
    assert scores.dtype == np.float64
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", SCORES)
def test_one_against_many_is_pairs(population: Population, kind: Any) -> None:
    candidates = np.array([5, 9, 700, 5])
    scores = population.scores(kind, 3, candidates)
    np.testing.assert_array_equal(scores, population.pair_scores(kind, np.full(4, 3), candidates))
    assert scores[0] == scores[3]


def test_rare_cases_agree_too(somebody: Person) -> None:
    average = replace(somebody, big_five=(50,) * 5, relationship_style="open", dealbreakers=("long distance",))
    bare = replace(somebody, skills=(), city="Paris", relationship_style="polyamorous", dealbreakers=("wants kids",))
    people = (somebody, average, bare)
    population = Population.of(people)
    for kind, score in SCORES.items():
        for i, a in enumerate(people):
            expected = [score(a, b) for b in people]
            np.testing.assert_allclose(population.scores(kind, i, np.arange(3)), expected, atol=1e-12)


def test_identity_decides_most_of_both_scores(population: Population, rng: np.random.Generator) -> None:
    a, b = rng.integers(0, len(population), (2, 20_000))
    identity = population.pair_scores("identity", a, b)
    for kind in ("dating", "hiring"):
        assert np.corrcoef(identity, population.pair_scores(kind, a, b))[0, 1] > 0.75


def test_joined_and_taken_columns(crowd: tuple[Person, ...], population: Population) -> None:
    joined = Population.join([Population.of(crowd[:10]), Population.of(crowd[10:30])])
    rows = np.array([29, 3, 3, 11])
    taken = joined.take(rows)
    assert (len(joined), len(taken)) == (30, 4)
    np.testing.assert_array_equal(taken.scores("dating", 0, np.arange(4)), population.scores("dating", 29, rows))


def test_bad_input_is_named(somebody: Person, population: Population) -> None:
    with pytest.raises(MatryoError, match="at least one person"):
        Population.of([])
    with pytest.raises(MatryoError, match=r"'gardener'.*expected one of"):
        Population.of([replace(somebody, industry="gardener")])
    with pytest.raises(MatryoError, match="identity, dating, hiring, got 'friends'"):
        population.scores("friends", 0, np.arange(2))  # type: ignore[arg-type]  # what a user may pass
