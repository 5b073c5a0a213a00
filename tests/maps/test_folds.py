"""Folds hold whole groups, all of about one size, and a seed decides them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matryo.errors import MatryoError, ShapeError
from matryo.maps import fold_numbers, held_out_rows


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=12, max_size=60), st.integers(0, 5))
def test_groups_stay_whole(groups: list[int], seed: int) -> None:
    n_groups = len(set(groups))
    if n_groups < 2:
        return
    folds = fold_numbers(len(groups), 2, groups=groups, seed=seed)
    held = held_out_rows(len(groups), 0.3, groups=groups, seed=seed)
    for group in set(groups):
        members = np.array(groups) == group
        assert len(set(folds[members])) == 1 and len(set(held[members])) == 1
    per_fold = [len({g for g, f in zip(groups, folds, strict=True) if f == fold}) for fold in (0, 1)]
    assert abs(per_fold[0] - per_fold[1]) <= 1
    assert 0 < held.sum() < len(groups)


def test_a_share_of_the_rows_is_held_out() -> None:
    assert held_out_rows(1000, 0.1).sum() == 100
    assert (held_out_rows(50, 0.2, seed=1) != held_out_rows(50, 0.2, seed=2)).any()
    assert (held_out_rows(50, 0.2, seed=1) == held_out_rows(50, 0.2, seed=1)).all()


def test_too_few_groups_and_misaligned_ones_are_refused() -> None:
    with pytest.raises(MatryoError, match="make 2 to 3 folds, got 5"):
        fold_numbers(6, 5, groups=["a", "a", "b", "b", "c", "c"])
    with pytest.raises(ShapeError, match="got 2 for 3 rows"):
        fold_numbers(3, 2, groups=["a", "b"])
    for share in (0.0, 1.0):
        with pytest.raises(MatryoError, match="can be held out"):
            held_out_rows(10, share)
