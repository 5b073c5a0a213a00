"""Training whole: deterministic, resumable to the bit, stopped by NaN, an ordinary folder at the end."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from transformers import TrainerCallback

from matryo.data import toy
from matryo.encoders import load_encoder
from matryo.encoders.start import write_start
from matryo.errors import MatryoError
from matryo.training import train as training
from matryo.training import trainer
from matryo.training.methods import METHODS, Arm
from matryo.training.rows import TrainingRows, training_rows
from matryo.training.settings import LossSettings, TrainSettings
from matryo.training.train import Trained, train

DIMS = (16, 64)


@pytest.fixture(scope="session")
def rows() -> TrainingRows:
    return training_rows(toy().train)


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = [text.text for text in toy().train.documents]
    folder = tmp_path_factory.mktemp("start") / "start"
    return write_start("tiny", folder, texts=texts, max_tokens=32, projection=64, normalize=True)


def arm(loss: dict[str, Any] | None = None, **settings: Any) -> Arm:
    chosen = {"batch_size": 8, "max_steps": 6, "precision": "fp32", "learning_rate": 1e-3, "evaluations": 2} | settings
    return Arm("matryoshka", METHODS["matryoshka"], DIMS, TrainSettings(loss=LossSettings(**(loss or {})), **chosen))


def weights(trained: Trained) -> dict[str, torch.Tensor]:
    found = [load_file(path) for path in sorted(trained.model.rglob("model.safetensors"))]
    return {f"{i}.{name}": tensor for i, tensors in enumerate(found) for name, tensor in tensors.items()}


def log_of(folder: Path) -> list[dict[str, Any]]:
    """The log but for what a clock says."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    timed = ("seconds", "runtime", "per_second")
    return [{key: value for key, value in line.items() if not any(word in key for word in timed)} for line in lines]


def test_a_trained_model_is_an_ordinary_folder_and_the_log_tells_every_dim(
    start: Path, rows: TrainingRows, tmp_path: Path
) -> None:
    trained = train(start, rows, arm(), tmp_path / "t", seed=0, validation=toy().dev, dims=DIMS)
    assert trained.steps == 6
    model = SentenceTransformer(str(trained.model), device="cpu")
    assert model.encode(["pier crane"]).shape == (1, 64)
    config = json.loads(next(trained.model.rglob("config.json")).read_text())
    assert config["matryoshka_dims"] == list(DIMS)
    lines = log_of(tmp_path / "t")
    assert [line["step"] for line in lines if "loss" in line] == [1, 2, 3, 4, 5, 6]
    assert {"loss_at_16", "loss_at_64", "grad_norm", "learning_rate"} <= set(lines[0])
    measured = [line for line in lines if any(key.startswith("eval_MRR@10_at_") for key in line)]
    assert [line["step"] for line in measured] == [3, 6]
    assert not (tmp_path / "t" / "checkpoints").exists()
    assert list((tmp_path / "t" / "tensorboard").iterdir())
    before, after = load_encoder(start, device="cpu"), load_encoder(trained.model, device="cpu")
    assert before.space.id != after.space.id


def test_it_learns(start: Path, rows: TrainingRows, tmp_path: Path) -> None:
    train(start, rows, arm(max_steps=40), tmp_path / "t", seed=0)
    losses = [line["loss"] for line in log_of(tmp_path / "t") if "loss" in line]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])


def test_a_seed_decides_every_weight(start: Path, rows: TrainingRows, tmp_path: Path) -> None:
    one, two, other = (train(start, rows, arm(), tmp_path / name, seed=s) for name, s in (("a", 1), ("b", 1), ("c", 2)))
    torch.testing.assert_close(weights(one), weights(two), rtol=0, atol=0)
    assert any(not torch.equal(a, b) for a, b in zip(weights(one).values(), weights(other).values(), strict=True))


class Killed(Exception):
    """Stands for a process that is killed."""


class KillAfter(TrainerCallback):  # type: ignore[misc]
    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.step:
            raise Killed


@pytest.mark.parametrize(
    "loss", [{}, {"memory": 12, "learn_temperatures": True, "sampled_dims": 1, "weights_at_start": {16: 0.0}}]
)
def test_a_killed_run_goes_on_to_the_same_weights_and_log(
    start: Path, rows: TrainingRows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loss: dict[str, Any]
) -> None:
    settings = {"max_steps": 10, "batch_size": 16, "checkpoints": 4, "accumulate": 1}
    whole = train(start, rows, arm(loss, **settings), tmp_path / "whole", seed=3, validation=toy().dev)
    own = training.PrefixTrainer

    def dying(*args: Any, **kwargs: Any) -> Any:
        return own(*args, **{**kwargs, "callbacks": [*kwargs["callbacks"], KillAfter(7)]})

    with monkeypatch.context() as patch:
        patch.setattr(training, "PrefixTrainer", dying)
        with pytest.raises(Killed):
            train(start, rows, arm(loss, **settings), tmp_path / "cut", seed=3, validation=toy().dev)
    # a checkpoint that was being written when the power went
    (tmp_path / "cut" / "checkpoints" / "checkpoint-7").mkdir()
    cut = train(start, rows, arm(loss, **settings), tmp_path / "cut", seed=3, validation=toy().dev)
    torch.testing.assert_close(weights(cut), weights(whole), rtol=0, atol=0)
    assert log_of(tmp_path / "cut") == log_of(tmp_path / "whole")


def test_what_is_kept_beside_a_training_may_change_while_it_goes_on(
    start: Path, rows: TrainingRows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = training.PrefixTrainer

    def dying(*args: Any, **kwargs: Any) -> Any:
        return own(*args, **{**kwargs, "callbacks": [*kwargs["callbacks"], KillAfter(3)]})

    with monkeypatch.context() as patch:
        patch.setattr(training, "PrefixTrainer", dying)
        with pytest.raises(Killed):
            train(start, rows, arm(tensorboard=False), tmp_path / "t", seed=0)
    assert train(start, rows, arm(tensorboard=True, keep_checkpoints=3), tmp_path / "t", seed=0).steps == 6
    assert (tmp_path / "t" / "tensorboard").is_dir()


def test_a_checkpoint_goes_only_when_a_newer_one_is_whole(
    start: Path, rows: TrainingRows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked = []
    own = trainer.mark

    def marking(folder: Path, *facts: Any) -> None:
        marked.append(folder.name)
        if len(marked) == 3:
            raise Killed
        own(folder, *facts)

    monkeypatch.setattr(trainer, "mark", marking)
    with pytest.raises(Killed):
        train(start, rows, arm(checkpoints=4, keep_checkpoints=1), tmp_path / "t", seed=0)
    whole = [path.parent.name for path in (tmp_path / "t" / "checkpoints").glob("*/whole.json")]
    assert whole == marked[1:2]
    assert train(start, rows, arm(checkpoints=4, keep_checkpoints=1), tmp_path / "t", seed=0).steps == 6


def test_a_model_of_other_columns_claims_no_prefixes(start: Path, rows: TrainingRows, tmp_path: Path) -> None:
    trained = train(start, rows, arm({"columns": "strided"}, max_steps=1), tmp_path / "t", seed=0)
    stored = json.loads((trained.model / "config.json").read_text())
    assert "matryoshka_dims" not in stored and not stored.get("is_matryoshka")


def test_code_of_the_start_model_runs_only_if_it_is_trusted(
    start: Path, rows: TrainingRows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = []
    own = training.load_encoder

    def loading(*args: Any, trust_remote_code: bool = False, **kwargs: Any) -> Any:
        trusted.append(trust_remote_code)
        return own(*args, trust_remote_code=trust_remote_code, **kwargs)

    monkeypatch.setattr(training, "load_encoder", loading)
    for trust in (False, True):
        train(start, rows, arm(max_steps=1), tmp_path / str(trust), seed=0, trust_remote_code=trust)
    assert trusted == [False, True]


def test_a_finished_training_is_not_redone_and_another_is_refused(
    start: Path, rows: TrainingRows, tmp_path: Path
) -> None:
    first = train(start, rows, arm(), tmp_path / "t", seed=0)
    stamp = (first.model / "modules.json").stat().st_mtime_ns
    assert train(start, rows, arm(), tmp_path / "t", seed=0) == first
    assert (first.model / "modules.json").stat().st_mtime_ns == stamp
    with pytest.raises(MatryoError, match="another training, which differs in seed, train"):
        train(start, rows, arm(max_steps=7), tmp_path / "t", seed=1)


def test_a_broken_loss_stops_before_the_weights_and_keeps_checkpoints(
    start: Path, rows: TrainingRows, tmp_path: Path
) -> None:
    with pytest.raises(MatryoError, match=r"(loss|gradient) is (nan|inf|not finite).*step \d+.*checkpoints"):
        train(start, rows, arm(learning_rate=1e30, max_grad_norm=1e30, warmup_share=0.0), tmp_path / "t", seed=0)
    kept = list((tmp_path / "t" / "checkpoints").glob("checkpoint-*/whole.json"))
    assert kept
    state = load_file(next(kept[0].parent.rglob("model.safetensors")))
    assert all(torch.isfinite(tensor).all() for tensor in state.values())
    assert not (tmp_path / "t" / "model").exists()


def test_cached_and_packed_steps_train_alike(start: Path, rows: TrainingRows, tmp_path: Path) -> None:
    plain = train(start, rows, arm(pack_tokens=0), tmp_path / "plain", seed=0)
    cached = train(start, rows, arm(pack_tokens=64, gradient_caching=True), tmp_path / "cached", seed=0)
    # dropout falls on other places, so only the direction of what was learned is compared
    assert cached.steps == plain.steps
    logs = log_of(tmp_path / "plain"), log_of(tmp_path / "cached")
    assert logs[0][0]["loss"] == pytest.approx(logs[1][0]["loss"], rel=0.2)


def test_accumulation_counts_optimiser_steps(start: Path, rows: TrainingRows, tmp_path: Path) -> None:
    trained = train(start, rows, arm(max_steps=None, epochs=1, batch_size=8, accumulate=4), tmp_path / "t", seed=0)
    assert trained.steps == 2  # 64 pairs in batches of 8, four to a step


def test_too_few_rows_and_missing_negatives(
    start: Path, rows: TrainingRows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = TrainingRows(rows.queries[:1], rows.documents[:1], (), rows.groups[:1])
    with pytest.raises(MatryoError, match="at least 2 pairs, got 1"):
        train(start, one, arm(), tmp_path / "t", seed=0)
    with pytest.raises(MatryoError, match="2 mined negatives per pair are wanted, the rows have 0"):
        train(start, rows, arm(negatives=2), tmp_path / "t", seed=0)
    with monkeypatch.context() as patch:
        patch.setenv("WORLD_SIZE", "2")
        with pytest.raises(MatryoError, match="at least 16 pairs, got 1"):
            train(start, one, arm(), tmp_path / "t", seed=0)
        with pytest.raises(MatryoError, match="memory of 4 rows with gather: false"):
            train(start, rows, arm({"memory": 4}, gather=False), tmp_path / "t", seed=0)
    with pytest.raises(MatryoError, match="no sentence-transformers folder"):
        train(tmp_path / "nothing", rows, arm(), tmp_path / "t", seed=0)


def test_bf16_trains_too(start: Path, rows: TrainingRows, tmp_path: Path) -> None:
    trained = train(start, rows, arm(precision="bf16", max_steps=2), tmp_path / "t", seed=0)
    assert all(tensor.dtype != torch.bfloat16 for tensor in weights(trained).values())
    shutil.rmtree(trained.model)
