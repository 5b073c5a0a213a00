"""Indexes of a run as its config lists them: one entry may stand for several."""

from itertools import product
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, ValidationError, field_validator, model_validator

from matryo.config import explain
from matryo.experiments.index_settings import IndexSettings, Kind
from matryo.training.settings import Settings

Bits = Literal[32, 16, 8, 1]
Recall = Annotated[float, Field(gt=0.0, lt=1.0)]


class IndexGrid(Settings):
    """One entry: every combination of its dims, bits and recalls is an index; the rest is as in `IndexSettings`.

    Attributes:
        kind: flat, funnel, quantized, ivf, hnsw or faiss.
        dims: one prefix length or a list of them; of a funnel the stages, or a list of such lists.
        bits: one number of bits or a list of them; None = what the kind usually has.
        recall: one recall or a list of them; None = not asked for.
        rotate: rotate the vectors first, where a prefix is scanned.
        shortlist: rows per query that are rescored in full.
        factory: of FAISS, for the kind faiss.
        settings: of FAISS by its own names.

    >>> [index.name for index in IndexGrid(kind="quantized", dims=[96, 192], bits=[8, 1]).each()]
    ['int8@96 rotated', 'binary@96 rotated', 'int8@192 rotated', 'binary@192 rotated']
    """

    kind: Kind
    dims: tuple[PositiveInt | tuple[PositiveInt, ...], ...] | None = None
    bits: tuple[Bits, ...] | None = None
    recall: tuple[Recall, ...] | None = None
    rotate: bool = True
    shortlist: PositiveInt | None = None
    factory: str | None = None
    settings: dict[str, PositiveFloat] = Field(default_factory=dict)

    @field_validator("dims", "bits", "recall", mode="before")
    @classmethod
    def _one_or_many(cls, given: object) -> object:
        return (given,) if isinstance(given, int | float) and not isinstance(given, bool) else given

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        """Every index of the entry is made once, so that what does not fit is refused when the config is read."""
        try:
            self.each()
        except ValidationError as error:
            raise ValueError(explain(error, IndexSettings)) from None
        return self

    def each(self) -> tuple[IndexSettings, ...]:
        """The indexes that this entry stands for."""
        same = self.model_dump(include={"kind", "rotate", "shortlist", "factory", "settings"})
        return tuple(
            IndexSettings.model_validate({**same, "dims": dims, "recall": recall, **({"bits": bits} if bits else {})})
            for dims, bits, recall in product(self._all_dims(), self.bits or (None,), self.recall or (None,))
        )

    def _all_dims(self) -> tuple[tuple[int, ...] | None, ...]:
        if self.dims is None:
            return (None,)
        whole = [dim for dim in self.dims if isinstance(dim, int)]
        if self.kind == "funnel" and len(whole) == len(self.dims):
            return (tuple(whole),)
        return tuple((dim,) if isinstance(dim, int) else dim for dim in self.dims)
