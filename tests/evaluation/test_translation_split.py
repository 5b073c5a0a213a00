"""Which ids are fitted on: decided by each id alone, so that fit and evaluate agree without a file between them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matryo.errors import FormatError, MatryoError
from matryo.evaluation.translation_split import IdSplit


@given(st.lists(st.text(min_size=1), unique=True, min_size=1, max_size=30), st.randoms())
def test_an_id_falls_on_one_side_whatever_stands_beside_it(ids, random) -> None:
    split = IdSplit(0.5)
    side = dict(zip(ids, split.fitted(ids).tolist(), strict=True))
    random.shuffle(ids)
    assert [side[name] for name in ids] == split.fitted(ids).tolist()
    assert [side[name] for name in ids[:3]] == split.fitted(ids[:3]).tolist()


def test_the_sides_of_these_ids_never_change() -> None:
    ids = ["json:dumps", "json:loads", "re:match", "Ångström", "1", "2", "3", "4"]
    assert IdSplit(0.5).fitted(ids).tolist() == [False, False, True, False, True, True, False, False]


@given(st.floats(0.01, 0.99), st.floats(0.01, 1.0))
def test_a_smaller_share_lies_within_a_larger_one(a: float, b: float) -> None:
    ids = [f"text {i}" for i in range(200)]
    small, large = (IdSplit(share).fitted(ids) for share in sorted((a, b)))
    assert not (small & ~large).any()


def test_the_share_is_kept_nearly() -> None:
    n = IdSplit().fitted([str(i) for i in range(20_000)]).sum()
    assert abs(n - 16_000) < 4 * np.sqrt(20_000 * 0.8 * 0.2)
    assert IdSplit(1.0).fitted([str(i) for i in range(500)]).all()


def test_a_group_is_never_torn_apart() -> None:
    split = IdSplit(0.5, group_end="#")
    ids = [f"page {i}#{part}" for i in range(50) for part in range(4)]
    sides = split.fitted(ids).reshape(50, 4)
    assert (sides == sides[:, :1]).all() and 0 < sides[:, 0].sum() < 50
    assert split.groups(ids[:5]) == ["page 0"] * 4 + ["page 1"]
    assert IdSplit().groups(ids) is None


def test_it_is_kept_with_the_map() -> None:
    split = IdSplit(0.7, "#")
    assert IdSplit.of_map({"split": split.to_json()}) == split
    assert IdSplit.of_map({"kind": "ridge"}) is None
    with pytest.raises(FormatError, match=r"split cannot be read.*fit the map anew"):
        IdSplit.of_map({"split": {"share": "much"}})


@pytest.mark.parametrize("share", [0.0, -1.0, 1.1])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(MatryoError, match="share must lie above 0"):
        IdSplit(share)
