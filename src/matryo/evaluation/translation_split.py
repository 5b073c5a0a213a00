"""Which texts a translator is fitted on and which it is judged by: decided by each text's id alone.

Fit and evaluate agree without a file between them, and whatever sets hold the texts: the same id falls on the same side
in every model's set, in any order, also after rows were added.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from matryo.errors import FormatError, MatryoError

SETTING = "split"


@dataclass(frozen=True)
class IdSplit:
    """A share of all ids, chosen by their hash.

    Attributes:
        share: of the ids to fit on, 0 < share <= 1; 1 = all of them, which leaves none to judge by. The share of the
            ids at hand comes close to it, the closer the more there are.
        group_end: ids that are equal up to the first occurrence of this mark are one group, which is never torn apart,
            e.g. "#" for chunks "page#1", "page#2"; "" = every id by itself.
    """

    share: float = 0.8
    group_end: str = ""

    def __post_init__(self) -> None:
        """Refuse a share out of range."""
        if not 0.0 < self.share <= 1.0:
            raise MatryoError(f"share must lie above 0 and at most at 1, got {self.share}; 0.8 fits on 80 % of the ids")

    def group_of(self, name: str) -> str:
        """Group of an id.

        >>> IdSplit(group_end="#").group_of("page#2")
        'page'
        """
        return name.split(self.group_end, 1)[0] if self.group_end else name

    def groups(self, ids: Sequence[str]) -> list[str] | None:
        """Group of every id; None if every id is its own."""
        return [self.group_of(name) for name in ids] if self.group_end else None

    def fitted(self, ids: Sequence[str]) -> NDArray[np.bool_]:
        """Which ids are to fit on; the others are to judge by.

        >>> IdSplit(1.0).fitted(["a", "b"]).tolist()
        [True, True]
        """
        return np.array([_place(self.group_of(name)) < self.share for name in ids], dtype=np.bool_)

    def to_json(self) -> dict[str, Any]:
        """Fields as JSON values."""
        return {"share": self.share, "group_end": self.group_end}

    @classmethod
    def of_map(cls, settings: Mapping[str, Any]) -> Self | None:
        """The split that a map was fitted with, as its settings keep it; None if they keep none.

        Raises: FormatError if they keep something else.
        """
        stored = settings.get(SETTING)
        if stored is None:
            return None
        try:
            return cls(float(stored["share"]), str(stored["group_end"]))
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"the map's split cannot be read ({error!r}), got {stored!r}; fit the map anew") from None


def _place(group: str) -> float:
    """A number from 0 to 1 that stands for a text; every beginning of a rising list of shares nests in the next."""
    digest = hashlib.blake2b(group.encode("utf-8", "surrogatepass"), digest_size=7, person=b"matryo-split").digest()
    return int.from_bytes(digest, "big") / 2.0**56
