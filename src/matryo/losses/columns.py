"""Which columns a dim takes: the first ones, or, to see whether order matters at all, others."""

from typing import Literal, get_args

import torch
from torch import Tensor

from matryo.errors import MatryoError, ShapeError
from matryo.losses.cut import check_embeddings

Columns = Literal["prefix", "random", "strided"]


def column_order(width: int, kind: Columns, seed: int = 0) -> Tensor | None:
    """Order of columns whose prefixes are the subspaces to train: nested sets of columns, one for each dim.

    Args:
        width: full length of the vectors, >= 1.
        kind: prefix = columns as they are; random = in an order drawn once; strided = columns as evenly spaced as
            possible: width / 2, width / 4, ... of them are every second, every fourth, ... column where width can be
            divided so.
        seed: of random.

    Returns: None for prefix, else (width,) int64, a permutation for `reorder`; the same for the same arguments.
    Raises: MatryoError for an unknown kind; ShapeError for a width below 1.
    Source: strided is the order of van der Corput 1935, numbers by their reversed bits.

    >>> column_order(6, "strided")
    tensor([0, 4, 2, 1, 5, 3])
    """
    if kind not in get_args(Columns):
        raise MatryoError(f"columns must be one of {', '.join(get_args(Columns))}, got {kind!r}")
    if width < 1:
        raise ShapeError(f"width must be at least 1, got {width}; give the number of columns of the embeddings")
    if kind == "prefix":
        return None
    if kind == "random":
        return torch.randperm(width, generator=torch.Generator().manual_seed(seed))
    n_bits = (width - 1).bit_length()
    reversed_bits = (int(f"{number:0{n_bits}b}"[::-1], 2) for number in range(2**n_bits))
    return torch.tensor([column for column in reversed_bits if column < width])


def reorder(x: Tensor, order: Tensor | None) -> Tensor:
    """Put columns into an order from `column_order`, with gradients; a prefix of the result is the subspace.

    Args:
        x: (n, width) float.
        order: (width,) int64, or None to leave x as it is.

    Returns: (n, width).
    Raises: ShapeError if the order is not one of this width.
    """
    if order is None:
        return x
    check_embeddings(x, "vectors")
    if order.dtype != torch.int64 or order.shape != (x.shape[1],):
        raise ShapeError(
            f"order must be int64 of shape ({x.shape[1]},), got {order.dtype} of shape {tuple(order.shape)}; make it "
            "with column_order for this width"
        )
    return x.index_select(1, order.to(x.device))
