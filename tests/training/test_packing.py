"""Packs hold every text once, within the budget, and give the embeddings of whole columns."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from matryo.training.packing import n_texts, packs_of


def column(lengths: list[int], first: int = 1, **shared: object) -> dict[str, object]:
    width = max(lengths)
    mask = (torch.arange(width)[None] < torch.tensor(lengths)[:, None]).long()
    ids = mask * (torch.arange(len(lengths))[:, None] + first)
    return {"input_ids": ids, "attention_mask": mask, **shared}


@settings(max_examples=50, deadline=None)
@given(
    columns=st.lists(st.lists(st.integers(1, 12), min_size=1, max_size=6), min_size=1, max_size=3),
    budget=st.integers(1, 40),
)
def test_every_text_once_and_within_the_budget(columns: list[list[int]], budget: int) -> None:
    made = [column(lengths, first=1 + 100 * i) for i, lengths in enumerate(columns)]
    packs = packs_of(made, budget, pad_id=0)
    places = torch.cat([pack.places for pack in packs])
    assert sorted(places.tolist()) == list(range(sum(map(len, columns))))
    flat = [(length, 1 + 100 * i + row) for i, lengths in enumerate(columns) for row, length in enumerate(lengths)]
    for pack in packs:
        ids, mask = pack.features["input_ids"], pack.features["attention_mask"]
        assert len(ids) == 1 or ids.numel() <= budget
        for place, row, row_mask in zip(pack.places.tolist(), ids, mask, strict=True):
            length, token = flat[place]
            assert row.tolist() == [token] * length + [0] * (ids.shape[1] - length)
            assert int(row_mask.sum()) == length
        assert int(mask.sum(1).max()) == ids.shape[1]


def test_shorter_texts_are_filled_with_the_models_own_token() -> None:
    (pack,) = packs_of([column([3]), column([1], first=7)], 100, pad_id=9)
    assert pack.features["input_ids"].tolist() == [[1, 1, 1], [7, 9, 9]]


def test_columns_with_other_settings_do_not_share_a_pack() -> None:
    packs = packs_of([column([2, 2], task="query"), column([2, 2], task="document")], 100, pad_id=0)
    assert [(pack.features["task"], pack.places.tolist()) for pack in packs] == [
        ("query", [0, 1]),
        ("document", [2, 3]),
    ]


@pytest.mark.parametrize("budget", [0, 8])
def test_what_is_not_padded_right_stays_whole(budget: int) -> None:
    left = column([1, 3])
    left["attention_mask"] = torch.tensor([[0, 0, 1], [1, 1, 1]])
    static = {"input_ids": torch.arange(5), "offsets": torch.tensor([0, 2])}
    packs = packs_of([left, static] if budget else [column([1, 3]), static], budget, pad_id=0)
    assert [pack.places.tolist() for pack in packs] == [[0, 1], [2, 3]]
    assert n_texts(static) == 2
