"""A whole evaluation of two arms and two seeds on the toy task, against the same figures computed by hand."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from matryo.data.retrieval import Retrieval
from matryo.data.texts import Texts
from matryo.data.toy import toy
from matryo.encoders import load_encoder
from matryo.errors import MatryoError
from matryo.evaluation import RunResults, Score, retrieval_curve
from matryo.evaluation.results import ExtraTable
from matryo.experiments.arms import evaluate_run
from matryo.experiments.run_config import RetrievalConfig
from matryo.experiments.run_data import RunData
from matryo.experiments.run_models import choose_seed
from matryo.maps import fit_rotation
from matryo.measures.judged import judge
from matryo.measures.measure import Measure
from matryo.measures.statistics import bootstrap_difference

DIMS = (8, 16, 32)
SEEDS = (3, 5)
MEASURES = ("MRR@10", "recall@50", "hit@50")
NAME = "toy"


def part(task: Retrieval, first: int, last: int, n_documents: int | None = None) -> Retrieval:
    """Some queries of a task, and the first documents of it with the relevant ones."""
    chosen = list(task.queries)[first:last]
    judgements = {query.id: task.judgements[query.id] for query in chosen}
    needed = {document for grades in judgements.values() for document in grades}
    kept = [d for place, d in enumerate(task.documents) if n_documents is None or place < n_documents or d.id in needed]
    documents = Texts.of([d.id for d in kept], [d.text for d in kept])
    queries = Texts.of([q.id for q in chosen], [q.text for q in chosen])
    return replace(task, documents=documents, queries=queries, judgements=judgements)


@pytest.fixture(scope="module")
def data() -> RunData:
    made = toy()
    # one query has a second relevant document, so that recall and hit differ
    first = next(iter(made.dev.judgements))
    judgements = {**made.dev.judgements, first: {**made.dev.judgements[first], "0": 1}}
    test = replace(made.dev, judgements=judgements, name="another name")
    return RunData(NAME, part(made.train, 0, 50), part(made.train, 50, 64, 20), test, ("a note of the data",), "key")


def config(**evaluate: object) -> RetrievalConfig:
    asked = {"measures": MEASURES, "baselines": ("plain", "random", "rotation"), "latency_queries": 3, **evaluate}
    return RetrievalConfig.model_validate(
        {
            "name": "check",
            "purpose": "a check",
            "model": {"name": "untrained", "precision": "fp32", "device": "cpu"},
            "data": {"kind": "toy"},
            "dims": [16, 8],
            "arms": ["dense_baseline", "matryoshka"],
            "seeds": SEEDS,
            "evaluate": asked,
        }
    )


@pytest.fixture(scope="module")
def models(tiny_model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], Path]:
    """Copies of the tiny model, each with noise of its own: what training would have made."""
    found = {}
    for place, (arm, seed) in enumerate((arm, seed) for arm in ("dense_baseline", "matryoshka") for seed in SEEDS):
        model = SentenceTransformer(str(tiny_model_folder), device="cpu")
        generator = torch.Generator().manual_seed(place)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator) * parameter.std())
        found[arm, seed] = tmp_path_factory.mktemp("models") / f"{arm}-{seed}"
        model.save_pretrained(str(found[arm, seed]), create_model_card=False)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def results(data: RunData, tiny_model_folder: Path, models: Mapping[tuple[str, int], Path], folder: Path) -> RunResults:
    return evaluate_run(config(), data, tiny_model_folder, models, folder)


def of(results: RunResults, model: str, map: str, dim: int, measure: str = "MRR@10", seed: int | None = None) -> Score:
    key = (model, map, dim, measure, seed)
    (found,) = [s for s in results.scores if (s.model, s.map, s.dim, s.measure, s.seed) == key]
    return found


def by_hand(data: RunData, model: Path, *, rotate: bool) -> list[Score]:
    encoder = load_encoder(model, precision="fp32")
    documents = encoder.encode([text.text for text in data.test.documents])
    asked = encoder.encode([text.text for text in data.test.queries], "query")
    if rotate:
        text_of = {text.id: text.text for text in data.train.documents}
        pairs = [(q.text, text_of[next(iter(data.train.judgements[q.id]))]) for q in data.train.queries]
        rotation = fit_rotation(
            encoder.encode([d for _, d in pairs]), encoder.space, more=encoder.encode([q for q, _ in pairs], "query")
        )
        documents, asked = rotation.apply(documents), rotation.apply(asked)
    judged = judge(data.test.judgements, data.test.queries.ids(), data.test.documents.ids())
    measures = [Measure.parse(measure) for measure in MEASURES]
    return retrieval_curve(asked, documents, judged, DIMS, measures, dataset=NAME, model="m", seed=SEEDS[0])


@pytest.mark.parametrize("map", ["none", "rotation"])
def test_every_arm_and_seed_as_computed_by_hand(
    results: RunResults, data: RunData, models: Mapping[tuple[str, int], Path], map: str
) -> None:
    for (arm, seed), model in models.items():
        for expected in by_hand(data, model, rotate=map == "rotation"):
            found = of(results, arm, map, expected.dim, expected.measure, seed)
            assert found.dataset == NAME and found.per_query is not None
            # a rotation may swap two documents whose scores agree to the last bit
            assert (found.per_query == expected.per_query).mean() > 0.9
            assert found.value == pytest.approx(expected.value, abs=5e-3)


def test_the_untrained_model_and_bm25_stand_beside(results: RunResults, data: RunData, tiny_model_folder: Path) -> None:
    for expected in by_hand(data, tiny_model_folder, rotate=False):
        found = of(results, "untrained", "none", expected.dim, expected.measure)
        assert (found.value, found.low, found.high) == pytest.approx((expected.value, expected.low, expected.high))
    assert of(results, "bm25", "bm25", 0).value > 0.3
    assert of(results, "untrained", "random dims", 8).n_seeds == 5
    assert {s.map for s in results.scores if s.seed is not None} == {"none", "rotation"}


def test_pooled_scores_are_means_over_the_seeds(results: RunResults) -> None:
    for arm in ("dense_baseline", "matryoshka"):
        for map in ("none", "rotation"):
            for dim in DIMS:
                pooled = of(results, arm, map, dim)
                single = [of(results, arm, map, dim, seed=seed) for seed in SEEDS]
                assert pooled.n_seeds == 2 and pooled.value == pytest.approx(np.mean([s.value for s in single]))


def test_differences_are_paired_by_query_and_seed(results: RunResults) -> None:
    found = {difference.name: difference for difference in results.differences}
    control = [of(results, "dense_baseline", "rotation", 8, seed=seed).per_query for seed in SEEDS]
    nested = [of(results, "matryoshka", "none", 8, seed=seed).per_query for seed in SEEDS]
    expected = bootstrap_difference(np.stack(nested), np.stack(control), seed=SEEDS[0])
    one = found["matryoshka vs dense_baseline + rotation at 8"]
    assert (one.value, one.low, one.high) == pytest.approx((expected.value, expected.low, expected.high), abs=1e-12)
    assert {name for name in found if name.endswith(" at 16")} == {
        "matryoshka vs dense_baseline + rotation at 16",
        "matryoshka + rotation vs dense_baseline + rotation at 16",
        "matryoshka vs dense_baseline at 16",
        "dense_baseline vs untrained at 16",
        "matryoshka vs untrained at 16",
    }
    full = found["full widths: matryoshka vs dense_baseline"]
    assert (full.left.dim, full.right.dim, full.left.map, full.right.map) == (32, 32, "none", "none")


def test_recall_is_the_share_found_and_hit_says_whether_any_is(results: RunResults, data: RunData) -> None:
    recall = of(results, "untrained", "none", 8, "recall@50").per_query
    hit = of(results, "untrained", "none", 8, "hit@50").per_query
    assert recall is not None and hit is not None and recall[0] in (0.0, 0.5, 1.0)
    assert (recall[1:] == hit[1:]).all()
    # of the query with two relevant documents one is found somewhere
    firsts = {
        (score.per_query[0], of(results, score.model, score.map, score.dim, "hit@50", score.seed).per_query[0])
        for score in results.scores
        if score.measure == "recall@50" and score.seed is not None
    }
    assert (0.5, 1.0) in firsts


def table(results: RunResults, name: str) -> ExtraTable:
    (found,) = [table for table in results.tables if table.name == name]
    return found


def test_the_tables_of_the_report(results: RunResults) -> None:
    baseline, dense, latency = (table(results, name) for name in ("baseline", "dense_retrieval", "latency"))
    assert baseline.columns == ("Method", *MEASURES)
    assert [row[0] for row in baseline.rows] == ["BM25", "untrained"]
    assert dense.columns == ("Model", "Dim", *MEASURES, "Search ms/query", "Passage bytes")
    assert [row[:2] for row in dense.rows] == [(a, d) for a in ("dense_baseline", "matryoshka") for d in (32, 16, 8)]
    assert dense.rows[0][2] == of(results, "dense_baseline", "none", 32).value
    assert dense.rows[0][-1] == 32 * 4 * 200
    assert all(isinstance(row[-2], float) and row[-2] > 0 for row in dense.rows)
    assert dense.rows[0][-2] == dense.rows[3][-2] == latency.rows[-1][1]
    assert "not for capacity planning" in " ".join(latency.notes)


def test_settings_say_what_was_asked(results: RunResults) -> None:
    settings = results.settings
    assert settings["experiment"] == "dense_retrieval" and settings["purpose"] == "a check"
    assert settings["control"] == {"arm": "matryoshka", "control": "dense_baseline", "map": "rotation", "dim": 8}
    assert settings["target_dim"] == 8 and settings["dims"] == [8, 16, 32]
    assert settings["arms"]["dense_baseline"]["dims"] == [32] and settings["arms"]["matryoshka"]["dims"] == [8, 16, 32]
    assert settings["data"]["documents"] == 200 and settings["data"]["train_rows"] == 50
    assert "full width" in settings["methods"]["dense_baseline"]
    assert "a note of the data" in results.notes and results.seeds == SEEDS
    assert any("never on a query that is measured" in note for note in results.notes)


def test_the_seed_that_is_kept_is_best_on_validation(results: RunResults, data: RunData, models: dict) -> None:
    task = data.validation
    assert task is not None
    judged = judge(task.judgements, task.queries.ids(), task.documents.ids())
    for arm, choice in results.settings["chosen"].items():
        values = {}
        for seed in SEEDS:
            encoder = load_encoder(models[arm, seed], precision="fp32")
            sides = (
                encoder.encode([text.text for text in task.queries], "query"),
                encoder.encode([text.text for text in task.documents]),
            )
            (score,) = retrieval_curve(*sides, judged, [8], [Measure("MRR", 10)], dataset="v", model="m", n_draws=100)
            values[str(seed)] = score.value
        assert choice["validation"] == pytest.approx(values)
        assert choice["seed"] == int(max(values, key=lambda seed: values[seed]))


def test_results_are_stored_and_read_back(results: RunResults, tmp_path: Path) -> None:
    results.write(tmp_path)
    read = RunResults.read(tmp_path)
    assert read.scores == results.scores and read.differences == results.differences


def test_a_second_evaluation_encodes_nothing(
    results: RunResults,
    data: RunData,
    tiny_model_folder: Path,
    models: dict,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from matryo.encoders import ModelEncoder

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("encoded again")

    monkeypatch.setattr(ModelEncoder, "encode", refuse)
    said: list[str] = []
    again = evaluate_run(config(), data, tiny_model_folder, models, folder, say=said.append)
    assert again.scores == results.scores
    assert said[0] == "untrained measured" and "matryoshka, seed 5 measured" in said


def test_reranking_everything_is_the_search_under_another_name(
    results: RunResults, data: RunData, tiny_model_folder: Path, models: dict, folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "all.dev"
    texts = [(text.id, text.text) for text in data.test.documents]
    lines = [f"{q.id}\t{i}\t{q.text}\t{text}" for q in data.test.queries for i, text in texts]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    asked = config(rerank=str(file), baselines=("plain",), rotate_arms=False)
    reranked = evaluate_run(asked, data, tiny_model_folder, models, folder)
    assert {s.dataset for s in reranked.scores} == {"toy, reranked all.dev"} == {reranked.dataset}
    for score in reranked.scores:
        expected = of(results, score.model, score.map, score.dim, score.measure, score.seed)
        assert score.value == pytest.approx(expected.value, abs=1e-3)
    notes = " ".join(reranked.notes)
    assert "no search of the corpus" in notes and "BM25 is not measured" in notes and "set rotate_arms" in notes
    assert all(row[-2] is None for row in table(reranked, "dense_retrieval").rows)
    assert "nothing was searched" in table(reranked, "latency").notes[0]
    assert reranked.settings["control"] is None


def test_what_cannot_be_measured_is_said(data: RunData, tiny_model_folder: Path, models: dict, folder: Path) -> None:
    alone = config(baselines=("plain", "nested head")).model_copy(
        update={"arms": {"matryoshka": config().arms["matryoshka"]}}
    )
    found = evaluate_run(alone, data, tiny_model_folder, models, folder)
    notes = " ".join(found.notes)
    assert "nested head is not measured: a head needs at least 512 training pairs, got 50" in notes
    assert "no arm of method dense_baseline" in notes and found.settings["control"] is None
    assert {d.name.partition(" at ")[0] for d in found.differences} == {"matryoshka vs untrained"}


def test_one_seed_and_no_validation(data: RunData, tiny_model_folder: Path, models: dict, folder: Path) -> None:
    one = config(baselines=("plain",), bm25=False).model_copy(update={"seeds": (5,), "dims": (4,)})
    found = evaluate_run(one, replace(data, validation=None), tiny_model_folder, models, folder)
    assert {s.dim for s in found.scores} == {4, 8, 32}, "the target and the width are always measured"
    assert of(found, "matryoshka", "none", 8).value == of(found, "matryoshka", "none", 8, seed=5).value
    assert found.settings["chosen"]["matryoshka"] == {"seed": 5, "validation": {}}
    assert "no validation part to choose by" in " ".join(found.notes) and found.settings["bm25"] is None


def test_indexes_of_the_best_arm_stand_in_the_results_and_on_disk(
    data: RunData, tiny_model_folder: Path, models: dict, folder: Path
) -> None:
    indexes = [{"kind": "quantized", "dims": 16}, {"kind": "funnel", "dims": [8], "recall": 0.99}]
    asked = config(baselines=("plain",), rotate_arms=False, indexes=indexes, index_arm="matryoshka", bm25=False)
    found = evaluate_run(asked, data, tiny_model_folder, models, folder)
    seed = found.settings["chosen"]["matryoshka"]["seed"]
    assert found.settings["indexes"]["vectors"] == f"matryoshka, seed {seed}"
    indexed = table(found, "indexes")
    assert [row[0] for row in indexed.rows] == ["exact 32", "int8@16 rotated"]
    exact = dict(zip(indexed.columns, indexed.rows[0], strict=True))
    assert exact["MRR@10"] == pytest.approx(of(found, "matryoshka", "none", 32, seed=seed).value, abs=1e-6)
    assert "recall@50" in indexed.columns and "hit@50" not in indexed.columns
    # the training queries are too few to promise that
    assert "index funnel 8 .99 is not measured: recall 0.99" in " ".join(found.notes)
    assert (folder / "indexes" / "exact" / "index.json").is_file()


def test_a_missing_model_and_a_taken_name_are_refused(
    data: RunData, tiny_model_folder: Path, models: dict, folder: Path
) -> None:
    lacking = {key: model for key, model in models.items() if key != ("matryoshka", 5)}
    with pytest.raises(MatryoError, match=r"1 are missing: \['matryoshka, seed 5'\]; train them"):
        evaluate_run(config(), data, tiny_model_folder, lacking, folder)
    taken = config().model_copy(update={"arms": {"untrained": config().arms["matryoshka"]}})
    with pytest.raises(MatryoError, match="needs a name that the untrained model and BM25 do not have"):
        evaluate_run(taken, data, tiny_model_folder, {("untrained", s): tiny_model_folder for s in SEEDS}, folder)


def test_without_values_the_first_seed_is_kept() -> None:
    assert choose_seed({}, ["a", "b"], [7, 1]) == {"a": 7, "b": 7}
    assert choose_seed({("a", 7): 0.1, ("a", 1): 0.2}, ["a"], [7, 1]) == {"a": 1}
