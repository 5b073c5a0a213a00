"""What comparisons find, as values that are stored beside the scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from matryo.evaluation.score import Arm, number_from_json, number_to_json
from matryo.measures.recommend import Recommendation


@dataclass(frozen=True)
class Share:
    """How much of a base an arm keeps: ratio of the two means, paired by query.

    Attributes:
        dataset: name of the data set.
        of: what is measured.
        base: what it is a share of, e.g. the plain full width.
        measure: as printed.
        value: mean of `of` over mean of `base`.
        low: lower end of the 95 % interval, NaN where none can be had.
        high: upper end.
        n: queries.
        n_groups: groups resampled; None where every query is its own.
    """

    dataset: str
    of: Arm
    base: Arm
    measure: str
    value: float
    low: float
    high: float
    n: int
    n_groups: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Fields as JSON values, NaN as null."""
        return {
            "dataset": self.dataset,
            "of": self.of.to_json(),
            "base": self.base.to_json(),
            "measure": self.measure,
            "value": number_to_json(self.value),
            "low": number_to_json(self.low),
            "high": number_to_json(self.high),
            "n": self.n,
            **({} if self.n_groups is None else {"n_groups": self.n_groups}),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Share":
        """Inverse of `to_json`."""
        return cls(
            dataset=str(stored["dataset"]),
            of=Arm.from_json(stored["of"]),
            base=Arm.from_json(stored["base"]),
            measure=str(stored["measure"]),
            value=number_from_json(stored["value"]),
            low=number_from_json(stored["low"]),
            high=number_from_json(stored["high"]),
            n=int(stored["n"]),
            n_groups=stored.get("n_groups"),
        )


@dataclass(frozen=True)
class Difference:
    """How much better one arm is than another: difference of the two means, paired by query.

    Attributes:
        name: what the comparison asks, e.g. "nested head - PCA rotation at 96".
        dataset: name of the data set.
        left: what is measured.
        right: what it is compared with.
        measure: as printed.
        value: mean of left minus mean of right.
        low: lower end of the 95 % interval, NaN where none can be had.
        high: upper end.
        n: queries.
        n_groups: groups resampled; None where every query is its own.
    """

    name: str
    dataset: str
    left: Arm
    right: Arm
    measure: str
    value: float
    low: float
    high: float
    n: int
    n_groups: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Fields as JSON values, NaN as null."""
        return {
            "name": self.name,
            "dataset": self.dataset,
            "left": self.left.to_json(),
            "right": self.right.to_json(),
            "measure": self.measure,
            "value": number_to_json(self.value),
            "low": number_to_json(self.low),
            "high": number_to_json(self.high),
            "n": self.n,
            **({} if self.n_groups is None else {"n_groups": self.n_groups}),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Difference":
        """Inverse of `to_json`."""
        return cls(
            name=str(stored["name"]),
            dataset=str(stored["dataset"]),
            left=Arm.from_json(stored["left"]),
            right=Arm.from_json(stored["right"]),
            measure=str(stored["measure"]),
            value=number_from_json(stored["value"]),
            low=number_from_json(stored["low"]),
            high=number_from_json(stored["high"]),
            n=int(stored["n"]),
            n_groups=stored.get("n_groups"),
        )


@dataclass(frozen=True)
class Recommended:
    """A recommended dim and the curve that it was read from."""

    dataset: str
    model: str
    map: str
    measure: str
    result: Recommendation

    def to_json(self) -> dict[str, Any]:
        """One flat object: what was tested, then the fields of the recommendation."""
        named = {"dataset": self.dataset, "model": self.model, "map": self.map, "measure": self.measure}
        return {**named, **self.result.to_json()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Recommended":
        """Inverse of `to_json`."""
        dataset, model, map_name, measure = (str(stored[key]) for key in ("dataset", "model", "map", "measure"))
        return cls(dataset, model, map_name, measure, Recommendation.from_json(stored))
