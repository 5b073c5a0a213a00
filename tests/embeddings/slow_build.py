"""A build that takes its time, to be killed: python slow_build.py FOLDER SECONDS_PER_SHARD [N_TEXTS]."""

import hashlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from matryo.embeddings import EmbeddingSet, build_set
from matryo.prefix import Array, unit_rows
from matryo.space import Space

WIDTH = 300


class Row(NamedTuple):
    id: str
    text: str


class Numbers:
    """Texts that are numbers."""

    def __init__(self, n: int) -> None:
        self._n = n

    def __iter__(self) -> Iterator[Row]:
        return (Row(f"n{i}", f"number {i}") for i in range(self._n))

    def __len__(self) -> int:
        return self._n

    def digest(self) -> str:
        return hashlib.sha256(f"numbers below {self._n}".encode()).hexdigest()


def build(folder: Path, seconds: float, n: int = 300) -> tuple[EmbeddingSet, int]:
    """The set, and how many texts were encoded in this run."""
    n_encoded = 0

    def encode(texts: list[str]) -> Array:
        nonlocal n_encoded
        n_encoded += len(texts)
        time.sleep(seconds)
        seeds = [int(text.split()[1]) for text in texts]
        return unit_rows(np.stack([np.random.default_rng(s).standard_normal(WIDTH, np.float32) for s in seeds]))

    space = Space.declared("numbers", WIDTH)
    made = build_set(
        folder,
        Numbers(n),
        encode,
        space=space,
        role="document",
        prompt="",
        batch_rule="one shard",
        shard_rows=20,
        keep_texts=True,
    )
    return made, n_encoded


if __name__ == "__main__":
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    build(Path(sys.argv[1]), float(sys.argv[2]), *map(int, sys.argv[3:]))
