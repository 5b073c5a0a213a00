"""InfoNCE at several prefix lengths at once: the loss that makes embeddings nested."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from matryo.errors import MatryoError, ShapeError
from matryo.losses.cut import check_embeddings, work_dtype
from matryo.losses.fused import NestedInfoNCE
from matryo.losses.scores import Groups
from matryo.prefix import check_dims


@dataclass(frozen=True, slots=True)
class NestedResult:
    """What the nested loss returns.

    Args:
        total: 0-d tensor, the weighted mean over dims; the only part to call `backward` on.
        per_dim: (L,) tensor, the loss at each dim, shortest dim first; detached.
    """

    total: Tensor
    per_dim: Tensor


def nested_info_nce(
    a: Tensor,
    b: Tensor,
    dims: Iterable[int],
    *,
    positive: Tensor | None = None,
    groups_a: Tensor | None = None,
    groups_b: Tensor | None = None,
    weights: Sequence[float] | Tensor | None = None,
    temperatures: float | Sequence[float] | Tensor = 0.05,
    symmetric: bool = False,
) -> NestedResult:
    """Weighted mean over dims of InfoNCE on the cosines of each prefix, in one fused pass.

    At one dim, the loss of row i of `a` is -log of the share of its positive in the sum of exp(cosine / temperature)
    over all rows of `b` that are its positive or a negative; the loss of the dim is the mean over rows. Memory is one
    tile of scores per dim, whatever n and m. The gradient is computed together with the loss (nothing of it under
    `torch.no_grad`, or if no input requires it), in float32 at least, also under autocast.

    Args:
        a: (n, d) float embeddings, for example of queries; any length, they are normalised at each dim.
        b: (m, d) float embeddings, for example of documents; rows beyond the positives are negatives of every row of a.
        dims: prefix lengths within 1..d, in any order.
        positive: (n,) int64, the row of b that belongs to each row of a; by default row i to row i. Several rows of a
            may share one.
        groups_a: (n,) int64 ids of the rows of a; given together with groups_b or not at all.
        groups_b: (m,) int64 ids of the rows of b. A row of b whose id equals that of a row of a is no negative of it.
        weights: one per dim as given, >= 0 and not all 0; by default equal. Only their ratios matter.
        temperatures: > 0, one, or one per dim as given; a tensor that requires a gradient gets it.
        symmetric: take the mean with the other direction: for each row i of `a`, its positive among all rows of `a`.
            There the negatives of pair (i, j) are the rows of `a` whose positive is not j and whose group is not that
            of j; rows of `b` that are nobody's positive take no part.

    Returns: NestedResult(total, per_dim). `per_dim` holds no gradient: set `weights` to train on one dim.
    Raises: ShapeError for shapes, dims or rows that do not fit; MatryoError for weights and temperatures out of range.
    Source: van den Oord et al. 2018 (InfoNCE), Kusupati et al. 2022 (nesting); the fused pass is ours, because prefix
        scores are cumulative.

    >>> pairs = torch.eye(4)
    >>> nested_info_nce(pairs, pairs, (2, 4), temperatures=1.0).per_dim
    tensor([1.0650, 0.7437])
    """
    check_embeddings(a, "a")
    check_embeddings(b, "b")
    if a.shape[1] != b.shape[1] or a.device != b.device:
        raise ShapeError(
            f"a and b must have the same width and device, got {tuple(a.shape)} on {a.device} and {tuple(b.shape)} on "
            f"{b.device}; embed both with one model"
        )
    received = list(dims)
    rising = check_dims(received, a.shape[1])
    order = sorted(range(len(received)), key=received.__getitem__)
    dtype = work_dtype(a, b)
    shares = _check_weights(weights, len(received), a)[order]
    degrees = _check_temperatures(temperatures, len(received), a.device, dtype)[order]
    total, per_dim = NestedInfoNCE.apply(  # type: ignore[no-untyped-call]  # torch leaves apply without types
        a,
        b,
        degrees,
        rising,
        (shares / shares.sum()).to(dtype),
        _check_positive(positive, a, b),
        _check_groups(groups_a, groups_b, a, b),
        symmetric,
        tuple(torch.is_grad_enabled() and x.requires_grad for x in (a, b, degrees)),
    )
    return NestedResult(total, per_dim)


def _check_ids(ids: Tensor, length: int, like: Tensor, name: str) -> Tensor:
    """An int64 vector of `length`, on the device of the embeddings."""
    if not isinstance(ids, Tensor) or ids.dtype != torch.int64 or ids.shape != (length,):
        kind = f"{ids.dtype} of shape {tuple(ids.shape)}" if isinstance(ids, Tensor) else type(ids).__name__
        raise ShapeError(f"{name} must be an int64 tensor of shape ({length},), got {kind}; give one id per row")
    return ids.to(like.device)


def _check_positive(positive: Tensor | None, a: Tensor, b: Tensor) -> Tensor:
    if positive is None:
        if len(b) < len(a):
            raise ShapeError(
                f"b must have at least as many rows as a, got {len(b)} and {len(a)}; or say with positive= which row "
                "of b belongs to each row of a"
            )
        return torch.arange(len(a), device=a.device)
    rows = _check_ids(positive, len(a), a, "positive")
    low, high = (int(x) for x in torch.aminmax(rows))
    if low < 0 or high >= len(b):
        raise ShapeError(f"positive must lie within 0..{len(b) - 1}, the rows of b, got {low}..{high}; repair the rows")
    return rows


def _check_groups(groups_a: Tensor | None, groups_b: Tensor | None, a: Tensor, b: Tensor) -> Groups | None:
    if groups_a is None and groups_b is None:
        return None
    if groups_a is None or groups_b is None:
        raise ShapeError("groups_a and groups_b must be given together, got only one; give ids for the other side too")
    return Groups.of(_check_ids(groups_a, len(a), a, "groups_a"), _check_ids(groups_b, len(b), b, "groups_b"))


def _check_weights(weights: Sequence[float] | Tensor | None, n_dims: int, like: Tensor) -> Tensor:
    if weights is None:
        return torch.ones(n_dims, dtype=torch.float64, device=like.device)
    values = torch.as_tensor(weights, dtype=torch.float64).detach().to(like.device)
    if values.shape != (n_dims,):
        raise ShapeError(f"weights must be {n_dims} numbers, one per dim, got shape {tuple(values.shape)}; match dims")
    numbers = values.tolist()
    if not all(math.isfinite(w) and w >= 0 for w in numbers) or sum(numbers) == 0:
        raise MatryoError(f"weights must be finite, >= 0 and not all 0, got {numbers}; 0 leaves a dim out of training")
    return values


def _check_temperatures(
    temperatures: float | Sequence[float] | Tensor, n_dims: int, device: torch.device, dtype: torch.dtype
) -> Tensor:
    values = torch.as_tensor(temperatures, dtype=dtype, device=device)
    if values.shape not in ((), (1,), (n_dims,)):
        raise ShapeError(
            f"temperatures must be one number or {n_dims}, one per dim, got shape {tuple(values.shape)}; match dims"
        )
    numbers = values.detach().reshape(-1).tolist()
    if not all(math.isfinite(t) and t > 0 for t in numbers):
        raise MatryoError(f"temperatures must be finite and > 0, got {numbers}; usual values are .01 to .1")
    return values.expand(n_dims)
