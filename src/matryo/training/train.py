"""Train one arm: from a start model and rows to an ordinary model folder, going on where an interrupted run was."""

import os
import shutil
import time
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sentence_transformers import SentenceTransformerTrainingArguments

from matryo.data import Retrieval
from matryo.encoders import ModelEncoder, load_encoder, save_model
from matryo.encoders.loading import quiet
from matryo.encoders.precision import choose_device, choose_precision
from matryo.errors import FormatError, MatryoError
from matryo.files import digest_json, only_writer, read_json, write_json
from matryo.training.checkpoints import facts_of, newest, state_of
from matryo.training.log import RunLog
from matryo.training.methods import Arm
from matryo.training.objective import Objective
from matryo.training.rows import TrainingRows
from matryo.training.settings import NOT_LEARNED, TrainSettings
from matryo.training.trainer import Guard, PrefixTrainer
from matryo.training.validation import CurveEvaluator

_FORMAT = 1
_PLAN, _DONE = "training.json", "trained.json"
# of the logarithm of a temperature: a few steps must be able to move it by a tenth
_TEMPERATURE_RATE = 1e-2
_SCHEDULES = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}


@dataclass(frozen=True)
class Trained:
    """A finished training.

    Attributes:
        model: ordinary model folder.
        steps: optimiser steps.
        seconds: of training, over all its interruptions.
        notes: what a reader must know, one sentence each.
    """

    model: Path
    steps: int
    seconds: float
    notes: tuple[str, ...]


def train(
    start: Path,
    rows: TrainingRows,
    arm: Arm,
    out: Path,
    *,
    seed: int,
    validation: Retrieval | None = None,
    dims: tuple[int, ...] | None = None,
    device: str = "auto",
    trust_remote_code: bool = False,
    progress: bool = False,
) -> Trained:
    """Train one arm; under torchrun every process calls this with the same arguments.

    Args:
        start: model folder to start from.
        rows: what to train on.
        arm: dims and settings.
        out: folder of this training; holds `checkpoints/`, `log.jsonl`, `model/`, and `trained.json` last. A call
            that finds it finished returns at once; one that was interrupted goes on from its last whole checkpoint.
        seed: decides the order of rows, dropout and sampled dims.
        validation: task that is measured during training, `arm.train.evaluations` times.
        dims: prefix lengths at which it is measured; None = those of the arm.
        device: auto, cpu or cuda.
        trust_remote_code: run Python code that comes with the start model.
        progress: show step, time left, losses and validation.

    Returns: the model and what it took.
    Raises: MatryoError for too few rows, a folder of another training, or a loss that is not finite.
    """
    if not (start / "modules.json").is_file():
        raise FormatError(f"{start} is no sentence-transformers folder to start from; make one first")
    where = choose_device(device)
    bf16 = choose_precision(arm.train.precision, where) == "bf16"
    rows = _first_negatives(rows, arm.train.negatives)
    _check_rows(rows, arm.train)
    encoder = load_encoder(start, device="cpu", trust_remote_code=trust_remote_code)
    plan = {
        "format": _FORMAT,
        "arm": {"name": arm.name, "method": arm.method.name, "dims": list(arm.dims)},
        "train": arm.train.model_dump(mode="json"),
        "seed": seed,
        "start": encoder.space.id,
        "rows": rows.digest(),
        "processes": _world(),
        "precision": "bf16" if bf16 else "fp32",
    }
    finished = _finished(out, plan)
    if finished:
        return finished
    if not _is_main():
        _run(encoder, rows, arm, out, seed, where, bf16, validation, dims, progress=False)
        return _read(out)
    with only_writer(out):
        write_json(out / _PLAN, plan)
        steps, seconds = _run(encoder, rows, arm, out, seed, where, bf16, validation, dims, progress=progress)
        trained = ModelEncoder(encoder.model, name=arm.name, device="cpu")
        # of other columns no prefix was trained, so that none may be claimed
        dims_of_prefixes = arm.dims if arm.train.loss.columns == "prefix" else None
        save_model(trained, out / "model", dims=dims_of_prefixes, overwrite=True)
        write_json(out / _DONE, {"format": _FORMAT, "steps": steps, "seconds": seconds, "notes": list(rows.notes)})
        shutil.rmtree(out / "checkpoints", ignore_errors=True)
    return _read(out)


def _run(
    encoder: ModelEncoder,
    rows: TrainingRows,
    arm: Arm,
    out: Path,
    seed: int,
    device: str,
    bf16: bool,
    validation: Retrieval | None,
    dims: tuple[int, ...] | None,
    *,
    progress: bool,
) -> tuple[int, float]:
    """Train the encoder's own model in place.

    Returns: optimiser steps and seconds over all interruptions.
    """
    settings, model = arm.train, encoder.model
    checkpoint = newest(out / "checkpoints", repair=_is_main())
    before = float(facts_of(checkpoint)["seconds"]) if checkpoint else 0.0
    began = time.monotonic()
    arguments = _arguments(out / "checkpoints", settings, seed, device, bf16, rows, encoder)
    pad_id = getattr(model.tokenizer, "pad_token_id", None) or 0
    objective = Objective(model, arm, encoder.width, seed=seed, bf16=bf16, pad_id=pad_id)
    if checkpoint:
        objective.load_state_dict(state_of(checkpoint), strict=False)
    guard = Guard(
        objective,
        evaluations=settings.evaluations if validation else 0,
        checkpoints=settings.checkpoints,
        keep=settings.keep_checkpoints,
        facts=lambda: {"seconds": before + time.monotonic() - began},
    )
    log = RunLog(out, total_label=f"train {arm.name}, seed {seed}", shown=progress, tensorboard=settings.tensorboard)
    evaluator = (
        CurveEvaluator(
            validation, dims or arm.dims, precision="bf16" if bf16 else "fp32", columns=settings.loss.columns
        )
        if validation
        else None
    )
    with closing(log), quiet():
        trainer = PrefixTrainer(
            model=model,
            args=arguments,
            train_dataset=rows.dataset(),
            objective=objective,
            evaluator=evaluator,
            callbacks=[guard, log],
        )
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    model.eval()
    return int(trainer.state.global_step), before + time.monotonic() - began


def _arguments(
    folder: Path,
    settings: TrainSettings,
    seed: int,
    device: str,
    bf16: bool,
    rows: TrainingRows,
    encoder: ModelEncoder,
) -> SentenceTransformerTrainingArguments:
    """The trainer's arguments; evaluating and saving are planned by `Guard`."""
    names = ["positive", *(f"negative_{i + 1}" for i in range(len(rows.negatives)))]
    prompts = {"anchor": encoder.prompt("query"), **dict.fromkeys(names, encoder.prompt("document"))}
    on_cpu = device == "cpu"
    return SentenceTransformerTrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=settings.batch_size,
        gradient_accumulation_steps=settings.accumulate,
        num_train_epochs=settings.epochs,
        max_steps=settings.max_steps or -1,
        learning_rate=settings.learning_rate,
        learning_rate_mapping={r"^temperature_offsets$": _TEMPERATURE_RATE} if settings.loss.learn_temperatures else {},
        weight_decay=settings.weight_decay,
        warmup_steps=min(settings.warmup_share, 0.999),
        lr_scheduler_type=_SCHEDULES[settings.schedule],
        max_grad_norm=settings.max_grad_norm,
        bf16=bf16,
        use_cpu=on_cpu,
        ddp_backend="gloo" if on_cpu and _world() > 1 else None,
        # packs differ in number between processes, and a broadcast at each would wait for ever
        ddp_broadcast_buffers=False,
        dataloader_drop_last=_world() > 1,
        dataloader_pin_memory=not on_cpu,
        seed=seed,
        data_seed=seed,
        logging_strategy="steps",
        logging_steps=settings.log_steps,
        logging_nan_inf_filter=False,
        eval_strategy="no",
        save_strategy="no",
        save_total_limit=None,
        disable_tqdm=True,
        report_to="none",
        prompts={name: prompt for name, prompt in prompts.items() if prompt} or None,
    )


def _first_negatives(rows: TrainingRows, n: int) -> TrainingRows:
    if n > len(rows.negatives):
        raise MatryoError(f"{n} mined negatives per pair are wanted, the rows have {len(rows.negatives)}; mine first")
    return replace(rows, negatives=rows.negatives[:n], groups=np.ascontiguousarray(rows.groups[:, : 1 + n]))


def _check_rows(rows: TrainingRows, settings: TrainSettings) -> None:
    per_step = settings.batch_size * _world()
    if len(rows.queries) < 2 or (_world() > 1 and len(rows.queries) < per_step):
        needed = per_step if _world() > 1 else 2
        raise MatryoError(f"training needs at least {needed} pairs, got {len(rows.queries)}; give more pairs")
    if _world() > 1 and settings.loss.memory and not settings.gather:
        raise MatryoError(
            f"a memory of {settings.loss.memory} rows with gather: false would differ between {_world()} processes; "
            "set gather: true or memory: 0"
        )


def _finished(out: Path, plan: dict[str, Any]) -> Trained | None:
    """What is there already, if it is this training.

    Raises: MatryoError if the folder holds another one.
    """
    if not (out / _PLAN).is_file():
        return None
    found = read_json(out / _PLAN, "a training")
    before, now = _learned(found), _learned(plan)
    if digest_json(before) != digest_json(now):
        changed = sorted(key for key in now if not isinstance(before, dict) or before.get(key) != now[key])
        raise MatryoError(f"{out} holds another training, which differs in {', '.join(changed)}; choose another folder")
    return _read(out) if (out / _DONE).is_file() else None


def _learned(plan: Any) -> Any:
    """A plan without what changes nothing of the model, so that it may be another when a training goes on."""
    if not isinstance(plan, dict) or not isinstance(plan.get("train"), dict):
        return plan
    return {**plan, "train": {key: value for key, value in plan["train"].items() if key not in NOT_LEARNED}}


def _read(out: Path) -> Trained:
    while not (out / _DONE).is_file():  # the main process is still writing
        time.sleep(0.2)
    done = read_json(out / _DONE, "a finished training")
    return Trained(out / "model", int(done["steps"]), float(done["seconds"]), tuple(done["notes"]))


def _world() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def _is_main() -> bool:
    return int(os.environ.get("RANK", "0")) == 0
