"""An encoder with an identity prefix cuts to unit rows and refuses what it does not know."""

import json
from pathlib import Path

import numpy as np
import pytest

from matryo.encoders import load_encoder, save_model
from matryo.encoders.domains import DomainEncoder, domain_facts, read_domain_facts
from matryo.errors import FormatError, MatryoError, ShapeError

TEXTS = ["the cat runs", "a dog", "query"]


@pytest.fixture(scope="module")
def saved(tiny_model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    facts = domain_facts(("dating", "hiring"), 8, (8, 16, 32), "v3_contrastive")
    folder = tmp_path_factory.mktemp("domains") / "model"
    encoder = load_encoder(tiny_model_folder, device="cpu", precision="fp32")
    return save_model(encoder, folder, dims=(8, 16, 32), extra=facts)


@pytest.fixture(scope="module")
def encoder(saved: Path) -> DomainEncoder:
    return DomainEncoder.load(saved, device="cpu", precision="fp32")


def test_what_was_saved_is_loaded(encoder: DomainEncoder, saved: Path) -> None:
    assert (encoder.domains, encoder.prefix_dim, encoder.dims) == (("dating", "hiring"), 8, (8, 16, 32))
    assert read_domain_facts(saved)["method"] == "v3_contrastive"


def test_rows_have_length_1_at_every_dim(encoder: DomainEncoder) -> None:
    whole = encoder.encode(TEXTS, "dating")
    np.testing.assert_allclose(whole, encoder.encoder.encode(TEXTS), atol=1e-6)
    for found, dim in (
        (whole, 32),
        (encoder.encode_prefix(TEXTS, "hiring"), 8),
        (encoder.encode_at_dim(TEXTS, "dating", 16), 16),
    ):
        assert found.shape == (3, dim) and found.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
        expected = whole[:, :dim] / np.linalg.norm(whole[:, :dim], axis=1, keepdims=True)
        np.testing.assert_allclose(found, expected, atol=1e-6)
    assert encoder.encode_prefix([], "dating").shape == (0, 8)


def test_unknown_domains_and_dims(encoder: DomainEncoder) -> None:
    for call in (encoder.encode, encoder.encode_prefix, lambda texts, domain: encoder.encode_at_dim(texts, domain, 8)):
        with pytest.raises(MatryoError, match="domain must be dating or hiring, got 'housing'"):
            call(TEXTS, "housing")
    with pytest.raises(ShapeError, match=r"dim must be one of \[8, 16, 32\], got 12"):
        encoder.encode_at_dim(TEXTS, "dating", 12)


def test_arguments(encoder: DomainEncoder) -> None:
    plain = encoder.encoder
    assert DomainEncoder(plain, domains=("x", "y"), prefix_dim=4).dims == (4, 32)
    with pytest.raises(MatryoError, match="two domains of different names"):
        DomainEncoder(plain, domains=("x", "x"), prefix_dim=4)
    with pytest.raises(ShapeError, match="prefix_dim must be one of the dims"):
        DomainEncoder(plain, domains=("x", "y"), prefix_dim=4, dims=(8, 32))
    with pytest.raises(ShapeError, match=r"1\.\.32"):
        DomainEncoder(plain, domains=("x", "y"), prefix_dim=64)


def test_folders_that_name_no_domains(tiny_model_folder: Path, saved: Path, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no domains are known"):
        DomainEncoder.load(tiny_model_folder)
    plain = save_model(load_encoder(tiny_model_folder, device="cpu", precision="fp32"), tmp_path / "plain")
    with pytest.raises(FormatError, match="names no domains"):
        DomainEncoder.load(plain)
    notes = json.loads((saved / "matryo.json").read_text())
    notes["extra"]["prefix_dim"] = "8"
    (plain / "matryo.json").write_text(json.dumps(notes))
    with pytest.raises(FormatError, match="of a wrong type: \\['prefix_dim'\\]"):
        read_domain_facts(plain)
