"""Attention on a processor: the plain way is faster to train than the fused one."""

from collections.abc import Iterator
from contextlib import contextmanager

from sentence_transformers import SentenceTransformer

from matryo.encoders.identity import max_tokens_of

_PLAIN, _FUSED = "eager", "sdpa"
# the plain way holds every weight between two tokens of a text; beyond this they fill the memory
_MOST_TOKENS = 512


@contextmanager
def plain_attention(model: SentenceTransformer, device: str) -> Iterator[None]:
    """Let a transformer compute attention as plain products while it is trained on a processor.

    torch's fused attention is made for long texts: its backward pass takes a third of a step of short ones (MiniLM, 170
    tokens: 798 to 884 ms of processor time for 1,020 tokens forward and backward, 622 to 696 this way). The result is
    the same but for rounding. Afterwards the model is as it was; nothing happens on a GPU, where texts may be long, and
    for models that do their attention in a way of their own.

    Args:
        model: any.
        device: where it is trained.
    """
    inner = getattr(model, "transformers_model", None)
    chosen = getattr(getattr(inner, "config", None), "_attn_implementation", None)
    tokens = max_tokens_of(model)
    if inner is None or device != "cpu" or chosen != _FUSED or tokens is None or tokens > _MOST_TOKENS:
        yield
        return
    inner.set_attn_implementation(_PLAIN)
    try:
        yield
    finally:
        inner.set_attn_implementation(_FUSED)
