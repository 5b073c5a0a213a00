"""What tests of embedding sets share: unit rows, a small set, texts and an encoder that costs nothing."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from matryo.embeddings import EmbeddingSet
from matryo.prefix import Array, unit_rows
from matryo.space import Space


@dataclass(frozen=True)
class Row:
    id: str
    text: str


class ReadAgain:
    """Texts made anew at each reading, never held together."""

    def __init__(self, n: int, name: str = "t") -> None:
        self._n, self._name = n, name

    def __iter__(self) -> Iterator[Row]:
        return (Row(f"{self._name}{i}", f"text {self._name} {i} é") for i in range(self._n))

    def __len__(self) -> int:
        return self._n

    def digest(self) -> str:
        running = hashlib.sha256()
        for row in self:
            running.update(f"{len(row.id)}:{row.id}{len(row.text)}:{row.text}".encode())
        return running.hexdigest()


class Encoder:
    """Unit rows drawn from each text's digest; counts what it was asked for."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.seen: list[list[str]] = []

    def __call__(self, texts: list[str]) -> Array:
        self.seen.append(texts)
        seeds = (int.from_bytes(hashlib.sha256(t.encode()).digest()[:8], "little") for t in texts)
        return unit_rows(np.stack([np.random.default_rng(s).standard_normal(self.width, np.float32) for s in seeds]))


@pytest.fixture
def texts() -> type[ReadAgain]:
    return ReadAgain


@pytest.fixture
def encoder() -> type[Encoder]:
    return Encoder


@pytest.fixture
def unit(rng: np.random.Generator) -> Callable[[int, int], Array]:
    """n unit rows of one width."""
    return lambda n, width: unit_rows(rng.standard_normal((n, width), dtype=np.float32))


@pytest.fixture
def small(tmp_path: Path, unit: Callable[[int, int], Array]) -> tuple[EmbeddingSet, Array]:
    """Ten rows of width 70 in shards of four, with texts, and the same rows as a matrix."""
    x = unit(10, 70)
    ids = [f"i{row}" for row in range(10)]
    space = Space.declared("small", 70)
    words = [f"word {i}" for i in ids]
    return EmbeddingSet.from_numpy(tmp_path / "small", x, ids, space=space, texts=words, shard_rows=4), x
