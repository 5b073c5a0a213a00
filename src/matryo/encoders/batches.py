"""Groups of texts that run through a model together: a pure function of the texts of one call."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from matryo.encoders.base import Role
from matryo.prefix import Array


@dataclass(frozen=True)
class Encoded:
    """What one batch gave.

    Attributes:
        rows: (b,) int64, places of the texts in the call.
        vectors: (b, width) float32, not yet scaled to length 1.
        n_truncated: how many of the texts were longer than the model reads.
    """

    rows: NDArray[np.int64]
    vectors: Array
    n_truncated: int


class Pass(Protocol):
    """One way of running the texts of a call through a model."""

    @property
    def rule(self) -> str:
        """The grouping in words."""

    @property
    def precision(self) -> str:
        """Numbers the larger part of the model computes in."""

    @property
    def counts_truncated(self) -> bool:
        """Whether `Encoded.n_truncated` can be relied on."""

    def run(self, texts: list[str], prompt: str, role: Role) -> Iterator[Encoded]:
        """Run all texts, each once, in batches of its own choice."""


def longest_first(texts: list[str]) -> NDArray[np.int64]:
    """Places of the texts by falling number of characters, equal ones in their order.

    Long texts first: memory peaks and slow batches come at the start, so the time left is never underestimated.

    >>> longest_first(["a", "ccc", "bb", "d"]).tolist()
    [1, 2, 0, 3]
    """
    return np.argsort(-np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)), kind="stable")


def token_groups(lengths: NDArray[np.int64], budget: int) -> Iterator[NDArray[np.int64]]:
    """Group texts of similar length so that no group exceeds a number of tokens, padding included.

    Args:
        lengths: (n,) tokens of each text.
        budget: most tokens per group, counted as texts x longest text; a longer text makes a group of its own.

    Returns: places of the texts of each group, together every place once, longest first.

    >>> [g.tolist() for g in token_groups(np.array([3, 9, 4, 2]), budget=8)]
    [[1], [2, 0], [3]]
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        size = max(1, budget // max(1, int(lengths[order[start]])))
        yield order[start : start + size]
        start += size


def moved(features: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
    """Features with their tensors on a device."""
    return {name: value.to(device) if isinstance(value, torch.Tensor) else value for name, value in features.items()}
