"""Pairs that are encoded once: parts that share no group, judgements that follow the pairs."""

from pathlib import Path

import numpy as np
import pytest

from matryo.data import Pair, Pairs
from matryo.encoders import load_encoder
from matryo.errors import MatryoError
from matryo.experiments.paired import SHARES, encode_pairs


def pairs_of(n: int, n_groups: int) -> Pairs:
    made = [Pair(str(i), f"question number {i}", f"answer number {i // 2}", f"g{i % n_groups}") for i in range(n)]
    return Pairs("made", tuple(made))


def test_parts_share_no_group_and_equal_documents_are_one(tmp_path: Path) -> None:
    encoder = load_encoder("wordllama")
    data, notes = encode_pairs(pairs_of(40, 10), encoder, tmp_path, seed=0)
    assert len(data.documents) == 20 and len(data.queries) == 40
    assert any("20 documents equal an earlier one" in note for note in notes)
    groups = [{data.groups[i] for i in chosen} for chosen in data.parts.values()]
    assert set(data.parts) == set(SHARES) and not set.intersection(groups[0], groups[1]) | (groups[1] & groups[2])
    train = data.vectors("train")
    assert (train.documents == data.documents[data.document_of[data.parts["train"]]]).all()
    assert train.groups is not None and len(set(train.groups.tolist())) < len(train.groups)


def test_judgements_point_at_the_pairs_own_document(tmp_path: Path) -> None:
    data, _ = encode_pairs(pairs_of(40, 10), load_encoder("wordllama"), tmp_path, seed=0)
    judged = data.judged
    assert judged.counted_ids == data.test_queries.ids
    assert np.array_equal(judged.n_relevant, np.ones(len(data.asked)))
    texts = [text.text for text in data.task.documents]
    for place, row in zip(data.asked, data.document_of[data.asked], strict=True):
        assert texts[row] == data.pairs.pairs[place].document


def test_fewer_groups_than_parts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MatryoError, match="needs as many groups, got 2"):
        encode_pairs(pairs_of(40, 2), load_encoder("wordllama"), tmp_path, seed=0)
