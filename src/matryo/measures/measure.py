"""Names of ranking measures as small values: parsed as typed, printed in one spelling."""

from dataclasses import dataclass

from matryo.errors import MatryoError

NAMES = ("MRR", "nDCG", "recall", "hit", "MAP", "P")
_WITHOUT_CUTOFF = ("MRR", "nDCG", "MAP")


@dataclass(frozen=True, order=True)
class Measure:
    """A ranking measure; `Measure.parse(str(m)) == m`.

    Attributes:
        name: one of `NAMES`.
        k: how many hits of each query count; None = all hits given, for MRR, nDCG and MAP only.

    >>> str(Measure.parse("ndcg@10"))
    'nDCG@10'
    """

    name: str
    k: int | None = None

    def __post_init__(self) -> None:
        """Refuse unknown names and cutoffs below 1."""
        if self.name not in NAMES:
            raise MatryoError(f"measure must be one of {', '.join(NAMES)}, got {self.name!r}; write e.g. nDCG@10")
        if self.k is None and self.name not in _WITHOUT_CUTOFF:
            raise MatryoError(f"measure {self.name} needs a cutoff, got none; write e.g. {self.name}@10")
        if self.k is not None and self.k < 1:
            raise MatryoError(f"cutoff of a measure must be at least 1, got {self.name}@{self.k}; write {self.name}@10")

    def __str__(self) -> str:
        """Name and cutoff, e.g. "MRR@10"."""
        return self.name if self.k is None else f"{self.name}@{self.k}"

    @classmethod
    def parse(cls, text: str) -> "Measure":
        """Read a measure as a user types it; capitals do not matter.

        Raises: MatryoError if the name or the cutoff is none.
        """
        name, at, cutoff = text.strip().partition("@")
        spelled = {known.lower(): known for known in NAMES}.get(name.lower(), name)
        if at and not (cutoff.isascii() and cutoff.isdigit()):
            raise MatryoError(f"cutoff of a measure must be a whole number, got {text!r}; write e.g. nDCG@10")
        return cls(spelled, int(cutoff) if at else None)
