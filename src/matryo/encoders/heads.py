"""Two heads as one layer: what leaves it is [identity | task], so that the identity head is a prefix of the vector."""

from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize
from torch import nn

from matryo.encoders.loading import load_encoder
from matryo.encoders.model import ModelEncoder
from matryo.encoders.saving import save_model
from matryo.errors import ShapeError

# Of the length of a row of the matrix; the rest is the identity.
_NOISE = 0.01


def add_heads(model: SentenceTransformer, *, prefix_dim: int, seed: int) -> SentenceTransformer:
    """Put one layer [identity | task] of the model's own width behind it, before its closing normalisation if any.

    The layer starts near the identity, so that the model gives almost the vectors it gave before.

    Args:
        model: its modules are shared, not copied.
        prefix_dim: numbers of the identity head, the first of the vector; the task head has the others.
        seed: of the small numbers beside the identity.

    Raises: ShapeError if either head has no numbers.
    """
    width = model.get_embedding_dimension()
    if width is None or not 1 <= prefix_dim < width:
        raise ShapeError(
            f"the identity head must leave numbers to the task head, got prefix_dim {prefix_dim} of a model {width} "
            f"numbers wide; choose one within 1..{(width or 2) - 1}"
        )
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(width, width, generator=generator) * (_NOISE / width**0.5)
    layer = Dense(
        width, width, bias=False, activation_function=nn.Identity(), init_weight=(torch.eye(width) + noise).float()
    )
    modules = list(model)
    place = len(modules) - 1 if isinstance(modules[-1], Normalize) else len(modules)
    return SentenceTransformer(
        modules=[*modules[:place], layer, *modules[place:]],
        device=str(model.device),
        prompts={name: text or "" for name, text in model.prompts.items()},
        default_prompt_name=model.default_prompt_name,
        similarity_fn_name="cosine",
    )


def write_heads(start: Path | str, out: Path | str, *, prefix_dim: int, seed: int) -> Path:
    """Write a start model with heads from a start model without; the same arguments give the same bytes.

    Args:
        start: model folder.
        out: where to write; missing, empty, or a model that this package wrote, which is replaced.
        prefix_dim: numbers of the identity head.
        seed: as `add_heads`.

    Returns: the folder.
    Raises: as `load_encoder`, `add_heads` and `save_model`.
    """
    encoder = load_encoder(start, device="cpu", precision="fp32")
    model = add_heads(encoder.model, prefix_dim=prefix_dim, seed=seed)
    with_heads = ModelEncoder(model, name=encoder.name, device="cpu", precision="fp32")
    return save_model(with_heads, out, overwrite=True)
