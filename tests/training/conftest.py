"""An encoder without a model, and the sets it makes of a task."""

from zlib import crc32

import numpy as np
import pytest

from matryo.data import Retrieval
from matryo.embeddings import EmbeddingSet
from matryo.prefix import unit_rows
from matryo.space import Space


def hashed(texts, width):
    """Each word is a random direction, a text the sum of its words."""
    rows = [
        np.sum(
            [np.random.default_rng(crc32(word.encode())).normal(size=width) for word in text.lower().split()], axis=0
        )
        for text in texts
    ]
    return unit_rows(np.array(rows, dtype=np.float32).reshape(-1, width))


@pytest.fixture
def encoded(tmp_path):
    """A function that encodes a task and gives the sets of its queries and documents."""

    def encode(task: Retrieval, width: int = 64, name: str = "sets") -> tuple[EmbeddingSet, EmbeddingSet]:
        space = Space.declared("hashed words", width)
        return tuple(
            EmbeddingSet.from_numpy(
                tmp_path / name / role, hashed([t.text for t in texts], width), texts.ids(), space=space, role=role
            )
            for role, texts in (("query", task.queries), ("document", task.documents))
        )

    return encode
