"""The rows that a translator is trained on, as tensors: in memory where they fit, else gathered batch by batch."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from matryo.maps.pairs import PairPass

# Both sides in float32: 350,000 pairs of 384 numbers each.
_MOST_BYTES = 1 << 30


@dataclass(frozen=True, eq=False)
class Spread:
    """Mean of some rows, and the root of the mean variance of a column."""

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]

    @property
    def size(self) -> float:
        """Root of the mean variance of a column, 1 where nothing varies."""
        return float(np.sqrt(self.variance.mean())) or 1.0


class TrainingRows:
    """Both sides of a fit, and how the training rows are spread; the batches are the same however they are held."""

    def __init__(self, rows: PairPass, trained: NDArray[np.bool_], device: torch.device) -> None:
        """Read all rows once.

        Args:
            rows: both sides, joined.
            trained: (n,) which rows to train on.
            device: where batches are wanted.
        """
        self._rows, self._device = rows, device
        sides = (rows.source, rows.target)
        n = rows.source.n_rows
        fits = 4 * n * (rows.source.width + rows.target.width) <= _MOST_BYTES
        kept = [np.empty((n, side.width), dtype=np.float32) for side in sides] if fits else []
        sums = [[np.zeros(side.width), np.zeros(side.width)] for side in sides]
        for start, x, y in rows.blocks():
            chosen = trained[start : start + len(x)]
            for (linear, squares), part in zip(sums, (x, y), strict=True):
                wide = part[chosen].astype(np.float64)
                linear += wide.sum(axis=0)
                squares += np.einsum("ij,ij->j", wide, wide)
            for held, part in zip(kept, (x, y), strict=False):
                held[start : start + len(x)] = part
        self._held = [torch.from_numpy(held).to(device) for held in kept]
        count = max(int(trained.sum()), 1)
        self.source, self.target = (Spread(a / count, np.maximum(b / count - (a / count) ** 2, 0.0)) for a, b in sums)

    def take(self, chosen: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Some rows of both sides, in this order."""
        if self._held:
            places = torch.from_numpy(chosen).to(self._device)
            x, y = (held[places] for held in self._held)
        else:
            sides = (self._rows.source, self._rows.target)
            x, y = (torch.from_numpy(np.ascontiguousarray(s.take(chosen, 0, s.width))).to(self._device) for s in sides)
        return x, y
