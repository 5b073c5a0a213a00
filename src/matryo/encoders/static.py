"""Static models: a table of token vectors and their mean; no transformer, no limit on length."""

from collections.abc import Iterator
from typing import final

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from matryo.encoders.base import Role
from matryo.encoders.batches import Encoded

_TEXTS_PER_BATCH = 1024


@final
class StaticPass:
    """Runs a model whose first module is a StaticEmbedding, always in float32: it is bound by tokenising."""

    def __init__(self, model: SentenceTransformer, device: str) -> None:
        """Move the model to a torch device."""
        self._model = model.to(device).eval()
        self._device = torch.device(device)

    @property
    def rule(self) -> str:
        """The grouping in words."""
        return f"in order, {_TEXTS_PER_BATCH} texts per batch, fp32"

    @property
    def precision(self) -> str:
        """Numbers the model computes in."""
        return "fp32"

    def run(self, texts: list[str], prompt: str, role: Role) -> Iterator[Encoded]:
        """Run all texts, each once."""
        for start in range(0, len(texts), _TEXTS_PER_BATCH):
            batch = texts[start : start + _TEXTS_PER_BATCH]
            features = self._model.preprocess(batch, prompt=prompt or None, task=role)
            moved = {name: value.to(self._device) for name, value in features.items()}
            with torch.inference_mode():
                vectors = self._model(moved)["sentence_embedding"].float().cpu().numpy()
            yield Encoded(np.arange(start, start + len(batch)), vectors, 0)
