"""What is measured of a pair: held-out answers, the native side as it is kept, prefixes, learning curves."""

import numpy as np
import pytest

from matryo.evaluation.translation import TranslationSettings, measure_native, measure_translation
from matryo.evaluation.translation_split import IdSplit
from matryo.experiments.study_config import MeasureConfig
from matryo.experiments.study_curve import curve_sizes, measure_curve
from matryo.experiments.study_job_pair import (
    Pair,
    PairFiles,
    SideFiles,
    read_native,
    relevant_among,
    write_judged,
    write_native,
)
from matryo.experiments.study_measures import (
    measure_before,
    measure_job,
    measure_prefixes,
    measure_return,
    n_parameters,
    study_settings,
)
from matryo.experiments.translate_fit import TranslatorSettings, fit_rows
from matryo.files import read_json
from matryo.maps import AffineMap, MlpMap, round_trip
from matryo.maps.layers import Layer
from matryo.space import Space

SETTINGS = TranslationSettings(dims=(4, 8), k=5, depths=(1, 5), n_permutations=20, n_draws=100)


@pytest.fixture(scope="module")
def pair(made_models, tmp_path_factory) -> Pair:
    run = tmp_path_factory.mktemp("run")
    judgements = {f"q{i}": {f"d{i}": 1, f"d{i + 1}": 0} for i in range(0, 400, 2)}
    write_judged(run, "toy texts", judgements, {f"q{i}": f"group {i % 30}" for i in range(0, 400, 2)}, IdSplit())
    old = SideFiles("old", made_models.old, made_models.old_queries, "key of old")
    new = SideFiles("new", made_models.new, made_models.new_queries, "key of new")
    found = Pair.open(PairFiles(run, old, new, IdSplit(), SETTINGS))
    _, native = measure_before(found)
    write_native(found.files.folder / "before.npz", native)
    return found


@pytest.fixture(scope="module")
def fitted(pair) -> AffineMap:
    return fit_rows(pair.a.chosen(pair.fitted), pair.b.chosen(pair.fitted), TranslatorSettings())


def test_rows_are_joined_and_split(pair) -> None:
    assert (pair.n_documents, pair.n_only, len(pair.ids)) == (400, (0, 0), 400)
    is_fitted = IdSplit().fitted(pair.ids)
    assert pair.fitted.tolist() == np.flatnonzero(is_fitted).tolist()
    assert pair.rows.ids == tuple(name for name, one in zip(pair.ids, is_fitted, strict=True) if not one)
    row = pair.rows.ids[0]
    place = pair.b.ids().index(row)
    assert np.allclose(pair.rows.target[0], pair.b.take(np.array([place]), 0, 8)[0])


def test_only_held_out_answers_count(pair) -> None:
    task, held = pair.task, set(pair.rows.ids)
    assert task.name == "toy texts" and task.judged.n_documents == len(held)
    assert set(task.judged.query_ids) == {f"q{name[1:]}" for name in held if int(name[1:]) % 2 == 0}
    assert task.groups["q" + next(n for n in pair.rows.ids if int(n[1:]) % 2 == 0)[1:]].startswith("group ")
    stored = read_json(pair.files.run / "judged.json", "judgements")
    assert all(set(grades) <= held for grades in stored["judgements"].values())
    assert relevant_among({"a": {"x": 1}, "b": {"x": 0}, "c": {"y": 1}}, {"x"}, {"a", "b"}) == {"a": {"x": 1}}


def test_without_judgements_there_is_no_task(made_models, tmp_path) -> None:
    write_judged(tmp_path, "lines", None, {}, IdSplit())
    old, new = SideFiles("old", made_models.old, None, "a"), SideFiles("new", made_models.new, None, "b")
    assert Pair.open(PairFiles(tmp_path, old, new, IdSplit(), SETTINGS)).task is None


def test_the_native_side_is_kept_as_it_was_measured(pair, fitted) -> None:
    whole = measure_native(pair.rows, SETTINGS)
    kept = read_native(pair.files.folder / "before.npz", pair.rows, SETTINGS)
    assert kept.dims == whole.dims and kept.target_variance == pytest.approx(whole.target_variance)
    assert (kept.chosen.lists == whole.chosen.lists).all() and (kept.source_lists == whole.source_lists).all()
    by_kept, by_whole = (measure_translation(fitted, pair.rows, SETTINGS, one) for one in (kept, whole))
    ours = [one for one in by_whole.values if one.row == "translated"]
    assert list(by_kept.values) == ours and str(by_kept.dims) == str(by_whole.dims)


def test_before_holds_the_references_and_what_the_spaces_share(pair) -> None:
    facts, native = measure_before(pair)
    rows = {row["vectors"]: row for row in facts["references"]}
    assert list(rows) == ["target mean", "source, zero-padded", "keep the old model", "re-encode"]
    assert abs(rows["target mean"]["R2"]) < 0.1 and "mutual" not in rows["target mean"]
    assert rows["re-encode"]["mutual"] == 1.0 and rows["re-encode"]["CKA"] == 1.0
    before = facts["before"]
    assert before["CKA"] == native.tests["keep the old model"].debiased < before["CKA biased"]
    assert before["mutual"] == rows["keep the old model"]["mutual"] > before["mutual chance"]
    assert before["mutual chance"] == pytest.approx(5 / (len(pair.held) - 1))
    assert [row["k"] for row in facts["lists"]] == [1, 5, 1, 5]


def test_a_later_seed_is_measured_without_prefixes(pair, fitted) -> None:
    first, later = (measure_job(pair, fitted, first=first, seed=3) for first in (True, False))
    assert set(first) - set(later) == {"dims", "lists", "different"}
    assert first["translator"] == later["translator"] and first["migrations"] == later["migrations"]
    assert {row["seed"] for row in first["migrations"]} == {3}
    for row in first["migrations"]:
        assert row["over swap"] == pytest.approx(row["translated"] - row["swap"])
        assert row["swap gain"] == pytest.approx(row["swap"] - row["keep"])
        assert row["swap gain low"] <= row["swap gain"] <= row["swap gain high"]
    assert first["dims"][-1]["R2"] == first["translator"]["R2"] > first["dims"][-1]["R2 low"]
    assert first["vectors per second"] > 0
    different = first["different"][0]
    assert different["id"] in pair.rows.ids and len(different["native"]) == len(different["translated"]) == 3


def test_the_way_there_and_back(pair, fitted) -> None:
    back = fit_rows(pair.b.chosen(pair.fitted), pair.a.chosen(pair.fitted), TranslatorSettings())
    assert measure_return(pair, fitted, back) == pytest.approx(round_trip(fitted, back, pair.rows.source))


def test_prefixes_of_the_whole_source_are_those_of_the_map(pair, fitted) -> None:
    cells = measure_prefixes(pair)
    assert {row["target dim"] for row in cells} == {4, 8} and cells[-1]["source dim"] == 12
    dims = measure_job(pair, fitted, first=True, seed=0)["dims"]
    assert cells[-1]["R2"] == pytest.approx(dims[-1]["R2"], abs=1e-4)


def test_a_learning_curve_ends_where_the_map_is(pair, fitted) -> None:
    rows = measure_curve(pair, TranslatorSettings(), (10, 60, 9_999), (0, 1), fit_seed=0)
    n = len(pair.fitted)
    assert [(row["pairs"], row["seed"]) for row in rows] == [(10, 0), (10, 1), (60, 0), (60, 1), (n, 0)]
    assert rows[0]["R2"] != rows[1]["R2"] and max(rows[0]["R2"], rows[1]["R2"]) < rows[-1]["R2"]
    assert rows[0]["share of corpus"] == 10 / 400
    whole = measure_job(pair, fitted, first=False, seed=0)
    for name in ("R2", "top-1", "mutual"):
        assert rows[-1][name] == pytest.approx(whole["translator"][name], abs=1e-4)
    moved = next(row for row in whole["migrations"] if row["way"] == "documents translated")
    assert rows[-1]["nDCG@10"] == pytest.approx(moved["translated"], abs=1e-4)


def test_sizes_of_a_curve() -> None:
    assert curve_sizes((500, 100), 400) == (100, 400) and curve_sizes((400,), 400) == (400,)
    assert curve_sizes((100, 300, 350), 400, "linear") == (300, 350, 400)


def test_settings_take_the_dims_that_fit() -> None:
    measure = MeasureConfig(dims=(512, 8, 4), k=3)
    assert study_settings(measure, 16).dims == (4, 8, 16) and study_settings(measure, 16).k == 3
    assert study_settings(MeasureConfig(), 384).dims == (32, 64, 96, 128, 192, 256, 384)


def test_parameters_are_counted(fitted) -> None:
    assert n_parameters(fitted) == 12 * 8 + 8
    layers = [Layer(np.zeros((a, b), np.float32), np.zeros(b, np.float32)) for a, b in ((4, 5), (5, 3))]
    assert n_parameters(MlpMap(tuple(layers), Space("a", 4), Space("b", 3), "mlp1 1x")) == 4 * 5 + 5 + 5 * 3 + 3


def test_fewer_held_out_rows_are_refused(pair) -> None:
    few = Pair(pair.files, pair.a, pair.b, pair.ids, 400, (0, 0), pair.fitted, pair.held_out[:5])
    with pytest.raises(ValueError, match="at least 12 rows, got 5"):
        measure_before(few)
