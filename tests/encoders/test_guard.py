"""Cutting for keeps: what confirms a length, what does not, and what the refusal says."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matryo.encoders import (
    ApiEncoder,
    ApiSettings,
    Card,
    Cards,
    MappedEncoder,
    ModelEncoder,
    check_cut,
    cut_encoder,
    export_model,
    fit_lsa,
    load_encoder,
    save_model,
)
from matryo.encoders.certificate import HOME_VARIABLE, Certificate, ProbedTexts, Quality, write_certificate
from matryo.errors import MatryoError, ShapeError
from matryo.maps import fit_rotation
from matryo.prefix import cut

SOURCE = {"link": "https://example.org/lab", "date": "2026-11-20", "says": "trained at 8 and 16"}
NONE = Cards({})


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def folder(tiny_model_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model_folder, tmp_path / "lab-model"))


def own(**keys: object) -> Cards:
    return Cards({"own": [Card.model_validate({"name": "lab-model", "width": 32, **keys})]})


CONFIRMED = own(dims=(8, 16), status="confirmed", source=SOURCE)


def declare(folder: Path, **keys: object) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, **keys}), encoding="utf-8")


def certificate(encoder: ModelEncoder | MappedEncoder, smallest: int, *, judged: bool = True) -> Certificate:
    quality = Quality(
        measure="nDCG@10",
        n=100,
        n_groups=None,
        judged_by="lab",
        points=tuple({"dim": dim, "value": 0.5, "share": 1.0} for dim in (8, 16, 32)),
        smallest={"0.99": 32, "0.98": 32, "0.95": smallest},
        detectable=0.02,
        trained=None,
        why="nobody knows",
    )
    return Certificate(
        model=encoder.name,
        space=encoder.space,
        texts=ProbedTexts("lab", "0" * 64, 100),
        date="2026-11-19",
        version="0.1.0",
        dims=(8, 16, 32),
        geometry={},
        quality=quality if judged else None,
    )


def test_the_full_width_always_passes_and_nothing_lies_beyond(folder: Path) -> None:
    encoder = load_encoder(folder)
    assert check_cut(encoder, 32, cards=NONE).dim == 32
    for allowed in (False, True):
        for dim in (0, 33):
            with pytest.raises(ShapeError, match=str(dim)):
                check_cut(encoder, dim, cards=CONFIRMED, allow_untrained=allowed)


def test_a_model_in_no_card_is_refused(folder: Path) -> None:
    encoder = load_encoder(folder)
    with pytest.raises(MatryoError, match=r"lab-model is not to be cut to 8 of 32 numbers: it is in no card") as caught:
        check_cut(encoder, 8, cards=NONE)
    assert f"`matryo probe {folder}`" in str(caught.value) and "--allow-untrained" in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(MatryoError, match=r"cards with like names: lab-models"):
        check_cut(encoder, 8, cards=Cards({"own": [Card(name="lab-models", width=32)]}))


def test_on_the_users_word_it_is_said_that_nobody_has_shown_it(folder: Path) -> None:
    leave = check_cut(load_encoder(folder), 8, cards=NONE, allow_untrained=True)
    assert leave.dim == 8 and "on your word, nobody has shown" in leave.why


def test_confirmed_by_its_card(folder: Path) -> None:
    leave = check_cut(load_encoder(folder, cards=CONFIRMED), 16, cards=CONFIRMED)
    assert leave.why == "the card lab-model confirms 16 numbers (https://example.org/lab, read 2026-11-20)"


def test_a_dim_that_was_never_trained_names_the_nearest(folder: Path) -> None:
    with pytest.raises(MatryoError, match=r"confirms 8 and 16, nearest to 12: 8 and 16 .*trained at 8 and 16"):
        check_cut(load_encoder(folder), 12, cards=CONFIRMED)
    with pytest.raises(MatryoError, match=r"nearest to 20: 16 and 32"):
        check_cut(load_encoder(folder), 20, cards=CONFIRMED)
    anywhere = own(any_from=8, status="confirmed", source=SOURCE)
    assert check_cut(load_encoder(folder), 13, cards=anywhere)
    with pytest.raises(MatryoError, match=r"any length from 8 on, nearest to 7: 8 "):
        check_cut(load_encoder(folder), 7, cards=anywhere)


def test_not_trained_and_unknown_are_said_with_their_source(folder: Path) -> None:
    with pytest.raises(MatryoError, match=r"says not trained for it \(https://example\.org/lab, read 2026-11-20"):
        check_cut(load_encoder(folder), 8, cards=own(status="not trained", source=SOURCE))
    with pytest.raises(MatryoError, match=r"the card lab-model says unknown"):
        check_cut(load_encoder(folder), 8, cards=own())


def test_packaged_models() -> None:
    assert "pypi.org" in check_cut(load_encoder("wordllama"), 64).why
    with pytest.raises(MatryoError, match=r"wordllama is not .* nearest to 100: 64 and 128"):
        check_cut(load_encoder("wordllama"), 100)
    with pytest.raises(MatryoError, match=r"minilm is not .* the card minilm says not trained .*`matryo probe minilm`"):
        check_cut(load_encoder("minilm"), 192)


def test_confirmed_by_its_own_files(folder: Path) -> None:
    declare(folder, matryoshka_dims=[8, 24])
    encoder = load_encoder(folder)
    assert "own files confirm 24 numbers (config.json: matryoshka_dims" in check_cut(encoder, 24, cards=NONE).why
    with pytest.raises(MatryoError, match=r"own files name 8 and 24, nearest to 16: 8 and 24"):
        check_cut(encoder, 16, cards=NONE)
    with pytest.raises(MatryoError, match="may not be cut"):
        declare(folder, matryoshka_dims=None, is_matryoshka=False)
        check_cut(encoder, 24, cards=NONE)


@pytest.mark.parametrize(
    ("cards", "declared", "dim", "words"),
    [
        (CONFIRMED, {"matryoshka_dims": [8, 24]}, 24, r"disagree on 24"),
        (CONFIRMED, {"matryoshka_dims": [8, 24]}, 16, r"disagree on 16"),
        (CONFIRMED, {"is_matryoshka": False}, 8, r"confirms shorter vectors, its own files deny them"),
        (own(status="not trained", source=SOURCE), {"matryoshka_dims": [8]}, 8, r"says not trained for it, its own"),
        (Cards({"own": [Card(name="lab-model", width=64)]}), {"matryoshka_dims": [8]}, 8, r"of a model 64 wide"),
        (NONE, {"matryoshka_dims": [8], "is_matryoshka": False}, 8, r"files contradict each other"),
    ],
)
def test_what_contradicts_itself_confirms_nothing(
    folder: Path, cards: Cards, declared: dict[str, object], dim: int, words: str
) -> None:
    declare(folder, **declared)
    encoder = load_encoder(folder)
    with pytest.raises(MatryoError, match=words):
        check_cut(encoder, dim, cards=cards)
    assert check_cut(encoder, dim, cards=cards, allow_untrained=True).dim == dim
    write_certificate(certificate(encoder, 8), folder=folder)
    assert "certificate" in check_cut(encoder, dim if dim != 24 else 16, cards=cards).why


def test_what_both_say_passes(folder: Path) -> None:
    declare(folder, matryoshka_dims=[8, 24])
    assert check_cut(load_encoder(folder), 8, cards=CONFIRMED).dim == 8


def test_a_certificate_shows_it(folder: Path, home: Path) -> None:
    encoder = load_encoder(folder)
    write_certificate(certificate(encoder, 16), folder=folder)
    why = "the certificate of 2026-11-19 shows that 16 numbers keep 95 % of nDCG@10 on lab"
    assert check_cut(encoder, 16, cards=NONE).why == why
    with pytest.raises(MatryoError, match=r"of 2026-11-19 shows 95 % of nDCG@10 on lab kept at 16 and 32 only"):
        check_cut(encoder, 8, cards=NONE)
    assert check_cut(encoder, 8, cards=CONFIRMED).why.endswith("shows 95 % of nDCG@10 on lab kept at 16 and 32 only")
    assert not home.exists(), "the folder's own certificate is the one that counts"


def test_a_certificate_without_judgements_shows_nothing(folder: Path) -> None:
    encoder = load_encoder(folder)
    write_certificate(certificate(encoder, 8, judged=False), folder=folder)
    with pytest.raises(MatryoError, match="had no judgements"):
        check_cut(encoder, 8, cards=NONE)


def test_a_certificate_of_another_revision(folder: Path) -> None:
    encoder = load_encoder(folder)
    other = certificate(encoder, 8)
    other = dataclasses.replace(other, space=dataclasses.replace(encoder.space, weights="0" * 64))
    write_certificate(other, folder=folder)
    with pytest.raises(MatryoError, match="another revision"):
        check_cut(encoder, 8, cards=NONE)
    why = check_cut(encoder, 8, cards=CONFIRMED).why
    assert why.startswith("the card lab-model confirms 8") and "another revision" in why, "what does not hold is said"
    assert check_cut(encoder, 8, cards=NONE, allow_untrained=True).dim == 8


def test_of_the_vectors_behind_a_map_the_card_knows_nothing(folder: Path) -> None:
    encoder = load_encoder(folder)
    texts = ["the cat", "the dog runs", "x y z", "query", "a b c d"]
    mapped = MappedEncoder(encoder, fit_rotation(encoder.encode(texts), encoder.space))
    with pytest.raises(MatryoError, match="a map stands behind the model"):
        check_cut(mapped, 8, cards=CONFIRMED)
    write_certificate(certificate(mapped, 8))
    assert "certificate" in check_cut(mapped, 8, cards=CONFIRMED).why


def test_a_model_that_we_wrote_speaks_for_itself(folder: Path, tmp_path: Path) -> None:
    kept = save_model(load_encoder(folder), tmp_path / "x" / "lab-model", dims=[24])
    encoder = load_encoder(kept)
    assert check_cut(encoder, 24, cards=CONFIRMED)
    with pytest.raises(MatryoError, match=r"own files name 24"):
        check_cut(encoder, 8, cards=CONFIRMED)
    again = load_encoder(export_model(encoder, tmp_path / "cut", 24))
    assert check_cut(again, 24, cards=NONE).why == "24 numbers are the full width of cut"
    with pytest.raises(MatryoError):
        check_cut(cut_encoder(encoder, 24), 8, cards=CONFIRMED)


def test_the_snapshot_of_a_hub_model_is_read_too(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    declare(folder, matryoshka_dims=[24])
    repository = tmp_path / "hub" / "models--some--model"
    shutil.copytree(folder, repository / "snapshots" / ("0" * 40))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40, encoding="utf-8")
    encoder = load_encoder("some/model")
    assert "own files confirm 24" in check_cut(encoder, 24, cards=NONE).why
    with pytest.raises(MatryoError, match=r"`matryo probe some/model`"):
        check_cut(encoder, 8, cards=NONE)


def test_lsa_may_be_cut_anywhere(tmp_path: Path) -> None:
    texts = ["the cat runs", "the dog runs to the cat", "def f(x): return x", "a query of the dog", "cat and dog"]
    encoder = fit_lsa(texts, width=4)
    assert "LSA" in check_cut(encoder, 2, cards=NONE).why
    narrow = fit_lsa(texts, width=2)
    assert np.allclose(np.abs(cut(encoder.encode(texts), 2)), np.abs(narrow.encode(texts)), atol=1e-5)
    with pytest.raises(ShapeError):
        check_cut(encoder, 5, cards=NONE)


def test_a_model_behind_a_service_is_known_by_its_card(tmp_path: Path) -> None:
    def encoder(**given: Any) -> ApiEncoder:
        settings = ApiSettings(model="text-embedding-3-small", base_url="http://localhost:1", **given)
        return ApiEncoder(settings, tmp_path, confirm=lambda estimate: False)

    assert "the card text-embedding-3-small confirms 512 numbers" in check_cut(encoder(), 512).why
    with pytest.raises(MatryoError, match=r"confirms any length from 256 on"):
        check_cut(encoder(), 100)
    with pytest.raises(MatryoError, match="it is in no card"):
        check_cut(encoder(dimensions=512), 300)
    with pytest.raises(MatryoError, match="it is in no card"):
        check_cut(encoder(width=32, label="other"), 8, cards=NONE)
