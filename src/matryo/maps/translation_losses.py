"""What a trained translator is to bring down: three losses of translated rows against native ones (torch)."""

from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

from matryo.errors import MatryoError

LossName = Literal["mse", "cosine", "relational"]
LOSSES: tuple[str, ...] = get_args(LossName)
RowsLoss = Callable[[Tensor, Tensor], Tensor]


def translation_loss(name: LossName, spread: float) -> RowsLoss:
    """Loss of (n, d) translated rows, not scaled, against (n, d) native unit rows.

    Args:
        name: "mse", "cosine" or "relational".
        spread: mean squared distance of the native training rows from their mean; "mse" is a share of it.

    Raises: MatryoError for another name.
    """
    if name not in LOSSES:
        raise MatryoError(f"a translator is trained with one of {', '.join(LOSSES)}, got {name!r}; choose one of them")
    if name == "mse":
        return lambda a, b: squared_error(a, b) / spread
    return cosine_loss if name == "cosine" else relational_loss


def squared_error(a: Tensor, b: Tensor) -> Tensor:
    """Mean over rows of the squared distance between a row and its partner.

    >>> squared_error(torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 0.0]]))
    tensor(5.)
    """
    return (a - b).square().sum(dim=1).mean()


def cosine_loss(a: Tensor, b: Tensor) -> Tensor:
    """1 - mean cosine between a row and its partner.

    >>> cosine_loss(torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0], [1.0, 0.0]]))
    tensor(0.5000)
    """
    return 1.0 - functional.cosine_similarity(a, b, dim=1).mean()


def relational_loss(a: Tensor, b: Tensor) -> Tensor:
    """`cosine_loss`, plus how far the similarities among translated rows are from those among native rows.

    The second part is the mean squared difference over all pairs of different rows, as a share of the variance of the
    native similarities. Alone it would leave open how the whole is turned, so that it never stands alone.

    Args:
        a: (n, d) translated, n >= 2.
        b: (n, d) native.

    Source: Park et al. 2019 (relational knowledge distillation), on cosines: ours.
    """
    left, right = functional.normalize(a, dim=1), functional.normalize(b, dim=1)
    pairs = ~torch.eye(len(a), dtype=torch.bool, device=a.device)
    ours, theirs = (left @ left.t())[pairs], (right @ right.t())[pairs]
    spread = theirs.var(unbiased=False).clamp_min(1e-12)
    return cosine_loss(a, b) + (ours - theirs).square().mean() / spread
