"""What the geometry of a space says about its prefixes, as data: a curve, two verdicts, and sentences."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from matryo.errors import FormatError


@dataclass(frozen=True)
class GeometryPoint:
    """What is left of a space at one dim, for four choices of so many numbers.

    Attributes:
        dim: how many numbers are kept.
        energy: share of the squared length that the prefix holds, 0..1.
        energy_random: the same of random dims, on average: dim / width.
        energy_suffix: the same of the last `dim` numbers.
        energy_pca: the same of the directions of largest energy of these very rows: no choice holds more.
        agreement: mean share of a row's k nearest neighbours at full width that the prefix finds, 0..1.
        agreement_random: the same of random dims, mean over the draws.
        agreement_spread: standard deviation of that over the draws.
        agreement_suffix: the same of the last `dim` numbers.
        agreement_pca: the same of the directions of largest energy.
    """

    dim: int
    energy: float
    energy_random: float
    energy_suffix: float
    energy_pca: float
    agreement: float
    agreement_random: float
    agreement_spread: float
    agreement_suffix: float
    agreement_pca: float


@dataclass(frozen=True)
class Geometry:
    """Geometry of a space as some texts show it; it never says what the model was trained for.

    Attributes:
        width: full length of the vectors.
        n: rows that were measured: distinct, of length above 0, drawn at random where there are very many.
        n_given: rows that were given.
        n_queries: rows whose neighbours were looked for.
        k: neighbours of each.
        seed: of every draw.
        points: dims rising, the last one the width.
        privileged: whether the prefix finds more neighbours than equally many random dims do; None = undecided.
        privileged_why: the reason, in a sentence with its numbers.
        variance_ordered: whether the order of the numbers is that of PCA; None = undecided.
        variance_why: the reason, in a sentence with its numbers.
        kinks: dims after which a number holds suddenly less; empty = none found.
        sentences: all of it in words.
        numbers: name -> value, those that the verdicts rest on.
    """

    width: int
    n: int
    n_given: int
    n_queries: int
    k: int
    seed: int
    points: tuple[GeometryPoint, ...]
    privileged: bool | None
    privileged_why: str
    variance_ordered: bool | None
    variance_why: str
    kinks: tuple[int, ...]
    sentences: tuple[str, ...]
    numbers: Mapping[str, float] = field(default_factory=dict)

    @property
    def dims(self) -> tuple[int, ...]:
        """Dims of the points, rising."""
        return tuple(point.dim for point in self.points)

    def to_json(self) -> dict[str, Any]:
        """Fields as JSON values."""
        return {
            **asdict(self),
            "points": [asdict(point) for point in self.points],
            "kinks": list(self.kinks),
            "sentences": list(self.sentences),
            "numbers": dict(self.numbers),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Geometry":
        """Read what `to_json` wrote.

        Raises: FormatError if fields are missing or unknown.
        """
        try:
            _check_fields(stored, cls)
            points = []
            for point in stored["points"]:
                _check_fields(point, GeometryPoint)
                points.append(GeometryPoint(**point))
            lists = {"kinks": tuple(stored["kinks"]), "sentences": tuple(stored["sentences"])}
            return cls(**{**stored, **lists, "points": tuple(points), "numbers": dict(stored["numbers"])})
        except (TypeError, ValueError) as error:
            if isinstance(error, FormatError):
                raise
            raise FormatError(
                f"a stored geometry is damaged ({error}); measure it again with `matryo probe`"
            ) from error


def _check_fields(stored: Mapping[str, Any], of: type[Geometry] | type[GeometryPoint]) -> None:
    names = {f.name for f in fields(of)}
    if not isinstance(stored, Mapping) or set(stored) != names:
        got = sorted(stored) if isinstance(stored, Mapping) else type(stored).__name__
        raise FormatError(
            f"a stored geometry must have the fields {sorted(names)}, got {got}; measure it again with `matryo probe`"
        )
