"""A model whose transformer is an ONNX file: the module that stands where a Transformer would."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
import torch
from sentence_transformers.sentence_transformer.modules import InputModule

from matryo.encoders.onnx_graph import FEATURES, OnnxGraph, onnxruntime_module
from matryo.errors import FormatError, MatryoError
from matryo.prefix import Array

Gives = Literal["token_embeddings", "sentence_embedding"]
_TOKENS = ("token_embeddings", "last_hidden_state")
_SENTENCE = "sentence_embedding"
# File names by which exporters mark shorter numbers than float32; O4 is the optimiser's level in float16.
_SHORTER = re.compile(r"(?i)fp16|float16|bf16|fp8|fp4|int\d|q\d|quant|bnb|_o4")
# Two lengths, so that an output that ignores the shape of its input shows.
_PROBE = ("a", "a text of several words")


@final
class OnnxModel(InputModule):
    """Tokenises texts and runs an ONNX file on the tokens with onnxruntime.

    It computes in the numbers that the file was exported with. The digest of the file stands for its weights, as the
    module's only tensor, so that the space of an ONNX file is never that of its twin in torch: their vectors differ, by
    1e-6 where the file holds float32, far more where it is quantised. The module cannot be saved, because plain
    sentence-transformers could not load it.
    """

    sha256: torch.Tensor
    tokenizer: Any

    def __init__(
        self,
        graph: OnnxGraph,
        tokenizer: Any,
        *,
        digest: str,
        file: str,
        max_tokens: int | None,
        prefer_tokens: bool,
        lower_case: bool = False,
    ) -> None:
        """Try the graph on two texts and choose what is read of it.

        Args:
            graph: reads tokens.
            tokenizer: of transformers, a fast one; it is kept and asked, not changed.
            digest: of the ONNX file, 64 hexadecimal digits.
            file: its name in the model folder, for reports.
            max_tokens: longer texts lose what is beyond; None = no limit.
            prefer_tokens: take token vectors where the graph gives both these and one vector per text.
            lower_case: texts are lower-cased first, whatever the tokenizer does.

        Raises: FormatError if the graph gives no vectors of tokens or texts, or the tokenizer is none for it.
        """
        super().__init__()  # type: ignore[no-untyped-call]  # untyped there
        if not getattr(tokenizer, "is_fast", False) or tokenizer.pad_token_id is None:
            raise FormatError(
                f"the tokenizer beside {file} is no fast one or has no token to pad with; add a tokenizer.json and "
                "its pad_token"
            )
        self.tokenizer = tokenizer
        self.max_seq_length = max_tokens
        self.file = file
        self._graph = graph
        self._lower_case = lower_case
        self.register_buffer("sha256", torch.frombuffer(bytearray.fromhex(digest), dtype=torch.uint8))
        features = self.preprocess(_PROBE)
        outputs = self._run(features)
        self.output, self.gives = _choose(outputs, features["attention_mask"].shape, file, prefer_tokens=prefer_tokens)
        self._width = outputs[self.output].shape[-1]

    @property
    def facts(self) -> dict[str, str]:
        """What is run, for a report."""
        return {"file": self.file, "output": self.output, "onnxruntime": str(onnxruntime_module().__version__)}

    def check_precision(self, precision: str) -> None:
        """Refuse numbers that the file does not compute in, as far as its name tells.

        Raises: MatryoError.
        """
        if precision == "bf16" or (precision == "fp32" and shorter_numbers(self.file)):
            raise MatryoError(
                f"an ONNX file computes in the numbers that it was exported with, here {self.file}, and precision "
                f"{precision} was asked for; use auto, or a file of those numbers"
            )

    def get_embedding_dimension(self) -> int:
        """Numbers of a vector."""
        return int(self._width)

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **_: Any) -> dict[str, Any]:
        """Tokens of texts.

        Args:
            inputs: texts.
            prompt: put in front of each.

        Returns: (b, n) int64 tensors of every feature, padded behind each text to the longest one; `n_truncated`, how
            many texts lost tokens; with a prompt `prompt_length`, its tokens without the special one at its end.
        """
        texts = [self._cased((prompt or "") + text) for text in inputs]
        batch = self.tokenizer(
            texts,
            padding=True,
            # padding in front would move a text's positions, by another number in every batch
            padding_side="right",
            truncation=self.max_seq_length is not None,
            max_length=self.max_seq_length,
            return_tensors="pt",
            return_attention_mask=True,
            return_token_type_ids=True,
            verbose=False,
        )
        features: dict[str, Any] = {name: _at_least_one(batch[name]) for name in FEATURES}
        features["n_truncated"] = sum(bool(encoding.overflowing) for encoding in batch.encodings)
        if prompt:
            features["prompt_length"] = self._prompt_length(prompt)
        return features

    def forward(self, features: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Vectors of tokens or texts, float32, put to the features under what the module `gives`.

        A text without tokens, which some tokenizers make of an empty one, has vectors of zeros.
        """
        mask = features["attention_mask"]
        shape = mask.shape if self.gives == "token_embeddings" else mask.shape[:1]
        vectors = torch.zeros(*shape, self._width)
        if len(some := mask.any(dim=1).nonzero().flatten()):
            found = self._run({name: features[name][some] for name in FEATURES}, self.output)[self.output]
            vectors[some.cpu()] = torch.from_numpy(found.astype(np.float32))
        features[self.gives] = vectors.to(mask.device)
        return features

    def save(self, *_: Any, **__: Any) -> None:
        """Refuse.

        Raises: MatryoError, always.
        """
        raise MatryoError(
            f"a model of ONNX files ({self.file}) cannot be saved or exported: plain SentenceTransformer could not "
            "load the folder; use the same model with safetensors weights, or save the map or the vectors alone"
        )

    def _run(self, features: Mapping[str, Any], output: str | None = None) -> dict[str, Array]:
        arrays = {name: features[name].cpu().numpy() for name in FEATURES}
        return self._graph.run(arrays, self.sha256.device, output)

    def _cased(self, text: str) -> str:
        return text.lower() if self._lower_case else text

    def _prompt_length(self, prompt: str) -> int:
        ids = self.tokenizer(self._cased(prompt))["input_ids"]
        return len(ids) - (bool(ids) and ids[-1] in self.tokenizer.all_special_ids)


def _at_least_one(feature: torch.Tensor) -> torch.Tensor:
    """The feature, with a column of padding if no text has a token."""
    return feature if feature.shape[1] else torch.zeros(len(feature), 1, dtype=torch.int64)


def shorter_numbers(file: Path | str) -> bool:
    """Whether an ONNX file's name says that it computes in less than float32.

    >>> [shorter_numbers(name) for name in ("model.onnx", "onnx/model_qint8_avx512.onnx", "model_O4.onnx")]
    [False, True, True]
    """
    return _SHORTER.search(Path(file).stem) is not None


def _choose(outputs: Mapping[str, Array], shape: Sequence[int], file: str, *, prefer_tokens: bool) -> tuple[str, Gives]:
    """Which output is read, and what it is: by its name, else by its axes."""
    floats = {name: found for name, found in outputs.items() if np.issubdtype(found.dtype, np.floating)}
    by_token = [name for name, found in floats.items() if found.ndim == 3 and found.shape[:2] == tuple(shape)]
    by_text = [name for name, found in floats.items() if found.ndim == 2 and len(found) == shape[0]]
    tokens = next((name for name in _TOKENS if name in by_token), by_token[0] if by_token else None)
    # beside token vectors, a matrix of another name is a pooler that the model's own pooling does not use
    text = _SENTENCE if _SENTENCE in by_text else (by_text[0] if len(by_text) == 1 and not by_token else None)
    if tokens is not None and (prefer_tokens or text is None):
        return tokens, "token_embeddings"
    if text is not None:
        return text, "sentence_embedding"
    shapes = {name: found.shape for name, found in outputs.items()}
    raise FormatError(
        f"{file} gives {shapes} for tokens of shape {tuple(shape)}, expected one vector per token (last_hidden_state) "
        "or per text (sentence_embedding); export it so"
    )
