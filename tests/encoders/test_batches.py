import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from matryo.encoders.batches import longest_first, token_groups


@given(st.lists(st.integers(0, 300), max_size=60), st.integers(1, 1000))
def test_every_text_is_in_one_group_that_keeps_the_budget(lengths: list[int], budget: int) -> None:
    groups = list(token_groups(np.array(lengths, dtype=np.int64), budget))
    assert sorted(np.concatenate(groups).tolist() if groups else []) == list(range(len(lengths)))
    for group in groups:
        longest = max(lengths[place] for place in group)
        assert len(group) == 1 or len(group) * longest <= budget
    tops = [max(lengths[place] for place in group) for group in groups]
    assert tops == sorted(tops, reverse=True)


@given(st.lists(st.text(max_size=9), max_size=40))
def test_longest_first_is_a_stable_order(texts: list[str]) -> None:
    order = longest_first(texts).tolist()
    assert order == sorted(range(len(texts)), key=lambda place: (-len(texts[place]), place))
