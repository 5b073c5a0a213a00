"""Checks of what callers of the losses give, once at the edge."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from matryo.errors import MatryoError, ShapeError
from matryo.losses.cut import check_embeddings
from matryo.losses.scores import Groups


def check_sides(a: Tensor, b: Tensor) -> None:
    """Refuse two sides that are no embeddings of one model.

    Raises: ShapeError.
    """
    check_embeddings(a, "a")
    check_embeddings(b, "b")
    if a.shape[1] != b.shape[1] or a.device != b.device:
        raise ShapeError(
            f"a and b must have the same width and device, got {tuple(a.shape)} on {a.device} and {tuple(b.shape)} on "
            f"{b.device}; embed both with one model"
        )


def check_ids(ids: Tensor, length: int, like: Tensor, name: str) -> Tensor:
    """An int64 vector of `length`, on the device of the embeddings.

    Raises: ShapeError, naming the argument as `name`.
    """
    if not isinstance(ids, Tensor) or ids.dtype != torch.int64 or ids.shape != (length,):
        kind = f"{ids.dtype} of shape {tuple(ids.shape)}" if isinstance(ids, Tensor) else type(ids).__name__
        raise ShapeError(f"{name} must be an int64 tensor of shape ({length},), got {kind}; give one id per row")
    return ids.to(like.device)


def check_positive(positive: Tensor | None, a: Tensor, b: Tensor) -> Tensor:
    """Row of b that belongs to each row of a, (n,) int64; by default row i to row i.

    Raises: ShapeError.
    """
    if positive is None:
        if len(b) < len(a):
            raise ShapeError(
                f"b must have at least as many rows as a, got {len(b)} and {len(a)}; or say with positive= which row "
                "of b belongs to each row of a"
            )
        return torch.arange(len(a), device=a.device)
    rows = check_ids(positive, len(a), a, "positive")
    low, high = (int(x) for x in torch.aminmax(rows))
    if low < 0 or high >= len(b):
        raise ShapeError(f"positive must lie within 0..{len(b) - 1}, the rows of b, got {low}..{high}; repair the rows")
    return rows


def check_groups(groups_a: Tensor | None, groups_b: Tensor | None, a: Tensor, b: Tensor) -> Groups | None:
    """Ids of both sides, or None if there are none.

    Raises: ShapeError.
    """
    if groups_a is None and groups_b is None:
        return None
    if groups_a is None or groups_b is None:
        raise ShapeError("groups_a and groups_b must be given together, got only one; give ids for the other side too")
    return Groups.of(check_ids(groups_a, len(a), a, "groups_a"), check_ids(groups_b, len(b), b, "groups_b"))


def check_weights(weights: Sequence[float] | Tensor | None, n_dims: int, like: Tensor) -> Tensor:
    """Weight of each dim, (n_dims,) float64; by default all 1.

    Raises: ShapeError for another number of them; MatryoError for values out of range.
    """
    if weights is None:
        return torch.ones(n_dims, dtype=torch.float64, device=like.device)
    values = torch.as_tensor(weights, dtype=torch.float64).detach().to(like.device)
    if values.shape != (n_dims,):
        raise ShapeError(f"weights must be {n_dims} numbers, one per dim, got shape {tuple(values.shape)}; match dims")
    numbers = values.tolist()
    if not all(math.isfinite(w) and w >= 0 for w in numbers) or sum(numbers) == 0:
        raise MatryoError(f"weights must be finite, >= 0 and not all 0, got {numbers}; 0 leaves a dim out of training")
    return values


def check_temperatures(
    temperatures: float | Sequence[float] | Tensor, n_dims: int, device: torch.device, dtype: torch.dtype
) -> Tensor:
    """Temperature of each dim, (n_dims,), keeping the gradient of a tensor.

    Raises: ShapeError for another number of them; MatryoError for values out of range.
    """
    values = torch.as_tensor(temperatures, dtype=dtype, device=device)
    if values.shape not in ((), (1,), (n_dims,)):
        raise ShapeError(
            f"temperatures must be one number or {n_dims}, one per dim, got shape {tuple(values.shape)}; match dims"
        )
    numbers = values.detach().reshape(-1).tolist()
    if not all(math.isfinite(t) and t > 0 for t in numbers):
        raise MatryoError(f"temperatures must be finite and > 0, got {numbers}; usual values are .01 to .1")
    return values.expand(n_dims)


def check_margin(margin: float | None) -> float | None:
    """Margin of the false-negative filter; None = off.

    Raises: MatryoError for what no difference of two cosines can be.
    """
    if margin is None:
        return None
    if not (isinstance(margin, float | int) and -2.0 <= margin <= 2.0):
        raise MatryoError(f"margin must lie within -2..2, got {margin!r}; usual values are 0 to .1, None turns it off")
    return float(margin)
