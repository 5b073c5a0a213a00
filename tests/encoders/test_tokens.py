from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from matryo.encoders import MappedEncoder, load_encoder
from matryo.encoders.cutting import cut_encoder
from matryo.encoders.tokens import Tokens, check_split
from matryo.errors import MatryoError


def words() -> Tokens:
    """Tokens are words; accents are taken apart, so that places move."""
    tokenizer = Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.enable_truncation(3)
    return Tokens(tokenizer)


def test_counts_go_beyond_what_the_model_reads(tiny_model_folder: Path) -> None:
    encoder = load_encoder(tiny_model_folder)
    for whole in (encoder, cut_encoder(encoder, 8)):
        tokens = Tokens.of(whole)
        assert tokens is not None
        np.testing.assert_array_equal(tokens.count(["the cat", "", "the cat runs " * 20]), [2, 0, 60])
    assert isinstance(whole, MappedEncoder)
    assert encoder.model.tokenizer.backend_tokenizer.truncation is not None or encoder.model.max_seq_length == 24


def test_pieces_by_hand() -> None:
    text = "  one two, three four five "
    cut = [text[start:stop] for start, stop in words().spans(text, 3, 1)]
    assert cut == ["  one two, ", ", three four ", "four five "]
    assert [text[a:b] for a, b in words().spans(text, 9)] == [text] and words().spans("", 4) == [(0, 0)]


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8")), st.integers(1, 6), st.data())
def test_pieces_cover_the_text_and_hold_so_many_tokens(text: str, size: int, data: st.DataObject) -> None:
    overlap, tokens = data.draw(st.integers(0, size - 1)), words()
    spans = tokens.spans(text, size, overlap)
    assert spans[0][0] == 0 and spans[-1][1] == len(text)
    for (start, stop), (following, end) in pairwise(spans):
        assert start <= following <= stop <= end
    if overlap == 0:
        assert "".join(text[start:stop] for start, stop in spans) == text
    n = int(tokens.count([text])[0])
    assert len(spans) <= max(1, -(-max(n - overlap, 1) // (size - overlap)))


@pytest.mark.parametrize(("size", "overlap"), [(0, 0), (4, 4), (4, -1)])
def test_pieces_that_cannot_be_cut(size: int, overlap: int) -> None:
    with pytest.raises(MatryoError, match=f"got {size} and {overlap}; try --split-tokens 256"):
        check_split(size, overlap)
