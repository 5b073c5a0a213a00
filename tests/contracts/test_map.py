"""The contract of maps: one list of checks, run over every kind."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from matryo import files
from matryo.errors import FormatError, MatryoError, ShapeError, SpaceError
from matryo.maps import (
    AffineMap,
    HeadSettings,
    LoopSettings,
    Map,
    MatrixMap,
    PairVectors,
    SpaceRows,
    TrainingSettings,
    Translator,
    compatible,
    fit_full_head,
    fit_linear,
    fit_mlp,
    fit_nested_head,
    fit_nested_ridge,
    fit_procrustes,
    fit_ridge,
    fit_rotation,
    load_map,
    random_dims,
    round_trip,
    then,
    translated,
)
from matryo.prefix import unit_rows
from matryo.space import Space

WIDTH = 12
SPACE = Space("weights", WIDTH)
LOOP = LoopSettings(batch_size=16, max_epochs=2)
QUICK = HeadSettings(loop=LOOP)
TRAINED = TrainingSettings(loop=LOOP)
TOWARD = Space("other weights", 9)


def vectors(seed: int, n: int = 48) -> np.ndarray:
    return unit_rows(np.random.default_rng(seed).normal(size=(n, WIDTH)).astype(np.float32))


PAIRS = PairVectors(vectors(1), vectors(2))
HELD_OUT = PairVectors(vectors(3), vectors(4))


def sides() -> tuple[SpaceRows, SpaceRows]:
    """Vectors of two spaces, the second a distorted part of the first."""
    x = vectors(1)
    mix = np.random.default_rng(0).normal(size=(WIDTH, TOWARD.width))
    return SpaceRows(x, SPACE), SpaceRows(unit_rows((x @ mix + 0.1).astype(np.float32)), TOWARD)


# how to fit a translator from one side to another
TRANSLATORS: dict[str, Callable[[SpaceRows, SpaceRows], Translator]] = {
    "ridge": fit_ridge,
    "procrustes": fit_procrustes,
    "linear": lambda a, b: fit_linear(a, b, settings=TRAINED),
    "mlp1 1x": lambda a, b: fit_mlp(a, b, settings=TRAINED),
    "mlp2 8x": lambda a, b: fit_mlp(a, b, n_hidden=2, hidden="8x", settings=TRAINED),
}
KINDS: dict[str, Callable[[], Map]] = {
    "rotation": lambda: fit_rotation(vectors(1), SPACE),
    "random dims": lambda: random_dims(SPACE, 5),
    "nested head": lambda: fit_nested_head(PAIRS, HELD_OUT, SPACE, (4, 8), settings=QUICK),
    "head + rotation": lambda: fit_full_head(PAIRS, HELD_OUT, SPACE, settings=QUICK),
    **{kind: (lambda fit=fit: fit(*sides())) for kind, fit in TRANSLATORS.items()},
    "ridge, source prefix": lambda: fit_nested_ridge(*sides(), (5,))[5],
    "ridge, target prefix": lambda: fit_ridge(*sides()).to_prefix(4),
}


@pytest.fixture(params=KINDS, scope="module")
def fitted(request: pytest.FixtureRequest) -> Map:
    made = KINDS[request.param]()
    assert made.kind == request.param.split(",")[0]
    return made


def test_a_refit_gives_the_same_map(request: pytest.FixtureRequest, fitted: Map) -> None:
    again = KINDS[request.node.callspec.params["fitted"]]()
    assert again.target.id == fitted.target.id


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
    with pytest.raises(ShapeError, match=r"reads (12|5) numbers per row.*, got 11"):
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


def test_vectors_of_another_space_are_refused(fitted: Map) -> None:
    newer = Space("weights, next revision", WIDTH)
    with pytest.raises(SpaceError, match=f"{SPACE.id[:12]}.*{newer.id[:12]}"):
        translated(fitted, SpaceRows(vectors(9), newer))
    mapped = translated(fitted, SpaceRows(vectors(9), SPACE))
    assert (mapped.read(slice(0, 48), 0, mapped.width) == fitted.apply(vectors(9))).all()


@pytest.mark.parametrize("kind", ["rotation", "random dims", "nested head", "head + rotation"])
def test_matrix_maps_join_only_end_to_start(kind: str) -> None:
    fitted = KINDS[kind]()
    assert isinstance(fitted, MatrixMap)
    second = fit_rotation(fitted.apply(vectors(6)), fitted.target)
    joined = then(fitted, second, "joined")
    assert np.allclose(joined.apply(vectors(9)), second.apply(fitted.apply(vectors(9))), atol=2e-6)
    with pytest.raises(SpaceError, match="second map"):
        then(fitted, fitted, "twice")


@pytest.fixture(params=TRANSLATORS, scope="module")
def both_ways(request: pytest.FixtureRequest) -> tuple[Translator, Translator]:
    fit, (source, target) = TRANSLATORS[request.param], sides()
    return fit(source, target), fit(target, source)


def test_a_translator_knows_its_three_spaces(both_ways: tuple[Translator, Translator], tmp_path: Path) -> None:
    there, _ = both_ways
    assert (there.source, there.toward, there.target.width) == (SPACE, TOWARD, TOWARD.width)
    assert len({there.source.id, there.toward.id, there.target.id}) == 3
    assert compatible(there, TOWARD) == TOWARD.width
    there.save(tmp_path / "map")
    loaded = load_map(tmp_path / "map")
    assert isinstance(loaded, Translator) and loaded.toward == TOWARD
    assert dict(loaded.settings) == dict(there.settings)


def test_raw_rows_are_those_of_apply_before_they_are_scaled(both_ways: tuple[Translator, Translator]) -> None:
    there, _ = both_ways
    raw = there.raw(vectors(9))
    assert raw.dtype == np.float32 and not np.allclose(np.linalg.norm(raw, axis=1), 1.0, atol=1e-3)
    assert np.allclose(unit_rows(raw), there.apply(vectors(9)), atol=1e-6)


def test_the_other_direction_is_refused(both_ways: tuple[Translator, Translator]) -> None:
    there, back = both_ways
    source, target = sides()
    with pytest.raises(SpaceError, match=f"{SPACE.id[:12]}.*{TOWARD.id[:12]}.*other direction"):
        translated(there, target)
    with pytest.raises(SpaceError, match="other direction"):
        translated(back, source)


def test_there_and_back_is_measured_and_chains_step_by_step(both_ways: tuple[Translator, Translator]) -> None:
    there, back = both_ways
    x = vectors(1)
    imitation = SpaceRows(there.apply(x), there.target)
    returned = translated(back, imitation, as_native=True).read(slice(0, len(x)), 0, WIDTH)
    assert np.allclose(returned, back.apply(there.apply(x)), atol=1e-6)
    measured = round_trip(there, back, x)
    assert measured == pytest.approx(float((returned * x).sum(axis=1).mean()), abs=1e-5)
    assert -1.0 <= measured <= 1.0
    if isinstance(there, AffineMap) and isinstance(back, AffineMap):
        assert np.allclose(there.then(back).raw(x), back.raw(there.raw(x)), atol=1e-5)


@pytest.mark.parametrize("kind", TRANSLATORS)
def test_bad_pairs_are_refused_in_one_line(kind: str) -> None:
    fit, (source, target) = TRANSLATORS[kind], sides()
    few, dead, long = np.arange(WIDTH), vectors(1), vectors(1)
    dead[:, 3], long[2] = 0.0, 2.0
    cases = {
        "needs more rows than that, got 12": (source.chosen(few), target.chosen(few)),
        "column 3 of the source holds one number": (SpaceRows(unit_rows(dead), SPACE), target),
        "row 2 of the source has length": (SpaceRows(long, SPACE), target),
        "got 12 and 48; join the sets by id": (source.chosen(few), target),
    }
    for words, pair in cases.items():
        with pytest.raises(MatryoError, match=words) as caught:
            fit(*pair)
        assert "\n" not in str(caught.value)
