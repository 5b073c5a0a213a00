"""What was measured of models at each dim, as values that are stored and read back: `models.json`.

One object: format, timestamp, versions, machine, measure, share, settings, notes, and models, each with name, width,
space_id, encode {...}, search {...}, quality [...], recommended [...]; the fields are those of the classes below.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from matryo.errors import FormatError
from matryo.evaluation.environment import machine, utc_now, versions
from matryo.files import check_format, read_json, write_json

FORMAT = 1
MODELS_FILE = "models.json"


@dataclass(frozen=True)
class EncodeSpeed:
    """How fast texts become vectors; the same at every dim, because a cut comes after.

    Attributes:
        texts_per_s: median over the rounds.
        n_texts: documents encoded in each round.
        n_rounds: rounds.
        device: that encoded.
        precision: of the model's numbers.
        threads: of the processor.
        max_tokens: that are read of a text; None = all.
    """

    texts_per_s: float
    n_texts: int
    n_rounds: int
    device: str
    precision: str
    threads: int
    max_tokens: int | None


@dataclass(frozen=True)
class DimSpeed:
    """How fast vectors of one dim are searched.

    Attributes:
        dim: numbers kept.
        batch_per_s: queries per second, many at once; median over the rounds.
        single_per_s: queries per second, one after the other; median over the rounds.
        batch_ratio: times as fast as the full width in the same round; median over the rounds.
        single_ratio: the same for single queries.
    """

    dim: int
    batch_per_s: float
    single_per_s: float
    batch_ratio: float
    single_ratio: float


@dataclass(frozen=True)
class SearchSpeed:
    """Times of the exact search at every dim.

    Attributes:
        n_rows: vectors searched.
        n_documents: how many of them are documents; the others are these again with a little noise.
        n_batch: queries at once.
        n_single: queries one after the other.
        k: hits per query.
        n_rounds: rounds, in each of which every dim has its turn.
        threads: that searched.
        points: one per dim, rising; the last is the full width.
    """

    n_rows: int
    n_documents: int
    n_batch: int
    n_single: int
    k: int
    n_rounds: int
    threads: int
    points: tuple[DimSpeed, ...]


@dataclass(frozen=True)
class Kept:
    """Quality at one dim, and what it is of the plain full width.

    Attributes:
        dataset: data set.
        map: "none" = plain cut, "rotation" = rotated first.
        dim: numbers kept.
        value: mean of the measure.
        low: lower end of its 95 % interval; NaN where there is none.
        high: upper end.
        n: queries.
        share: of the plain full width.
        share_low: lower end of its 95 % interval.
        share_high: upper end.
    """

    dataset: str
    map: str
    dim: int
    value: float
    low: float
    high: float
    n: int
    share: float
    share_low: float
    share_high: float


@dataclass(frozen=True)
class KeptFrom:
    """The smallest dim shown to keep a share of the full width's quality.

    Attributes:
        dataset: data set.
        map: as in `Kept`.
        dim: that dim; the full width if none below was shown to.
    """

    dataset: str
    map: str
    dim: int


@dataclass(frozen=True)
class MeasuredModel:
    """Everything measured of one model; the fields are of the classes above."""

    name: str
    width: int
    space_id: str
    encode: EncodeSpeed
    search: SearchSpeed
    quality: tuple[Kept, ...]
    recommended: tuple[KeptFrom, ...]

    @property
    def dims(self) -> tuple[int, ...]:
        """Measured dims, rising, the full width last."""
        return tuple(point.dim for point in self.search.points)

    def kept(self, dataset: str, map: str, dim: int) -> Kept | None:
        """Quality of one dim; None if it was not measured."""
        for one in self.quality:
            if (one.dataset, one.map, one.dim) == (dataset, map, dim):
                return one
        return None


@dataclass(frozen=True)
class ModelTable:
    """Several models, measured alike.

    Attributes:
        models: at least one.
        measure: of the quality, e.g. "nDCG@10".
        share: of the full width's quality that a recommended dim must keep.
        settings: what was asked.
        notes: what a reader must know, one sentence each.
    """

    models: tuple[MeasuredModel, ...]
    measure: str
    share: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    timestamp: str = field(default_factory=utc_now)
    versions: Mapping[str, str] = field(default_factory=versions)
    machine: Mapping[str, Any] = field(default_factory=machine)

    @property
    def datasets(self) -> tuple[str, ...]:
        """Data sets in order of appearance."""
        return tuple(dict.fromkeys(kept.dataset for model in self.models for kept in model.quality))

    def write(self, folder: Path) -> Path:
        """Store as `models.json`."""
        path = folder / MODELS_FILE
        write_json(path, {"format": FORMAT, **_without_nan(asdict(self))})
        return path

    @classmethod
    def read(cls, folder: Path) -> "ModelTable":
        """Read what was stored.

        Raises: FormatError if the file is missing, of another format or lacks a field.
        """
        path = folder / MODELS_FILE
        stored = read_json(path, "what was measured of models")
        if not isinstance(stored, dict):
            raise FormatError(f"{path} holds a {type(stored).__name__}, expected one object; measure the models anew")
        check_format(stored.get("format"), FORMAT, path)
        try:
            models = tuple(model_from_json(model) for model in stored["models"])
            fields = {
                name: stored[name] for name in ("measure", "share", "settings", "timestamp", "versions", "machine")
            }
            return cls(models=models, notes=tuple(stored["notes"]), **fields)
        except (KeyError, TypeError, AttributeError) as error:
            raise FormatError(f"{path} lacks or garbles a field ({error!r}); measure the models anew") from None


def model_to_json(model: MeasuredModel) -> dict[str, Any]:
    """Fields as JSON values, NaN as null."""
    found: dict[str, Any] = _without_nan(asdict(model))
    return found


def model_from_json(stored: Mapping[str, Any]) -> MeasuredModel:
    """Inverse of `model_to_json`; a missing field is a KeyError or a TypeError."""
    search = stored["search"]
    points = tuple(DimSpeed(**point) for point in search["points"])
    return MeasuredModel(
        name=stored["name"],
        width=stored["width"],
        space_id=stored["space_id"],
        encode=EncodeSpeed(**stored["encode"]),
        search=SearchSpeed(**{**search, "points": points}),
        quality=tuple(
            Kept(**{**kept, **{end: math.nan for end, value in kept.items() if value is None}})
            for kept in stored["quality"]
        ),
        recommended=tuple(KeptFrom(**one) for one in stored["recommended"]),
    )


def _without_nan(value: Any) -> Any:
    """The same with None for NaN, which JSON does not know."""
    if isinstance(value, dict):
        return {name: _without_nan(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value
