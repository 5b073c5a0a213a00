import re
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from matryo.data.toy import toy
from matryo.encoders import load_encoder
from matryo.encoders.tiny import build_tiny, word_pieces
from matryo.errors import MatryoError

TEXTS = [text.text for text in toy().train.documents]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny(TEXTS, tmp_path_factory.mktemp("tiny") / "model", seed=3)


def test_plain_sentence_transformers_loads_it(tiny: Path) -> None:
    model = SentenceTransformer(str(tiny), device="cpu")
    assert [type(module).__name__ for module in model] == ["Transformer", "Pooling"]
    assert model.get_embedding_dimension() == 128 and model.max_seq_length == 128
    assert np.allclose(model.encode(TEXTS[:4]), load_encoder(tiny, precision="fp32", normalize=False).encode(TEXTS[:4]))


def test_vectors_are_means_over_tokens(tiny: Path) -> None:
    model = SentenceTransformer(str(tiny), device="cpu")
    with torch.inference_mode():
        found = model(model.preprocess(["baker and oven"]))
    assert torch.allclose(found["sentence_embedding"], found["token_embeddings"].mean(dim=1), atol=1e-6)


def test_same_seed_same_bytes_other_seed_other_weights(tiny: Path, tmp_path: Path) -> None:
    again = bytes_of(build_tiny(iter(TEXTS), tmp_path / "elsewhere" / "again", seed=3))
    assert again == bytes_of(tiny)
    other = bytes_of(build_tiny(TEXTS, tmp_path / "other", seed=4))
    assert {name for name in other if other[name] != again[name]} == {"model.safetensors", "matryo.json"}


def test_the_random_state_of_the_process_is_left_alone(tmp_path: Path) -> None:
    before = torch.get_rng_state()
    build_tiny(TEXTS, tmp_path / "model")
    assert torch.equal(before, torch.get_rng_state())


def test_building_is_quiet_and_leaves_nothing_else(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    build_tiny(TEXTS, tmp_path / "model")
    assert capfd.readouterr() == ("", "") and [p.name for p in tmp_path.iterdir()] == ["model"]


def test_sizes(tmp_path: Path) -> None:
    model = SentenceTransformer(
        str(build_tiny(TEXTS, tmp_path / "model", max_tokens=16, vocabulary=300, width=64, layers=1)), device="cpu"
    )
    assert model.max_seq_length == 16 and model.get_embedding_dimension() == 64
    config = model[0].auto_model.config
    assert config.num_hidden_layers == 1 and 250 < config.vocab_size <= 300
    assert model.preprocess(["oven " * 50])["input_ids"].shape == (1, 16)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"max_tokens": 2}, "max_tokens"), ({"vocabulary": 99}, "vocabulary"), ({"width": 100}, "multiple of 64")],
)
def test_sizes_out_of_range_are_refused(tmp_path: Path, wrong: dict[str, int], message: str) -> None:
    with pytest.raises(MatryoError, match=message):
        build_tiny(TEXTS, tmp_path / "model", **wrong)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("texts", [[], ["", "  "]])
def test_texts_without_words_are_refused(tmp_path: Path, texts: list[str]) -> None:
    with pytest.raises(MatryoError, match="texts with words"):
        build_tiny(texts, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "diary.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(MatryoError, match="not empty"):
        build_tiny(TEXTS, tmp_path / "model")


def test_pieces_of_words_worked_by_hand() -> None:
    # "lo" occurs 3 times, then "low" 3 times; "er" only once, below the least frequency of 2
    found = word_pieces(["Low lower lowest"], 100)
    letters = "elorstw"
    assert list(found)[5:19] == [*(f"##{letter}" for letter in letters), *letters]
    assert list(found)[:5] == SPECIAL and "low" in found and "##er" not in found
    assert list(found.values()) == list(range(len(found)))


def test_the_vocabulary_does_not_depend_on_hash_tables() -> None:
    # the trainer of the library alone gives another vocabulary of this text at every call
    text = Path(re.__file__).read_text(encoding="utf-8")
    first = word_pieces([text], 700)
    assert len(first) == 700 and all(list(word_pieces([text], 700)) == list(first) for _ in range(3))


def test_many_letters_leave_room_for_words() -> None:
    strange = " ".join(chr(0x0400 + i) * 2 for i in range(200))
    found = word_pieces([strange, "bread " * 9], 100)
    assert len(found) <= 100 and "bread" in found
    assert sum(len(piece) == 1 for piece in found) == 23
