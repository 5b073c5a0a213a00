"""Ids by their digests."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from matryo.data.ids import Ids

A, B = Path("a"), Path("b")


@given(st.lists(st.integers(0, 20).map(str)), st.lists(st.integers(-5, 25).map(str)))
def test_like_a_dictionary(seen: list[str], asked: list[str]) -> None:
    ids = Ids()
    first: dict[str, int] = {}
    repeats = []
    for line, id in enumerate(seen, start=1):
        ids.add(id, A, line)
        if id in first:
            repeats.append(((A, first[id]), (A, line)))
        first.setdefault(id, line)
    assert list(ids.repeats()) == repeats
    assert ids.unknown(asked) == [i for i in asked if i not in first]
    assert len(ids) == len(seen)


def test_places_in_several_files() -> None:
    ids = Ids()
    for id, path, line in [("x", A, 1), ("y", A, 4), ("z", B, 1), ("y", B, 2)]:
        ids.add(id, path, line)
    assert list(ids.repeats()) == [((A, 4), (B, 2))]
    assert ids.unknown(["z", "new"]) == ["new"]
    ids.add("new", B, 3)
    assert ids.unknown(["z", "new"]) == []
