"""A run from its config to the report: what is finished stays, what is interrupted goes on, what does not fit fails."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sentence_transformers import SentenceTransformer

from matryo.config import read_config, write_config
from matryo.data import write_toy
from matryo.errors import FormatError, MatryoError, ShapeError
from matryo.evaluation.results import RunResults
from matryo.experiments.dense_retrieval import run
from matryo.experiments.run_config import RetrievalConfig

SMALL = {
    "name": "small",
    "purpose": "A test.",
    "model": {"name": "tiny", "projection": 24},
    "data": {"kind": "toy"},
    "dims": [24, 8],
    "arms": ["dense_baseline", "matryoshka"],
    "train": {"max_steps": 2, "batch_size": 16, "evaluations": 1, "tensorboard": False},
    "evaluate": {"baselines": ["plain"], "measures": ["MRR@10"], "bm25": False},
}


def config(folder: Path, **changes: object) -> RetrievalConfig:
    return RetrievalConfig.model_validate({**SMALL, "out": folder, **changes})


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that went through."""
    folder = tmp_path_factory.mktemp("runs") / "small"
    run(config(folder))
    return folder


def copied(source: Path, target: Path) -> Path:
    subprocess.run(["cp", "-r", source, target], check=True)
    return target


def mtimes(folder: Path, pattern: str) -> dict[str, int]:
    found = {str(p.relative_to(folder)): p.stat().st_mtime_ns for p in folder.glob(pattern) if p.is_file()}
    assert found
    return found


def test_the_run_folder_is_as_documented(finished: Path) -> None:
    names = {
        "config.yaml", "data/passages.jsonl", "start/modules.json", "results.json", "per_query.parquet",
        "report.md", "report.html", "stages/train-matryoshka-seed-0.json",
        "training/matryoshka/seed-0/log.jsonl", "training/matryoshka/seed-0/model/modules.json",
        "models/matryoshka/modules.json", "models/matryoshka/README.md", "sets/start/documents/manifest.json",
    }  # fmt: skip
    assert {name for name in names if not (finished / name).is_file()} == set()
    stored = read_config(finished / "config.yaml", RetrievalConfig)
    assert stored == config(finished)
    assert SentenceTransformer(str(finished / "models" / "matryoshka"), device="cpu").encode(["x"]).shape == (1, 24)
    results = RunResults.read(finished)
    assert {score.model for score in results.scores} >= {"tiny", "dense_baseline", "matryoshka"}
    assert "train matryoshka, seed 0" in results.seconds
    assert "A test." in (finished / "report.md").read_text()


def test_a_finished_run_is_not_done_again(finished: Path, tmp_path: Path) -> None:
    folder = copied(finished, tmp_path / "run")
    before = mtimes(folder, "training/**/*") | mtimes(folder, "start/**/*") | mtimes(folder, "sets/**/*")
    results = (folder / "results.json").read_bytes()
    said: list[str] = []
    run(config(folder, train={**SMALL["train"], "tensorboard": True}), say=said.append)  # only kept beside it
    assert mtimes(folder, "training/**/*") | mtimes(folder, "start/**/*") | mtimes(folder, "sets/**/*") == before
    assert (folder / "results.json").read_bytes() == results
    assert [line for line in said if re.fullmatch(r"train matryoshka seed 0: done before, \d+ s", line)]


def test_a_report_setting_trains_and_encodes_nothing_anew(finished: Path, tmp_path: Path) -> None:
    folder = copied(finished, tmp_path / "run")
    kept = mtimes(folder, "training/**/*") | mtimes(folder, "sets/**/*.safetensors")
    evaluate = {**SMALL["evaluate"], "measures": ["MRR@10", "recall@50"], "target_dim": 8}
    run(config(folder, purpose="Another purpose.", evaluate=evaluate))
    assert mtimes(folder, "training/**/*") | mtimes(folder, "sets/**/*.safetensors") == kept
    assert {score.measure for score in RunResults.read(folder).scores} == {"MRR@10", "recall@50"}
    assert "Another purpose." in (folder / "report.md").read_text()


def test_a_folder_of_another_config_is_refused_before_anything_is_written(finished: Path) -> None:
    before = mtimes(finished, "**/*.yaml") | mtimes(finished, "training/**/*")
    other = config(finished, train={**SMALL["train"], "learning_rate": 1e-3})
    with pytest.raises(MatryoError, match=r"train\.learning_rate 2e-05 -> 0\.001.*--out.*--fresh"):
        run(other)
    with pytest.raises(MatryoError, match="'data' of another config: seed 0 -> 3"):
        run(config(finished, data={"kind": "toy", "seed": 3}))
    with pytest.raises(MatryoError, match="projection 24 -> 16"):
        run(config(finished, model={"name": "tiny", "projection": 16}, dims=[8]))
    assert mtimes(finished, "**/*.yaml") | mtimes(finished, "training/**/*") == before


def test_other_numbers_of_the_vectors_are_not_ignored(finished: Path, tmp_path: Path) -> None:
    folder = copied(finished, tmp_path / "run")
    exact = config(folder, model={**SMALL["model"], "precision": "fp32"})
    with pytest.raises(MatryoError, match="'vectors sets start' of another config: precision not there -> 'fp32'"):
        run(exact)
    trained = mtimes(folder, "training/**/*")
    run(exact, "evaluate", fresh=True)
    assert RunResults.read(folder).settings["encoder"]["precision"] == "fp32"
    assert mtimes(folder, "training/**/*") == trained


def test_trainings_with_different_batches_are_told_apart(finished: Path, tmp_path: Path) -> None:
    folder = copied(finished, tmp_path / "run")
    plan = folder / "training" / "matryoshka" / "seed-0" / "training.json"
    assert not [note for note in RunResults.read(folder).notes if "processes" in note]
    plan.write_text(plan.read_text().replace('"processes": 1', '"processes": 2'))
    run(config(folder, purpose="Another purpose."), "evaluate")
    notes = RunResults.read(folder).notes
    assert any("1 (dense_baseline, seed 0), 2 (matryoshka, seed 0)" in note for note in notes)
    assert any("arms do not compare" in note for note in notes)


def test_fresh_trains_what_changed_and_encodes_it_anew(finished: Path, tmp_path: Path) -> None:
    folder = copied(finished, tmp_path / "run")
    baseline = mtimes(folder, "training/dense_baseline/**/*")
    nested = mtimes(folder, "training/matryoshka/**/*")
    run(config(folder, dims=[24, 8, 4]), "evaluate", fresh=True)  # the baseline trains the full width only
    assert mtimes(folder, "training/dense_baseline/**/*") == baseline
    assert not set(mtimes(folder, "training/matryoshka/**/*").items()) & set(nested.items())
    assert {score.dim for score in RunResults.read(folder).scores if score.model == "matryoshka"} >= {4, 8, 24}


def test_reranking_and_fitting_anew_trains_nothing_and_is_encoded_anew_after_a_training(
    finished: Path, tmp_path: Path
) -> None:
    folder = copied(finished, tmp_path / "run")
    (tmp_path / "top.tsv").write_text("".join(f"dev{q}\t{d}\tquery\tpassage\n" for q in range(32) for d in range(200)))
    evaluate = {
        **SMALL["evaluate"],
        "rerank": str(tmp_path / "top.tsv"),
        "baselines": ["rotation"],
        "max_fit_pairs": 30,
    }
    for changes in ({}, {"train": {**SMALL["train"], "learning_rate": 1e-3}}):
        run(config(folder, evaluate=evaluate, **changes), "evaluate", fresh=bool(changes))
        assert "reranked" in RunResults.read(folder).dataset
    run(config(folder, train={**SMALL["train"], "learning_rate": 1e-3}), "evaluate")
    assert RunResults.read(folder).dataset == "toy"


def test_an_interrupted_run_goes_on(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from matryo.training import train as training

    def stopped(start: Path, rows: object, arm: object, out: Path, **options: object) -> None:
        if out.parent.name == "matryoshka":
            raise KeyboardInterrupt
        real(start, rows, arm, out, **options)

    real: Callable[..., object] = training.train
    folder = tmp_path / "run"
    monkeypatch.setattr(training, "train", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(config(folder), "train")
    monkeypatch.undo()
    done = mtimes(folder, "training/dense_baseline/**/*") | mtimes(folder, "start/**/*")
    told = run(config(folder), "train")
    assert told.splitlines()[1] == f"matryoshka, seed 0: {folder / 'training' / 'matryoshka' / 'seed-0' / 'model'}"
    assert mtimes(folder, "training/dense_baseline/**/*") | mtimes(folder, "start/**/*") == done
    weights = "training/matryoshka/seed-0/model/model.safetensors"
    assert (folder / weights).read_bytes() == (finished / weights).read_bytes()


def test_mining_feeds_the_training(finished: Path, tmp_path: Path) -> None:
    folder = copied(finished, tmp_path / "run")
    mined = config(folder, train={**SMALL["train"], "negatives": 2}, mine={"n": 3, "share": None, "dim": 8})
    assert run(mined, "mine", fresh=True).endswith("negatives.jsonl")
    lines = (folder / "mined" / "negatives.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["about"]["data"] == "toy" and len(json.loads(lines[1])["negatives"]) == 3
    run(mined, "train", fresh=True)
    record = json.loads((folder / "stages" / "train-matryoshka-seed-0.json").read_text())
    assert set(record["inputs"]) == {"data", "start", "mine"} and record["settings"]["train"]["negatives"] == 2


@pytest.mark.parametrize(
    ("changes", "error", "told"),
    [
        ({"dims": [48]}, ShapeError, "within 1..24"),
        ({"arms": {"a": {"method": "matryoshka", "dims": [99]}}}, ShapeError, "within 1..24"),
        ({"evaluate": {"target_dim": 99}}, ShapeError, "within 1..24"),
        ({"arms": {"a": {"method": "matryoska"}}}, MatryoError, "dense_baseline, matryoshka"),
        (
            {"arms": {"matryoshka": {"train": {"batch_sise": 3}}}},
            MatryoError,
            r"arms\.matryoshka\.train\.batch_sise \(did you mean batch_size",
        ),
        ({"arms": {"tiny": {"method": "matryoshka"}}}, MatryoError, "rename it"),
        ({"train": {"negatives": 9}}, MatryoError, "raise mine.n or lower"),
        ({"evaluate": {"measures": ["F1"]}}, MatryoError, "F1"),
        ({"evaluate": {"rerank": "nowhere.tsv"}}, MatryoError, "nowhere.tsv"),
    ],
)
def test_what_cannot_work_fails_before_anything_is_made(
    tmp_path: Path, changes: dict[str, object], error: type[MatryoError], told: str
) -> None:
    with pytest.raises(error, match=told) as caught:
        run(config(tmp_path / "run", **changes))
    assert "\n" not in str(caught.value) and not (tmp_path / "run").exists()


def test_dims_above_the_models_own_width_fail_before_training(tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match="drop dims above"):
        run(config(tmp_path / "run", model={"name": "tiny"}, dims=[4096]))
    assert not (tmp_path / "run" / "training").exists()


def test_a_loss_for_dims_that_an_arm_does_not_train_fails_before_any_arm(tmp_path: Path) -> None:
    arms = {"dense_baseline": None, "matryoshka": {"train": {"loss": {"weights": {5: 2.0}}}}}
    with pytest.raises(ShapeError, match=r"arm matryoshka: weights names the dims \[5\]"):
        run(config(tmp_path / "run", arms=arms))
    assert not (tmp_path / "run" / "training").exists()


def test_bad_texts_fail_before_training(tmp_path: Path) -> None:
    write_toy(tmp_path / "task")
    with (tmp_path / "task" / "qrels_train.tsv").open("a") as stream:
        stream.write("train0\t777\t1\n")
    with pytest.raises(FormatError, match="777"):
        run(config(tmp_path / "run", data={"kind": "retrieval", "path": str(tmp_path / "task")}))
    assert not (tmp_path / "run" / "start").exists()


def test_changed_texts_are_noticed(tmp_path: Path) -> None:
    write_toy(tmp_path / "task")
    asked = config(tmp_path / "run", data={"kind": "retrieval", "path": str(tmp_path / "task")})
    run(asked, "train")
    queries = tmp_path / "task" / "queries_train.jsonl"
    queries.write_text(queries.read_text().replace('"text": "', '"text": "new '))
    with pytest.raises(MatryoError, match="another config: its input data"):
        run(asked, "train")


@pytest.mark.slow
def test_two_processes_train_and_one_writes(tmp_path: Path) -> None:
    write_config(tmp_path / "small.yaml", config(tmp_path / "run", train={**SMALL["train"], "negatives": 1}))
    words = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "matryo", "train", tmp_path / "small.yaml"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for expected in ("train matryoshka seed 0: ", "train matryoshka seed 0: done before"):
        ended = subprocess.run(
            [sys.executable, *map(str, words)], env=environment, capture_output=True, text=True, timeout=300
        )
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout.count("matryoshka, seed 0: ") == 1 and ended.stderr.count(expected) == 1
    assert "report" in run(read_config(tmp_path / "small.yaml", RetrievalConfig))
