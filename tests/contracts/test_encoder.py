"""The contract of encoders: one list of checks, run over every kind."""

import json
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from matryo.data.texts import Texts
from matryo.encoders import (
    ApiEncoder,
    ApiSettings,
    Encoder,
    LsaEncoder,
    MappedEncoder,
    ModelEncoder,
    cut_encoder,
    encode_to_set,
    export_model,
    fit_lsa,
    layer_encoder,
    load_encoder,
    save_model,
)
from matryo.errors import MatryoError, ShapeError
from matryo.maps import fit_rotation
from matryo.prefix import cut

TEXTS = [
    "the cat runs",
    "a",
    "",
    "the dog runs to the cat and the cat to the dog",
    "def f(x): return x",
    "the cat runs",
]


KINDS = ["tiny", "minilm", "wordllama", "mapped", "mapped twice", "onnx", "layer", "t5", "decoder", "lsa", "api"]


@pytest.fixture(params=KINDS, scope="module")
def encoder(
    request: pytest.FixtureRequest, tiny_model_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Encoder:
    if request.param in ("t5", "decoder"):
        return load_encoder(request.getfixturevalue(f"tiny_{request.param}_folder"), precision="fp32")
    if request.param == "lsa":
        return fit_lsa([*TEXTS, "a cat", "a dog"], width=3)
    if request.param == "api":
        settings = ApiSettings(model="toy", base_url=request.getfixturevalue("standing_service").url, width=8)
        return ApiEncoder(settings, tmp_path_factory.mktemp("answers"), confirm=lambda estimate: True)
    if request.param in ("minilm", "wordllama"):
        return load_encoder(request.param, precision="fp32" if request.param == "minilm" else "auto")
    if request.param == "onnx":
        return load_encoder(request.getfixturevalue("onnx_model_folder"))
    plain = load_encoder(tiny_model_folder, precision="fp32")
    if request.param in ("tiny", "layer"):
        return plain if request.param == "tiny" else layer_encoder(plain, 1)
    mapped = MappedEncoder(plain, fit_rotation(plain.encode(TEXTS), plain.space))
    if request.param == "mapped":
        return mapped
    return MappedEncoder(mapped, fit_rotation(mapped.encode([*TEXTS, "dog", "query"]), mapped.space))


@pytest.fixture
def storable(encoder: Encoder, tmp_path: Path) -> Encoder:
    """What can be saved; what cannot refuses, and nothing is left behind."""
    if "onnx" in encoder.description:
        with pytest.raises(MatryoError, match="cannot be saved or exported"):
            save_model(encoder, tmp_path / "refused" / "model")
        assert not any((tmp_path / "refused").iterdir())
        pytest.skip("a model of ONNX files refuses to be saved")
    if isinstance(encoder, ApiEncoder | LsaEncoder):
        with pytest.raises(MatryoError, match=f"only sentence-transformers models.*got {type(encoder).__name__}"):
            save_model(encoder, tmp_path / "refused")
        assert not any(tmp_path.iterdir())
        pytest.skip("what is no sentence-transformers model refuses to be saved as one")
    return encoder


def test_vectors_are_float32_rows_of_length_1(encoder: Encoder) -> None:
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), encoder.width) and vectors.dtype == np.float32
    lengths = np.linalg.norm(vectors, axis=1)
    # a static table and a service know nothing of the empty text; letters are no words to LSA
    unknown = ["", "a"] if isinstance(encoder, LsaEncoder) else [""]
    assert np.all(np.isclose(lengths, 1.0, atol=1e-6) | (lengths == 0.0) & np.isin(TEXTS, unknown))
    assert encoder.space.normalize and encoder.space.width == encoder.width


def test_the_same_call_gives_the_same_bytes(encoder: Encoder) -> None:
    assert encoder.encode(TEXTS).tobytes() == encoder.encode(TEXTS).tobytes()


def test_rows_stand_in_the_order_of_the_texts(encoder: Encoder) -> None:
    together = encoder.encode(TEXTS)
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    assert np.allclose(together, alone, atol=1e-5)
    assert not np.allclose(together[0], together[1], atol=1e-3)


def test_no_text_gives_no_row(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, encoder.width)
    assert encoder.truncated_last == 0


@pytest.mark.parametrize(
    ("texts", "message"),
    [("one string", "list of strings"), (["a", None], "NoneType at place 1"), (["\ud800"], "surrogate")],
)
def test_what_is_no_list_of_texts_is_refused(encoder: Encoder, texts: list[str], message: str) -> None:
    with pytest.raises(MatryoError, match=message):
        encoder.encode(texts)


def test_an_unknown_role_is_refused(encoder: Encoder) -> None:
    with pytest.raises(MatryoError, match="'passage'"):
        encoder.encode(["a"], "passage")  # type: ignore[arg-type]  # what a caller without types might pass
    assert encoder.prompt("query") == "" == encoder.prompt("document")


def test_the_description_goes_into_results(encoder: Encoder) -> None:
    told = json.loads(json.dumps(dict(encoder.description)))
    assert {"device", "precision", "threads", "batch_rule", "max_tokens", "model_class", "python"} <= set(told)
    if isinstance(encoder, ApiEncoder | LsaEncoder):
        assert told["device"] == ("service" if isinstance(encoder, ApiEncoder) else "cpu")
    else:
        assert {"torch", "sentence_transformers"} <= set(told)
        assert told["device"] == "cpu" or told["device"].startswith("cuda")
    assert told["batch_rule"] == encoder.batch_rule and told["name"] == encoder.name and told["width"] == encoder.width


def test_progress_may_be_shared(encoder: Encoder, capsys: pytest.CaptureFixture[str]) -> None:
    done: list[int] = []
    encoder.encode(TEXTS, progress=done.append)
    assert sum(done) == len(TEXTS)
    assert capsys.readouterr() == ("", "")


def test_texts_that_lose_tokens_are_counted(encoder: Encoder) -> None:
    limit, before = encoder.space.max_tokens, encoder.truncated
    long = "cat " * 1000
    encoder.encode([long, "cat", long])
    assert encoder.truncated_last == (0 if limit is None else 2)
    encoder.encode(["cat"])
    assert encoder.truncated_last == 0
    assert encoder.truncated - before == (0 if limit is None else 2)


def test_a_text_of_exactly_the_limit_is_whole(encoder: Encoder) -> None:
    limit = encoder.space.max_tokens
    if limit is None:
        pytest.skip("a static table, LSA and a service have no limit that is known here")
    reading = encoder
    while isinstance(reading, MappedEncoder):
        reading = reading.encoder
    assert isinstance(reading, ModelEncoder)
    n_words = limit - len(reading.model.tokenizer("")["input_ids"])
    encoder.encode(["cat " * n_words])
    assert encoder.truncated_last == 0
    encoder.encode(["cat " * (n_words + 1)])
    assert encoder.truncated_last == 1


def test_saved_it_loads_without_us(storable: Encoder, tmp_path: Path) -> None:
    folder = save_model(storable, tmp_path / "model")
    plain = SentenceTransformer(str(folder), device="cpu")
    assert np.allclose(plain.encode(TEXTS), storable.encode(TEXTS), atol=1e-5)
    assert plain.get_embedding_dimension() == storable.width


def test_saved_it_keeps_its_space(storable: Encoder, tmp_path: Path) -> None:
    folder = save_model(storable, tmp_path / "model")
    again = load_encoder(folder, precision="fp32")
    assert again.space == storable.space
    assert np.allclose(again.encode(TEXTS), storable.encode(TEXTS), atol=1e-5)


def test_cut_for_keeps_it_gives_the_prefix_rescaled(storable: Encoder, tmp_path: Path) -> None:
    plain = SentenceTransformer(str(export_model(storable, tmp_path / "cut", 7)), device="cpu")
    assert np.allclose(plain.encode(TEXTS), cut(storable.encode(TEXTS), 7), atol=1e-5)
    assert load_encoder(tmp_path / "cut").space != storable.space
    for dim in (0, storable.width + 1):
        with pytest.raises(ShapeError, match=str(dim)):
            export_model(storable, tmp_path / "other", dim)


def test_a_set_holds_its_vectors(encoder: Encoder, tmp_path: Path) -> None:
    ids = [f"d{i}" for i in range(len(TEXTS))]
    made = encode_to_set(encoder, Texts.of(ids, TEXTS), tmp_path / "set", role="query", keep_texts=True)
    assert made.space == encoder.space and made.role == "query" and made.prompt == ""
    assert made.ids() == ids and made.texts() == TEXTS
    assert made.to_numpy().tobytes() == encoder.encode(TEXTS, "query").tobytes()


def test_it_can_be_cut(encoder: Encoder) -> None:
    short = cut_encoder(encoder, 2)
    assert np.allclose(short.encode(TEXTS), cut(encoder.encode(TEXTS), 2), atol=1e-6)
    assert short.space.id != encoder.space.id and short.width == 2
