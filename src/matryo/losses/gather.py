"""Rows of all processes of a distributed training: every device's documents are negatives of every device's queries."""

from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist
from torch.nn import functional

from matryo.errors import ShapeError
from matryo.losses.cut import check_embeddings

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16, torch.int64)


def gather_rows(x: Tensor) -> tuple[Tensor, int]:
    """Rows of all processes in the order of their ranks; differentiable.

    Every process must call it, the same number of times, forward and backward. Let each process take the loss of its
    own rows of a against all rows of b, `nested_info_nce(a, rows, dims, positive=offset + torch.arange(len(a)))`, and
    average gradients over processes, as DistributedDataParallel does. If all processes have equally many rows, this is
    the gradient of one process that holds the whole batch. If they have not, it is that of the mean over processes of
    each one's mean over its rows: a row weighs 1 / (processes * rows of its process), not 1 / all rows.

    Args:
        x: (n, d) float, n >= 1, the rows of this process; n may differ between processes, d and the dtype may not.

    Returns: (all rows, number of rows of lower ranks); (x, 0) where no process group is initialised. The gradient of
        the own rows is the sum of what the losses of all processes say of them.
    Raises: ShapeError if x is no float matrix, and in every process if widths or dtypes differ between them.
    Source: Radford et al. 2021 (CLIP), negatives from all devices, here with gradients across devices.

    >>> gather_rows(torch.ones(1, 3))
    (tensor([[1., 1., 1.]]), 0)
    """
    check_embeddings(x, "rows")
    if not _initialised():
        return x, 0
    counts = _row_counts(x)
    rows: Tensor = _GatherRows.apply(x, counts)  # type: ignore[no-untyped-call]  # torch leaves apply without types
    return rows, sum(counts[: dist.get_rank()])


def gather_ids(ids: Tensor) -> Tensor:
    """Ids of the rows of all processes, in the order of `gather_rows`.

    Args:
        ids: (n,) int64, n >= 1; n may differ between processes.

    Returns: ids of all rows; `ids` where no process group is initialised.
    Raises: ShapeError if ids are no int64 vector.

    >>> gather_ids(torch.tensor([7, 9]))
    tensor([7, 9])
    """
    if not isinstance(ids, Tensor) or ids.dtype != torch.int64 or ids.ndim != 1 or len(ids) == 0:
        kind = f"{ids.dtype} of shape {tuple(ids.shape)}" if isinstance(ids, Tensor) else type(ids).__name__
        raise ShapeError(f"ids must be an int64 tensor of shape (n,), n >= 1, got {kind}; give one id per row")
    if not _initialised():
        return ids
    return _all_rows(ids[:, None], _row_counts(ids[:, None])).squeeze(1)


class _GatherRows(torch.autograd.Function):
    """All rows forward; backward the own share of what all processes want."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, counts: tuple[int, ...]) -> Tensor:
        ctx.counts = counts
        return _all_rows(x, counts)

    @staticmethod
    def backward(ctx: Any, of_rows: Tensor) -> tuple[Tensor, None]:
        # A copy, because the sum over processes is taken in place.
        wanted = of_rows.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(wanted)
        return torch.split(wanted, ctx.counts)[dist.get_rank()], None


def _initialised() -> bool:
    return dist.is_available() and dist.is_initialized()


def _row_counts(x: Tensor) -> tuple[int, ...]:
    """Rows of each process; refuses what cannot stand in one matrix."""
    own = torch.tensor([len(x), x.shape[1], DTYPES.index(x.dtype)], device=x.device)
    each = [torch.empty_like(own) for _ in range(dist.get_world_size())]
    dist.all_gather(each, own)
    counts, widths, dtypes = zip(*(part.tolist() for part in each), strict=True)
    if len(set(widths)) > 1 or len(set(dtypes)) > 1:
        kinds = ", ".join(f"{width} x {DTYPES[dtype]}" for width, dtype in zip(widths, dtypes, strict=True))
        raise ShapeError(f"rows must have the same width and dtype in every process, got {kinds}; use one model in all")
    return counts


def _all_rows(x: Tensor, counts: tuple[int, ...]) -> Tensor:
    """Rows of each process one after the other; the shorter ones are padded on the way."""
    padded = functional.pad(x, (0, 0, 0, max(counts) - len(x))).contiguous()
    each = [torch.empty_like(padded) for _ in counts]
    dist.all_gather(each, padded)
    return torch.cat([part[:count] for part, count in zip(each, counts, strict=True)])
