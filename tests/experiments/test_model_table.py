"""Models measured at every dim: one run for all, resumed where it was, told apart from other settings."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from matryo.errors import MatryoError
from matryo.evaluation.results import RunResults
from matryo.experiments.model_table import SpeedSettings, kept_of, measure_models
from matryo.experiments.settings import ModelSettings
from matryo.measures.measure import Measure
from matryo.reports.model_table_values import MODELS_FILE, ModelTable

QUICK = SpeedSettings(n_texts=4, n_encode_rounds=1, n_rows=50, n_batch=4, n_single=1, n_rounds=1)


class Measured(NamedTuple):
    """What the tests share."""

    out: Path
    data: Path
    model: ModelSettings
    table: ModelTable


@pytest.fixture(scope="module", autouse=True)
def without_plots() -> Iterator[None]:
    """Drawing takes longer than measuring; the test of the command writes the real pages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("matryo.experiments.model_table.write_model_table", lambda table, out: [])
        patch.setattr("matryo.experiments.retrieval.write_reports", lambda folder: [])
        yield


@pytest.fixture(scope="module")
def measured(tiny_model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    folder = tmp_path_factory.mktemp("models")
    words = ["cat", "dog", "the cat runs", "a dog", "query", "the query runs"]
    pairs = [{"id": str(i), "query": f"{word} {i}", "document": f"the {word} runs {i}"} for i, word in enumerate(words)]
    data = folder / "pairs.jsonl"
    data.write_text("\n".join(map(json.dumps, pairs)) + "\n")
    model = ModelSettings(str(tiny_model_folder), "cpu", "fp32")
    table = measure_models([model], folder / "out", data=[data], dims=(8, 16, 64), speed=QUICK)
    return Measured(folder / "out", data, model, table)


def test_every_dim_has_storage_speed_and_quality(measured: Measured) -> None:
    (model,) = measured.table.models
    assert model.width == 32 and model.dims == (8, 16, 32)
    assert len(model.quality) == 6
    assert {kept.map for kept in model.quality} == {"none", "rotation"}
    full = model.kept(measured.table.datasets[0], "none", 32)
    assert full is not None and (full.share, full.share_low, full.share_high) == (1.0, 1.0, 1.0)
    assert all(0.0 <= kept.value <= 1.0 and kept.n == 6 for kept in model.quality)
    assert {(one.map, one.dim <= 32) for one in model.recommended} == {("none", True), ("rotation", True)}
    assert any("wider dims were left out" in note for note in measured.table.notes)


def test_shares_are_those_of_the_means(measured: Measured) -> None:
    (model,) = measured.table.models
    full = model.kept(measured.table.datasets[0], "none", 32)
    assert full is not None
    for kept in model.quality:
        assert kept.share == pytest.approx(kept.value / full.value)


def test_a_rotation_keeps_the_full_width(measured: Measured) -> None:
    (model,) = measured.table.models
    plain, rotated = (model.kept(measured.table.datasets[0], map, 32) for map in ("none", "rotation"))
    assert plain is not None and rotated is not None and rotated.value == pytest.approx(plain.value)


def test_what_is_stored_is_what_was_given(measured: Measured) -> None:
    assert repr(ModelTable.read(measured.out).models) == repr(measured.table.models)


def test_a_second_run_measures_nothing_again(measured: Measured) -> None:
    told: list[str] = []
    (measured.out / MODELS_FILE).unlink()
    again = measure_models(
        [measured.model], measured.out, data=[measured.data], dims=(8, 16, 64), speed=QUICK, say=told.append
    )
    assert again.models == measured.table.models
    assert len(told) == 3 and all("done before" in line for line in told)


def test_times_lost_are_taken_again_and_the_curve_is_not(measured: Measured) -> None:
    told: list[str] = []
    shutil.rmtree(measured.out / "speed")
    measure_models([measured.model], measured.out, data=[measured.data], dims=(8, 16), speed=QUICK, say=told.append)
    assert [line.partition(" ")[0] for line in told if "done before" in line] == ["quality"]
    assert (measured.out / MODELS_FILE).exists()


def test_other_settings_are_refused_in_the_same_folder(measured: Measured) -> None:
    with pytest.raises(MatryoError, match=r"another config.*--fresh"):
        measure_models([measured.model], measured.out, data=[measured.data], dims=(8,), speed=QUICK)
    with pytest.raises(MatryoError, match="another config"):
        measure_models(
            [measured.model],
            measured.out,
            data=[measured.data],
            dims=(8, 16),
            measure=Measure("MRR", 10),
            speed=QUICK,
        )


def test_names_must_differ_and_something_must_be_named(measured: Measured, tmp_path: Path) -> None:
    with pytest.raises(MatryoError, match="models need names of their own"):
        measure_models([measured.model, measured.model], tmp_path / "a", data=[measured.data])
    with pytest.raises(MatryoError, match="data sets need names of their own"):
        measure_models([measured.model], tmp_path / "b", data=[measured.data, measured.data])
    with pytest.raises(MatryoError, match="one or more, got 0 and 1"):
        measure_models([], tmp_path / "c", data=[measured.data])
    with pytest.raises(MatryoError, match=r"share must lie between 0 and 1, got 1\.0"):
        measure_models([measured.model], tmp_path / "d", data=[measured.data], share=1.0)
    assert not (tmp_path / "d").exists()


def test_shares_of_a_stored_curve(measured: Measured) -> None:
    (curve,) = measured.out.glob("curves/*/*")
    found = kept_of(RunResults.read(curve, with_per_query=False))
    assert tuple(found) == measured.table.models[0].quality
