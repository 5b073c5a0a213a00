"""Train one arm: from a start model and rows to an ordinary model folder, going on where an interrupted run was.

`run_loop` is the one loop of this package: whatever is trained end to end goes through it.
"""

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainingArguments

from matryo.data import Retrieval
from matryo.encoders import ModelEncoder, load_encoder, save_model
from matryo.encoders.loading import quiet
from matryo.encoders.precision import choose_device, choose_precision
from matryo.errors import FormatError, MatryoError
from matryo.files import only_writer
from matryo.training.attention import plain_attention
from matryo.training.checkpoints import facts_of, newest, state_of
from matryo.training.folder import (
    CHECKPOINTS,
    FORMAT,
    MODEL,
    Trained,
    finished,
    is_main,
    read_trained,
    world,
    write_done,
    write_plan,
)
from matryo.training.log import RunLog
from matryo.training.methods import Arm
from matryo.training.objective import Objective
from matryo.training.rows import TrainingRows
from matryo.training.settings import TrainSettings
from matryo.training.terms import StepObjective
from matryo.training.trainer import Guard, PrefixTrainer
from matryo.training.validation import CurveEvaluator

if TYPE_CHECKING:
    from datasets import Dataset  # type: ignore[import-untyped]  # it carries no types
    from sentence_transformers.base.sampler import DefaultBatchSampler
    from sentence_transformers.sentence_transformer.evaluation import SentenceEvaluator

__all__ = ["Course", "LoopSettings", "Trained", "run_loop", "train"]

# of the logarithm of a temperature: a few steps must be able to move it by a tenth
_TEMPERATURE_RATE = 1e-2
_SCHEDULES = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}


class LoopSettings(Protocol):
    """What the loop reads of a training's settings; their meaning stands at `TrainSettings`."""

    # fmt: off
    @property
    def batch_size(self) -> int: ...  # noqa: D102
    @property
    def accumulate(self) -> int: ...  # noqa: D102
    @property
    def epochs(self) -> float: ...  # noqa: D102
    @property
    def max_steps(self) -> int | None: ...  # noqa: D102
    @property
    def learning_rate(self) -> float: ...  # noqa: D102
    @property
    def weight_decay(self) -> float: ...  # noqa: D102
    @property
    def warmup_share(self) -> float: ...  # noqa: D102
    @property
    def schedule(self) -> str: ...  # noqa: D102
    @property
    def max_grad_norm(self) -> float: ...  # noqa: D102
    @property
    def evaluations(self) -> int: ...  # noqa: D102
    @property
    def checkpoints(self) -> int: ...  # noqa: D102
    @property
    def keep_checkpoints(self) -> int: ...  # noqa: D102
    @property
    def log_steps(self) -> int: ...  # noqa: D102
    @property
    def tensorboard(self) -> bool: ...  # noqa: D102
    # fmt: on


@dataclass(frozen=True)
class Course:
    """What one training consists of.

    Attributes:
        label: what is being done, in front of the progress.
        settings: how long, how fast, what is kept.
        objective: the loss; holds the model that is trained.
        dataset: text columns and labels, as the objective takes them.
        prompts: column -> what is put in front of its texts.
        learning_rates: pattern of parameter names -> learning rate of their own.
        evaluator: measures validation; None = there is none.
        batch_sampler: class that puts rows into batches; None = at random.
    """

    label: str
    settings: LoopSettings
    objective: StepObjective
    dataset: "Dataset"
    prompts: Mapping[str, str] = field(default_factory=dict)
    learning_rates: Mapping[str, float] = field(default_factory=dict)
    evaluator: "SentenceEvaluator | None" = None
    batch_sampler: "type[DefaultBatchSampler] | None" = None


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
        "format": FORMAT,
        "arm": {"name": arm.name, "method": arm.method.name, "dims": list(arm.dims)},
        "train": arm.train.model_dump(mode="json"),
        "seed": seed,
        "start": encoder.space.id,
        "rows": rows.digest(),
        "processes": world(),
        "precision": "bf16" if bf16 else "fp32",
    }
    if found := finished(out, plan):
        return found

    def run(*, shown: bool) -> tuple[int, float]:
        course = _course(encoder, rows, arm, seed, bf16, validation, dims)
        return run_loop(encoder.model, course, out, seed=seed, device=where, bf16=bf16, progress=shown)

    if not is_main():
        run(shown=False)
        return read_trained(out)
    with only_writer(out):
        write_plan(out, plan)
        steps, seconds = run(shown=progress)
        trained = ModelEncoder(encoder.model, name=arm.name, device="cpu")
        # of other columns no prefix was trained, so that none may be claimed
        dims_of_prefixes = arm.dims if arm.train.loss.columns == "prefix" else None
        save_model(trained, out / MODEL, dims=dims_of_prefixes, overwrite=True)
        write_done(out, steps, seconds, rows.notes)
    return read_trained(out)


def _course(
    encoder: ModelEncoder,
    rows: TrainingRows,
    arm: Arm,
    seed: int,
    bf16: bool,
    validation: Retrieval | None,
    dims: tuple[int, ...] | None,
) -> Course:
    """What training an arm consists of."""
    settings, model = arm.train, encoder.model
    pad_id = getattr(model.tokenizer, "pad_token_id", None) or 0
    names = ["positive", *(f"negative_{i + 1}" for i in range(len(rows.negatives)))]
    precision = "bf16" if bf16 else "fp32"
    return Course(
        label=f"train {arm.name}, seed {seed}",
        settings=settings,
        objective=Objective(model, arm, encoder.width, seed=seed, bf16=bf16, pad_id=pad_id),
        dataset=rows.dataset(),
        prompts={"anchor": encoder.prompt("query"), **dict.fromkeys(names, encoder.prompt("document"))},
        learning_rates={r"^temperature_offsets$": _TEMPERATURE_RATE} if settings.loss.learn_temperatures else {},
        evaluator=CurveEvaluator(validation, dims or arm.dims, precision=precision, columns=settings.loss.columns)
        if validation
        else None,
    )


def run_loop(
    model: SentenceTransformer, course: Course, out: Path, *, seed: int, device: str, bf16: bool, progress: bool
) -> tuple[int, float]:
    """Train a model in place, from the start or from the last whole checkpoint.

    Args:
        model: what the objective trains.
        course: what the training consists of.
        out: folder of the training; holds `checkpoints/` and `log.jsonl`.
        seed: decides the order of rows and dropout.
        device: cpu or cuda.
        bf16: compute matrix products in bf16.
        progress: show step, time left, losses and validation.

    Returns: optimiser steps and seconds, over all interruptions.
    Raises: MatryoError if a loss or a gradient is not finite.
    """
    settings, objective = course.settings, course.objective
    checkpoint = newest(out / CHECKPOINTS, repair=is_main())
    before = float(facts_of(checkpoint)["seconds"]) if checkpoint else 0.0
    began = time.monotonic()
    # a checkpoint's card needs no example vectors
    model.model_card_data.generate_widget_examples = False
    if checkpoint:
        objective.load_state_dict(state_of(checkpoint), strict=False)
    guard = Guard(
        objective,
        evaluations=settings.evaluations if course.evaluator else 0,
        checkpoints=settings.checkpoints,
        keep=settings.keep_checkpoints,
        facts=lambda: {"seconds": before + time.monotonic() - began},
    )
    log = RunLog(out, total_label=course.label, shown=progress, tensorboard=settings.tensorboard)
    with closing(log), quiet(), plain_attention(model, device):
        trainer = PrefixTrainer(
            model=model,
            args=_arguments(out / CHECKPOINTS, course, seed, device, bf16),
            train_dataset=course.dataset,
            objective=objective,
            evaluator=course.evaluator,
            callbacks=[guard, log],
        )
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    model.eval()
    return int(trainer.state.global_step), before + time.monotonic() - began


def _arguments(
    folder: Path, course: Course, seed: int, device: str, bf16: bool
) -> SentenceTransformerTrainingArguments:
    """The trainer's arguments; evaluating and saving are planned by `Guard`."""
    settings = course.settings
    on_cpu = device == "cpu"
    further: dict[str, Any] = {} if course.batch_sampler is None else {"batch_sampler": course.batch_sampler}
    return SentenceTransformerTrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=settings.batch_size,
        gradient_accumulation_steps=settings.accumulate,
        num_train_epochs=settings.epochs,
        max_steps=settings.max_steps or -1,
        learning_rate=settings.learning_rate,
        learning_rate_mapping=dict(course.learning_rates),
        weight_decay=settings.weight_decay,
        warmup_steps=min(settings.warmup_share, 0.999),
        lr_scheduler_type=_SCHEDULES[settings.schedule],
        max_grad_norm=settings.max_grad_norm,
        bf16=bf16,
        use_cpu=on_cpu,
        ddp_backend="gloo" if on_cpu and world() > 1 else None,
        # packs differ in number between processes, and a broadcast at each would wait for ever
        ddp_broadcast_buffers=False,
        dataloader_drop_last=world() > 1,
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
        prompts={name: prompt for name, prompt in course.prompts.items() if prompt} or None,
        **further,
    )


def _first_negatives(rows: TrainingRows, n: int) -> TrainingRows:
    if n > len(rows.negatives):
        raise MatryoError(f"{n} mined negatives per pair are wanted, the rows have {len(rows.negatives)}; mine first")
    return replace(rows, negatives=rows.negatives[:n], groups=np.ascontiguousarray(rows.groups[:, : 1 + n]))


def _check_rows(rows: TrainingRows, settings: TrainSettings) -> None:
    per_step = settings.batch_size * world()
    if len(rows.queries) < 2 or (world() > 1 and len(rows.queries) < per_step):
        needed = per_step if world() > 1 else 2
        raise MatryoError(f"training needs at least {needed} pairs, got {len(rows.queries)}; give more pairs")
    if world() > 1 and settings.loss.memory and not settings.gather:
        raise MatryoError(
            f"a memory of {settings.loss.memory} rows with gather: false would differ between {world()} processes; "
            "set gather: true or memory: 0"
        )
