"""Plans of a funnel and what a search counted: small values that are printed, stored and compared."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from matryo.errors import FormatError, MatryoError


@dataclass(frozen=True)
class Stage:
    """Compare the first `dim` numbers, keep the best `shortlist` rows."""

    dim: int
    shortlist: int

    def __str__(self) -> str:
        """As in "300@128": 300 rows by 128 numbers."""
        return f"{self.shortlist}@{self.dim}"


@dataclass(frozen=True)
class FunnelPlan:
    """Shortlists of a calibrated funnel; the last one is rescored at the full width.

    Attributes:
        stages: one per dim of the index below its width, in order.
        k: hits per query that it was calibrated for; the promise holds for this k.
        recall: what was asked for.
        recall_lower: lower confidence bound of the mean recall@k.
        confidence: of that bound.
        n: queries that the bound rests on.
    """

    stages: tuple[Stage, ...]
    k: int
    recall: float
    recall_lower: float
    confidence: float
    n: int

    def __post_init__(self) -> None:
        """Refuse shortlists that grow or cannot hold k rows.

        Raises: MatryoError.
        """
        dims, sizes = [s.dim for s in self.stages], [s.shortlist for s in self.stages]
        falls = sizes == sorted(sizes, reverse=True) and dims == sorted(set(dims))
        if not self.stages or not falls or sizes[-1] < self.k or self.k < 1:
            raise MatryoError(
                f"stages must have rising dims and falling shortlists of at least k={self.k}, got {self}; correct them"
            )

    def __str__(self) -> str:
        """As in "900@128 -> 120@256"."""
        return " -> ".join(str(stage) for stage in self.stages)

    def to_json(self) -> dict[str, Any]:
        """Fields as JSON values."""
        return asdict(self) | {"stages": [[stage.dim, stage.shortlist] for stage in self.stages]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Inverse of `to_json`.

        Raises: FormatError if a field is missing, unknown or of no use.
        """
        try:
            stages = tuple(Stage(int(dim), int(shortlist)) for dim, shortlist in stored["stages"])
            return cls(**{**stored, "stages": stages})
        except (TypeError, KeyError, ValueError) as error:
            raise FormatError(f"a stored plan has the fields of FunnelPlan ({error}); save the index anew") from None


@dataclass(frozen=True, eq=False)
class FunnelCounts:
    """What a search looked at.

    Attributes:
        dims: prefix lengths of the stages, the last one the width.
        survivors: (n, len(dims)) int64, rows still alive after each stage of each query; what is alive after the last
            one is scored in full.
        bytes_read: (n,) int64, bytes of vectors that each query's answer rests on; queries searched together share the
            reading of the scanned block, which is counted for each of them.
    """

    dims: tuple[int, ...]
    survivors: NDArray[np.int64]
    bytes_read: NDArray[np.int64]
