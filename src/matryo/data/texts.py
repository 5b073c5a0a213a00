"""Ids and texts that can be read any number of times, always in the same order, without holding them all."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import final

from matryo.errors import MatryoError

_FEW = 3


@dataclass(frozen=True, slots=True)
class Text:
    """One text: `group` names what it must not be split from (a package, a document), "" = nothing."""

    id: str
    text: str
    group: str = ""


@final
class Texts:
    """Texts in a fixed order; streamed ones are read anew at each iteration.

    Attributes:
        name: what they are called in messages and reports.
        notes: what was left out on reading, one sentence each; () = nothing.
    """

    def __init__(
        self, read: Callable[[], Iterator[Text]], name: str, *, n: int | None = None, notes: Sequence[str] = ()
    ) -> None:
        """Wrap a function that starts reading anew.

        Args:
            read: gives an iterator from the first text on, at each call the same.
            name: what the texts are called.
            n: their number, if the caller has counted already.
            notes: what was left out on reading.
        """
        self._read = read
        self._n = n
        self.name = name
        self.notes = tuple(notes)

    @classmethod
    def of(
        cls, ids: Sequence[str], texts: Sequence[str], groups: Sequence[str] | None = None, name: str = "texts"
    ) -> "Texts":
        """Texts held in memory.

        Args:
            ids: one per text, no two equal.
            texts: as many as ids.
            groups: as many as ids, or None for no groups.
            name: what they are called.

        Raises: MatryoError if the numbers differ or an id occurs twice.

        >>> [t.text for t in Texts.of(["a", "b"], ["first", "second"])]
        ['first', 'second']
        """
        groups = [""] * len(ids) if groups is None else groups
        if not len(ids) == len(texts) == len(groups):
            raise MatryoError(
                f"{name}: got {len(ids)} ids, {len(texts)} texts, {len(groups)} groups; give one of each per text"
            )
        check_unique(ids, name)
        held = tuple(map(Text, ids, texts, groups))
        return cls(lambda: iter(held), name, n=len(held))

    def __iter__(self) -> Iterator[Text]:
        """Read from the start."""
        return self._read()

    def __len__(self) -> int:
        """Number of texts: counted by reading once, then remembered."""
        if self._n is None:
            self._n = sum(1 for _ in self)
        return self._n

    def __bool__(self) -> bool:
        """Whether there is a text; without counting all of them."""
        return next(iter(self), None) is not None

    def ids(self) -> list[str]:
        """Every id, in order."""
        return [text.id for text in self]

    def digest(self) -> str:
        """SHA-256 over every id and text in order, each preceded by its length in bytes; groups do not count."""
        running = hashlib.sha256()
        for text in self:
            for part in (text.id.encode(), text.text.encode()):
                running.update(len(part).to_bytes(8, "little"))
                running.update(part)
        return running.hexdigest()


def check_unique(ids: Sequence[str], what: str) -> None:
    """Refuse ids of which two are equal.

    Raises: MatryoError naming the first few.
    """
    if len(set(ids)) == len(ids):
        return
    seen: set[str] = set()
    twice = list(dict.fromkeys(i for i in ids if i in seen or seen.add(i)))  # type: ignore[func-returns-value]  # add gives None: the usual idiom
    raise MatryoError(f"{what}: {len(twice)} ids occur more than once: {few(twice)}; make every id unique")


def few(values: Sequence[str]) -> str:
    """The first values for a message, and how many more there are.

    >>> few(["a", "b", "c", "d", "e"])
    "'a', 'b', 'c' and 2 more"
    """
    shown = ", ".join(repr(v) for v in values[:_FEW])
    return f"{shown} and {len(values) - _FEW:,} more" if len(values) > _FEW else shown
