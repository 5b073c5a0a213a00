"""The label on each collection of a store: which set at which dim it holds, and whether it holds all of it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from matryo.embeddings import EmbeddingSet
from matryo.errors import FormatError, MatryoError
from matryo.search.stores.origin import Origin
from matryo.space import Space

_FORMAT = "1"
_PREFIX = "matryo."
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,199}")


@dataclass(frozen=True)
class Label:
    """What is known of a collection without reading it.

    Attributes:
        store: name of the store that it belongs to.
        space: space of the full vectors that were cut.
        dims: dims that the store was pushed at, one collection each.
        dim: prefix length of this collection.
        set_digest: digest of the manifest of the pushed set.
        generation: generation of that set.
        n_rows: number of its rows.
        complete: whether all of them were seen in every collection of the store.
        origin: models and map that the vectors come from; None if nobody told, then they are taken for native.
    """

    store: str
    space: Space
    dims: tuple[int, ...]
    dim: int
    set_digest: str
    generation: int
    n_rows: int
    complete: bool
    origin: Origin | None = None

    @classmethod
    def of(
        cls, store: str, vectors: EmbeddingSet, dims: tuple[int, ...], dim: int, origin: Origin | None = None
    ) -> Self:
        """Label of a collection that is still to be filled from a set."""
        return cls(store, vectors.space, dims, dim, vectors.digest, vectors.generation, vectors.n_rows, False, origin)

    @property
    def collection(self) -> str:
        """Name of the collection."""
        return collection_name(self.store, self.dim)

    @property
    def pushed(self) -> tuple[str, tuple[int, ...]]:
        """What decides the content of the whole store: the set's digest and the dims."""
        return self.set_digest, self.dims

    def to_strings(self) -> dict[str, str]:
        """Every field as text, because that is what all engines can store; `from_strings` reads it back.

        The origin stands there under plain keys, for people and for programs that know the engine and not us.
        """
        told = {
            "format": _FORMAT,
            "store": self.store,
            "space_id": self.space.id,
            "space": json.dumps(self.space.to_json(), sort_keys=True),
            "width": str(self.space.width),
            "dims": ",".join(str(dim) for dim in self.dims),
            "dim": str(self.dim),
            "set_digest": self.set_digest,
            "generation": str(self.generation),
            "n_rows": str(self.n_rows),
            "complete": "yes" if self.complete else "no",
        }
        plain = self.origin.to_strings() if self.origin else {}
        return {**{_PREFIX + key: value for key, value in told.items()}, **plain}

    @classmethod
    def from_strings(cls, stored: Mapping[str, object], where: str) -> Self | None:
        """Read a label; None if there is none, because the collection is somebody else's.

        Args:
            stored: metadata of a collection; keys of others are left alone.
            where: collection and engine, for the message.

        Raises: FormatError if there is one, but of another format or damaged.
        """
        told = {k.removeprefix(_PREFIX): v for k, v in stored.items() if k.startswith(_PREFIX) and isinstance(v, str)}
        if "format" not in told:
            return None
        if told["format"] != _FORMAT:
            raise FormatError(
                f"{where} has format {told['format']!r}, this version reads {_FORMAT!r}; push it anew or update matryo"
            )
        try:
            label = cls(
                store=told["store"],
                space=Space.from_json(json.loads(told["space"])),
                dims=tuple(int(dim) for dim in told["dims"].split(",")),
                dim=int(told["dim"]),
                set_digest=told["set_digest"],
                generation=int(told["generation"]),
                n_rows=int(told["n_rows"]),
                complete=told["complete"] == "yes",
                origin=Origin.from_strings(stored),
            )
        except (KeyError, ValueError, TypeError) as error:
            raise FormatError(
                f"{where} has a damaged label ({type(error).__name__}: {error}); drop the store and push it anew"
            ) from error
        return label


def check_name(name: str) -> None:
    """Refuse a store's name that one of the engines would not take, so that a store can move between them.

    Raises: MatryoError.
    """
    if not _NAME.fullmatch(name):
        raise MatryoError(
            f"a store's name has letters, digits and _, begins with a letter and has at most 200 characters, "
            f"got {name!r}; choose another"
        )


def collection_name(store: str, dim: int) -> str:
    """Name of the collection that holds one dim of a store.

    >>> collection_name("docs", 96)
    'docs_96'
    """
    return f"{store}_{dim}"
