"""Domain-adversarial training: a classifier learns to tell the domains apart, the encoder learns to confuse it."""

import math
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from matryo.errors import MatryoError, ShapeError
from matryo.losses.arguments import check_sides
from matryo.losses.cut import cut

_HIDDEN = 64
# How fast the strength rises: at a third of the training it is .93.
_STEEPNESS = 10.0


@final
class DomainClassifier(nn.Module):
    """Tells from the first `dim` numbers of a vector which domain its text comes from; one hidden layer.

    Args:
        dim: numbers it sees, at least 1.

    >>> DomainClassifier(4)(torch.zeros(3, 8)).shape
    torch.Size([3])
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        if dim < 1:
            raise ShapeError(f"dim must be at least 1, got {dim}; give the length of the prefix to classify")
        self.dim = dim
        self.layers = nn.Sequential(nn.Linear(dim, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Logit of the second domain for each row, (n, d >= dim) -> (n,)."""
        # numbers of a row of length 1 are small; layers are made to start from numbers of about 1
        scaled = cut(x, self.dim) * math.sqrt(self.dim)
        logits: Tensor = self.layers(scaled)
        return logits.squeeze(1)


class _Reversal(torch.autograd.Function):
    """The identity, whose gradient is turned around."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradient, None


def reverse_gradient(x: Tensor, strength: float) -> Tensor:
    """Pass x on as it is, and its gradient multiplied by -strength.

    Args:
        x: any float tensor.
        strength: finite and >= 0; 0 = what is computed from the result teaches x nothing.

    Raises: MatryoError for a strength out of range.
    Source: Ganin et al. 2016, Domain-Adversarial Training of Neural Networks.

    >>> x = torch.ones(1, requires_grad=True)
    >>> (3 * reverse_gradient(x, 0.5)).sum().backward()
    >>> x.grad
    tensor([-1.5000])
    """
    if not (math.isfinite(strength) and strength >= 0):
        raise MatryoError(f"strength of the reversal must be finite and >= 0, got {strength}; usual values are 0 to 1")
    reversed_: Tensor = _Reversal.apply(x, float(strength))  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return reversed_


def domain_loss(classifier: DomainClassifier, a: Tensor, b: Tensor, strength: float) -> Tensor:
    """How badly a classifier tells the domains apart, with the gradient reversed on its way to the embeddings.

    Minimising it trains the classifier to tell the domains apart and the embeddings to hide them. Both domains weigh
    the same, whatever their numbers of rows; ln 2 = .69 is what a coin reaches.

    Args:
        classifier: sees the first numbers of each row.
        a: (n, d) float embeddings of the first domain.
        b: (m, d) float embeddings of the second.
        strength: of the reversal, >= 0.

    Returns: 0-d tensor, in nats.
    Raises: ShapeError for embeddings that do not fit or are shorter than the classifier's dim; MatryoError for a
        strength out of range.
    Source: Ganin et al. 2016.

    >>> blind = DomainClassifier(4).requires_grad_(False)
    >>> found = [parameter.zero_() for parameter in blind.parameters()]
    >>> domain_loss(blind, torch.ones(2, 4), torch.ones(3, 4), 1.0)
    tensor(0.6931)
    """
    check_sides(a, b)
    first, second = (classifier(reverse_gradient(x, strength)) for x in (a, b))
    of_first = functional.binary_cross_entropy_with_logits(first, torch.zeros_like(first))
    of_second = functional.binary_cross_entropy_with_logits(second, torch.ones_like(second))
    return (of_first + of_second) / 2


def reversal_strength(done: float) -> float:
    """Strength that rises from 0 to 1, so that the classifier knows something before it is confused.

    Args:
        done: share of the training, 0 to 1.

    Source: Ganin et al. 2016, section 5.2.2.

    >>> [round(reversal_strength(done), 3) for done in (0.0, 0.1, 0.5, 1.0)]
    [0.0, 0.462, 0.987, 1.0]
    """
    return 2.0 / (1.0 + math.exp(-_STEEPNESS * done)) - 1.0
