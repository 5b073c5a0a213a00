"""InfoNCE at several prefix lengths at once: the loss that makes embeddings nested."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from matryo.losses.arguments import (
    check_groups,
    check_margin,
    check_positive,
    check_sides,
    check_temperatures,
    check_weights,
)
from matryo.losses.cut import work_dtype
from matryo.losses.fused import NestedInfoNCE
from matryo.prefix import check_dims


@dataclass(frozen=True, slots=True)
class NestedResult:
    """What a loss at several dims returns.

    Args:
        total: 0-d tensor, the mean over dims as the loss weighs them; the only part to call `backward` on.
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
    margin: float | None = None,
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
        margin: false-negative filter, no unit, within -2..2; None = off. A row of b is no negative of a row of a if
            their cosine exceeds that of the row of a and its positive, minus the margin. Cosines are those at the
            widest of `dims`; the same pairs are left out at every dim and in both directions. The choice has no
            gradient.

    Returns: NestedResult(total, per_dim). `per_dim` holds no gradient: set `weights` to train on one dim.
    Raises: ShapeError for shapes, dims or rows that do not fit; MatryoError for weights, temperatures or a margin out
        of range.
    Source: van den Oord et al. 2018 (InfoNCE), Kusupati et al. 2022 (nesting), Solatorio 2024 (GISTEmbed: a model's own
        scores tell false negatives); the fused pass is ours, because prefix scores are cumulative.

    >>> pairs = torch.eye(4)
    >>> nested_info_nce(pairs, pairs, (2, 4), temperatures=1.0).per_dim
    tensor([1.0650, 0.7437])
    """
    check_sides(a, b)
    received = list(dims)
    rising = check_dims(received, a.shape[1])
    order = sorted(range(len(received)), key=received.__getitem__)
    dtype = work_dtype(a, b)
    shares = check_weights(weights, len(received), a)[order]
    degrees = check_temperatures(temperatures, len(received), a.device, dtype)[order]
    total, per_dim = NestedInfoNCE.apply(  # type: ignore[no-untyped-call]  # torch leaves apply without types
        a,
        b,
        degrees,
        rising,
        (shares / shares.sum()).to(dtype),
        check_positive(positive, a, b),
        check_groups(groups_a, groups_b, a, b),
        symmetric,
        check_margin(margin),
        tuple(torch.is_grad_enabled() and x.requires_grad for x in (a, b, degrees)),
    )
    return NestedResult(total, per_dim)
