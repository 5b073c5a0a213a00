"""What is mined keeps its rules: semi-hard triplets, nobody against themselves, everybody in turn."""

from collections import Counter
from itertools import combinations
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from matryo.data.people.mining import draw_others, mine
from matryo.data.people.population import Population
from matryo.data.people.schema import Person
from matryo.errors import MatryoError


@pytest.fixture(scope="module")
def population(crowd: tuple[Person, ...]) -> Population:
    return Population.of(crowd[:700])


def test_shapes_and_ranges(population: Population) -> None:
    mined = mine(population, n_triplets=1000, n_cross=900, seed=3)
    assert [t.shape for t in mined.triplets] == [(1000, 3), (1000, 3)]
    assert mined.cross.shape == (900, 17)
    for rows in (*mined.triplets, mined.cross):
        assert rows.dtype == np.int64
        assert rows.min() >= 0 and rows.max() < len(population)
    assert mine(population, seed=3).cross.shape == (700, 17)


def test_the_seed_decides(population: Population) -> None:
    def flat(seed: int) -> list[int]:
        mined = mine(population, n_triplets=100, seed=seed)
        return np.concatenate([rows.ravel() for rows in (*mined.triplets, mined.cross)]).tolist()

    assert flat(1) == flat(1) != flat(2)
    mined = mine(population, n_triplets=100, seed=1)
    assert not np.array_equal(mined.triplets[0], mined.triplets[1])


def test_everybody_comes_once_before_anybody_comes_twice(population: Population) -> None:
    mined = mine(population, n_triplets=1500, n_cross=800, seed=0)
    for rows in mined.triplets:
        assert sorted(rows[:700, 0]) == sorted(rows[700:1400, 0]) == list(range(700))
        assert set(Counter(rows[:, 0].tolist()).values()) == {2, 3}
    assert sorted(mined.cross[:700, 0]) == list(range(700))


def test_pairs_across_are_the_same_person_and_others(population: Population) -> None:
    cross = mine(population, seed=0).cross
    np.testing.assert_array_equal(cross[:, 0], cross[:, 1])
    for row in cross.tolist():
        assert len(set(row[1:])) == 16


def test_the_positive_fits_better_than_the_negative(population: Population) -> None:
    mined = mine(population, n_triplets=700, seed=0)
    kinds: tuple[Any, ...] = ("dating", "hiring")
    for kind, rows in zip(kinds, mined.triplets, strict=True):
        anchor, positive, negative = rows.T
        assert all(len({*row}) == 3 for row in rows.tolist())
        high, low = population.pair_scores(kind, anchor, positive), population.pair_scores(kind, anchor, negative)
        assert (high >= low).all() and (high > low).mean() > 0.99
        # against all others: the best of 20 candidates is high up, the lower half below the middle in the mean
        everyone = np.arange(len(population))
        ranks = [(population.scores(kind, a, everyone) > s).mean() for a, s in zip(anchor[:100], high, strict=False)]
        assert np.mean(ranks) < 0.1
        ranks = [(population.scores(kind, a, everyone) > s).mean() for a, s in zip(anchor[:100], low, strict=False)]
        assert 0.65 < np.mean(ranks) < 0.85


def test_triplets_follow_the_rule_exactly(population: Population) -> None:
    # all others are candidates: then the positive is the best of everybody
    few = population.take(np.arange(15))
    for kind, rows in zip(("dating", "hiring"), mine(few, n_triplets=60, seed=1).triplets, strict=True):
        for anchor, positive, negative in rows.tolist():
            others = np.array([i for i in range(15) if i != anchor])
            scores = few.scores(kind, anchor, others)  # type: ignore[arg-type]  # one of the two
            assert positive == others[scores.argmax()]
            assert negative in others[np.argsort(scores)[:7]]


def test_others_are_different_and_every_choice_as_likely(rng: np.random.Generator) -> None:
    drawn = draw_others(np.full(20_000, 2), 6, 3, rng)
    counts = Counter(frozenset(row) for row in drawn.tolist())
    assert set(counts) == set(map(frozenset, combinations((0, 1, 3, 4, 5), 3)))
    assert max(counts.values()) - min(counts.values()) < 6 * (20_000 / 10) ** 0.5
    assert sorted(draw_others(np.array([0]), 4, 3, rng)[0]) == [1, 2, 3]


def test_the_smallest_part(population: Population) -> None:
    mined = mine(population.take(np.arange(3)), n_triplets=6, seed=0)
    assert all(sorted(row) == [0, 1, 2] for rows in mined.triplets for row in rows.tolist())
    assert all(sorted(row[1:]) == [0, 1, 2] for row in mined.cross.tolist())


@pytest.mark.parametrize("n", [1, 2])
def test_a_part_too_small_is_refused(population: Population, n: int) -> None:
    with pytest.raises(MatryoError, match=f"at least 3 people in a part, got {n}"):
        mine(population.take(np.arange(n)), seed=0)


@pytest.mark.parametrize(
    "wrong", [{"n_triplets": 0}, {"n_cross": 0}, {"n_negatives": 0}, {"n_candidates": 1}, {"seed": -1}]
)
def test_numbers_too_small_are_refused(population: Population, wrong: dict[str, int]) -> None:
    with pytest.raises(MatryoError, match="at least 1 triplet"):
        mine(population, **{"seed": 0, **wrong})


def test_it_is_fast(population: Population) -> None:
    started = perf_counter()
    mine(population, seed=0)
    # both domains, 5,000 triplets of 20 candidates each; measured .15 s
    assert perf_counter() - started < 2
