"""The queries that scores are means over, with the groups that the bootstrap resamples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError, ShapeError
from matryo.measures.resample import group_numbers


@dataclass(frozen=True)
class Queries:
    """Queries in the order of the per-query values.

    Attributes:
        ids: one id per query.
        groups: one label per query, e.g. its package; () if every query is its own group.
    """

    ids: tuple[str, ...]
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse groups that do not fit the ids."""
        if self.groups and len(self.groups) != len(self.ids):
            raise ShapeError(
                f"groups must have one label per query, got {len(self.groups)} for {len(self.ids)} queries"
            )

    @classmethod
    def of(cls, ids: Sequence[str], groups: Mapping[str, str] | None = None) -> "Queries":
        """Look up the group of each query.

        Args:
            ids: query ids in order.
            groups: query id -> group; None or empty makes every query its own group.

        Raises: MatryoError if a query has no group while others have.

        >>> Queries.of(["q1", "q2"], {"q1": "json", "q2": "re", "q3": "os"}).groups
        ('json', 're')
        """
        if not groups:
            return cls(tuple(ids))
        lost = [query for query in ids if query not in groups]
        if lost:
            raise MatryoError(
                f"every query needs a group, {len(lost)} of {len(ids)} have none, e.g. {lost[:3]}; "
                "give all of them one or pass no groups"
            )
        return cls(tuple(ids), tuple(groups[query] for query in ids))

    def __len__(self) -> int:
        """Number of queries."""
        return len(self.ids)

    @property
    def numbers(self) -> NDArray[np.int64]:
        """Group number of each query, (n,)."""
        return group_numbers(self.groups or None, len(self.ids))
