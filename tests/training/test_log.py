import io
import json
import re
import sys
from contextlib import closing, redirect_stderr
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from matryo import progress as progress_module
from matryo.errors import MissingExtra
from matryo.training.log import RunLog, note_of
from matryo.training.log_file import read_log

ROWS = [{"x": torch.tensor([i / 16, 1.0]), "labels": torch.tensor([i / 8])} for i in range(16)]


class Line(torch.nn.Module):
    """A model of three parameters: what is trained does not matter to a log."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)
        with torch.no_grad():
            self.layer.weight.fill_(0.5)
            self.layer.bias.fill_(0.1)

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        found = self.layer(x)
        return {"loss": ((found - labels) ** 2).mean(), "logits": found}


class PerDim(Trainer):
    """Logs a loss per dim, as our trainer does."""

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if "loss" in logs:
            logs |= {"loss_at_8": logs["loss"] / 2, "loss_at_16": logs["loss"]}
        super().log(logs, start_time)


class Killed(Exception):
    """Stands for anything that ends a training."""


class KillAt(TrainerCallback):
    def __init__(self, step: int) -> None:
        self._step = step

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self._step:
            raise Killed


def train(
    folder: Path, *, kill_at: int = -1, resume: bool = False, tensorboard: bool = False, shown: bool = False
) -> None:
    """Eight steps with the real trainer: a log at each, validation at 3, 6 and 8, checkpoints at 3 and 6."""
    arguments = TrainingArguments(
        output_dir=str(folder / "checkpoints"),
        per_device_train_batch_size=4,
        max_steps=8,
        learning_rate=0.1,
        logging_steps=1,
        eval_strategy="steps",
        eval_steps=3,
        save_steps=3,
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
    )
    log = RunLog(folder, total_label="train line", shown=shown, tensorboard=tensorboard)
    trainer = PerDim(
        Line(),
        arguments,
        train_dataset=ROWS,
        eval_dataset=ROWS[:4],
        compute_metrics=lambda found: {"MRR@10_at_8": float(np.mean(found.predictions))},
        callbacks=[log, KillAt(kill_at)],
    )
    with closing(log):
        trainer.train(resume_from_checkpoint=resume)


def without_seconds(folder: Path) -> list[dict[str, Any]]:
    return [{k: v for k, v in line.items() if k != "seconds"} for line in read_log(folder / "log.jsonl")]


def events(folder: Path) -> dict[str, list[tuple[int, float]]]:
    found = EventAccumulator(str(folder / "tensorboard")).Reload()
    return {tag: [(e.step, e.value) for e in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    train(folder, tensorboard=True)
    return folder


def test_lines_hold_step_epoch_seconds_and_every_number(whole: Path) -> None:
    lines = read_log(whole / "log.jsonl")
    assert [line["step"] for line in lines] == [1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 8]
    first, third = lines[0], lines[3]
    assert list(first)[:3] == ["step", "epoch", "seconds"] and first["epoch"] == 0.25
    assert set(first) >= {"loss", "loss_at_8", "loss_at_16", "learning_rate", "grad_norm"}
    assert first["loss_at_8"] == first["loss"] / 2
    assert {"eval_MRR@10_at_8", "eval_loss"} <= set(third) and third["step"] == 3
    seconds = [line["seconds"] for line in lines]
    assert seconds == sorted(seconds) and 0 < seconds[0] and seconds[-1] < 60


def test_clocks_of_the_trainer_and_its_summary_are_left_out(whole: Path) -> None:
    names = {name for line in read_log(whole / "log.jsonl") for name in line}
    assert not [
        name for name in names if "runtime" in name or "per_second" in name or name in ("train_loss", "total_flos")
    ]


@pytest.mark.parametrize("kill_at", [2, 5, 7])
def test_a_resumed_log_equals_an_uninterrupted_one(whole: Path, tmp_path: Path, kill_at: int) -> None:
    with pytest.raises(Killed):
        train(tmp_path, kill_at=kill_at, tensorboard=True)
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps({**n, "seconds": n["seconds"] + 1000}) + "\n" for n in read_log(path)), "utf-8")
    with path.open("a", encoding="utf-8") as stream:
        stream.write('{"step": 8, "epo')  # killed while it wrote
    resumed = kill_at > 3
    train(tmp_path, resume=resumed, tensorboard=True)
    assert without_seconds(tmp_path) == without_seconds(whole)
    assert events(tmp_path) == events(whole)
    seconds = [line["seconds"] for line in read_log(path)]
    assert seconds == sorted(seconds) and (seconds[-1] > 1000) == resumed


def test_events_have_tags_for_training_and_validation(whole: Path) -> None:
    found = events(whole)
    assert {"train/loss", "train/loss_at_8", "train/learning_rate", "validation/MRR@10_at_8", "validation/loss"} <= set(
        found
    )
    assert [step for step, _ in found["train/loss_at_8"]] == list(range(1, 9))
    stored = {line["step"]: line["eval_MRR@10_at_8"] for line in read_log(whole / "log.jsonl") if "eval_loss" in line}
    assert dict(found["validation/MRR@10_at_8"]) == pytest.approx(stored)


def test_no_events_unless_asked(tmp_path: Path) -> None:
    train(tmp_path)
    assert not (tmp_path / "tensorboard").exists() and len(read_log(tmp_path / "log.jsonl")) == 11


def test_missing_tensorboard_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(MissingExtra, match=r"tensorboard.*matryo\[train\]"):
        RunLog(tmp_path, total_label="train", shown=False, tensorboard=True)


def test_only_the_main_process_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = RunLog(tmp_path, total_label="train", shown=True, tensorboard=True)
    arguments = TrainingArguments(output_dir=str(tmp_path), report_to="none", use_cpu=True)
    state, control = TrainerState(max_steps=2, is_world_process_zero=False), TrainerControl()
    log.on_train_begin(arguments, state, control)
    log.on_step_end(arguments, state, control)
    log.on_log(arguments, state, control, logs={"loss": 1.0})
    log.on_train_end(arguments, state, control)
    assert list(tmp_path.iterdir()) == [] and capsys.readouterr().err == ""


def test_numbers_that_are_not_finite_are_written_as_null(tmp_path: Path) -> None:
    log = RunLog(tmp_path, total_label="train", shown=False)
    arguments = TrainingArguments(output_dir=str(tmp_path), report_to="none", use_cpu=True)
    state, control = TrainerState(max_steps=2, global_step=0), TrainerControl()
    log.on_train_begin(arguments, state, control)
    state.global_step, state.epoch = 1, 0.5
    logged = {"loss": float("nan"), "grad_norm": np.float32("inf"), "n": 3, "epoch": 0.5, "words": "not a number"}
    log.on_log(arguments, state, control, logs=logged)
    log.close()
    (line,) = [json.loads(text) for text in (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert line.pop("seconds") >= 0
    assert line == {"step": 1, "epoch": 0.5, "loss": None, "grad_norm": None, "n": 3}


def test_the_progress_line_tells_steps_and_latest_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_module, "_SECONDS_BETWEEN_LINES", 0.0)
    train(tmp_path, shown=True)
    last = capsys.readouterr().err.splitlines()[-1]
    assert re.search(r"^train line: 8 of 8, 0 s left .* loss [\d.e-]+ \(8: .*, 16: .*\) MRR@10 \(8: ", last)


def test_a_failed_training_leaves_the_terminal_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    with redirect_stderr(terminal), pytest.raises(Killed):
        train(tmp_path, kill_at=2, shown=True)
    hidden, back = "\x1b[?25l", "\x1b[?25h"
    assert terminal.getvalue().count(hidden) == terminal.getvalue().count(back) == 1


def test_the_note_shows_four_dims_at_most() -> None:
    losses = {f"loss_at_{dim}": dim / 100 for dim in (768, 64, 96, 128, 192, 256, 384)}
    assert note_of({"loss": 2.0, **losses}) == "loss 2 (64: 0.64, 128: 1.28, 256: 2.56, 768: 7.68)"
    assert note_of({}) == "" and note_of({"loss": None, "learning_rate": 1.0}) == "loss not finite"
    assert note_of({"eval_nDCG@10_at_8": 0.51239, "eval_loss": 3.0}) == "nDCG@10 (8: 0.512)"
    assert note_of({"loss": 1.0, "temperature_at_8": 0.05}) == "loss 1"
