"""Joining two sets of the same texts: by id, never by row number."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError
from matryo.maps.sides import SpaceRows


class Joined(NamedTuple):
    """Rows of two sets that hold the same texts, and how many rows of each have no partner.

    Attributes:
        source_rows: (n,) int64, rising.
        target_rows: (n,) int64, the rows with the same ids in the same order.
        n_only_source: rows of the source without a partner.
        n_only_target: rows of the target without a partner.
    """

    source_rows: NDArray[np.int64]
    target_rows: NDArray[np.int64]
    n_only_source: int
    n_only_target: int

    @property
    def n_missing(self) -> int:
        """Rows of either set without a partner."""
        return self.n_only_source + self.n_only_target


def join_sets(source: EmbeddingSet, target: EmbeddingSet) -> Joined:
    """Find the rows of two sets that have the same id, whatever the order of either.

    Args:
        source: vectors of one model.
        target: vectors of another model.

    Returns: Joined; rows without a partner are left out and counted.
    Raises: MatryoError if no id is in both sets.
    """
    place = {name: row for row, name in enumerate(target.ids())}
    partners = np.array([place.get(name, -1) for name in source.ids()], dtype=np.int64)
    rows = np.flatnonzero(partners >= 0)
    if not rows.size:
        examples = [ids[0] if (ids := s.ids()) else "none" for s in (source, target)]
        raise MatryoError(
            f"the sets {source.folder} and {target.folder} have no id in common, got ids like {examples[0]!r} and "
            f"{examples[1]!r}; encode the same texts with both models"
        )
    return Joined(rows, partners[rows], source.n_rows - len(rows), target.n_rows - len(rows))


def joined_sides(source: EmbeddingSet, target: EmbeddingSet) -> tuple[SpaceRows, SpaceRows, Joined]:
    """Both sets as sides of a fit, joined row by row, and what the join found; see `join_sets`."""
    joined = join_sets(source, target)
    return SpaceRows(source, rows=joined.source_rows), SpaceRows(target, rows=joined.target_rows), joined
