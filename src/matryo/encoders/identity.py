"""Which space a sentence-transformers model produces: read from its weights and modules, never from its path."""

import hashlib
import math

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    Dense,
    LayerNorm,
    Normalize,
    Pooling,
    StaticEmbedding,
    Transformer,
)
from torch import nn

from matryo.errors import MatryoError
from matryo.space import Space

# Tokenizers without a limit carry a huge number instead.
_NO_LIMIT = 10**9


def weights_digest(model: SentenceTransformer) -> str:
    """SHA-256 over every tensor's module, name, type, shape and bytes; equal weights give it wherever they are stored.

    Modules without tensors do not count, so that an appended normalisation changes the space but not the weights.
    """
    running = hashlib.sha256()
    for place, module in enumerate(m for m in model if m.state_dict()):
        # the bare transformers model: the name of the attribute that holds it differs between releases
        inner = module.auto_model if isinstance(module, Transformer) else module
        for name, tensor in sorted(inner.state_dict().items()):
            header = f"{place}/{name}/{tensor.dtype}/{tuple(tensor.shape)}\n"
            running.update(header.encode())
            running.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return running.hexdigest()


def pooling_of(model: SentenceTransformer) -> str:
    """How token vectors become one vector, e.g. "mean", "cls+max", "mean without prompt" or "mean of layer 3"."""
    for module in model:
        if isinstance(module, StaticEmbedding):
            return "mean"
        if isinstance(module, Pooling):
            modes = module.pooling_mode
            named = modes if isinstance(modes, str) else "+".join(modes)
            return (named if module.include_prompt else f"{named} without prompt") + _layer_of(model[0])
    return "by the model"


def _layer_of(first: nn.Module) -> str:
    """Which inner layer is pooled, where it is not the model's own output: the weights alone do not tell."""
    if not isinstance(first, Transformer):
        return ""
    path = first.modality_config.get("text", {}).get("method_output_name")
    inner = isinstance(path, list | tuple) and len(path) == 2 and path[0] == "hidden_states"
    return f" of layer {path[1]}" if inner else ""


def before_cut_of(model: SentenceTransformer) -> str:
    """Operations after pooling except normalisation, in order, e.g. "none", "layer_norm" or "dense(Tanh)"."""
    names = [_operation(module) for module in list(model)[1:] if not isinstance(module, Pooling | Normalize)]
    return "+".join(names) or "none"


def _operation(module: nn.Module) -> str:
    if isinstance(module, LayerNorm):
        return "layer_norm"
    if isinstance(module, Dense):
        activation = type(module.activation_function).__name__
        return "dense" if activation == "Identity" else f"dense({activation})"
    return type(module).__name__


def max_tokens_of(model: SentenceTransformer) -> int | None:
    """Longest input that the model reads, in tokens; None if it reads texts of any length."""
    limit = model.max_seq_length
    return None if limit is None or math.isinf(limit) or limit >= _NO_LIMIT else int(limit)


def normalizes(model: SentenceTransformer) -> bool:
    """Whether the model's last step scales vectors to length 1 and nothing is cut off after it."""
    return isinstance(list(model)[-1], Normalize) and model.truncate_dim is None


def space_of(model: SentenceTransformer, *, normalize: bool) -> Space:
    """Space of a model's vectors.

    Args:
        model: its weights in the precision they were stored in.
        normalize: whether the encoder scales the rows to length 1; a model that does so itself counts as well.

    Raises: MatryoError if the model is meant for another similarity than cosine or does not tell its width.
    """
    similarity = model.similarity_fn_name
    # on vectors of length 1 every similarity ranks like cosine
    if similarity != "cosine" and not normalizes(model):
        raise MatryoError(
            f"the model is meant for {similarity} similarity, this package compares by cosine everywhere because cut "
            "vectors are renormalised; choose a model trained for cosine"
        )
    width = model.get_embedding_dimension()
    if width is None:
        raise MatryoError("the model does not tell the width of its vectors; add a module that does, e.g. Pooling")
    return Space(
        weights=weights_digest(model),
        width=int(width),
        pooling=pooling_of(model),
        before_cut=before_cut_of(model),
        normalize=normalize or normalizes(model),
        max_tokens=max_tokens_of(model),
    )
