"""The contract of maps: one list of checks, run over every kind."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from matryo import files
from matryo.errors import FormatError, MatryoError, ShapeError, SpaceError
from matryo.maps import (
    HeadSettings,
    LoopSettings,
    Map,
    PairVectors,
    fit_full_head,
    fit_nested_head,
    fit_rotation,
    load_map,
    random_dims,
    then,
)
from matryo.prefix import unit_rows
from matryo.space import Space

WIDTH = 12
SPACE = Space("weights", WIDTH)
QUICK = HeadSettings(loop=LoopSettings(batch_size=16, max_epochs=2))


def vectors(seed: int, n: int = 48) -> np.ndarray:
    return unit_rows(np.random.default_rng(seed).normal(size=(n, WIDTH)).astype(np.float32))


PAIRS = PairVectors(vectors(1), vectors(2))
HELD_OUT = PairVectors(vectors(3), vectors(4))

KINDS: dict[str, Callable[[], Map]] = {
    "rotation": lambda: fit_rotation(vectors(1), SPACE),
    "random dims": lambda: random_dims(SPACE, 5),
    "nested head": lambda: fit_nested_head(PAIRS, HELD_OUT, SPACE, (4, 8), settings=QUICK),
    "head + rotation": lambda: fit_full_head(PAIRS, HELD_OUT, SPACE, settings=QUICK),
}


@pytest.fixture(params=KINDS, scope="module")
def fitted(request: pytest.FixtureRequest) -> Map:
    made = KINDS[request.param]()
    assert made.kind == request.param
    return made


def test_rows_come_out_as_unit_float32(fitted: Map) -> None:
    mapped = fitted.apply(vectors(9).astype(np.float64))
    assert mapped.shape == (48, fitted.target.width) and mapped.dtype == np.float32
    assert np.allclose(np.linalg.norm(mapped, axis=1), 1.0, atol=1e-6)


def test_rows_are_mapped_one_by_one(fitted: Map) -> None:
    x = vectors(9)
    assert np.allclose(fitted.apply(x)[::-1], fitted.apply(x[::-1].copy()), atol=1e-6)
    assert np.allclose(fitted.apply(x[:1]), fitted.apply(x)[:1], atol=1e-6)


def test_zero_rows_stay_zero_and_no_rows_give_no_rows(fitted: Map) -> None:
    assert not fitted.apply(np.zeros((2, WIDTH), dtype=np.float32)).any()
    assert fitted.apply(np.zeros((0, WIDTH), dtype=np.float32)).shape == (0, fitted.target.width)


def test_the_input_is_left_alone(fitted: Map) -> None:
    x = vectors(9)
    before = x.copy()
    fitted.apply(x)
    assert (x == before).all()


def test_every_map_leads_into_a_new_space(fitted: Map) -> None:
    assert fitted.source.id == SPACE.id
    assert fitted.target.id != SPACE.id


def test_save_then_load(fitted: Map, tmp_path: Path) -> None:
    fitted.save(tmp_path / "map")
    loaded = load_map(tmp_path / "map")
    assert (loaded.kind, loaded.source, loaded.target) == (fitted.kind, fitted.source, fitted.target)
    assert (loaded.apply(vectors(9)) == fitted.apply(vectors(9))).all()


def test_other_widths_and_broken_numbers_are_refused(fitted: Map) -> None:
    with pytest.raises(ShapeError, match="reads 12 numbers per row, got 11"):
        fitted.apply(np.ones((2, WIDTH - 1), dtype=np.float32))
    broken = vectors(9)
    broken[3, 3] = np.nan
    with pytest.raises(ShapeError, match="row 3"):
        fitted.apply(broken)


def test_a_changed_file_is_refused(fitted: Map, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    numbers = tmp_path / "map.safetensors"
    content = bytearray(numbers.read_bytes())
    content[-1] ^= 1
    numbers.write_bytes(content)
    with pytest.raises(FormatError, match="digest"):
        load_map(tmp_path)
    numbers.unlink()
    with pytest.raises(FormatError, match="holds no matrix"):
        load_map(tmp_path)


def test_a_later_format_and_an_unknown_class_are_refused(fitted: Map, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    manifest = files.read_json(tmp_path / "map.json", "a map")
    files.write_json(tmp_path / "map.json", {**manifest, "format": 99})
    with pytest.raises(FormatError, match="format 99"):
        load_map(tmp_path)
    files.write_json(tmp_path / "map.json", {**manifest, "class": "forest"})
    with pytest.raises(FormatError, match="forest"):
        load_map(tmp_path)
    with pytest.raises(FormatError, match="is missing"):
        load_map(tmp_path / "nowhere")


def test_a_folder_with_other_files_is_left_alone(fitted: Map, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(MatryoError, match="other files"):
        fitted.save(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_maps_join_only_end_to_start(fitted: Map) -> None:
    second = fit_rotation(fitted.apply(vectors(6)), fitted.target)
    joined = then(fitted, second, "joined")
    assert np.allclose(joined.apply(vectors(9)), second.apply(fitted.apply(vectors(9))), atol=2e-6)
    with pytest.raises(SpaceError, match="second map"):
        then(fitted, fitted, "twice")
