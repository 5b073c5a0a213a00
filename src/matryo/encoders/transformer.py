"""Transformer models: texts sorted by length, batches of equal cost, bf16 where the hardware has it."""

import copy
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Transformer
from torch import nn

from matryo.encoders.base import Role
from matryo.encoders.batches import Encoded, longest_first, moved, token_groups
from matryo.encoders.lanes import lanes
from matryo.prefix import Array

# Texts tokenised together: enough for the tokenizer's threads, few enough to bound memory at any corpus size.
_TEXTS_PER_CHUNK = 512
# Padded tokens per batch: a core is fastest when a layer's activations stay in its caches, a GPU when it is full.
_TOKENS_PER_BATCH = {"cpu": 1024, "cuda": 65536}
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


@final
class TransformerPass:
    """Runs a model whose first module is a Transformer that reads tokens.

    The transformer computes in the chosen precision; pooling and everything after it compute in float32, because
    bf16 keeps 8 bits of a mean and of a length.
    """

    def __init__(self, model: SentenceTransformer, precision: str, device: str) -> None:
        """Prepare a model.

        Args:
            model: moved to `device`; its weights stay as they are, another precision works on a copy.
            precision: "fp32" or "bf16".
            device: a torch device.
        """
        self._model = model.to(device).eval()
        modules = list(model)
        self._first = _as_dtype(modules[0], _DTYPES[precision])
        self._rest = [_as_dtype(module, torch.float32) for module in modules[1:]]
        self._precision = precision
        self._device = torch.device(device)
        self._budget = _TOKENS_PER_BATCH[self._device.type]
        # modules of others may count on padding where the tokenizer puts it
        self._realigns = all(type(module).__module__.startswith("sentence_transformers.") for module in modules[1:])

    @staticmethod
    def fits(model: SentenceTransformer) -> bool:
        """Whether a model starts with a Transformer that turns texts into tokens and a mask, row by row."""
        return isinstance(model[0], Transformer) and "attention_mask" in model.preprocess(["text"])

    @property
    def rule(self) -> str:
        """The grouping in words."""
        return (
            f"longest first, {_TEXTS_PER_CHUNK} texts per chunk, sorted by tokens, "
            f"{self._budget} padded tokens per batch, {self._precision}"
        )

    @property
    def precision(self) -> str:
        """Numbers that the transformer computes in."""
        return self._precision

    @property
    def counts_truncated(self) -> bool:
        """Every text that loses tokens is counted."""
        return True

    def run(self, texts: list[str], prompt: str, role: Role) -> Iterator[Encoded]:
        """Run all texts, each once."""
        order = longest_first(texts)
        with lanes(self._device) as submit:
            running: list[Future[Encoded]] = []
            for start in range(0, len(order), _TEXTS_PER_CHUNK):
                # this chunk is tokenised while the last one runs; two in flight bound the memory
                started = [submit(self._encode, *batch) for batch in self._batches(order[start:], texts, prompt, role)]
                yield from (batch.result() for batch in running)
                running = started
            yield from (batch.result() for batch in running)

    def _batches(
        self, order: NDArray[np.int64], texts: list[str], prompt: str, role: Role
    ) -> Iterator[tuple[NDArray[np.int64], dict[str, Any], int]]:
        chunk = order[:_TEXTS_PER_CHUNK]
        received = [texts[row] for row in chunk]
        features = self._model.preprocess(received, prompt=prompt or None, task=role)
        if self._realigns:
            features = _from_the_left(features)
        lengths: NDArray[np.int64] = features["attention_mask"].sum(dim=1).long().numpy()
        too_long = self._too_long(lengths, received, prompt)
        empty = np.flatnonzero(lengths == 0)
        if len(empty):
            yield chunk[empty], {}, 0
        some = np.flatnonzero(lengths)
        for group in (some[places] for places in token_groups(lengths[some], self._budget)):
            yield chunk[group], _select(features, group), int(too_long[group].sum())

    def _encode(self, rows: NDArray[np.int64], features: dict[str, Any], n_truncated: int) -> Encoded:
        if not features:
            # decoders put no token of their own around a text: an empty one has nothing to pool, nor can it be run
            width = self._model.get_embedding_dimension()
            assert width is not None, "a model that does not tell its width has no space"
            return Encoded(rows, np.zeros((len(rows), width), np.float32), 0)
        with torch.inference_mode():
            found = {name: _widened(value) for name, value in self._first(moved(features, self._device)).items()}
            for module in self._rest:
                found = module(found)
            vectors: Array = found["sentence_embedding"].cpu().numpy()
        return Encoded(rows, vectors, n_truncated)

    def _too_long(self, lengths: NDArray[np.int64], texts: list[str], prompt: str) -> NDArray[np.bool_]:
        """Which texts lost tokens; only those that fill the whole length can have."""
        limit = self._model.max_seq_length
        flags = np.zeros(len(texts), dtype=bool)
        full = np.flatnonzero(lengths >= (np.inf if limit is None else limit))
        if len(full):
            whole = self._model.tokenizer([prompt + texts[place] for place in full], truncation=False, verbose=False)
            flags[full] = [len(ids) > lengths[place] for ids, place in zip(whole["input_ids"], full, strict=True)]
        return flags


def _as_dtype(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """The module itself if its numbers have this type already, else a copy."""
    if all(numbers.dtype == dtype for numbers in module.parameters()):
        return module
    return copy.deepcopy(module).to(dtype)


def _from_the_left(features: dict[str, Any]) -> dict[str, Any]:
    """The same tokens with the padding behind each text.

    Behind padding, models with learned positions read a text from another position in every batch; where no row is
    padded, and for relative positions, it makes no difference.
    """
    mask = features["attention_mask"]
    if mask.numel() == 0 or bool(mask[:, 0].all()):
        return features
    order = torch.sort(mask, dim=1, descending=True, stable=True).indices
    return {
        name: value.gather(1, order) if isinstance(value, torch.Tensor) and value.shape == mask.shape else value
        for name, value in features.items()
    }


def _select(features: Mapping[str, Any], group: NDArray[np.int64]) -> dict[str, Any]:
    """Some rows of tokenised texts without the columns in which all of them are padded, left or right."""
    mask = features["attention_mask"]
    rows = torch.from_numpy(group)
    used = torch.nonzero(mask[rows].any(dim=0)).flatten()
    first, n_columns = (int(used[0]), int(used[-1]) + 1 - int(used[0])) if len(used) else (0, mask.shape[1])
    return {
        name: value[rows].narrow(1, first, n_columns)
        if isinstance(value, torch.Tensor) and value.shape == mask.shape
        else value
        for name, value in features.items()
    }


def _widened(value: Any) -> Any:
    return value.float() if isinstance(value, torch.Tensor) and value.is_floating_point() else value
