"""Cross-batch memory: documents of earlier steps stay negatives for a while, at the cost of a matrix."""

from typing import final

import torch
from torch import Tensor, nn

from matryo.errors import ShapeError


@final
class Memory(nn.Module):
    """The last `size` document embeddings with their groups; its buffers are part of a checkpoint.

    Source: Wang et al. 2020, Cross-Batch Memory for Embedding Learning.
    """

    def __init__(self, size: int, width: int) -> None:
        """Start empty.

        Args:
            size: rows that are kept; 0 = no memory.
            width: numbers per row.
        """
        super().__init__()
        self.size = size
        self.vectors: Tensor
        self.groups: Tensor
        self.pushed: Tensor
        self.register_buffer("vectors", torch.zeros(size, width))
        self.register_buffer("groups", torch.zeros(size, dtype=torch.int64))
        # how many rows were ever pushed: says which are in use and which is the oldest
        self.register_buffer("pushed", torch.zeros((), dtype=torch.int64))

    @property
    def used(self) -> int:
        """Rows in use."""
        return min(int(self.pushed), self.size) if self.size else 0

    def rows(self) -> tuple[Tensor, Tensor]:
        """Copies of the embeddings (used, d) and groups (used,) in use; a later push does not change them."""
        return self.vectors[: self.used].clone(), self.groups[: self.used].clone()

    def push(self, vectors: Tensor, groups: Tensor) -> None:
        """Take rows in, dropping the oldest.

        Raises: ShapeError if there are not as many groups as rows.
        """
        if len(vectors) != len(groups):
            raise ShapeError(f"memory takes one group per row, got {len(vectors)} rows and {len(groups)} groups")
        kept, ids = vectors[-self.size :], groups[-self.size :]
        # as if all had been pushed one by one, so that the oldest are those that are overwritten
        first = int(self.pushed) + len(vectors) - len(kept)
        places = (torch.arange(len(kept), device=self.vectors.device) + first) % self.size
        self.vectors[places] = kept.to(self.vectors.dtype)
        self.groups[places] = ids
        self.pushed += len(vectors)
