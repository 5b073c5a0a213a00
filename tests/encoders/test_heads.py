"""Heads are one layer near the identity, in front of the closing normalisation."""

from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize

from matryo.encoders.heads import write_heads
from matryo.errors import ShapeError

TEXTS = ["the cat runs", "a dog", "query"]


def test_a_model_with_heads_is_almost_the_model(tiny_model_folder: Path, tmp_path: Path) -> None:
    folder = write_heads(tiny_model_folder, tmp_path / "heads", prefix_dim=8, seed=0)
    model = SentenceTransformer(str(folder), device="cpu")
    assert [type(module) for module in list(model)[-2:]] == [Dense, Normalize]
    before = SentenceTransformer(str(tiny_model_folder), device="cpu").encode(TEXTS)
    after = model.encode(TEXTS)
    cosines = (before * after).sum(axis=1)
    assert (cosines > 0.999).all() and not np.array_equal(before, after)
    again = write_heads(tiny_model_folder, tmp_path / "again", prefix_dim=8, seed=0)
    np.testing.assert_array_equal(SentenceTransformer(str(again), device="cpu").encode(TEXTS), after)
    other = write_heads(tiny_model_folder, tmp_path / "other", prefix_dim=8, seed=1)
    assert not np.array_equal(SentenceTransformer(str(other), device="cpu").encode(TEXTS), after)


@pytest.mark.parametrize("prefix_dim", [0, 32, 40])
def test_both_heads_need_numbers(tiny_model_folder: Path, tmp_path: Path, prefix_dim: int) -> None:
    with pytest.raises(
        ShapeError, match=f"prefix_dim {prefix_dim} of a model 32 numbers wide; choose one within 1..31"
    ):
        write_heads(tiny_model_folder, tmp_path / "heads", prefix_dim=prefix_dim, seed=0)
