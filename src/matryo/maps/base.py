"""The contract of a map: vectors of one space in, vectors of a new space out."""

from abc import ABC, abstractmethod
from pathlib import Path

from matryo.prefix import Array
from matryo.space import Space


class Map(ABC):
    """Leads from one space into another; fitting is a function that returns a map."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """How the map was made, e.g. "rotation"."""

    @property
    @abstractmethod
    def source(self) -> Space:
        """The space that `apply` reads."""

    @property
    @abstractmethod
    def target(self) -> Space:
        """The space that `apply` writes: `source` plus this map's digest."""

    @abstractmethod
    def apply(self, x: Array) -> Array:
        """Map vectors.

        Args:
            x: (n, source.width) float.

        Returns: (n, target.width) float32, rows of length 1, zero rows stay zero.
        Raises: ShapeError if x is no finite float matrix of the source's width.
        """

    @abstractmethod
    def save(self, folder: str | Path) -> None:
        """Write the map to a folder: numbers as safetensors, `map.json` last.

        Raises: MatryoError if the folder holds anything else than a map.
        """
