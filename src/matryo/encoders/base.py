"""The contract of everything that turns texts into vectors."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError
from matryo.progress import Advance
from matryo.space import Space

Role = Literal["query", "document"]
ROLES: tuple[Role, ...] = ("query", "document")
# True shows a bar of its own; a function is told how many texts were just finished, so that calls can share one bar.
Progress = bool | Advance


class Encoder(ABC):
    """Turns texts into vectors of one space; the same texts in the same order give the same bytes."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What people call it: a packaged name, a hub id or a folder's name; never used as identity."""

    @property
    @abstractmethod
    def space(self) -> Space:
        """The space its vectors lie in."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Full length of a vector."""

    @property
    @abstractmethod
    def batch_rule(self) -> str:
        """How the texts of one call are grouped, in words; part of a set's plan, since batches may change last bits."""

    @property
    @abstractmethod
    def description(self) -> Mapping[str, Any]:
        """JSON values for a report: device, precision, threads, versions, model class, max tokens, batch rule."""

    @property
    @abstractmethod
    def truncated(self) -> int:
        """Number of texts, over all calls so far, that were longer than the model reads."""

    @property
    @abstractmethod
    def truncated_last(self) -> int:
        """The same for the last call."""

    @abstractmethod
    def prompt(self, role: Role) -> str:
        """What is put in front of every text of a role; empty if nothing."""

    @abstractmethod
    def encode(
        self, texts: Sequence[str], role: Role = "document", *, progress: Progress = False
    ) -> NDArray[np.float32]:
        """Vectors of texts.

        Args:
            texts: any number of texts, also none; an empty text is a text.
            role: which prompt to use.
            progress: True shows rate and time left on stderr; a function is called with the number of texts just done.

        Returns: (n, width) float32 in the order of the texts; rows of length 1 if the space normalizes, except that
            a text without any known token may give a zero row.
        Raises: MatryoError if the role is unknown or texts is one string.
        """


def check_role(role: str) -> None:
    """Refuse a role other than query and document.

    Raises: MatryoError.
    """
    if role not in ROLES:
        raise MatryoError(f"role must be 'query' or 'document', got {role!r}; pass one of the two")


def check_texts(texts: Sequence[str]) -> list[str]:
    """The texts as a list; one string instead of a list of strings would be taken letter by letter.

    Raises: MatryoError if texts is one string or holds something that is no string of whole letters.
    """
    if isinstance(texts, str):
        raise MatryoError("texts must be a list of strings, got one string; pass [text]")
    received = list(texts)
    for place, text in enumerate(received):
        if not isinstance(text, str):
            raise MatryoError(f"texts must be strings, got {type(text).__name__} at place {place}; convert or drop it")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise MatryoError(
                f"text at place {place} holds half of a surrogate pair, which is no letter; repair or drop it"
            ) from None
    return received
