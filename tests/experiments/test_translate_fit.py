"""Fitting on two sets: joined by id, held out by id, and what does not fit is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError, ShapeError
from matryo.evaluation.translation_split import IdSplit
from matryo.experiments.translate_fit import FitReport, TranslatorSettings, fit_rows, fit_sets
from matryo.maps import SpaceRows, load_map
from matryo.prefix import unit_rows
from matryo.space import Space


def test_a_fit_is_written_measured_and_says_what_it_did(made_models, tmp_path) -> None:
    report = fit_sets(made_models.old, made_models.new, tmp_path / "map")
    assert report.n_fitted + report.n_held_out == 400 and 0.7 < report.n_fitted / 400 < 0.9
    assert report.r2.value > 0.8 and report.r2.low < report.r2.value < report.r2.high
    assert report.cosine.n == report.n_held_out and report.notes == ()
    stored = load_map(tmp_path / "map")
    assert IdSplit.of_map(stored.settings) == IdSplit()
    assert stored.settings["sets"] == [EmbeddingSet.open(s).digest for s in (made_models.old, made_models.new)]
    told = "\n".join(report.lines())
    assert "12 -> 8 numbers" in told and "lambda" in told and f"held-out R2 {report.r2.value:.3f}" in told


def test_held_out_rows_have_no_part_in_the_map(made_models, tmp_path, changed_set, rng) -> None:
    given = EmbeddingSet.open(made_models.old)
    x, held = given.to_numpy(), ~IdSplit().fitted(given.ids())
    x[held] = x[rng.permutation(np.flatnonzero(held))]
    other = changed_set(made_models.old, "shuffled", vectors=x)
    whole, shuffled = (fit_sets(s, made_models.new, tmp_path / f"m{i}") for i, s in enumerate((made_models.old, other)))
    assert (whole.fitted.matrix == shuffled.fitted.matrix).all()
    assert shuffled.r2.value < 0.2 < whole.r2.value


def test_missing_ids_are_counted(made_models, tmp_path, changed_set) -> None:
    part = changed_set(made_models.new, "part", rows=slice(0, 300))
    report = fit_sets(made_models.old, part, tmp_path / "map")
    assert (report.n_only_source, report.n_only_target, report.n_fitted + report.n_held_out) == (100, 0, 300)
    assert "100 rows of the source and 0 of the target have no partner" in report.notes[0]


@pytest.mark.parametrize(
    ("settings", "kind", "shape"),
    [
        (TranslatorSettings("procrustes", centre=True), "procrustes", (12, 8)),
        (TranslatorSettings("ridge", source_dim=6, target_dim=4), "ridge", (6, 4)),
        (TranslatorSettings("ridge", split=IdSplit(0.5, "d1")), "ridge", (12, 8)),
    ],
)
def test_kinds_and_prefixes(settings, kind, shape, made_models, tmp_path) -> None:
    report = fit_sets(made_models.old, made_models.new, tmp_path / "map", settings)
    assert report.fitted.kind == kind and report.fitted.matrix.shape == shape
    assert report.r2.value > 0.0


def test_trained_kinds(rng) -> None:
    hidden = rng.normal(size=(600, 4))
    x, y = (unit_rows((hidden @ rng.normal(size=(4, d))).astype(np.float32)) for d in (4, 3))
    sides = SpaceRows(x, Space("a", 4)), SpaceRows(y, Space("b", 3))
    for settings, kind in (
        (TranslatorSettings("linear"), "linear"),
        (TranslatorSettings("mlp1", loss="cosine", hidden="2x"), "mlp1 2x"),
    ):
        fitted = fit_rows(*sides, settings)
        assert (fitted.kind, fitted.settings["loss"]) == (kind, settings.loss or "mse")
        assert IdSplit.of_map(fitted.settings) == settings.split
        report = FitReport(Path("m"), fitted, 600, 0, 0, 0, 600, None, None, {"fit": 1.0})
        assert any(line.startswith("epochs: ") for line in report.lines())


def test_all_rows_leave_nothing_to_measure(made_models, tmp_path) -> None:
    report = fit_sets(made_models.old, made_models.new, tmp_path / "map", TranslatorSettings(split=IdSplit(1.0)))
    assert report.r2 is None and "not measured, every row was fitted on" in "\n".join(report.lines())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "mlp3"}, "kind must be one of"),
        ({"hidden": "8x"}, "hidden belongs to mlp1 and mlp2, got it with kind 'ridge'"),
        ({"kind": "procrustes", "loss": "mse"}, "loss belongs to"),
        ({"kind": "linear", "source_dim": 3}, "source_dim belongs to ridge"),
        ({"centre": True}, "centre belongs to procrustes"),
    ],
)
def test_settings_of_another_kind_are_refused(settings, words) -> None:
    with pytest.raises(MatryoError, match=words):
        TranslatorSettings(**settings)


def test_sets_that_do_not_belong_together_are_refused(made_models, tmp_path, changed_set) -> None:
    strange = changed_set(made_models.new, "strange", ids=[f"x{i}" for i in range(400)])
    with pytest.raises(MatryoError, match="no id in common"):
        fit_sets(made_models.old, strange, tmp_path / "map")
    few = changed_set(made_models.new, "few", rows=slice(0, 12))
    with pytest.raises(MatryoError, match="a map from 12 columns needs more rows"):
        fit_sets(made_models.old, few, tmp_path / "map")
    given = EmbeddingSet.open(made_models.new)
    long = changed_set(
        made_models.new, "long", vectors=3 * given.to_numpy(), space=replace(Space("new", 8), normalize=False)
    )
    with pytest.raises(ShapeError, match="rows of length 1"):
        fit_sets(made_models.old, long, tmp_path / "map")
    assert not (tmp_path / "map").exists()
