"""Models that are no plain transformer: static token tables, routers, and whatever else encodes texts."""

from collections.abc import Iterator
from typing import Any, final

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding

from matryo.encoders.base import Role
from matryo.encoders.batches import Encoded, longest_first, moved
from matryo.encoders.onnx_model import OnnxModel


@final
class PlainPass:
    """Runs a model as it is, by its own preprocessing, in the precision of its weights.

    A static table is bound by tokenising and wants many texts at once; anything else gets a modest number.
    """

    def __init__(self, model: SentenceTransformer, device: str, texts_per_batch: int) -> None:
        """Move the model to a torch device."""
        self._model = model.to(device).eval()
        self._device = torch.device(device)
        self._texts_per_batch = texts_per_batch

    @property
    def rule(self) -> str:
        """The grouping in words."""
        return f"longest first, {self._texts_per_batch} texts per batch, {self.precision}"

    @property
    def precision(self) -> str:
        """Numbers the model computes in; those of an ONNX file are its own affair."""
        if isinstance(self._model[0], OnnxModel):
            return f"as in {self._model[0].file}"
        return "fp32" if self._model.dtype == torch.float32 else str(self._model.dtype)

    @property
    def counts_truncated(self) -> bool:
        """A static table truncates nothing, an ONNX model counts; what others leave out cannot be seen from here."""
        return isinstance(self._model[0], StaticEmbedding | OnnxModel)

    def run(self, texts: list[str], prompt: str, role: Role) -> Iterator[Encoded]:
        """Run all texts, each once."""
        order = longest_first(texts)
        for start in range(0, len(order), self._texts_per_batch):
            rows = order[start : start + self._texts_per_batch]
            received: Any = self._model.preprocess([texts[row] for row in rows], prompt=prompt or None, task=role)
            with torch.inference_mode():
                vectors = self._model(moved(received, self._device), task=role)["sentence_embedding"]
                yield Encoded(rows, vectors.float().cpu().numpy(), received.get("n_truncated", 0))
