"""Questions to stores and indexes of translated vectors: the model that they imitate is answered, no other."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from typer.testing import CliRunner

from matryo.cli.stores import store_app
from matryo.embeddings import EmbeddingSet
from matryo.errors import SpaceError
from matryo.experiments.encoding import encode_texts
from matryo.experiments.index_search import search_folder
from matryo.experiments.index_settings import IndexSettings
from matryo.experiments.index_write import build_folder
from matryo.experiments.settings import ModelSettings
from matryo.experiments.store_commands import ask_store, list_stores, push_to_store
from matryo.experiments.translate_apply import apply_map
from matryo.maps import AffineMap
from matryo.search.stores import Location

pytest.importorskip("chromadb")

TEXTS = ["the cat runs", "the dog", "a query", "cat", "dog runs the cat"]


class Sides(NamedTuple):
    """The same texts by two models, which differ in how much they read and so in their space."""

    source: ModelSettings
    target: ModelSettings
    native: Path
    translated: Path
    narrow: Path


@pytest.fixture(scope="module")
def sides(tiny_model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Sides:
    root = tmp_path_factory.mktemp("sides")
    (root / "texts.txt").write_text("\n".join(TEXTS) + "\n")
    source = ModelSettings(str(tiny_model_folder), precision="fp32", max_tokens=20)
    target = ModelSettings(str(tiny_model_folder), precision="fp32")
    for model, name in ((source, "source"), (target, "native")):
        encode_texts(model, root / "texts.txt", root / name)
    spaces = [EmbeddingSet.open(root / name).space for name in ("source", "native")]
    eye = np.eye(32, dtype=np.float32)
    for name, width in (("translated", 32), ("narrow", 8)):
        matrix, offset = np.ascontiguousarray(eye[:, :width]), np.zeros(width, dtype=np.float32)
        apply_map(AffineMap(matrix, offset, *spaces, "procrustes", {"seed": 3}), root / "source", root / name)
    return Sides(source, target, root / "native", root / "translated", root / "narrow")


@pytest.fixture(scope="module")
def place(sides: Sides, tmp_path_factory: pytest.TempPathFactory) -> Location:
    where = Location("chroma", str(tmp_path_factory.mktemp("store") / "c"))
    for name in ("native", "translated", "narrow"):
        push_to_store(getattr(sides, name), where, name, texts="lines")
    return where


@pytest.mark.parametrize("name", ["translated", "narrow"])
def test_a_store_answers_the_model_that_is_imitated(sides: Sides, place: Location, name: str) -> None:
    answers = ask_store(place, name, TEXTS[1], sides.target, k=2)
    assert answers.hits[0].score == pytest.approx(1.0, abs=1e-4)
    native = ask_store(place, "native", TEXTS[1], sides.target, k=2)
    assert answers.hits[0].id == native.hits[0].id
    assert native.notes == ()
    (note,) = answers.notes
    assert f"the store {name} were made by a translator and only imitate those of" in note


def test_a_store_refuses_every_other_model(sides: Sides, place: Location) -> None:
    with pytest.raises(SpaceError, match=r"translated away from those of .*ask with the model of the space"):
        ask_store(place, "translated", TEXTS[1], sides.source)
    third = ModelSettings(sides.target.name, precision="fp32", max_tokens=9)
    with pytest.raises(SpaceError, match=r"that imitate the space .*ask with the model that they imitate"):
        ask_store(place, "translated", TEXTS[1], third)
    with pytest.raises(SpaceError, match="must lie in one space"):
        ask_store(place, "native", TEXTS[1], sides.source)


@pytest.mark.parametrize("name", ["translated", "narrow"])
def test_an_index_answers_the_model_that_is_imitated_alone(sides: Sides, tmp_path: Path, name: str) -> None:
    build_folder(getattr(sides, name), tmp_path / "i", IndexSettings(kind="flat"), model=sides.target)
    found = search_folder(tmp_path / "i", TEXTS[1], 2, model=sides.target)
    assert found.answers[0].score == pytest.approx(1.0, abs=1e-3)
    assert any("only imitate those of" in note for note in found.notes)
    with pytest.raises(SpaceError, match="translated away from those of"):
        search_folder(tmp_path / "i", TEXTS[1], 2, model=sides.source)


def test_an_index_of_native_vectors_is_as_strict_as_before(sides: Sides, tmp_path: Path) -> None:
    build_folder(sides.native, tmp_path / "i", IndexSettings(kind="flat"))
    assert not any("imitate" in note for note in search_folder(tmp_path / "i", TEXTS[1], 2, model=sides.target).notes)
    with pytest.raises(SpaceError, match="must lie in one space"):
        search_folder(tmp_path / "i", TEXTS[1], 2, model=sides.source)
    with pytest.raises(SpaceError, match="translated away from those of"):
        build_folder(sides.translated, tmp_path / "j", IndexSettings(kind="flat"), model=sides.source)


def test_a_list_says_from_whom_toward_whom(sides: Sides, place: Location) -> None:
    told = {facts.name: facts for facts in list_stores(place)}
    origin = told["translated"].origin
    assert origin is not None and (origin.map, origin.seed, origin.texts, origin.rows) == (
        "procrustes", "3", "lines", "all",
    )  # fmt: skip
    assert str(origin) == "from model to model by procrustes, seed 3"
    result = CliRunner().invoke(store_app, ["list", str(place)])
    lines = {line.split(":")[0]: line for line in result.stdout.splitlines()}
    assert ", from model to model by procrustes, seed 3, space " in lines["translated"]
    assert ", native model, space " in lines["native"]


def test_the_command_compares_two_stores(place: Location) -> None:
    result = CliRunner().invoke(store_app, ["compare", str(place), "translated", "native", "-k", "2", "--n", "5"])
    assert result.exit_code == 0
    assert "mutual neighbours@2: 1.000 [1.000, 1.000], chance 0.5000" in result.stdout.splitlines()
