"""Checkpoints that are whole: the trainer's own files, then the state of the loss, then a mark.

The trainer stores the model, the optimiser and random states, but nothing of a loss; and a kill can leave half of it.
A checkpoint counts only with its mark, which is written last.
"""

import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from matryo.errors import FormatError
from matryo.files import read_json, write_json

_STATE, _MARK = "objective.safetensors", "whole.json"


def mark(folder: Path, state: dict[str, torch.Tensor], facts: dict[str, Any]) -> None:
    """Complete a checkpoint that the trainer has just written.

    Args:
        folder: of the checkpoint.
        state: tensors of the loss.
        facts: JSON values to find again, e.g. seconds so far.
    """
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}, folder / _STATE)
    write_json(folder / _MARK, facts)


def newest(folder: Path, *, repair: bool) -> Path | None:
    """The last whole checkpoint below a folder.

    Args:
        folder: may be missing.
        repair: remove halves of others, which only one process must do.
    """
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    whole = [path for path in found if (path / _MARK).is_file()]
    for path in found if repair else ():
        if path not in whole:
            shutil.rmtree(path)
    return whole[-1] if whole else None


def keep_newest(folder: Path, n: int) -> None:
    """Remove all but the last n whole checkpoints below a folder."""
    whole = sorted(folder.glob(f"checkpoint-*/{_MARK}"), key=lambda path: int(path.parent.name.rpartition("-")[2]))
    for path in whole[:-n]:
        path.unlink()
        shutil.rmtree(path.parent)


def state_of(checkpoint: Path) -> dict[str, torch.Tensor]:
    """Tensors of the loss, as they were given to `mark`.

    Raises: FormatError if the file is missing.
    """
    if not (checkpoint / _STATE).is_file():
        raise FormatError(f"{checkpoint} has no {_STATE}; delete this checkpoint and run the same command again")
    state: dict[str, torch.Tensor] = load_file(checkpoint / _STATE)
    return state


def facts_of(checkpoint: Path) -> dict[str, Any]:
    """Facts, as they were given to `mark`."""
    facts: dict[str, Any] = read_json(checkpoint / _MARK, "a checkpoint")
    return facts
