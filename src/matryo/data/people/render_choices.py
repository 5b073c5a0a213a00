"""Choices that follow from a key alone, the same on every machine and in every version of Python."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
_N_BYTES = 192  # 1,536 bits; a text takes about 150


class Choices:
    """A row of choices.

    >>> Choices("a key").pick(("one", "two", "three")) == Choices("a key").pick(("one", "two", "three"))
    True
    """

    __slots__ = ("_number",)

    def __init__(self, key: str) -> None:
        """Start from a key; equal keys choose equally."""
        # one large number is read digit by digit, in the base of each choice: far cheaper than seeding a generator
        self._number = int.from_bytes(hashlib.shake_256(key.encode()).digest(_N_BYTES), "little")

    def below(self, n: int) -> int:
        """A number from 0 to n - 1."""
        self._number, digit = divmod(self._number, n)
        return digit

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.below(len(options))] if len(options) > 1 else options[0]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in another order."""
        left = list(items)
        return [left.pop(self.below(len(left))) for _ in range(len(left))]
