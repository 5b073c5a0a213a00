"""Draws depend on their key alone, and are as likely as they say."""

from collections import Counter

import pytest

from matryo.data.people.draws import Draws


def test_a_key_decides_every_draw() -> None:
    def drawn(*key: str | int) -> list[object]:
        draws = Draws(*key)
        return [draws.uniform(), draws.whole(1, 9), draws.normal(0, 1), draws.pick("abcdef"), draws.some("abcdef", 3)]

    assert drawn(1, "x", 2) == drawn(1, "x", 2)
    assert drawn(1, "x", 2) != drawn(1, "x", 3) != drawn(2, "x", 3)


def test_the_stream_is_the_one_of_every_machine() -> None:
    # written down once: other numbers here mean other people for every seed
    assert [round(Draws(0, "person", 0).uniform(), 12), Draws(0, "person", 0).whole(1, 1000)] == [0.460283720367, 461]


@pytest.mark.parametrize(("low", "high"), [(3, 3), (0, 4)])
def test_whole_numbers_reach_both_ends(low: int, high: int) -> None:
    draws = Draws("whole")
    assert {draws.whole(low, high) for _ in range(300)} == set(range(low, high + 1))


def test_weights_are_likelihoods() -> None:
    draws = Draws("weights")
    counts = Counter(draws.weighted({"a": 3.0, "never": 0.0, "b": 1.0}) for _ in range(4000))
    assert set(counts) == {"a", "b"}
    assert abs(counts["a"] / 4000 - 0.75) < 0.03


def test_some_are_different_and_at_most_all() -> None:
    draws = Draws("some")
    taken = [draws.some("abcd", 3) for _ in range(400)]
    assert all(len(set(t)) == 3 for t in taken)
    assert len({frozenset(t) for t in taken}) == 4
    assert sorted(draws.some("abcd", 9)) == list("abcd")
    assert draws.some("abcd", 0) == ()


def test_normal_has_its_mean_and_deviation() -> None:
    draws = Draws("normal")
    values = [draws.normal(50, 18) for _ in range(4000)]
    mean = sum(values) / len(values)
    assert abs(mean - 50) < 1
    assert abs((sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5 - 18) < 0.7
