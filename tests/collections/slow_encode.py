"""A run that takes its time, to be killed: python slow_encode.py TREE OUT SECONDS_PER_CALL SHARD_ROWS."""

import hashlib
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matryo.collections import EncodedFolder, encode_folder
from matryo.encoders.base import Encoder, Progress, Role
from matryo.space import Space

WIDTH = 24
LONG = 1000


class Hashing(Encoder):
    """Vectors drawn from each text's digest; their last bits depend on the other texts of the call, as a model's do."""

    def __init__(self, seconds: float = 0.0, width: int = WIDTH, label: str = "hashing") -> None:
        self._seconds, self._width, self._label, self._truncated = seconds, width, label, 0
        self.seen: list[list[str]] = []

    @property
    def name(self) -> str:
        return self._label

    @property
    def space(self) -> Space:
        return Space.declared(self._label, self._width)

    @property
    def width(self) -> int:
        return self._width

    @property
    def batch_rule(self) -> str:
        return "all texts of a call"

    @property
    def description(self) -> Mapping[str, Any]:
        return {"name": self._label}

    @property
    def truncated(self) -> int:
        return self._truncated

    @property
    def truncated_last(self) -> int:
        return 0

    def prompt(self, role: Role) -> str:
        return ""

    def encode(
        self, texts: Sequence[str], role: Role = "document", *, progress: Progress = False
    ) -> NDArray[np.float32]:
        time.sleep(self._seconds)
        self.seen.append(list(texts))
        self._truncated += sum(len(text) > LONG for text in texts)
        call = hashlib.blake2b("\n".join(texts).encode(), digest_size=8).digest()
        rows = [np.random.default_rng(list(text.encode()[:LONG])).standard_normal(self._width) for text in texts]
        made = np.stack([row / np.linalg.norm(row) for row in rows]) * (1 + 1e-6 * call[0])
        if callable(progress):
            progress(len(texts))
        return made.astype(np.float32)


def encode(tree: Path, out: Path, encoder: Encoder, shard_rows: int = 8, **changes: Any) -> EncodedFolder:
    """One run."""
    return encode_folder(tree, encoder, out=out, shard_rows=shard_rows, **changes)


if __name__ == "__main__":
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    encode(Path(sys.argv[1]), Path(sys.argv[2]), Hashing(float(sys.argv[3])), int(sys.argv[4]))
