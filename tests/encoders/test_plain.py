from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Router, StaticEmbedding
from tokenizers import Tokenizer

from matryo.encoders import ModelEncoder, load_encoder, save_model
from matryo.encoders.loading import load_folder
from matryo.errors import MatryoError

TEXTS = ["the cat", "", "the dog runs to the cat", "x"] * 20


@pytest.fixture
def routed(tiny_model_folder: Path) -> SentenceTransformer:
    """Queries go through a token table, documents through a transformer."""
    document = load_folder(tiny_model_folder)
    # a copy: the transformer sets padding on its own
    tokenizer = Tokenizer.from_str(document.tokenizer.backend_tokenizer.to_str())
    tokenizer.no_truncation()
    table = np.random.default_rng(5).normal(size=(tokenizer.get_vocab_size(), 32)).astype(np.float32)
    router = Router.for_query_document(
        query_modules=[StaticEmbedding(tokenizer, embedding_weights=table), Normalize()],
        document_modules=list(document),
    )
    return SentenceTransformer(modules=[router], device="cpu")


def test_a_router_sends_each_role_its_own_way(routed: SentenceTransformer) -> None:
    encoder = ModelEncoder(routed, name="routed")
    queries, documents = encoder.encode(TEXTS, "query"), encoder.encode(TEXTS, "document")
    assert np.allclose(queries, routed.encode_query(TEXTS), atol=1e-5)
    assert np.allclose(documents, routed.encode_document(TEXTS), atol=1e-5)
    assert not np.allclose(queries, documents, atol=0.1)
    assert encoder.description["counts_truncated"] is False and encoder.description["precision"] == "fp32"


def test_only_transformers_compute_in_bf16(routed: SentenceTransformer) -> None:
    with pytest.raises(MatryoError, match=r"Router.*fp32"):
        ModelEncoder(routed, name="routed", precision="bf16")


def test_a_router_is_saved_whole(routed: SentenceTransformer, tmp_path: Path) -> None:
    encoder = ModelEncoder(routed, name="routed")
    again = load_encoder(save_model(encoder, tmp_path / "model"))
    assert again.space == encoder.space
    assert np.allclose(again.encode(TEXTS, "query"), encoder.encode(TEXTS, "query"), atol=1e-6)
