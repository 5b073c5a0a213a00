from pathlib import Path

import numpy as np
import pytest

from matryo.encoders import MappedEncoder, load_encoder
from matryo.errors import SpaceError
from matryo.maps import fit_rotation

TEXTS = ["the cat", "the dog runs", "x y z", "query", "a b c d"]


def test_it_maps_what_the_encoder_gives(tiny_model_folder: Path) -> None:
    encoder = load_encoder(tiny_model_folder, prompts={"query": "query: "})
    fitted = fit_rotation(encoder.encode(TEXTS), encoder.space)
    mapped = MappedEncoder(encoder, fitted)
    assert mapped.space == fitted.target != encoder.space
    assert np.array_equal(mapped.encode(TEXTS, "query"), fitted.apply(encoder.encode(TEXTS, "query")))
    assert mapped.prompt("query") == "query: "
    assert mapped.name == "model + rotation" and mapped.description["map"] == "rotation"


def test_a_map_of_another_space_is_refused(tiny_model_folder: Path) -> None:
    long, short = load_encoder(tiny_model_folder), load_encoder(tiny_model_folder, max_tokens=8)
    fitted = fit_rotation(short.encode(TEXTS), short.space)
    with pytest.raises(SpaceError, match="rotation map"):
        MappedEncoder(long, fitted)
