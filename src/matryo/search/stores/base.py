"""What every store can do; `tests/contracts/test_store.py` holds all of them to it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import EmbeddingSet
from matryo.errors import ShapeError
from matryo.prefix import Array
from matryo.search.stores.origin import Origin
from matryo.space import Space

MISSING = ""
BATCH = 1000


@dataclass(frozen=True)
class StoreHits:
    """Best rows of a store for every query.

    Attributes:
        ids: (n, k) objects of type str, "" where there is none, which is no id of any set.
        scores: (n, k) float32 cosines, falling along each row, equal ones in the order of their ids; -inf where there
            is none.
    """

    ids: NDArray[Any]
    scores: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Refuse arrays of other shapes or types."""
        if self.ids.ndim != 2 or self.ids.shape != self.scores.shape:
            raise ShapeError(f"hits need ids and scores of one shape (n, k), got {self.ids.shape}, {self.scores.shape}")
        if self.ids.dtype != object or self.scores.dtype != np.float32:
            raise ShapeError(f"hits need ids as objects, float32 scores, got {self.ids.dtype}, {self.scores.dtype}")

    def __len__(self) -> int:
        """Number of queries."""
        return int(self.ids.shape[0])

    @property
    def k(self) -> int:
        """Number of places per query, missing ones included."""
        return int(self.ids.shape[1])


@dataclass(frozen=True)
class Pushed:
    """What a push found and did.

    Attributes:
        n_rows: rows of the set, all of which the store has now.
        dims: dims at which it has them.
        n_sent: rows that were sent, counted once per dim and attempt; 0 if all were there already.
    """

    n_rows: int
    dims: tuple[int, ...]
    n_sent: int


class Store(ABC):
    """Vectors of one set in an engine of its own, searched there by cosine at any dim that was pushed.

    Each dim is a collection of its own, `NAME_DIM`, whose rows were cut and renormalised. A prefix of vectors that were
    stored whole cannot be searched in either engine: both index all numbers of a vector, and rows of length 1 lose it
    when they are cut. Chroma holds one vector per row; Milvus holds several, four as delivered, but loads them together
    and always needs all of them, where collections are loaded, indexed and dropped singly.
    """

    @abstractmethod
    def push(
        self,
        vectors: EmbeddingSet,
        *,
        dims: Sequence[int] | None = None,
        batch: int = BATCH,
        replace: bool = False,
        progress: bool = False,
        origin: Origin | None = None,
    ) -> Pushed:
        """Bring the store to hold a set, whatever part of it is there already.

        The set is read batch by batch, its ids are held in memory. Counts and a sample of ids are compared at the end,
        rows that are not there are sent again, and only then the store is marked complete. Interrupted, the same call
        goes on; on a store that holds the set already it changes nothing.

        Args:
            vectors: the set.
            dims: prefix lengths to search at, in any order; None = the full width alone.
            batch: rows per request; fewer are sent where the engine takes fewer.
            replace: drop what another push left under this name; otherwise that is refused.
            progress: show rate and time left.
            origin: models and map that the vectors come from, told in the engine's own metadata; a store that holds
                the set already is given it too. None leaves what is told there as it is.

        Raises: MatryoError if the store holds another set or other dims, the engine does not answer or does not keep
            what it confirmed, or another process is pushing; ShapeError if a dim is not within 1..width.
        """

    @abstractmethod
    def search(
        self, queries: Array | EmbeddingSet, k: int, dim: int | None = None, *, space: Space | str | None = None
    ) -> StoreHits:
        """Find the k nearest rows of every query.

        Args:
            queries: (n, width) float, not cut, or a set of queries.
            k: hits per query; beyond the number of rows the places are filled with id "".
            dim: prefix length to compare, one of `dims`; None for the largest of them.
            space: space, or space id, of the queries; checked if given. A set knows its own.

        Returns: (n, k) hits ordered by (-score, id); which of several rows of equal score is the k-th is the engine's
            choice. A zero row, or a zero query, scores 0.
        Raises: ShapeError if the queries' width is not the store's, or dim is not within 1..width; SpaceError if the
            queries lie in another space; MatryoError if k < 1 or above what the engine gives, there is no such store,
            it is not complete, was not pushed at this dim, or does not answer.
        """

    @abstractmethod
    def vectors(self, ids: Sequence[str], dim: int | None = None) -> Array:
        """Read stored vectors back.

        Args:
            ids: n ids, any number of them.
            dim: prefix length, one of `dims`; None for the largest of them.

        Returns: (n, dim) float32 in the order of the ids, as they were pushed: cut, of length 1 or 0.
        Raises: MatryoError if an id is not there, or as `search`.
        """

    @abstractmethod
    def neighbours(self, ids: Sequence[str], k: int, dim: int | None = None) -> StoreHits:
        """Find the k nearest other rows of some rows, whose own vectors are the queries; none is its own neighbour.

        Args:
            ids: n ids of the store.
            k: hits per row; beyond the number of the other rows the places are filled with id "".
            dim: prefix length to compare, one of `dims`; None for the largest of them.

        Returns: (n, k) hits, ordered as those of `search`.
        Raises: MatryoError if an id is not there, or as `search`.
        """

    @abstractmethod
    def count(self) -> int:
        """Rows that the engine has now, at each dim; the smallest number if they differ, 0 if there is no store."""

    @property
    @abstractmethod
    def complete(self) -> bool:
        """Whether a push came to its end."""

    @property
    @abstractmethod
    def space(self) -> Space:
        """Space of the stored vectors before they were cut.

        Raises: MatryoError if there is no such store or it does not answer.
        """

    @property
    @abstractmethod
    def dims(self) -> tuple[int, ...]:
        """Dims that were pushed, rising.

        Raises: MatryoError if there is no such store or it does not answer.
        """

    @property
    @abstractmethod
    def origin(self) -> Origin | None:
        """Models and map that the vectors come from, None if nobody told.

        Raises: MatryoError if there is no such store or it does not answer.
        """

    @property
    @abstractmethod
    def set_digest(self) -> str:
        """Digest of the manifest of the pushed set.

        Raises: MatryoError if there is no such store or it does not answer.
        """

    @abstractmethod
    def ids(self, *, page: int = BATCH) -> Iterator[str]:
        """All ids in the engine's order, asked for `page` at a time.

        Raises: MatryoError if there is no such store, it is not complete or does not answer.
        """

    @abstractmethod
    def drop(self) -> None:
        """Remove the store.

        Raises: MatryoError if there is no such store or it does not answer.
        """
