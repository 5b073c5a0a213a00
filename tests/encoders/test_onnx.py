"""Models of ONNX files: which file is run, what is read of it, what follows it, what is refused."""

import json
import logging
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sentence_transformers.sentence_transformer.modules import Pooling
from tokenizers import Tokenizer
from transformers import AutoModel

from matryo.encoders import Card, Cards, cut_encoder, export_model, load_encoder, save_model
from matryo.encoders.cards_file import read_cards
from matryo.encoders.onnx_folder import onnx_files
from matryo.encoders.onnx_graph import graph_digest, onnx_device
from matryo.errors import FormatError, MatryoError, MissingExtra
from matryo.files import digest_file
from matryo.prefix import cut, unit_rows

TEXTS = ["the cat runs", "a", "", "the dog runs to the cat and the cat to the dog", "the cat runs", "query : x y z"]
NO_CARDS = Cards({})


@pytest.fixture
def folder(onnx_model_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(onnx_model_folder, tmp_path / "lab-onnx"))


@pytest.fixture
def bare(folder: Path) -> Path:
    """As many repositories are: a tokenizer, a config and an ONNX file, no list of modules."""
    for name in ("modules.json", "sentence_bert_config.json", "config_sentence_transformers.json"):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / "1_Pooling")
    return folder


def own(**keys: object) -> Cards:
    return Cards({"own": [Card.model_validate({"name": "lab-onnx", "width": 8, "onnx": True, **keys})]})


def token_vectors(folder: Path, text: str, limit: int = 24, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """What the ONNX file computes of one text: its tokens' vectors, and the mean that they depend on."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    ids = tokenizer.encode(text).ids
    ids = ids if len(ids) <= limit else [*ids[: limit - 1], ids[-1]]
    found = np.random.default_rng(seed).normal(size=(70, 8)).astype(np.float32)[ids]
    mean = found.mean(axis=0)
    return np.tanh(found + 3 * mean), mean


def by_hand(folder: Path, texts: list[str], limit: int = 24) -> np.ndarray:
    return unit_rows(np.stack([token_vectors(folder, text, limit)[0].mean(axis=0) for text in texts]))


def test_the_file_is_run_and_the_folders_pooling_follows(folder: Path) -> None:
    encoder = load_encoder(folder)
    texts = [*TEXTS, "cat " * 60]
    assert np.allclose(encoder.encode(texts), by_hand(folder, texts), atol=1e-6)
    assert encoder.truncated_last == 1 and encoder.width == 8
    assert (encoder.space.pooling, encoder.space.before_cut, encoder.space.max_tokens) == ("mean", "none", 24)
    told = encoder.description
    assert told["onnx"]["file"] == "model.onnx" and told["onnx"]["output"] == "last_hidden_state"
    assert told["precision"] == "as in model.onnx" and told["device"] == "cpu" and told["counts_truncated"]
    assert told["model_class"] == "OnnxModel + Pooling + Normalize"
    assert np.allclose(cut_encoder(encoder, 3).encode(TEXTS), cut(encoder.encode(TEXTS), 3), atol=1e-6)


def test_fewer_tokens_can_be_read(folder: Path) -> None:
    encoder = load_encoder(folder, max_tokens=5)
    texts = ["cat cat cat", "cat cat cat cat", "dog cat cat cat cat cat"]
    assert np.allclose(encoder.encode(texts), by_hand(folder, texts, 5), atol=1e-6)
    assert encoder.truncated_last == 2 and encoder.space != load_encoder(folder).space
    with pytest.raises(MatryoError, match=r"within 1\.\.24"):
        load_encoder(folder, max_tokens=25)


def test_graphs_of_short_whole_numbers_are_fed_so(folder: Path, write_onnx: Callable[..., Path]) -> None:
    expected = load_encoder(folder).encode(TEXTS)
    write_onnx(folder / "model.onnx", kind=6, extra_input="token_type_ids")
    assert load_encoder(folder).encode(TEXTS).tobytes() == expected.tobytes()


def test_the_space_is_that_of_the_files_bytes(
    folder: Path, tiny_model_folder: Path, tmp_path: Path, write_onnx: Callable[..., Path]
) -> None:
    space = load_encoder(folder).space
    moved = Path(shutil.copytree(folder, tmp_path / "elsewhere"))
    assert load_encoder(moved).space == space
    write_onnx(moved / "model.onnx", seed=4)
    assert load_encoder(moved).space.weights != space.weights
    assert load_encoder(tiny_model_folder).space.weights != space.weights
    assert graph_digest(folder / "model.onnx") == digest_file(folder / "model.onnx")


def test_weights_outside_the_file_count(folder: Path, write_onnx: Callable[..., Path]) -> None:
    expected = load_encoder(folder).encode(TEXTS)
    path, outside = folder / "model.onnx", "weights of the model.data"
    write_onnx(path, outside=outside)
    before, graph = load_encoder(folder), path.read_bytes()
    assert before.encode(TEXTS).tobytes() == expected.tobytes()
    (folder / outside).unlink()
    write_onnx(path, outside=outside, seed=4)
    assert path.read_bytes() == graph
    after = load_encoder(folder)
    assert after.space.weights != before.space.weights
    assert not np.allclose(after.encode(TEXTS), expected, atol=1e-3)
    # the hub's cache keeps every file under its digest, and links to it
    for place, linked in enumerate((path, folder / outside)):
        kept = folder.parent / "blobs" / str(place)
        kept.parent.mkdir(exist_ok=True)
        linked.rename(kept)
        linked.symlink_to(kept)
    again = load_encoder(folder)
    assert again.space == after.space and again.encode(TEXTS).tobytes() == after.encode(TEXTS).tobytes()


@pytest.mark.parametrize(
    ("names", "first"),
    [
        (["onnx/model_quantized.onnx", "onnx/model.onnx"], "onnx/model.onnx"),
        (["onnx/model.onnx", "model.onnx"], "model.onnx"),
        (["model_optimized.onnx", "onnx/model_O4.onnx", "onnx/model_fp16.onnx"], "model_optimized.onnx"),
        (["model_qint8_avx512.onnx", "onnx/model_O2.onnx", "model_q4.onnx"], "onnx/model_O2.onnx"),
        (["b_int8.onnx", "a_int8.onnx"], "a_int8.onnx"),
    ],
)
def test_of_several_files_the_plainest_comes_first(tmp_path: Path, names: list[str], first: str) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    files = onnx_files(tmp_path)
    assert files[0] == tmp_path / first and len(files) == len(names)


def test_which_of_several_is_said(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "onnx").mkdir()
    (folder / "model.onnx").rename(folder / "onnx" / "model.onnx")
    (folder / "onnx" / "model_int8.onnx").write_bytes(b"anything")
    with caplog.at_level(logging.WARNING, logger="matryo"):
        encoder = load_encoder(folder, precision="fp32")
    assert "lab-onnx: of its ONNX files onnx/model.onnx is read, not model_int8.onnx" in caplog.text
    assert encoder.description["onnx"]["file"] == "onnx/model.onnx"


def test_numbers_that_the_file_does_not_compute_in_are_refused(folder: Path) -> None:
    with pytest.raises(MatryoError, match=r"exported with, here model\.onnx, and precision bf16"):
        load_encoder(folder, precision="bf16")
    (folder / "model.onnx").rename(folder / "model_int8.onnx")
    with pytest.raises(MatryoError, match=r"model_int8\.onnx, and precision fp32"):
        load_encoder(folder, precision="fp32")
    assert load_encoder(folder).description["precision"] == "as in model_int8.onnx"


def test_beside_safetensors_onnx_files_do_not_matter(tiny_model_folder: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(tiny_model_folder, tmp_path / "model"))
    (copied / "onnx").mkdir()
    (copied / "onnx" / "model.onnx").write_bytes(b"anything")
    assert load_encoder(copied).space == load_encoder(tiny_model_folder).space


def test_where_the_graph_pools_no_pooling_follows(folder: Path, write_onnx: Callable[..., Path]) -> None:
    write_onnx(folder / "model.onnx", tokens=None, sentence="sentence_embedding")
    encoder = load_encoder(folder)
    expected = unit_rows(np.stack([token_vectors(folder, text)[1] for text in TEXTS]))
    assert np.allclose(encoder.encode(TEXTS), expected, atol=1e-6)
    assert encoder.description["model_class"] == "OnnxModel + Normalize" and encoder.space.pooling == "by the model"
    write_onnx(folder / "model.onnx", sentence="sentence_embedding")
    both = load_encoder(folder)
    assert np.allclose(both.encode(TEXTS), by_hand(folder, TEXTS), atol=1e-6), "the folder lists a pooling of tokens"
    write_onnx(folder / "model.onnx", tokens="first", sentence="pooler_output")
    assert np.allclose(load_encoder(folder).encode(TEXTS), by_hand(folder, TEXTS), atol=1e-6)


def list_modules(folder: Path, *kinds: str) -> None:
    paths = ["", *(f"{place}_{kind.rsplit('.', 1)[-1]}" for place, kind in enumerate(kinds, 1))]
    types = ["sentence_transformers.models.Transformer", *kinds]
    listed = [
        {"idx": place, "name": str(place), "path": path, "type": kind}
        for place, (path, kind) in enumerate(zip(paths, types, strict=True))
    ]
    (folder / "modules.json").write_text(json.dumps(listed), encoding="utf-8")


def add_dense(folder: Path) -> np.ndarray:
    weight = np.random.default_rng(5).normal(size=(4, 8)).astype(np.float32)
    dense = folder / "2_Dense"
    dense.mkdir()
    settings = {
        "in_features": 8,
        "out_features": 4,
        "bias": False,
        "activation_function": "torch.nn.modules.linear.Identity",
    }
    (dense / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    save_file({"linear.weight": torch.from_numpy(weight)}, dense / "model.safetensors")
    list_modules(folder, "sentence_transformers.models.Pooling", "sentence_transformers.models.Dense")
    return weight


def test_a_projection_that_follows_is_used(folder: Path, write_onnx: Callable[..., Path]) -> None:
    weight = add_dense(folder)
    encoder = load_encoder(folder)
    means = np.stack([token_vectors(folder, text)[0].mean(axis=0) for text in TEXTS])
    assert np.allclose(encoder.encode(TEXTS), unit_rows(means @ weight.T), atol=1e-6)
    assert encoder.space.before_cut == "dense" and encoder.width == 4
    write_onnx(folder / "model.onnx", tokens=None, sentence="sentence_embedding")
    with pytest.raises(FormatError, match=r"lists Dense behind its pooling.*last_hidden_state"):
        load_encoder(folder)


def test_modules_that_cannot_follow_are_named(folder: Path) -> None:
    list_modules(folder, "own_code.Pooling")
    with pytest.raises(FormatError, match=r"lists own_code\.Pooling.*Normalize.*safetensors"):
        load_encoder(folder)
    list_modules(folder)
    with pytest.raises(FormatError, match="lists no Pooling"):
        load_encoder(folder)


def test_without_a_list_the_cards_pooling_is_taken(bare: Path) -> None:
    assert np.allclose(load_encoder(bare, cards=own(pooling="mean")).encode(TEXTS), by_hand(bare, TEXTS), atol=1e-6)
    first = load_encoder(bare, cards=own(pooling="cls", max_tokens=9))
    texts = [*TEXTS, "cat " * 8]
    expected = unit_rows(np.stack([token_vectors(bare, text, 9)[0][0] for text in texts]))
    assert np.allclose(first.encode(texts), expected, atol=1e-6)
    assert (first.space.pooling, first.space.max_tokens) == ("cls", 9) and first.truncated_last == 2


@pytest.mark.parametrize(
    ("cards", "found"),
    [
        (NO_CARDS, "no card"),
        (own(), "its card lab-onnx says None"),
        (own(width=16, pooling="mean"), "says mean at width 16"),
    ],
)
def test_token_vectors_that_nothing_pools_are_refused(bare: Path, cards: Cards, found: str) -> None:
    with pytest.raises(FormatError, match=rf"one vector of 8 numbers per token .*({found}).*width: 8.*pooling: mean"):
        load_encoder(bare, cards=cards)


def test_prompts_and_settings_of_the_folder_hold(folder: Path) -> None:
    settings = {"prompts": {"query": "query : ", "document": ""}, "similarity_fn_name": "cosine", "truncate_dim": None}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 12, "do_lower_case": true}', encoding="utf-8")
    pooling = folder / "1_Pooling" / "config.json"
    pooling.write_text(json.dumps({**json.loads(pooling.read_text(encoding="utf-8")), "include_prompt": False}))
    encoder = load_encoder(folder)
    assert encoder.prompt("query") == "query : " and encoder.space.max_tokens == 12
    # [CLS] query : are left out of the mean, what they do to the other tokens is not
    expected = unit_rows(token_vectors(folder, "query : the cat")[0][3:].mean(axis=0)[None])
    assert np.allclose(encoder.encode(["THE cat"], "query"), expected, atol=1e-6)
    assert encoder.space.pooling == "mean without prompt"


@pytest.mark.parametrize("pooling", ["mean", "cls", "lasttoken"])
def test_a_text_without_tokens_is_a_zero_row(folder: Path, pooling: str) -> None:
    path = folder / "tokenizer.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**stored, "post_processor": None}), encoding="utf-8")
    path = folder / "1_Pooling" / "config.json"
    path.write_text(json.dumps({"embedding_dimension": 8, "pooling_mode": pooling}), encoding="utf-8")
    encoder = load_encoder(folder)
    whole = encoder.encode(["the cat runs", "", "dog"])
    assert not whole[1].any() and not encoder.encode(["", ""]).any()
    assert np.allclose(whole[[0, 2]], [encoder.encode([text])[0] for text in ("the cat runs", "dog")], atol=1e-6)
    assert np.allclose(np.linalg.norm(whole[[0, 2]], axis=1), 1, atol=1e-6)


def test_padding_stands_behind_the_text(folder: Path) -> None:
    expected = load_encoder(folder).encode(TEXTS)
    path = folder / "tokenizer_config.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**stored, "padding_side": "left"}), encoding="utf-8")
    encoder = load_encoder(folder)
    assert encoder.model.preprocess(["a", "the cat"])["attention_mask"].tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]
    assert encoder.encode(TEXTS).tobytes() == expected.tobytes()


def test_the_real_thing_exported_by_torch(tiny_model_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    copied = Path(shutil.copytree(tiny_model_folder, tmp_path / "model"))
    body = AutoModel.from_pretrained(copied).eval()
    (copied / "model.safetensors").unlink()
    names, ones = ["input_ids", "attention_mask", "token_type_ids"], torch.ones(2, 5, dtype=torch.int64)

    class Last(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = body

        def forward(self, *given: torch.Tensor) -> torch.Tensor:
            return self.body(**dict(zip(names, given, strict=True))).last_hidden_state

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Last(),
            (ones, ones, 0 * ones),
            str(copied / "model.onnx"),
            input_names=names,
            output_names=["last_hidden_state"],
            dynamic_axes={name: {0: "batch", 1: "tokens"} for name in [*names, "last_hidden_state"]},
            opset_version=17,
            dynamo=False,
        )
    exported, twin = load_encoder(copied), load_encoder(tiny_model_folder, precision="fp32")
    texts = [*TEXTS, "cat " * 60]
    assert np.allclose(exported.encode(texts), twin.encode(texts), atol=1e-5)
    assert exported.truncated_last == twin.truncated_last == 1
    assert exported.space.max_tokens == twin.space.max_tokens and exported.space != twin.space


def test_files_that_cannot_be_run_are_said(folder: Path, write_onnx: Callable[..., Path]) -> None:
    path = folder / "model.onnx"
    for content in (b"", b"anything", path.read_bytes()[:500]):
        path.write_bytes(content)
        with pytest.raises(FormatError, match=r"model\.onnx cannot be opened by onnxruntime") as caught:
            load_encoder(folder)
        assert "\n" not in str(caught.value)
    write_onnx(path, extra_input="position_ids")
    with pytest.raises(FormatError, match="asks for position_ids"):
        load_encoder(folder)
    write_onnx(path, axes=(1, 128))
    with pytest.raises(FormatError, match=r"fixed shape, \[1, 128\].*dynamic"):
        load_encoder(folder)
    write_onnx(path, kind=1)
    with pytest.raises(FormatError, match=r"cannot be opened|as tensor\(float\)"):
        load_encoder(folder)


def test_a_graph_without_vectors_of_texts_is_refused(folder: Path) -> None:
    onnx = pytest.importorskip("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto
    cases = {
        "input_ids": r"model\.onnx gives \{'made': \(2, .*expected one vector per token",
        "attention_mask": "does not read input_ids",
        "pixels": "asks for pixels",
    }
    for source, message in cases.items():
        given = helper.make_tensor_value_info(source, kinds.INT64, ["batch", "tokens"])
        made = helper.make_tensor_value_info("made", kinds.INT64, ["batch", "tokens"])
        graph = helper.make_graph([helper.make_node("Identity", [source], ["made"])], "same", [given], [made])
        onnx.save(
            helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "model.onnx"
        )
        with pytest.raises(FormatError, match=message):
            load_encoder(folder)


def test_a_token_beyond_the_table_is_said(folder: Path) -> None:
    encoder = load_encoder(folder)
    encoder.model.tokenizer.add_tokens([f"new{i}" for i in range(9)])
    with pytest.raises(MatryoError, match=r"model\.onnx failed on tokens of shape \(1, 3\)") as caught:
        encoder.encode(["new8"])
    assert "\n" not in str(caught.value)


def test_a_tokenizer_that_cannot_pad_is_refused(folder: Path) -> None:
    path = folder / "tokenizer_config.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({name: value for name, value in stored.items() if name != "pad_token"}))
    with pytest.raises(FormatError, match="pad"):
        load_encoder(folder)


def test_what_cannot_be_loaded_without_us_is_not_saved(folder: Path, tmp_path: Path) -> None:
    encoder = load_encoder(folder)
    for write in (lambda out: save_model(encoder, out), lambda out: export_model(encoder, out, 3)):
        with pytest.raises(MatryoError, match=r"ONNX files \(model\.onnx\) cannot be saved or exported.*safetensors"):
            write(tmp_path / "out" / "model")
        assert not any((tmp_path / "out").iterdir())


def test_without_onnxruntime_the_extra_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: pytest.fail("went to the hub"))
    for name in (folder, "qdrant-minilm-onnx"):
        with pytest.raises(MissingExtra, match=r"onnxruntime.*matryo\[onnx\]"):
            load_encoder(name)


def test_onnx_files_are_fetched_only_where_the_card_says_so(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, list[str]] = {}

    def fetch(identity: str, *, allow_patterns: list[str]) -> str:
        asked[identity] = allow_patterns
        return str(bare)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    encoder = load_encoder("lab-onnx", cards=own(hub="lab/one", pooling="mean"))
    assert np.allclose(encoder.encode(TEXTS), by_hand(bare, TEXTS), atol=1e-6) and encoder.folder is None
    assert {"*.onnx", "*.onnx_data", "*.onnx.data", "*.json"} <= set(asked["lab/one"])
    with pytest.raises(FormatError):
        load_encoder("lab/two", cards=NO_CARDS)
    assert not any("onnx" in pattern for pattern in asked["lab/two"])
    card = read_cards().find("qdrant-minilm-onnx")
    assert card is not None and card.pooling in Pooling.POOLING_MODES


def test_a_gpu_is_used_where_onnxruntime_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    assert onnx_device("auto", "cpu") == onnx_device("auto", "cuda") == "cpu"
    with pytest.raises(MatryoError, match=r"'cuda:1'.*onnxruntime-gpu"):
        onnx_device("cuda:1", "cuda:1")
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CUDAExecutionProvider"])
    assert onnx_device("auto", "cuda") == "cuda" and onnx_device("cuda:1", "cuda:1") == "cuda:1"


def test_running_is_quiet(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load_encoder(folder).encode(TEXTS)
    assert capfd.readouterr() == ("", "")
