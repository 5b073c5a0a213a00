"""Any sentence-transformers model as an encoder."""

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding

from matryo.encoders.base import Encoder, Progress, Role, check_role, check_texts
from matryo.encoders.batches import Pass
from matryo.encoders.identity import max_tokens_of, space_of
from matryo.encoders.onnx_graph import onnx_device
from matryo.encoders.onnx_model import OnnxModel
from matryo.encoders.plain import PlainPass
from matryo.encoders.precision import choose_device, choose_precision
from matryo.encoders.prompts import choose_prompts
from matryo.encoders.shown import shown
from matryo.encoders.transformer import TransformerPass
from matryo.errors import MatryoError
from matryo.prefix import block, unit_rows
from matryo.space import Space


@final
class ModelEncoder(Encoder):
    """A SentenceTransformer as an encoder: exact counts, stated batches, float32 rows of length 1."""

    def __init__(
        self,
        model: SentenceTransformer,
        *,
        name: str,
        device: str = "auto",
        precision: str = "auto",
        prompts: Mapping[str, str] | None = None,
        max_tokens: int | None = None,
        normalize: bool = True,
        known: Mapping[str, Space] | None = None,
        folder: Path | None = None,
    ) -> None:
        """Take over a model.

        Args:
            model: any SentenceTransformer; it is moved to the device, and a smaller max_tokens is set on it.
            name: what people call it.
            device: "auto", "cpu", "cuda" or one card.
            precision: "auto", "fp32" or "bf16", for the transformer part.
            prompts: replaces the model's own prompts of the roles query and document.
            max_tokens: read less of each text than the model could.
            normalize: scale rows to length 1.
            known: spaces by the id under which this model alone would stand; a saved encoder keeps its space so.
            folder: where the user keeps it; None for a model that a package or the hub carries.

        Raises: MatryoError if an argument is unknown or the model is not made for cosine similarity.
        """
        _limit_tokens(model, max_tokens)
        self._model = model
        self._name = name
        self._folder = folder
        alone = space_of(model, normalize=normalize)
        self._space = (known or {}).get(alone.id, alone)
        self._prompts = choose_prompts(model.prompts, prompts)
        where = _device_for(model, device)
        self._pass = _pass_for(model, precision, where)
        self._device = where
        self._truncated = self._truncated_last = 0

    @property
    def model(self) -> SentenceTransformer:
        """The model itself, in the precision of its stored weights."""
        return self._model

    @property
    def name(self) -> str:
        """What people call it."""
        return self._name

    @property
    def folder(self) -> Path | None:
        """Where the user keeps it; None for a model that a package or the hub carries."""
        return self._folder

    @property
    def space(self) -> Space:
        """The space its vectors lie in."""
        return self._space

    @property
    def width(self) -> int:
        """Full length of a vector."""
        return self._space.width

    @property
    def batch_rule(self) -> str:
        """How the texts of one call are grouped."""
        return self._pass.rule

    @property
    def description(self) -> Mapping[str, Any]:
        """JSON values for a report."""
        first = self._model[0]
        return {
            "name": self._name,
            "device": self._device,
            "precision": self._pass.precision,
            "threads": torch.get_num_threads(),
            "batch_rule": self.batch_rule,
            "max_tokens": self._space.max_tokens,
            "counts_truncated": self._pass.counts_truncated,
            "width": self.width,
            **({"onnx": first.facts} if isinstance(first, OnnxModel) else {}),
            "model_class": " + ".join(type(module).__name__ for module in self._model),
            "prompts": dict(self._prompts),
            "torch": torch.__version__,
            "sentence_transformers": version("sentence-transformers"),
            "transformers": version("transformers"),
            "python": platform.python_version(),
        }

    @property
    def truncated(self) -> int:
        """Number of texts so far that were longer than the model reads."""
        return self._truncated

    @property
    def truncated_last(self) -> int:
        """The same for the last call."""
        return self._truncated_last

    def prompt(self, role: Role) -> str:
        """What is put in front of every text of a role."""
        check_role(role)
        return self._prompts[role]

    def encode(
        self, texts: Sequence[str], role: Role = "document", *, progress: Progress = False
    ) -> NDArray[np.float32]:
        """Vectors of texts, (n, width) float32, in the order of the texts.

        Raises: MatryoError if the role is unknown or texts is one string.
        """
        received, prompt = check_texts(texts), self.prompt(role)
        vectors = np.empty((len(received), self.width), dtype=np.float32)
        self._truncated_last = 0
        with shown(progress, f"encode {role} texts", len(received)) as advance:
            for done in self._pass.run(received, prompt, role):
                # a model told to truncate says so by its width
                whole = block(done.vectors, 0, self.width)
                vectors[done.rows] = unit_rows(whole) if self._space.normalize else whole
                self._truncated_last += done.n_truncated
                self._truncated += done.n_truncated
                advance(len(done.rows))
        return vectors


def _pass_for(model: SentenceTransformer, precision: str, device: str) -> Pass:
    chosen = choose_precision(precision, device)
    if TransformerPass.fits(model):
        return TransformerPass(model, chosen, device)
    if isinstance(model[0], OnnxModel):
        model[0].check_precision(precision)
    if precision == "bf16":
        kind = type(model[0]).__name__
        raise MatryoError(f"precision bf16 works on models that start with a Transformer, got {kind}; use auto or fp32")
    return PlainPass(model, device, 1024 if isinstance(model[0], StaticEmbedding) else 32)


def _device_for(model: SentenceTransformer, device: str) -> str:
    chosen = choose_device(device)
    return onnx_device(device, chosen) if isinstance(model[0], OnnxModel) else chosen


def _limit_tokens(model: SentenceTransformer, max_tokens: int | None) -> None:
    """Let a model read less of each text; set on the model itself, so that it is saved with it."""
    if max_tokens is None:
        return
    able = max_tokens_of(model)
    if isinstance(model[0], StaticEmbedding):
        raise MatryoError(f"max_tokens {max_tokens} was asked for a static model, which reads texts of any length")
    if max_tokens < 1 or (able is not None and max_tokens > able):
        raise MatryoError(f"max_tokens must lie within 1..{able or 'any'}, what the model reads, got {max_tokens}")
    model.max_seq_length = max_tokens
