"""Two processes with half a batch each learn what one process with the whole batch does."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from matryo.data import toy
from matryo.encoders.start import write_start
from matryo.training.methods import METHODS, Arm
from matryo.training.rows import training_rows
from matryo.training.settings import TrainSettings
from matryo.training.train import train

# two processes load everything twice: half a minute
pytestmark = pytest.mark.slow
DIMS = (16, 64)


def start_without_dropout(folder: Path) -> Path:
    """Dropout falls on other numbers in other processes, so that only a model without it can be compared."""
    texts = [text.text for text in toy().train.documents]
    write_start("tiny", folder, texts=texts, max_tokens=32, projection=64, normalize=True)
    config = folder / "config.json"
    stored = json.loads(config.read_text())
    stored |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    config.write_text(json.dumps(stored))
    return folder


def train_here(start: Path, out: Path, settings: dict[str, Any]) -> None:
    arm = Arm("matryoshka", METHODS["matryoshka"], DIMS, TrainSettings.model_validate(settings))
    train(start, training_rows(toy().train), arm, out, seed=0)


def weights(model: Path) -> list[torch.Tensor]:
    files = sorted(model.rglob("model.safetensors"))
    return [tensor for path in files for _, tensor in sorted(load_file(path).items())]


CASES: dict[str, dict[str, Any]] = {
    "packed": {"pack_tokens": 64},
    "cached": {
        "pack_tokens": 48,
        "gradient_caching": True,
        "accumulate": 2,
        "loss": {"symmetric": True, "learn_temperatures": True},
    },
    "filtered": {"loss": {"symmetric": True, "margin": 0.0, "memory": 16}},
    "apart": {"gather": False},
}
# without sharing, two processes are two batches whose gradients one process adds up
IN_ONE: dict[str, dict[str, Any]] = {"apart": {"batch_size": 8, "accumulate": 2}}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with every case, trained by one process and by two; the two are started once for all cases."""
    folder = tmp_path_factory.mktemp("trained")
    start = start_without_dropout(folder / "start")
    common = {"max_steps": 3, "precision": "fp32", "learning_rate": 1e-4, "tensorboard": False}
    for name, more in CASES.items():
        train_here(start, folder / "one" / name, {**common, **more, "batch_size": 16, **IN_ONE.get(name, {})})
    cases = {name: {**common, **more, "batch_size": 8} for name, more in CASES.items()}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", __file__]
    done = subprocess.run(
        [*command, str(start), str(folder / "two"), json.dumps(cases)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.mark.parametrize("case", CASES)
def test_two_processes_learn_what_one_does(trained: Path, case: str) -> None:
    one, two = weights(trained / "one" / case / "model"), weights(trained / "two" / case / "model")
    moved = torch.cat([(a - b).flatten() for a, b in zip(one, weights(trained / "start"), strict=True)])
    apart = torch.cat([(a - b).flatten() for a, b in zip(one, two, strict=True)])
    assert moved.norm() > 0
    # not to the bit: Adam makes its first steps of the signs of gradients, also where these are rounding errors
    assert apart.norm() < 0.02 * moved.norm()


def test_negatives_that_are_not_shared_teach_something_else(trained: Path) -> None:
    shared, apart = weights(trained / "two" / "packed" / "model"), weights(trained / "two" / "apart" / "model")
    assert any(not torch.allclose(a, b) for a, b in zip(shared, apart, strict=True))


if __name__ == "__main__":
    for name, settings in json.loads(sys.argv[3]).items():
        train_here(Path(sys.argv[1]), Path(sys.argv[2]) / name, settings)
