"""Evaluation of a stored map: on ids that it was not fitted on, with a verdict where there are judgements."""

import json
from dataclasses import replace

import pytest

from matryo.embeddings import EmbeddingSet
from matryo.errors import FormatError, MatryoError, SpaceError
from matryo.evaluation.results import RunResults
from matryo.evaluation.translation_split import IdSplit
from matryo.experiments.translate_evaluate import EvaluationSettings, evaluate_map
from matryo.experiments.translate_fit import TranslatorSettings, fit_sets
from matryo.experiments.translate_inputs import open_inputs
from matryo.experiments.translate_task import open_translated_task
from matryo.maps import fit_rotation, load_map
from matryo.reports.translation_report import headline
from matryo.reports.translation_tables import records, stored
from matryo.space import Space

QUICK = EvaluationSettings(dims=(4, 8), source_dims=(6, 12), n_draws=100, k=5)


@pytest.fixture(scope="module")
def maps(made_models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("maps")
    fit_sets(made_models.old, made_models.new, folder / "forth")
    fit_sets(made_models.new, made_models.old, folder / "back")
    return folder


@pytest.fixture(scope="module")
def told(maps, made_models, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    queries = made_models.old_queries, made_models.new_queries
    found = evaluate_map(
        maps / "forth", made_models.old, made_models.new, QUICK, data=made_models.task, queries=queries,
        back=maps / "back", out=out,
    )  # fmt: skip
    return found, out


def test_the_stored_results_hold_everything(told) -> None:
    found, out = told
    read = RunResults.read(out)
    assert [table.name for table in read.tables] == [
        "measures", "dims", "lists", "resemblance", "different", "migrations", "costs", "grid",
    ]  # fmt: skip
    assert read.to_json() == found.results.to_json()
    assert read.settings["source"] == "old" and read.settings["split"] == {"share": 0.8, "group_end": ""}
    assert read.settings["n_held_out"] == found.results.settings["n_held_out"] < 150
    grid = records(stored(read, "grid"))
    assert [(row["source dim"], row["target dim"]) for row in grid] == [(6, 4), (6, 8), (12, 4), (12, 8)]
    migrations = [row for row in records(stored(read, "migrations")) if row["measure"] == "nDCG@10"]
    assert {(row["old"], row["new"], row["way"]) for row in migrations} == {
        (old, new, way)
        for old, new in (("old", "new"), ("new", "old"))
        for way in ("documents translated", "queries translated")
    }
    moved = migrations[0]
    # the last cell of the grid is the same ridge fit, asked in the same way
    assert grid[-1]["nDCG@10"] == pytest.approx(moved["translated"], abs=1e-9)


def test_a_bridge_is_seen_where_there_is_one(told) -> None:
    found, _ = told
    moved = records(stored(found.results, "migrations"))[0]
    assert (moved["old"], moved["way"], moved["verdict"]) == ("old", "documents translated", "bridge")
    assert moved["keep"] < moved["translated"] <= moved["re-encode"] + 0.05
    assert headline(found.results).startswith("Bridge from old to new")
    backward = [row for row in records(stored(found.results, "migrations")) if row["old"] == "new"]
    assert {row["verdict"] for row in backward} == {"do not bridge"}
    assert {row["share of the gap"] for row in backward} == {None}


def test_only_held_out_documents_are_searched(maps, made_models) -> None:
    inputs = open_inputs(maps / "forth", made_models.old, made_models.new)
    queries = made_models.old_queries, made_models.new_queries
    held = open_translated_task(inputs, made_models.task, queries)
    ids = [inputs.ids[row] for row in inputs.held_rows]
    assert held.judged.n_documents == len(ids) == held.a.documents.n_rows
    assert set(held.judged.query_ids) == {f"q{name[1:]}" for name in ids if int(name[1:]) % 2 == 0}
    assert not IdSplit().fitted(ids).any()
    whole = open_translated_task(inputs, made_models.task, queries, search_all=True)
    assert (whole.judged.n_documents, whole.judged.n_queries) == (400, 200)
    assert any("were fitted on" in note for note in whole.notes)


def test_reports_lie_beside_the_results(told) -> None:
    found, out = told
    names = {path.name for path in out.iterdir()}
    assert {"report.html", "report.md", "migration.png", "dimension.svg", "prefixes-r2.svg", "results.json"} <= names
    assert "Bridge from old to new" in (out / "report.md").read_text()
    assert "Bridge only if three things are shown" in found.summary and "old: numbers read" in found.summary


def test_without_judgements_nothing_is_decided(maps, made_models) -> None:
    found = evaluate_map(maps / "forth", made_models.old, made_models.new, replace(QUICK, source_dims=()))
    assert headline(found.results).startswith("Not decided") and found.written == ()
    assert [table.name for table in found.results.tables][-1] == "costs" and not found.results.scores
    with pytest.raises(MatryoError, match="name one with --dataset"):
        evaluate_map(maps / "forth", made_models.old, made_models.new, QUICK, back=maps / "back")


def test_rows_that_were_fitted_on_never_judge(maps, made_models, tmp_path, changed_set) -> None:
    with pytest.raises(MatryoError, match=r"fitted on .* rows of these very sets"):
        open_inputs(maps / "forth", made_models.old, made_models.new, all_rows=True)
    fit_sets(made_models.old, made_models.new, tmp_path / "all", TranslatorSettings(split=IdSplit(1.0)))
    with pytest.raises(MatryoError, match="none is left to evaluate"):
        open_inputs(tmp_path / "all", made_models.old, made_models.new)
    fitted = load_map(maps / "forth")
    replace(fitted, settings={**fitted.settings, "split": None}).save(tmp_path / "unknown")
    with pytest.raises(MatryoError, match="these very sets"):
        open_inputs(tmp_path / "unknown", made_models.old, made_models.new)
    others = (
        changed_set(made_models.old, "a", rows=slice(0, 200)),
        changed_set(made_models.new, "b", rows=slice(0, 350)),
    )
    part = open_inputs(maps / "forth", *others)
    assert any("are not the sets that the map was fitted on" in note for note in part.notes)
    assert any("50 of" not in note and "have no partner" in note for note in part.notes)
    assert not IdSplit().fitted([part.ids[row] for row in part.held_rows]).any()
    whole = open_inputs(maps / "forth", *others, all_rows=True)
    assert len(whole.held_rows) == len(whole.ids) and whole.rows().mean.shape == (8,)


def test_what_does_not_belong_together_is_refused(maps, made_models, tmp_path, changed_set) -> None:
    with pytest.raises(SpaceError, match="the other direction"):
        open_inputs(maps / "forth", made_models.new, made_models.old)
    older = changed_set(made_models.new, "older", space=Space("new, revised", 8))
    with pytest.raises(SpaceError, match="were to meet those of"):
        open_inputs(maps / "forth", made_models.old, older)
    x = EmbeddingSet.open(made_models.old)
    fit_rotation(x.to_numpy(), x.space).save(tmp_path / "rotation")
    with pytest.raises(FormatError, match="expected a translator"):
        open_inputs(tmp_path / "rotation", made_models.old, made_models.new)


def test_a_task_that_the_sets_do_not_hold_is_refused(maps, made_models, tmp_path) -> None:
    inputs = open_inputs(maps / "forth", made_models.old, made_models.new)
    with pytest.raises(MatryoError, match=r"no model is noted beside .*--queries-a"):
        open_translated_task(inputs, made_models.task)
    with pytest.raises(SpaceError):
        open_translated_task(inputs, made_models.task, (made_models.new_queries, made_models.new_queries))
    with pytest.raises(MatryoError, match=r"lacks .* queries"):
        open_translated_task(inputs, made_models.task, (made_models.old, made_models.new_queries))
    folder = tmp_path / "task"
    (folder / "qrels").mkdir(parents=True)
    for name, key in (("corpus", "x1"), ("queries", "y1")):
        (folder / f"{name}.jsonl").write_text(json.dumps({"_id": key, "text": "a"}) + "\n")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\ny1\tx1\t1\n")
    with pytest.raises(MatryoError, match="names ids like 'x1', the sets ids like 'd"):
        open_translated_task(inputs, folder, (made_models.old_queries, made_models.new_queries))
