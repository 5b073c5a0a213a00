"""The folder of a training: what it is, when it is finished, and whether it is the one that is asked for."""

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matryo.errors import MatryoError
from matryo.files import digest_json, read_json, write_json
from matryo.training.settings import NOT_LEARNED

FORMAT = 1
CHECKPOINTS, MODEL = "checkpoints", "model"
_PLAN, _DONE = "training.json", "trained.json"


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


def world() -> int:
    """Number of processes of this training, as torchrun says."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main() -> bool:
    """Whether this is the process that writes."""
    return int(os.environ.get("RANK", "0")) == 0


def finished(out: Path, plan: dict[str, Any]) -> Trained | None:
    """What is there already, if it is this training and whole.

    Raises: MatryoError if the folder holds another one.
    """
    if not (out / _PLAN).is_file():
        return None
    found = read_json(out / _PLAN, "a training")
    before, now = _learned(found), _learned(plan)
    if digest_json(before) != digest_json(now):
        changed = sorted(key for key in now if not isinstance(before, dict) or before.get(key) != now[key])
        raise MatryoError(f"{out} holds another training, which differs in {', '.join(changed)}; choose another folder")
    return read_trained(out) if (out / _DONE).is_file() else None


def write_plan(out: Path, plan: dict[str, Any]) -> None:
    """Say what is being trained here."""
    write_json(out / _PLAN, plan)


def write_done(out: Path, steps: int, seconds: float, notes: Sequence[str]) -> None:
    """Say that the model is there, and let the checkpoints go."""
    write_json(out / _DONE, {"format": FORMAT, "steps": steps, "seconds": seconds, "notes": list(notes)})
    shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)


def read_trained(out: Path) -> Trained:
    """What a finished training came to; waits for the main process if that is still writing."""
    while not (out / _DONE).is_file():
        time.sleep(0.2)
    done = read_json(out / _DONE, "a finished training")
    return Trained(out / MODEL, int(done["steps"]), float(done["seconds"]), tuple(done["notes"]))


def _learned(plan: Any) -> Any:
    """A plan without what changes nothing of the model, so that it may be another when a training goes on."""
    if not isinstance(plan, dict) or not isinstance(plan.get("train"), dict):
        return plan
    return {**plan, "train": {key: value for key, value in plan["train"].items() if key not in NOT_LEARNED}}
