"""One measured number with its uncertainty, and what it was measured on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matryo.errors import FormatError

PLAIN_CUT = "none"


class Arm(NamedTuple):
    """One side of a comparison.

    Attributes:
        model: name of the encoder.
        map: name of the map behind it, "none" for the plain cut.
        dim: prefix length.
        seed: seed of the trained map; None for what is not trained and for the mean over several seeds.
    """

    model: str
    map: str
    dim: int
    seed: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Fields as JSON values, the seed only where there is one."""
        fields: dict[str, Any] = {"model": self.model, "map": self.map, "dim": self.dim}
        return fields if self.seed is None else {**fields, "seed": self.seed}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Arm":
        """Inverse of `to_json`."""
        return cls(str(stored["model"]), str(stored["map"]), int(stored["dim"]), stored.get("seed"))


@dataclass(frozen=True)
class Score:
    """Mean of one measure over the queries of one data set.

    Attributes:
        dataset: name of the data set.
        model: name of the encoder.
        map: name of the map behind it, "none" for the plain cut.
        dim: prefix length; 0 for what has no vectors, such as BM25.
        measure: as `str(Measure)` prints it, or "spearman".
        value: mean over the queries, and over the seeds where `n_seeds` is set.
        low: lower end of the 95 % interval, NaN where none can be had (a single group).
        high: upper end.
        n: queries that were counted (for "spearman" pairs of texts).
        seed: seed of the trained map; None for what is not trained, and for a mean over seeds.
        n_groups: groups that the interval resamples; None where every query is its own group.
        n_seeds: seeds that the value is the mean of; None for a single run.
        per_query: (n,) one value per counted query, a mean over the seeds where `n_seeds` is set; not part of the
            JSON form and not compared.
    """

    dataset: str
    model: str
    map: str
    dim: int
    measure: str
    value: float
    low: float
    high: float
    n: int
    seed: int | None = None
    n_groups: int | None = None
    n_seeds: int | None = None
    per_query: NDArray[np.float64] | None = field(default=None, compare=False, repr=False)

    @property
    def arm(self) -> Arm:
        """What was measured: model, map, dim and seed."""
        return Arm(self.model, self.map, self.dim, self.seed)

    def to_json(self) -> dict[str, Any]:
        """Fields as JSON values: seed, n_groups and n_seeds only where they are set, NaN as null."""
        fields: dict[str, Any] = {
            "dataset": self.dataset,
            "model": self.model,
            "map": self.map,
            "dim": self.dim,
            "measure": self.measure,
            "value": number_to_json(self.value),
            "low": number_to_json(self.low),
            "high": number_to_json(self.high),
            "n": self.n,
        }
        optional = {"seed": self.seed, "n_groups": self.n_groups, "n_seeds": self.n_seeds}
        return fields | {name: value for name, value in optional.items() if value is not None}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Score":
        """Inverse of `to_json`; per-query values are not part of it.

        Raises: FormatError if a field is missing or has a wrong type.
        """
        try:
            return cls(
                dataset=str(stored["dataset"]),
                model=str(stored["model"]),
                map=str(stored["map"]),
                dim=int(stored["dim"]),
                measure=str(stored["measure"]),
                value=number_from_json(stored["value"]),
                low=number_from_json(stored["low"]),
                high=number_from_json(stored["high"]),
                n=int(stored["n"]),
                seed=stored.get("seed"),
                n_groups=stored.get("n_groups"),
                n_seeds=stored.get("n_seeds"),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"a stored score is not readable ({error!r}): {dict(stored)}; write it anew") from None


def number_to_json(value: float) -> float | None:
    """A finite number as it is, NaN as null, because JSON knows no NaN."""
    return None if math.isnan(value) else float(value)


def number_from_json(stored: Any) -> float:
    """Inverse of `number_to_json`."""
    return math.nan if stored is None else float(stored)
