from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from matryo.reports.drawing import spread


@given(st.lists(st.floats(0, 300), max_size=12))
def test_names_are_spread_without_overlap_and_in_order(places: list[float]) -> None:
    gap, height = 11.5, 300.0
    wanted = sorted(places)
    moved = spread(wanted, gap, height)
    assert len(moved) == len(wanted)
    assert all(b - a >= gap - 1e-6 for a, b in pairwise(moved))
    assert all(-1e-6 <= place <= height + 1e-6 for place in moved)
    if all(b - a >= gap for a, b in pairwise(wanted)):
        assert moved == wanted
