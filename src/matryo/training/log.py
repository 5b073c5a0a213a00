"""What a training tells while it runs: a log file, TensorBoard events, and one line with the latest numbers."""

import math
import re
import time
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.util import find_spec
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from matryo.errors import MissingExtra
from matryo.progress import Advance, progress
from matryo.training.log_file import LOG_FILE, Number, append_line, cut_log

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_VALIDATION = "eval_"
# The trainer's own clocks: they start anew with every resume; a line has its "seconds".
_CLOCKS = ("_runtime", "_per_second", "_preparation_time")
# The summary at the end counts only what came after the last resume.
_SUMMARY = "train_loss"
_AT_DIM = re.compile(r"(?P<name>.+)_at_(?P<dim>\d+)")
_SHOWN_DIMS = 4


class RunLog(TrainerCallback):
    """Writes `log.jsonl`, and TensorBoard events if asked; shows step, time left, losses and validation.

    Each line holds step, epoch, seconds of training (over all its interruptions) and every number that the trainer
    logged. A training that is resumed drops what came after its checkpoint, so that its log equals an uninterrupted
    one but for the seconds. Only the main process writes and shows. Made for `disable_tqdm=True`.
    """

    def __init__(self, folder: Path, *, total_label: str, shown: bool, tensorboard: bool = False) -> None:
        """Prepare; files are touched when training begins.

        Args:
            folder: where `log.jsonl` and `tensorboard/` go.
            total_label: what is being done, in front of the progress.
            shown: show progress on stderr.
            tensorboard: write events, too.

        Raises: MissingExtra if tensorboard is asked for and not installed.
        """
        if tensorboard and find_spec("tensorboard") is None:
            raise MissingExtra("tensorboard", "train", "a training that writes events for TensorBoard")
        self._folder = folder
        self._label = total_label
        self._shown = shown
        self._tensorboard = tensorboard
        self._open = ExitStack()
        self._advance: Advance | None = None
        self._events: SummaryWriter | None = None
        self._latest: dict[str, Number] = {}
        self._began = 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Cut the log to the step that training goes on from, open what is written to."""
        if not state.is_world_process_zero:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        self._began = time.monotonic() - cut_log(self._folder / LOG_FILE, state.global_step)
        if self._tensorboard:
            # imported here: slow, and not everybody has it
            from torch.utils.tensorboard import SummaryWriter

            events = SummaryWriter(str(self._folder / "tensorboard"), purge_step=state.global_step + 1)
            self._open.callback(events.close)
            self._events = events
        shown = progress(
            self._label, state.max_steps, "steps", shown=self._shown, done=state.global_step, note=self._note
        )
        self._advance = self._open.enter_context(shown)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Count an optimiser step."""
        if self._advance:
            self._advance(1)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Write the numbers that the trainer logs."""
        if self._advance is None or not logs or _SUMMARY in logs:
            return
        numbers = {
            name: _number(value)
            for name, value in logs.items()
            if isinstance(value, Real) and name not in ("step", "epoch") and not name.endswith(_CLOCKS)
        }
        facts = {"step": state.global_step, "epoch": state.epoch, "seconds": round(time.monotonic() - self._began, 3)}
        append_line(self._folder / LOG_FILE, {**facts, **numbers})
        self._write_events(numbers, state.global_step)
        self._latest.update(numbers)
        self._advance(0)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Close everything."""
        self.close()

    def close(self) -> None:
        """Close everything; to be called where training may have failed, since the trainer does not say so."""
        self._advance = self._events = None
        self._open.close()

    def _write_events(self, numbers: Mapping[str, Number], step: int) -> None:
        if self._events is None:
            return
        for name, value in numbers.items():
            self._events.add_scalar(_tag(name), math.nan if value is None else value, step)
        # what a killed training had said must not be lost with it
        self._events.flush()

    def _note(self) -> str:
        return note_of(self._latest)


def note_of(numbers: Mapping[str, Number]) -> str:
    """The latest losses and validation measures in a few words, with four dims at most.

    >>> note_of({"loss": 1.2345, "loss_at_96": 1.5, "loss_at_384": 1.1, "eval_MRR@10_at_96": 0.4142, "grad_norm": 3.0})
    'loss 1.234 (96: 1.5, 384: 1.1) MRR@10 (96: 0.414)'
    """
    per_dim: dict[str, dict[int, Number]] = {}
    for name, value in numbers.items():
        found = _AT_DIM.fullmatch(name)
        if found and (found["name"] == "loss" or name.startswith(_VALIDATION)):
            per_dim.setdefault(found["name"], {})[int(found["dim"])] = value
    told = [f"loss {_short(numbers['loss'], 4)}"] if "loss" in numbers else []
    for name, values in per_dim.items():
        dims = ", ".join(f"{dim}: {_short(values[dim], 3)}" for dim in _some(sorted(values)))
        told.append(f"({dims})" if name == "loss" and told else f"{name.removeprefix(_VALIDATION)} ({dims})")
    return " ".join(told)


def _some(dims: list[int]) -> list[int]:
    """At most four dims, spread evenly, the narrowest and the widest among them."""
    if len(dims) <= _SHOWN_DIMS:
        return dims
    return [dims[round(place * (len(dims) - 1) / (_SHOWN_DIMS - 1))] for place in range(_SHOWN_DIMS)]


def _short(value: Number, digits: int) -> str:
    return "not finite" if value is None else f"{value:.{digits}g}"


def _number(value: Real) -> Number:
    if isinstance(value, int):
        return int(value)
    return float(value) if math.isfinite(value) else None


def _tag(name: str) -> str:
    return f"validation/{name.removeprefix(_VALIDATION)}" if name.startswith(_VALIDATION) else f"train/{name}"
