"""Two made spaces whose vectors belong together, as arrays and as sets on disk."""

from typing import NamedTuple

import numpy as np
import pytest

from matryo.maps import SpaceRows
from matryo.prefix import Array, unit_rows
from matryo.space import Space

A, B = Space("old model", 12), Space("new model", 8)


class Pair(NamedTuple):
    """Rows of two spaces, the same texts in the same order."""

    x: Array
    y: Array

    @property
    def source(self) -> SpaceRows:
        return SpaceRows(self.x, A)

    @property
    def target(self) -> SpaceRows:
        return SpaceRows(self.y, B)


def make_pair(seed: int, n: int, noise: float = 0.1) -> Pair:
    """Two noisy views of 8 hidden numbers around means of their own; the views are the same for every seed."""
    views = np.random.default_rng(1)
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(n, 8)) * np.geomspace(1.0, 0.3, 8)

    def view(width: int) -> Array:
        mixed = hidden @ views.normal(size=(8, width)) + views.normal(size=width)
        return unit_rows((mixed + noise * rng.normal(size=(n, width))).astype(np.float32))

    return Pair(view(A.width), view(B.width))


@pytest.fixture(scope="session")
def pair() -> Pair:
    return make_pair(2, 400)


@pytest.fixture(scope="session")
def other_pair() -> Pair:
    return make_pair(3, 200)
