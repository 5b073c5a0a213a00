"""Numbers of passages."""

from hypothesis import given
from hypothesis import strategies as st

from matryo.data.msmarco_pids import Pids


def pids_of(numbers: list[int]) -> Pids:
    pids = Pids()
    for position, number in enumerate(numbers):
        pids.add(number, 10 + position)
    return pids


def test_worked_by_hand() -> None:
    pids = pids_of([5, 3, 5, 9, 3, 5])
    assert len(pids) == 6
    assert pids.repeats() == [(2, 5, 12, 10), (4, 3, 14, 11), (5, 5, 15, 10)]
    assert pids.unknown([9, 4, 10**17, 3, 4]) == [4, 10**17, 4]
    assert pids_of([1, 2, 7]).repeats() == []
    pids.add(4, 99)
    assert pids.unknown([4]) == []


@given(st.lists(st.integers(0, 30), min_size=1), st.lists(st.integers(0, 40)))
def test_like_a_slow_loop(numbers: list[int], asked: list[int]) -> None:
    pids = pids_of(numbers)
    again = [i for i, n in enumerate(numbers) if n in numbers[:i]]
    assert [position for position, *_ in pids.repeats()] == again
    assert pids.unknown(asked) == [n for n in asked if n not in numbers]
