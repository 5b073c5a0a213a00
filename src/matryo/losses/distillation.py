"""Distillation of the full width into its prefixes: a prefix is to see the similarities that the whole vector sees."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional

from matryo.errors import MatryoError
from matryo.losses.arguments import check_sides
from matryo.losses.cosines import sum_over_tiles
from matryo.losses.nested import NestedResult
from matryo.prefix import check_dims


def prefix_distillation(a: Tensor, b: Tensor, dims: Iterable[int], *, temperature: float = 0.05) -> NestedResult:
    """Mean over the shorter dims of how far a prefix' distribution over the rows of b is from that of the widest dim.

    At one dim, the loss of row i of `a` is the Kullback-Leibler divergence, in nats, from softmax(cosines at the widest
    dim / temperature) to softmax(cosines at this dim / temperature), both over all rows of `b`. The widest dim teaches:
    it gets no gradient from being compared. Memory is a few tiles of scores per dim, whatever n and m.

    Args:
        a: (n, d) float embeddings of any length.
        b: (m, d) float embeddings.
        dims: prefix lengths within 1..d, in any order.
        temperature: > 0, of both distributions.

    Returns: NestedResult(total, per_dim); `per_dim` is 0 at the widest dim, which `total` leaves out. With one dim
        there is nothing to learn: the total is 0 and has no gradient.
    Raises: ShapeError for shapes and dims that do not fit; MatryoError for a temperature out of range.
    Source: Hinton et al. 2015 (distillation by softened distributions), with the model's own full width as the teacher:
        ours.

    >>> a = torch.tensor([[1.0, 0.0, 1.0]])
    >>> b = torch.tensor([[1.0, 0.0, 1.0], [1.0, 0.0, -1.0]])
    >>> prefix_distillation(a, b, (2, 3), temperature=1.0).per_dim
    tensor([0.1109, 0.0000])
    """
    check_sides(a, b)
    rising = check_dims(dims, a.shape[1])
    if not (isinstance(temperature, float | int) and math.isfinite(temperature) and temperature > 0):
        raise MatryoError(f"temperature must be finite and > 0, got {temperature!r}; usual values are .01 to .1")

    def divergences(cosines: list[Tensor], _: slice) -> Tensor:
        *prefixes, full = (x / temperature for x in cosines)
        teacher = full.detach().log_softmax(1)
        sums = [
            functional.kl_div(x.log_softmax(1), teacher, reduction="sum", log_target=True) / len(a) for x in prefixes
        ]
        return torch.stack([*sums, teacher.new_zeros(())])

    per_dim = sum_over_tiles(divergences, a, b, rising)
    return NestedResult(per_dim.sum() / max(len(rising) - 1, 1), per_dim.detach())
