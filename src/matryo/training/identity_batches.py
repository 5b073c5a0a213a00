"""Batches of one domain each, the domains taking turns."""

from collections.abc import Iterator
from itertools import cycle, islice
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from sentence_transformers.base.sampler import DefaultBatchSampler

from matryo.errors import MatryoError
from matryo.training.identity_rows import DOMAIN

if TYPE_CHECKING:
    from datasets import Dataset  # type: ignore[import-untyped]  # it carries no types


_EPOCHS = 1_000_003  # more than any training has


@final
class DomainBatches(DefaultBatchSampler):
    """Puts rows into batches whose triplets are of one domain: 0, 1, 0, 1, ... in new random order at each epoch.

    An epoch ends when the larger domain has been seen once; the smaller one starts again before that. The trainer takes
    this class as its argument `batch_sampler`.
    """

    def __init__(
        self,
        dataset: "Dataset",
        batch_size: int,
        drop_last: bool,
        valid_label_columns: list[str] | None = None,
        generator: torch.Generator | None = None,
        seed: int = 0,
    ) -> None:
        """Look up the domain of every row.

        Args:
            dataset: of `IdentityRows`.
            batch_size: rows per batch.
            drop_last: leave out a domain's last batch if it is not full.
            valid_label_columns: not used, the label is called "label".
            generator: source of the order.
            seed: of the order, together with the epoch.

        Raises: MatryoError if not one batch can be made.
        """
        super().__init__(dataset, batch_size, drop_last, valid_label_columns, generator, seed)
        # asked for as one slice: a whole column is read row by row
        domains = dataset.select_columns(["label"]).with_format("numpy")[:]["label"].T[DOMAIN]
        self._rows = [torch.from_numpy(np.flatnonzero(domains == domain)) for domain in np.unique(domains)]
        self._sizes = [len(rows) // batch_size if drop_last else -(-len(rows) // batch_size) for rows in self._rows]
        if not all(self._sizes):
            raise MatryoError(
                f"domains of {[len(rows) for rows in self._rows]} rows do not fill one batch of {batch_size} each; "
                "lower batch_size or give more rows"
            )

    def __len__(self) -> int:
        """Batches of an epoch."""
        return len(self._rows) * max(self._sizes)

    def __iter__(self) -> Iterator[list[int]]:
        """Batches of one epoch."""
        generator = self.generator or torch.Generator()
        # neighbouring seeds must not see the orders of each other's next epochs
        generator.manual_seed(_EPOCHS * self.seed + self.epoch)
        turns = [self._of_domain(rows, n, generator) for rows, n in zip(self._rows, self._sizes, strict=True)]
        return islice((next(turn) for turn in cycle(turns)), len(self))

    def _of_domain(self, rows: torch.Tensor, n_batches: int, generator: torch.Generator) -> Iterator[list[int]]:
        """Batches of one domain without end, in a new order each time its rows are used up."""
        while True:
            order = rows[torch.randperm(len(rows), generator=generator)].tolist()
            yield from (order[i * self.batch_size : (i + 1) * self.batch_size] for i in range(n_batches))
