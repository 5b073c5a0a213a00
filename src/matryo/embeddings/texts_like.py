"""What a set is built from: texts with ids, seen as a contract, because their readers live beside this part."""

from collections.abc import Iterator
from typing import Protocol


class TextLike(Protocol):
    """One text with its id."""

    @property
    def id(self) -> str:
        """Name of the text, unique among its kind."""

    @property
    def text(self) -> str:
        """What is encoded."""


class TextsLike(Protocol):
    """Texts that can be read any number of times, always in the same order."""

    def __iter__(self) -> Iterator[TextLike]:
        """Read from the start."""

    def __len__(self) -> int:
        """Number of texts."""

    def digest(self) -> str:
        """SHA-256 over every id and text."""
