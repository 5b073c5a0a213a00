"""Texts of one step, sorted by length and packed into forward passes of about equal cost.

A column padded to its longest text spends most of its time on padding. Packs of texts of similar length, taken from all
columns, do not; the embeddings of a batch, and so its loss, stay the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from matryo.losses.cut import block

_MASK = "attention_mask"


@dataclass(frozen=True)
class Pack:
    """Texts that are embedded together.

    Attributes:
        features: what the model is given.
        places: (rows,) int64, where these texts stand among all texts of the step, column after column.
    """

    features: dict[str, Any]
    places: Tensor


def packs_of(columns: Sequence[Mapping[str, Any]], budget: int, pad_id: int) -> list[Pack]:
    """Pack the texts of a step.

    Args:
        columns: features of each column as the collator makes them.
        budget: padded tokens per pack at most, one text at least; 0 leaves every column whole.
        pad_id: token that fills up shorter texts.

    Returns: packs, longest texts first; together they hold every text once. Columns whose texts are no rows of tokens
        padded on the right, such as those of a static model, stay whole: there is nothing to gain.
    """
    sizes = [n_texts(column) for column in columns]
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    packs: list[Pack] = []
    alike: dict[str, list[int]] = {}
    for i, column in enumerate(columns):
        if budget and _is_padded_right(column):
            # what holds for a whole column, such as its task, must hold for a whole pack
            alike.setdefault(repr(sorted((k, v) for k, v in column.items() if k not in _by_row(column))), []).append(i)
        else:
            packs.append(Pack(dict(column), torch.arange(starts[i], starts[i] + sizes[i])))
    for members in alike.values():
        places = torch.cat([torch.arange(starts[i], starts[i] + sizes[i]) for i in members])
        packs += _packed([columns[i] for i in members], places, budget, pad_id)
    return packs


def n_texts(column: Mapping[str, Any]) -> int:
    """Number of texts in a column: offsets count them where tokens of all texts stand in one row."""
    key = "offsets" if "offsets" in column else _MASK if _MASK in column else "input_ids"
    return len(column[key]) if key in column else len(column["sentence_embedding"])


def _by_row(column: Mapping[str, Any]) -> list[str]:
    shape = column["input_ids"].shape
    return [key for key, value in column.items() if isinstance(value, Tensor) and value.shape == shape]


def _is_padded_right(column: Mapping[str, Any]) -> bool:
    mask = column.get(_MASK)
    if mask is None or "input_ids" not in column or mask.shape != column["input_ids"].shape or mask.ndim != 2:
        return False
    reach = torch.arange(mask.shape[1], device=mask.device)
    return bool((mask.bool() == (reach < mask.sum(1, keepdim=True))).all())


def _packed(columns: Sequence[Mapping[str, Any]], places: Tensor, budget: int, pad_id: int) -> list[Pack]:
    width = max(column["input_ids"].shape[1] for column in columns)
    keys = _by_row(columns[0])
    whole = {
        key: torch.cat([_widened(column[key], width, pad_id if key == "input_ids" else 0) for column in columns])
        for key in keys
    }
    shared = {key: value for key, value in columns[0].items() if key not in keys}
    lengths = whole[_MASK].sum(1).clamp(min=1)
    order = torch.argsort(lengths, descending=True, stable=True)
    sorted_lengths = lengths[order].tolist()
    places = places.to(order.device)
    packs, start = [], 0
    while start < len(order):
        longest = int(sorted_lengths[start])
        rows = order[start : start + max(1, budget // longest)]
        features = {key: block(values[rows], 0, longest) for key, values in whole.items()}
        packs.append(Pack({**shared, **features}, places[rows]))
        start += len(rows)
    return packs


def _widened(values: Tensor, width: int, fill: int) -> Tensor:
    return torch.nn.functional.pad(values, (0, width - values.shape[1]), value=fill)
