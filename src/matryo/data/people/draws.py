"""Random draws that depend on a key alone: the same on every machine and in every order of asking."""

import random
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import TypeVar, final

T = TypeVar("T")

_STANDARD = NormalDist()
_SMALLEST = 2.0**-53  # the normal distribution has no value at 0


@final
class Draws:
    """A stream of draws for one key.

    Python promises that `random.Random(text).random()` stays as it is and promises that of nothing else in that
    module, so that everything here is built on it alone.

    >>> Draws(0, "person", 7).pick("abc") == Draws(0, "person", 7).pick("abc")
    True
    """

    def __init__(self, *key: str | int) -> None:
        """Start the stream of a key, such as (seed, "person", number)."""
        self._uniform = random.Random("/".join(map(str, key))).random

    def uniform(self) -> float:
        """A number of 0 <= x < 1."""
        return self._uniform()

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both possible."""
        return low + int(self._uniform() * (high - low + 1))

    def normal(self, mean: float, deviation: float) -> float:
        """A number of a normal distribution."""
        return mean + deviation * _STANDARD.inv_cdf(max(self._uniform(), _SMALLEST))

    def pick(self, values: Sequence[T]) -> T:
        """One of the values, each as likely."""
        return values[int(self._uniform() * len(values))]

    def weighted(self, weights: Mapping[str, float]) -> str:
        """One of the names, each as likely as its weight says."""
        left = self._uniform() * sum(weights.values())
        for name, weight in weights.items():
            left -= weight
            if left < 0:
                return name
        return name  # rounding left a rest of the size of one bit

    def some(self, values: Sequence[T], n: int) -> tuple[T, ...]:
        """Different values, n of them or all there are, in random order."""
        rest = list(values)
        return tuple(rest.pop(int(self._uniform() * len(rest))) for _ in range(min(n, len(rest))))
