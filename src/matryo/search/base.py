"""What every index can do; `tests/contracts/test_index.py` holds all of them to it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from matryo.embeddings import EmbeddingSet
from matryo.hits import Hits
from matryo.prefix import Array
from matryo.space import Space


@dataclass(frozen=True)
class IndexFacts:
    """What an index is and what it costs, for tables and plots.

    Attributes:
        kind: as in `index.json`, e.g. "exact".
        dim: numbers per row that a search reads of every row it looks at.
        bits: bits of one of these numbers.
        resident_bytes: memory that a search needs beyond mapped files, in bytes.
        disk_bytes: size of the saved folder, 0 for an index that was not loaded from one.
        build_s: seconds that `build` took, 0.0 where nothing is built.
        settings: everything else that decides a result or its cost, as JSON values.
    """

    kind: str
    dim: int
    bits: int
    resident_bytes: int
    disk_bytes: int
    build_s: float
    settings: Mapping[str, Any] = field(default_factory=dict)


def folder_bytes(folder: Path) -> int:
    """Size of all files below a folder, in bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


class Index(ABC):
    """Vectors of one space made ready to be searched by cosine, at full width or at a prefix."""

    @classmethod
    @abstractmethod
    def build(cls, vectors: Array | EmbeddingSet, *, space: Space | None = None) -> Self:
        """Index vectors.

        Args:
            vectors: a set, or (n, width) float; rows keep their numbers.
            space: space of the vectors; may be left out for a set, which knows its own.

        Raises: SpaceError if the set lies in another space, or a matrix comes without one; ShapeError if the width is
            not that of the space or a number is not finite.
        """

    @property
    @abstractmethod
    def space(self) -> Space:
        """Space of the indexed vectors."""

    @property
    @abstractmethod
    def n_rows(self) -> int:
        """Number of indexed vectors."""

    @property
    @abstractmethod
    def set_digest(self) -> str:
        """Digest of the manifest of the set it was built from, whose rows the hits name; "" for a bare matrix."""

    @abstractmethod
    def facts(self) -> IndexFacts:
        """What this index is and what it costs."""

    @abstractmethod
    def search(
        self, queries: Array | EmbeddingSet, k: int, dim: int | None = None, *, space: Space | str | None = None
    ) -> Hits:
        """Find the k nearest rows of every query.

        Args:
            queries: (n, width) float, not cut, or a set of queries.
            k: hits per query; beyond the number of rows the places are filled with row -1.
            dim: prefix length to compare, None for the full width; counted in the rotated vectors if the index rotates.
            space: space, or space id, of the queries; checked if given. A set knows its own.

        Returns: Hits of shape (n, k), scores are cosines; a zero row scores 0; equal scores are ordered by row.
        Raises: ShapeError if the queries' width is not the index's, or dim is not within 1..width; SpaceError if the
            queries lie in another space; MatryoError if k < 1, or the index does not answer at this dim.
        """

    @abstractmethod
    def save(self, folder: Path | str) -> None:
        """Write the index as a folder that does not need what it was built from.

        Raises: MatryoError if the folder holds other vectors already; ShapeError if the space holds rows of length 1
            and these rows are not.
        """

    @classmethod
    @abstractmethod
    def load(cls, folder: Path | str, *, space: Space | str | None = None) -> Self:
        """Read what `save` wrote.

        Args:
            folder: where the index is.
            space: space, or space id, that the caller needs; None takes any.

        Raises: FormatError if the folder is no whole index of this kind; SpaceError if it lies in another space.
        """
