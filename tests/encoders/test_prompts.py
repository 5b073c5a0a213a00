from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from matryo.encoders import load_encoder, save_model
from matryo.encoders.prompts import choose_prompts
from matryo.errors import MatryoError


def test_prompts_change_the_vectors_and_not_the_space(tiny_model_folder: Path) -> None:
    plain = load_encoder(tiny_model_folder, precision="fp32")
    prompted = load_encoder(tiny_model_folder, precision="fp32", prompts={"query": "query: "})
    assert prompted.space == plain.space
    assert prompted.prompt("query") == "query: " and prompted.prompt("document") == ""
    assert np.allclose(prompted.encode(["the cat"], "query"), plain.encode(["query: the cat"]), atol=1e-6)
    assert np.array_equal(prompted.encode(["the cat"], "document"), plain.encode(["the cat"]))


def test_a_prompt_counts_among_the_tokens(tiny_model_folder: Path) -> None:
    prompted = load_encoder(tiny_model_folder, prompts={"query": "query: "})
    fits = "cat " * 21
    prompted.encode([fits], "document")
    assert prompted.truncated_last == 0
    prompted.encode([fits], "query")
    assert prompted.truncated_last == 1


def test_saved_prompts_are_those_of_the_encoder(tiny_model_folder: Path, tmp_path: Path) -> None:
    prompted = load_encoder(tiny_model_folder, precision="fp32", prompts={"query": "query: "})
    save_model(prompted, tmp_path / "model")
    plain = SentenceTransformer(str(tmp_path / "model"), device="cpu")
    assert np.allclose(plain.encode_query(["the cat"]), prompted.encode(["the cat"], "query"), atol=1e-6)
    assert load_encoder(tmp_path / "model").prompt("query") == "query: "
    assert load_encoder(tmp_path / "model", prompts={"query": ""}).prompt("query") == ""


def test_only_the_two_roles_have_prompts() -> None:
    with pytest.raises(MatryoError, match="passage"):
        choose_prompts({}, {"passage": "passage: "})
