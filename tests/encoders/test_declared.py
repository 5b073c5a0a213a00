import json
from pathlib import Path

import pytest

from matryo.encoders import load_encoder, read_declared, save_model
from matryo.encoders.declared import Claim, snapshot_folder
from matryo.errors import FormatError

README = """---
tags: [matryoshka]
---
# A model
It supports Matryoshka Representation Learning (MRL): a variable dimension from 768 down to 64.
Not a MRLX. Use `truncate_dim=64` when loading.
| loss | MatryoshkaLoss |
```json
{"matryoshka_dims": [
   768,
   256, 64], "n_dims_per_step": -1}
```
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    return tmp_path / "model"


def write(folder: Path, name: str, value: object) -> None:
    (folder / name).write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")


def test_what_we_save_is_declared(tiny_model_folder: Path, tmp_path: Path) -> None:
    save_model(load_encoder(tiny_model_folder), tmp_path / "model", dims=[8, 16])
    declared = read_declared(tmp_path / "model")
    assert declared.dims == (8, 16) and declared.denied is None
    assert [str(claim) for claim in declared.claims] == [
        "matryo.json: matryoshka_dims [8, 16]",
        "config.json: matryoshka_dims [8, 16]",
        "config.json: matryoshka_dimensions [8, 16]",
        "config.json: is_matryoshka true",
    ]


def test_a_plain_folder_declares_nothing(tiny_model_folder: Path) -> None:
    declared = read_declared(tiny_model_folder)
    assert declared.claims == () and declared.dims is None and declared.named is None


def test_vllms_keys(folder: Path) -> None:
    write(folder, "config.json", {"is_matryoshka": True})
    assert read_declared(folder).dims is None, "that shorter vectors may be used does not say which"
    write(folder, "config.json", {"is_matryoshka": True, "matryoshka_dimensions": [64, 32]})
    assert read_declared(folder).dims == (32, 64)
    write(folder, "config.json", {"is_matryoshka": False})
    assert read_declared(folder).denied == Claim("config.json", "is_matryoshka false", None, False)


def test_the_card_text(folder: Path) -> None:
    write(folder, "README.md", README)
    declared = read_declared(folder)
    assert declared.dims == (64, 256, 768)
    words = [claim.words for claim in declared.claims if claim.dims is None]
    assert len(words) == 4 and words[0] == words[1] == words[2] == README.splitlines()[4]
    assert words[3].startswith("Not a MRLX.")


def test_mentioning_is_not_confirming(folder: Path) -> None:
    write(folder, "README.md", "# A model\nWe plan Matryoshka training next year." + " and so on" * 40)
    (claim,) = read_declared(folder).claims
    assert claim.dims is None and claim.matryoshka is None
    assert claim.words.endswith("...") and len(claim.words) <= 126


def test_settings_and_modules(folder: Path) -> None:
    write(folder, "config_sentence_transformers.json", {"truncate_dim": 256})
    write(folder, "modules.json", [{"idx": 0, "type": "own_code.MatryoshkaHead", "path": ""}, {"type": "x.Pooling"}])
    words = [claim.words for claim in read_declared(folder).claims]
    assert words == ["truncate_dim 256", "a module of type own_code.MatryoshkaHead"]


def test_lists_that_differ_leave_what_they_share(folder: Path) -> None:
    write(folder, "config.json", {"matryoshka_dims": [8, 16, 24], "matryoshka_dimensions": [16, 24, 28]})
    assert read_declared(folder).dims == (16, 24)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("config.json", {"matryoshka_dimensions": "64"}, "64"),
        ("config.json", "[1]", "JSON object"),
        ("matryo.json", "{", r"matryo\.json"),
    ],
)
def test_unreadable_claims_are_said(folder: Path, name: str, value: object, words: str) -> None:
    write(folder, name, value)
    with pytest.raises(FormatError, match=words):
        read_declared(folder)


def test_a_folder_is_needed(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no folder"):
        read_declared(tmp_path / "nothing")


def test_the_snapshot_of_a_hub_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert snapshot_folder("some/model") is None and snapshot_folder("no/such/id") is None
    kept = tmp_path / "models--some--model"
    (kept / "snapshots" / ("0" * 40)).mkdir(parents=True)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("0" * 40, encoding="utf-8")
    write(kept / "snapshots" / ("0" * 40), "config.json", {"matryoshka_dims": [8]})
    found = snapshot_folder("some/model")
    assert found is not None and read_declared(found).dims == (8,)
