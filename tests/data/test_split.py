"""A group never lands in two parts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matryo.data.pairs import Pair, Pairs
from matryo.data.split import split_groups, split_pairs
from matryo.errors import MatryoError

SHARES = {"train": 0.7, "dev": 0.1, "test": 0.2}


@given(st.lists(st.integers(0, 30).map(str), min_size=3, max_size=200), st.integers(0, 2**32))
def test_every_member_once_and_no_group_torn(groups: list[str], seed: int) -> None:
    if len(set(groups)) < len(SHARES):
        with pytest.raises(MatryoError, match="needs as many groups"):
            split_groups(groups, SHARES, seed)
        return
    parts = split_groups(groups, SHARES, seed)
    assert list(parts) == list(SHARES)
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(len(groups)))
    owned = [{groups[i] for i in part} for part in parts.values()]
    assert all(owned)
    assert sum(map(len, owned)) == len(set(groups))
    assert all((np.diff(part) > 0).all() and part.dtype == np.int64 for part in parts.values())


@given(st.permutations(["a"] * 5 + ["b"] * 3 + ["c"] * 2 + ["d"]), st.integers(0, 100))
def test_row_order_does_not_matter(groups: list[str], seed: int) -> None:
    shares = {"x": 0.5, "y": 0.5}
    here = {p: {groups[i] for i in rows} for p, rows in split_groups(groups, shares, seed).items()}
    there = {p: {sorted(groups)[i] for i in rows} for p, rows in split_groups(sorted(groups), shares, seed).items()}
    assert here == there


def test_shares_are_met_with_many_groups(rng: np.random.Generator) -> None:
    sizes = rng.integers(1, 40, 300)
    groups = np.repeat(np.arange(300), sizes).astype(str).tolist()
    for seed in range(5):
        for part, rows in split_groups(groups, SHARES, seed).items():
            assert abs(len(rows) / len(groups) - SHARES[part]) < 0.01


def test_a_large_group_goes_where_it_fits_and_seeds_differ() -> None:
    groups = ["big"] * 60 + [str(i) for i in range(40)]
    tests = []
    for seed in range(4):
        parts = split_groups(groups, SHARES, seed)
        assert set(range(60)) <= set(parts["train"].tolist())
        assert [len(p) for p in parts.values()] == [70, 10, 20]
        tests.append(tuple(parts["test"]))
    assert len(set(tests)) == 4
    again = split_groups(groups, SHARES, 3)
    assert tuple(again["test"]) == tests[3]


def test_no_part_stays_empty() -> None:
    parts = split_groups(["a"] * 50 + ["b"] * 50, {"train": 0.8, "test": 0.2}, seed=0)
    assert sorted(len(p) for p in parts.values()) == [50, 50]


@pytest.mark.parametrize("shares", [{}, {"a": 0.5}, {"a": 1.5, "b": -0.5}, {"a": float("nan"), "b": 0.5}])
def test_bad_shares(shares: dict[str, float]) -> None:
    with pytest.raises(MatryoError, match="sum to 1"):
        split_groups(["x", "y"], shares, 0)


def test_pairs_are_split_by_their_group() -> None:
    pairs = Pairs("p", tuple(Pair(str(i), f"q{i}", f"d{i}", f"g{i // 3}") for i in range(30)), ("a note",))
    parts = split_pairs(pairs, {"train": 0.8, "test": 0.2}, seed=1)
    assert [len(p) for p in parts.values()] == [24, 6]
    assert not set(parts["train"].groups) & set(parts["test"].groups)
    assert parts["test"].name == "p test"
    assert parts["test"].notes == ("a note",)
