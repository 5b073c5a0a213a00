"""Embeddings of a step, with the graph kept, or with gradient caching: embedded twice so that memory stays small.

Gradient caching embeds every pack without a graph, lets the loss see all embeddings at once, and when their gradient is
there embeds each pack once more, now with a graph, under the random state of the first time. The gradient is that of
the whole batch; memory is that of one pack.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from matryo.errors import MatryoError
from matryo.training.packing import Pack


def embed(model: nn.Module, packs: Sequence[Pack], *, cached: bool = False, dtype: torch.dtype | None = None) -> Tensor:
    """Embed every text of a step.

    Args:
        model: maps features to {"sentence_embedding": (rows, d)}.
        packs: as `packs_of` makes them.
        cached: keep no graph and embed again for the gradient.
        dtype: matrix products in this precision, None = as the weights are.

    Returns: (n, d) float32, text i in row i. With `cached` its gradient may be asked for once.
    Source: Gao et al. 2021, Scaling Deep Contrastive Learning Batch Size (gradient caching); ours, because one
        backward pass over all embeddings leaves the loss free to use any terms.
    """
    places = torch.cat([pack.places for pack in packs])
    if cached and torch.is_grad_enabled():
        trigger = torch.zeros((), device=places.device, requires_grad=True)
        vectors = _EmbedTwice.apply(trigger, model, packs, dtype)  # type: ignore[no-untyped-call]  # untyped in torch
    else:
        with _autocast(places.device, dtype):
            vectors = torch.cat([_embed_pack(model, pack) for pack in packs])
    in_order: Tensor = vectors[torch.argsort(places)]
    return in_order.float()


def _embed_pack(model: nn.Module, pack: Pack) -> Tensor:
    # modules write into the mapping they are given
    vectors: Tensor = model(dict(pack.features))["sentence_embedding"]
    return vectors


def _autocast(device: torch.device, dtype: torch.dtype | None) -> AbstractContextManager[Any]:
    """One context around all packs, so that weights are converted once."""
    return torch.autocast(device.type, dtype=dtype) if dtype else nullcontext()


class _EmbedTwice(torch.autograd.Function):
    """All packs as one operation that keeps nothing but the random state of each."""

    @staticmethod
    def forward(
        ctx: Any, trigger: Tensor, model: nn.Module, packs: Sequence[Pack], dtype: torch.dtype | None
    ) -> Tensor:
        ctx.model, ctx.packs, ctx.dtype, ctx.states = model, packs, dtype, []
        vectors = []
        with _autocast(trigger.device, dtype):
            for pack in packs:
                ctx.states.append(_random_state(trigger.device))
                vectors.append(_embed_pack(model, pack))
        return torch.cat(vectors)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Embed each pack again and pass its part of the gradient on to the weights."""
        if ctx.states is None:
            raise MatryoError("the gradient of a cached batch was asked for twice; embed the batch anew")
        states, ctx.states = ctx.states, None
        now = _random_state(gradient.device)
        sizes = [len(pack.places) for pack in ctx.packs]
        parts = torch.split(gradient, sizes)
        for i, (pack, part, state) in enumerate(zip(ctx.packs, parts, states, strict=True)):
            _set_random_state(gradient.device, state)
            last = i == len(ctx.packs) - 1
            # each pack under its own context: casts that were made without a graph must not be taken again
            with _synchronised(ctx.model, last), torch.enable_grad():
                with _autocast(gradient.device, ctx.dtype):
                    vectors = _embed_pack(ctx.model, pack)
                vectors.backward(part.to(vectors.dtype))  # type: ignore[no-untyped-call]  # untyped in torch
        _set_random_state(gradient.device, now)
        return (None, None, None, None)


def _synchronised(model: nn.Module, last: bool) -> AbstractContextManager[Any]:
    """Gradients travel between processes once, with the last pack."""
    if isinstance(model, DistributedDataParallel) and not last:
        context: AbstractContextManager[Any] = model.no_sync()
        return context
    return nullcontext()


def _random_state(device: torch.device) -> tuple[Tensor, Tensor | None]:
    return torch.get_rng_state(), torch.cuda.get_rng_state(device) if device.type == "cuda" else None


def _set_random_state(device: torch.device, state: tuple[Tensor, Tensor | None]) -> None:
    torch.set_rng_state(state[0])
    if state[1] is not None:
        torch.cuda.set_rng_state(state[1], device)
