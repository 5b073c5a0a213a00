"""What a store needs of an engine: collections of vectors with ids and a few words of metadata each."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

from matryo.prefix import Array

Neighbours = list[tuple[str, float]]


class Engine(ABC):
    """One server or folder with collections; each method asks as often as its patience allows."""

    @property
    @abstractmethod
    def where(self) -> str:
        """Its address, for messages."""

    @property
    @abstractmethod
    def most_hits(self) -> int:
        """Largest number of hits per query that it gives."""

    @property
    @abstractmethod
    def pauses(self) -> tuple[float, ...]:
        """Seconds before each further look for rows that it confirmed and does not have."""

    @abstractmethod
    def most_rows(self, dim: int) -> int:
        """Largest number of rows of `dim` numbers that it takes at once."""

    @abstractmethod
    def writing(self) -> AbstractContextManager[None]:
        """Keep other processes from writing where the engine does not do so itself."""

    @abstractmethod
    def metadata(self, beginning: str) -> dict[str, Mapping[str, object]]:
        """Metadata of every collection whose name begins so; none if nothing was ever stored here."""

    @abstractmethod
    def create(self, collection: str, dim: int, metadata: Mapping[str, str]) -> None:
        """Make an empty collection for vectors of `dim` numbers that are compared by cosine."""

    @abstractmethod
    def relabel(self, collection: str, metadata: Mapping[str, str]) -> None:
        """Replace the metadata of a collection."""

    @abstractmethod
    def drop(self, collection: str) -> None:
        """Remove a collection."""

    @abstractmethod
    def put(self, collection: str, ids: Sequence[str], vectors: Array) -> None:
        """Store rows of length 1 or 0; one whose id is there already replaces it."""

    @abstractmethod
    def present(self, collection: str, ids: Sequence[str]) -> set[str]:
        """Those of some ids that the collection has."""

    @abstractmethod
    def vectors(self, collection: str, ids: Sequence[str]) -> dict[str, Array]:
        """Stored vectors of some ids, at most `most_rows` of them, each (dim,) float32; those it lacks are left out."""

    @abstractmethod
    def count(self, collection: str) -> int:
        """Number of rows."""

    @abstractmethod
    def pages(self, collection: str, size: int) -> Iterator[list[str]]:
        """All ids, at most `size` at a time, each once, in the engine's order."""

    @abstractmethod
    def nearest(self, collection: str, queries: Array, k: int) -> list[Neighbours]:
        """Ids and cosines of the k nearest rows of every query, which has length 1 or 0, in any order."""
