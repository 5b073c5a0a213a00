"""Losses that draw the two domains of one entity together on the identity prefix, the first numbers of a vector."""

import torch
from torch import Tensor

from matryo.errors import ShapeError
from matryo.losses.arguments import check_ids, check_sides
from matryo.losses.cut import cut
from matryo.losses.nested import nested_info_nce


def prefix_info_nce(
    a: Tensor,
    b: Tensor,
    dim: int,
    *,
    positive: Tensor | None = None,
    groups_a: Tensor | None = None,
    groups_b: Tensor | None = None,
    temperature: float | Tensor = 0.07,
    symmetric: bool = True,
) -> Tensor:
    """InfoNCE across domains on the first `dim` numbers: each row of a finds its partner among the rows of b.

    Args:
        a: (n, d) float embeddings of texts of one domain, of any length.
        b: (m, d) float embeddings of texts of the other; rows beyond the partners are negatives of every row of a.
        dim: length of the identity prefix, 1 <= dim <= d.
        positive: (n,) int64, the row of b that belongs to each row of a; by default row i to row i.
        groups_a: (n,) int64 entities of the rows of a; given together with groups_b or not at all.
        groups_b: (m,) int64 entities of the rows of b. A row of b of a row of a's own entity is no negative of it.
        temperature: > 0.
        symmetric: take the mean with the other direction, in which each partner finds its row among all rows of a.

    Returns: 0-d tensor, in nats.
    Raises: ShapeError or MatryoError as `nested_info_nce`.
    Source: van den Oord et al. 2018 (InfoNCE), Radford et al. 2021 (both directions); on a prefix: ours.

    >>> pairs = torch.eye(4)
    >>> prefix_info_nce(pairs, pairs, 4, temperature=1.0)
    tensor(0.7437)
    """
    return nested_info_nce(
        a,
        b,
        (dim,),
        positive=positive,
        groups_a=groups_a,
        groups_b=groups_b,
        temperatures=temperature,
        symmetric=symmetric,
    ).total


def prefix_mse(a: Tensor, b: Tensor, dim: int) -> Tensor:
    """Mean squared distance of partners on the first `dim` numbers, each prefix brought to length 1.

    Distances are summed over the numbers of a row, not averaged, so that the weight of this loss does not shrink with
    the length of the prefix; a distance is 2 - 2 * cosine, at most 4. Nothing keeps different entities apart: a
    constant prefix has the loss 0.

    Args:
        a: (n, d) float embeddings of one domain.
        b: (n, d) float embeddings of the other, row i of the same entity as row i of a.
        dim: length of the identity prefix, 1 <= dim <= d.

    Returns: 0-d tensor.
    Raises: ShapeError if the sides differ in shape or dim is out of range.

    >>> prefix_mse(torch.tensor([[3.0, 4.0, 9.0]]), torch.tensor([[0.0, 2.0, 0.0]]), 2)
    tensor(0.4000)
    """
    check_sides(a, b)
    if len(a) != len(b):
        raise ShapeError(f"a and b must be pairs, got {len(a)} and {len(b)} rows; give the partner of each row")
    return (cut(a, dim) - cut(b, dim)).square().sum(1).mean()


def once_each(entities: Tensor) -> tuple[Tensor, Tensor]:
    """Keep one row per entity, so that nobody counts twice among the columns of a loss.

    Args:
        entities: (n,) int64, n >= 1.

    Returns: (rows, places): rows (u,) int64, the first row of each entity, in the order of their numbers; places (n,)
        int64, where among `rows` each row's entity is.
    Raises: ShapeError if entities are no int64 vector.

    >>> once_each(torch.tensor([7, 3, 7, 5]))
    (tensor([1, 3, 0]), tensor([2, 0, 2, 1]))
    """
    n = len(check_ids(entities, len(entities), entities, "entities"))
    found, places = torch.unique(entities, return_inverse=True)
    rows = torch.full_like(found, n).scatter_reduce_(0, places, torch.arange(n, device=entities.device), "amin")
    return rows, places
