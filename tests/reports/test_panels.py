from dataclasses import replace

from matryo.evaluation.results import RunResults
from matryo.reports.panels import panels


def test_one_panel_per_data_set_and_measure_main_data_set_first(results: RunResults) -> None:
    found = panels(replace(results, dataset="stdlib, names masked"))
    assert [panel.name for panel in found] == ["MRR@10 on stdlib, names masked", "MRR@10 on stdlib"]
    assert all(share.dataset == panel.dataset for panel in found for share in panel.shares)
    assert len(found[0].recommendations) == 0 and len(found[1].recommendations) == 4


def test_rows_start_with_floors_and_pool_seeds(results: RunResults) -> None:
    panel = panels(results)[0]
    assert [row.label for row in panel.rows] == [
        "BM25",
        "plain cut",
        "random dims",
        "rotation",
        "head + rotation",
        "nested head",
    ]
    assert all(score.seed is None for row in panel.rows for score in row.scores.values())
    assert [row.label for row in panel.seed_rows][:2] == ["head + rotation, seed 0", "head + rotation, seed 1"]
    assert panel.dims == [32, 64, 96, 192, 384]


def test_seeds_stand_alone_where_nothing_was_pooled(results: RunResults) -> None:
    single = tuple(score for score in results.scores if score.seed is not None)
    panel = panels(replace(results, scores=single))[0]
    assert "nested head, seed 2" in [row.label for row in panel.rows] and panel.seed_rows == []


def test_models_are_named_when_there_are_several(results: RunResults) -> None:
    other = tuple(replace(score, model="wordllama") for score in results.scores if score.map == "none")
    labels = [row.label for row in panels(replace(results, scores=results.scores + other))[0].rows]
    assert "minilm: plain cut" in labels and "wordllama: plain cut" in labels and "BM25" in labels


def test_a_score_is_found_by_map_and_dim(results: RunResults) -> None:
    panel = panels(results)[0]
    score = panel.at("minilm", "rotation", 96)
    assert score is not None and score.value == 0.449
    assert panel.at("minilm", "rotation", 100) is None and panel.at("minilm", "nothing", 96) is None


def test_rows_of_trainings_are_called_by_model_and_map(dense_results: RunResults) -> None:
    panel = panels(dense_results)[0]
    assert [row.label for row in panel.rows][:3] == ["BM25", "minilm", "minilm + random dims"]
    assert panel.label("dense_baseline", "rotation", 1) == "dense_baseline + rotation, seed 1"
    assert panel.trained == ("dense_baseline", "matryoshka") and panel.row_title == "model and map"
