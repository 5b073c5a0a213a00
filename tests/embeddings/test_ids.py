from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matryo.embeddings.ids import check_ids
from matryo.errors import MatryoError


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=2)))
def test_only_repetitions_are_refused(ids: list[str]) -> None:
    if max(Counter(ids).values(), default=0) < 2:
        assert check_ids(lambda: ids) == len(ids)
    else:
        with pytest.raises(MatryoError, match="ids must be unique"):
            check_ids(lambda: ids)


def test_both_rows_are_named() -> None:
    with pytest.raises(MatryoError, match="rows 1 and 3 both have 'b'"):
        check_ids(lambda: iter(["a", "b", "c", "b"]))


def test_equal_hashes_are_not_taken_for_equal_ids() -> None:
    class Colliding(str):
        __slots__ = ()

        def __hash__(self) -> int:
            return 7

    assert check_ids(lambda: [Colliding("a"), Colliding("b")]) == 2


@pytest.mark.parametrize("bad", ["", None, 3])
def test_an_id_is_a_string_of_at_least_one_letter(bad: object) -> None:
    with pytest.raises(MatryoError, match="row 1 has"):
        check_ids(lambda: ["a", bad])  # type: ignore[list-item]  # bad input is what this test is about


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(MatryoError, match="UTF-8, row 0"):
        check_ids(lambda: ["\ud800"])
