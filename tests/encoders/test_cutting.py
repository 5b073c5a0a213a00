from pathlib import Path

import numpy as np
import pytest

from matryo.encoders import (
    Encoder,
    MappedEncoder,
    ModelEncoder,
    cut_encoder,
    export_model,
    load_encoder,
    save_model,
)
from matryo.errors import ShapeError
from matryo.maps import fit_rotation
from matryo.prefix import cut

TEXTS = ["the cat", "the dog runs", "x y z", "query", "a b c d"]


@pytest.fixture(scope="module")
def plain(tiny_model_folder: Path) -> ModelEncoder:
    return load_encoder(tiny_model_folder, precision="fp32")


@pytest.fixture(params=["plain", "mapped"])
def encoder(request: pytest.FixtureRequest, plain: ModelEncoder) -> Encoder:
    return plain if request.param == "plain" else MappedEncoder(plain, fit_rotation(plain.encode(TEXTS), plain.space))


def test_it_gives_the_prefix_rescaled(encoder: Encoder) -> None:
    short = cut_encoder(encoder, 12)
    assert short.width == short.space.width == 12
    assert np.allclose(short.encode(TEXTS), cut(encoder.encode(TEXTS), 12), atol=1e-6)
    assert short.prompt("query") == encoder.prompt("query")


def test_its_space_is_that_of_the_exported_model(encoder: Encoder, tmp_path: Path) -> None:
    short = cut_encoder(encoder, 12)
    exported = load_encoder(export_model(encoder, tmp_path / "export", 12), precision="fp32")
    saved = load_encoder(save_model(short, tmp_path / "save"), precision="fp32")
    assert short.space == exported.space == saved.space != encoder.space
    assert np.allclose(short.encode(TEXTS), exported.encode(TEXTS), atol=1e-5)
    assert np.allclose(short.encode(TEXTS), saved.encode(TEXTS), atol=1e-5)


def test_each_length_is_a_space_of_its_own(encoder: Encoder) -> None:
    assert len({cut_encoder(encoder, dim).space.id for dim in (4, 8, 16, 32)}) == 4


def test_the_full_width_is_no_cut(encoder: Encoder, tmp_path: Path) -> None:
    assert cut_encoder(encoder, 32) is encoder
    assert load_encoder(export_model(encoder, tmp_path / "model", 32)).space == encoder.space


@pytest.mark.parametrize("dim", [0, 33])
def test_outside_the_width_there_is_nothing(encoder: Encoder, dim: int) -> None:
    with pytest.raises(ShapeError, match=str(dim)):
        cut_encoder(encoder, dim)
