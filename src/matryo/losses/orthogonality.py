"""Global orthogonality: embeddings that have nothing to do with each other shall be at right angles, at every dim."""

from collections.abc import Iterable

import torch
from torch import Tensor

from matryo.losses.arguments import check_groups, check_positive, check_sides
from matryo.losses.cosines import sum_over_tiles
from matryo.losses.nested import NestedResult
from matryo.losses.scores import Groups
from matryo.prefix import check_dims


def global_orthogonality(
    a: Tensor,
    b: Tensor,
    dims: Iterable[int],
    *,
    groups_a: Tensor | None = None,
    groups_b: Tensor | None = None,
    positive: Tensor | None = None,
) -> NestedResult:
    """Mean over dims of how much the cosines of unrelated pairs differ from those of random directions.

    Cosines of directions drawn evenly from the sphere of a dim have mean 0 and mean square 1 / dim. The loss of a dim
    is mean(cosine) ** 2 + max(0, mean(cosine ** 2) - 1 / dim), over all pairs of a row of `a` and a row of `b` that is
    neither its positive nor of equal group; 0 if there is no such pair. Memory is a few tiles of scores per dim,
    whatever n and m.

    Args:
        a: (n, d) float embeddings of any length.
        b: (m, d) float embeddings.
        dims: prefix lengths within 1..d, in any order.
        groups_a: (n,) int64 ids of the rows of a; given together with groups_b or not at all.
        groups_b: (m,) int64 ids of the rows of b.
        positive: (n,) int64, the row of b that belongs to each row of a; by default row i to row i.

    Returns: NestedResult(total, per_dim).
    Raises: ShapeError for shapes, dims or rows that do not fit.
    Source: Zhang et al. 2017, Learning Spread-out Local Feature Descriptors; at every prefix: ours.

    >>> rows = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    >>> global_orthogonality(rows, rows, (1, 2)).per_dim
    tensor([1.0000, 0.3600])
    """
    check_sides(a, b)
    rising = check_dims(dims, a.shape[1])
    rows_of_b = check_positive(positive, a, b)
    groups = check_groups(groups_a, groups_b, a, b)

    def sums(cosines: list[Tensor], rows: slice) -> Tensor:
        related = _related(rows, rows_of_b, groups, len(b))
        n_pairs = related.logical_not().sum().to(cosines[0].dtype)
        unrelated = (x.masked_fill(related, 0.0) for x in cosines)
        return torch.stack([torch.stack([x.sum(), x.square().sum(), n_pairs]) for x in unrelated])

    first, second, n_pairs = sum_over_tiles(sums, a, b, rising).unbind(1)
    n_pairs = n_pairs.clamp(min=1.0)
    even = torch.tensor([1 / dim for dim in rising], dtype=first.dtype, device=first.device)
    per_dim = (first / n_pairs).square() + (second / n_pairs - even).relu()
    return NestedResult(per_dim.mean(), per_dim.detach())


def _related(rows: slice, positive: Tensor, groups: Groups | None, n_columns: int) -> Tensor:
    """Pairs of one tile that are positives or of equal group, (rows, m) bool."""
    own = positive[rows]
    related = torch.zeros(len(own), n_columns, dtype=torch.bool, device=own.device)
    related[torch.arange(len(own), device=own.device), own] = True
    if groups is not None:
        equal = groups.equal_pairs(rows)
        if equal.dtype == torch.bool:
            related |= equal
        else:
            related.view(-1)[equal] = True
    return related
