"""What an index is asked to be: the same few values for the command line, a config and the planner."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, ValidationError, field_validator, model_validator

from matryo.config import explain
from matryo.errors import MatryoError
from matryo.prefix import check_dims
from matryo.training.settings import Settings

Kind = Literal["flat", "funnel", "quantized", "ivf", "hnsw", "faiss"]

_BITS: dict[str, tuple[int, ...]] = {
    "flat": (32,),
    "funnel": (8, 16, 32),
    "quantized": (8, 16, 1),
    "ivf": (32, 16, 8),
    "hnsw": (32, 16, 8),
    "faiss": (32,),
}
"""Bits that a kind knows for the numbers it scans; the first is meant if nobody says."""
_NUMBERS = {32: "", 16: "float16", 8: "int8", 1: "binary"}
_TUNED = {"ivf": "nprobe", "hnsw": "efSearch"}
"""The FAISS setting that a wanted recall raises."""


class IndexSettings(Settings):
    """One index; what does not go together is refused.

    Attributes:
        kind: flat (every number of every row), funnel (short prefix first, longer ones for fewer rows), quantized (few
            bits), ivf (inverted lists), hnsw (a graph), faiss (any factory).
        dims: stages of a funnel, to which the width is added; for the others the one prefix length that is scanned.
            None = a funnel's default, or the full width.
        bits: of each number that is scanned; 8 if nothing is said of a funnel or a quantized index, else 32.
        recall: share of the exact best k to find. A funnel is calibrated to it, at 95 % confidence; quantized, ivf and
            hnsw look further until the sample queries have it. None = a funnel is exact, the others as they come.
        rotate: rotate the vectors first, so that prefixes hold the most they can; only where a prefix is scanned.
        shortlist: rows per query that are rescored in full; None = chosen for the recall, or the kind's default.
        factory: of FAISS, for the kind faiss.
        settings: of FAISS by its own names, e.g. nprobe.

    >>> IndexSettings(kind="funnel", dims=(384, 96, 192), recall=0.99).name
    'funnel 96>192>384 .99'
    >>> IndexSettings(kind="quantized", dims=(96,)).name
    'int8@96 rotated'
    """

    kind: Kind = "funnel"
    dims: tuple[PositiveInt, ...] | None = None
    bits: Literal[32, 16, 8, 1] = 8
    recall: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None
    rotate: bool = True
    shortlist: PositiveInt | None = None
    factory: str | None = None
    settings: dict[str, PositiveFloat] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _usual_bits(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and "bits" not in values and values.get("kind", "funnel") in _BITS:
            return {**values, "bits": _BITS[values.get("kind", "funnel")][0]}
        return values

    @field_validator("dims")
    @classmethod
    def _rising(cls, dims: tuple[int, ...] | None) -> tuple[int, ...] | None:
        return None if dims is None else check_dims(dims)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        problem = self._problem()
        if problem:
            raise ValueError(problem)
        return self

    def _problem(self) -> str:
        """Why these values do not go together, "" if they do."""
        kind = self.kind
        if self.bits not in _BITS[kind]:
            why = "; its factory says how numbers are stored" if kind == "faiss" else ""
            more = "; kind quantized has fewer" if kind == "flat" else ""
            return f"kind {kind} knows {_either(_BITS[kind])} bits, got {self.bits}{why}{more}"
        if kind == "flat" and self.dims is not None:
            return f"kind flat compares all numbers, got dims {self.dims}; a funnel scans shorter prefixes first"
        if kind != "funnel" and self.dims is not None and len(self.dims) > 1:
            return f"kind {kind} scans one prefix length, got dims {self.dims}; name one, or choose kind funnel"
        if self.recall is not None and kind in ("flat", "faiss"):
            why = "it finds everything" if kind == "flat" else "give its settings, e.g. nprobe"
            return f"kind {kind} takes no recall, got {self.recall}; {why}"
        if self.shortlist is not None and kind in ("flat", "funnel"):
            return f"kind {kind} takes no shortlist, got {self.shortlist}; a funnel's are chosen for its recall"
        if kind == "faiss" and not self.factory:
            return "kind faiss needs a factory, got none; give one that FAISS knows, e.g. IVF256,SQ8"
        if kind != "faiss" and self.factory is not None:
            return f"only kind faiss takes a factory, got {self.factory!r} for {kind}; choose kind faiss"
        if self.settings and kind not in ("ivf", "hnsw", "faiss"):
            return f"only ivf, hnsw and faiss take settings of FAISS, got {sorted(self.settings)} for {kind}"
        if self.recall is not None and _TUNED.get(kind) in self.settings:
            return f"{_TUNED[kind]} is chosen for the recall {self.recall}, got it as well; give one of them"
        return ""

    @property
    def rotated(self) -> bool:
        """Whether vectors are rotated: where all numbers are compared at once, that would change nothing."""
        return self.rotate and (self.kind == "funnel" or (self.kind != "flat" and self.dims is not None))

    @property
    def dim(self) -> int | None:
        """The prefix length that is scanned first, None = not said."""
        return None if self.dims is None else self.dims[0]

    @property
    def tuned(self) -> str | None:
        """The FAISS setting that a wanted recall raises, None if this kind has none."""
        return _TUNED.get(self.kind)

    @property
    def name(self) -> str:
        """Short label for tables and plots; different settings have different ones."""
        dims = "" if self.dims is None else ">".join(map(str, self.dims))
        numbers = _NUMBERS[self.bits]
        if self.kind == "funnel":
            scanned = "" if self.bits == _BITS["funnel"][0] else f"{self.bits} bits"
            parts = ["funnel", dims, scanned, "" if self.rotate else "unrotated"]
        else:
            what = numbers if self.kind == "quantized" else self.factory or self.kind
            also = "" if self.kind == "quantized" else numbers
            parts = [f"{what}@{dims}" if dims else what, also, "rotated" if self.rotated else ""]
        parts += [f"shortlist {self.shortlist}" if self.shortlist else ""]
        parts += [f"{key}={value:g}" for key, value in sorted(self.settings.items())]
        parts += ["" if self.recall is None else f"{self.recall:g}".removeprefix("0")]
        return " ".join(part for part in parts if part)


def _either(numbers: tuple[int, ...]) -> str:
    """Numbers in words, largest first.

    >>> _either((8, 16, 1)), _either((32,))
    ('16, 8 or 1', '32')
    """
    *most, last = (str(number) for number in sorted(numbers, reverse=True))
    return f"{', '.join(most)} or {last}" if most else last


def read_settings(values: Mapping[str, Any]) -> IndexSettings:
    """Settings from plain values; None stands for a value that was not given.

    Raises: MatryoError naming, in one line, what is unknown, out of range or does not go together.

    >>> read_settings({"kind": "flat", "recall": None}).name
    'flat'
    """
    try:
        return IndexSettings.model_validate({key: value for key, value in values.items() if value is not None})
    except ValidationError as error:
        raise MatryoError(f"index settings: {explain(error, IndexSettings)}") from None
