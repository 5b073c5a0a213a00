"""Chroma: a folder of this process, or a server over HTTP; the only file that imports chromadb."""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypeVar, final

import numpy as np

from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError, MissingExtra
from matryo.files import only_writer
from matryo.prefix import Array
from matryo.search.stores import contents
from matryo.search.stores.base import BATCH, Pushed, Store, StoreHits
from matryo.search.stores.engine import Engine, Neighbours
from matryo.search.stores.label import check_name
from matryo.search.stores.origin import Origin
from matryo.search.stores.pushing import push_set
from matryo.search.stores.retry import PAUSES, Patience
from matryo.search.stores.searching import neighbours_of, search_store, stored_vectors
from matryo.space import Space

_FILE = "chroma.sqlite3"
_ADDRESS = re.compile(r"(https?)://([^/:]+|\[[^\]]+\])(?::(\d+))?/?")
_PORT = 8000

# Above Chroma's own 16 links and 100 candidates: at those a tenth of the best ten are missed among 100,000 vectors.
_GRAPH = {"space": "cosine", "max_neighbors": 32, "ef_construction": 200, "ef_search": 200}

# A server takes 40 MB per request, and a number may need 12 bytes as text.
_NUMBERS_PER_REQUEST = 1_500_000

T = TypeVar("T")


@final
class ChromaEngine(Engine):
    """Collections of a Chroma folder or server; search is approximate, through Chroma's HNSW graph."""

    def __init__(self, location: Path | str, pauses: tuple[float, ...] = PAUSES) -> None:
        """Remember where it is; nothing is opened or made yet.

        Raises: MissingExtra if chromadb is not installed; MatryoError if the address cannot be read.
        """
        try:
            import chromadb.errors as chroma_errors
            import httpx
        except ImportError:
            raise MissingExtra("chromadb", "chroma", "a Chroma store") from None
        self._address = None
        if isinstance(location, str) and "://" in location:
            self._address = _ADDRESS.fullmatch(location)
            if self._address is None:
                raise MatryoError(f"a Chroma server is http://host:port, got {location!r}; give its address alone")
        self._location = location
        passing = (
            _Unanswered,
            httpx.TransportError,
            chroma_errors.InternalError,
            chroma_errors.RateLimitError,
        )
        self._patience = Patience(
            f"Chroma at {location}",
            (_Unanswered, httpx.HTTPError, chroma_errors.ChromaError),
            lambda error: isinstance(error, passing),
            pauses,
        )
        self._opened: Any = None
        self._collections: dict[str, Any] = {}

    @property
    def where(self) -> str:
        """Folder or address."""
        return self._patience.where

    @property
    def pauses(self) -> tuple[float, ...]:
        """As given."""
        return self._patience.pauses

    @property
    def most_hits(self) -> int:
        """Chroma has no limit of its own."""
        return sys.maxsize

    def most_rows(self, dim: int) -> int:
        """What SQLite takes in one statement, and a server in one request."""
        taken: int = self._ask(lambda: self._client().get_max_batch_size())
        return max(1, min(taken, _NUMBERS_PER_REQUEST // dim))

    def writing(self) -> AbstractContextManager[None]:
        """Lock a folder, which Chroma itself does not; a server orders its writers."""
        if self._address is not None:
            return nullcontext()
        folder = Path(self._location)
        if folder.is_dir() and any(folder.iterdir()) and not (folder / _FILE).exists():
            raise MatryoError(f"{folder} has other files than Chroma's; choose a new or empty folder")
        return only_writer(folder)

    def metadata(self, beginning: str) -> dict[str, Mapping[str, object]]:
        """Metadata of every collection whose name begins so."""
        if self._address is None and not (Path(self._location) / _FILE).exists():
            return {}
        self._collections.clear()
        found = self._ask(lambda: self._client().list_collections())
        return {c.name: dict(c.metadata or {}) for c in found if c.name.startswith(beginning)}

    def create(self, collection: str, dim: int, metadata: Mapping[str, str]) -> None:
        """Make an empty collection; Chroma learns the dim from the first row."""
        self._collections[collection] = self._ask(
            lambda: self._client().create_collection(
                collection, metadata=dict(metadata), configuration={"hnsw": dict(_GRAPH)}, embedding_function=None
            )
        )

    def relabel(self, collection: str, metadata: Mapping[str, str]) -> None:
        """Replace the metadata of a collection."""
        self._ask(lambda: self._collection(collection).modify(metadata=dict(metadata)))

    def drop(self, collection: str) -> None:
        """Remove a collection."""
        self._collections.pop(collection, None)
        self._ask(lambda: self._client().delete_collection(collection))

    def put(self, collection: str, ids: Sequence[str], vectors: Array) -> None:
        """Store rows."""
        self._ask(lambda: self._collection(collection).upsert(ids=list(ids), embeddings=vectors))

    def present(self, collection: str, ids: Sequence[str]) -> set[str]:
        """Those of some ids that the collection has."""
        return set(self._ask(lambda: self._collection(collection).get(ids=list(ids), include=[]))["ids"])

    def vectors(self, collection: str, ids: Sequence[str]) -> dict[str, Array]:
        """Stored vectors by id; Chroma answers in an order of its own."""
        found = self._ask(lambda: self._collection(collection).get(ids=list(ids), include=["embeddings"]))
        return dict(zip(found["ids"], np.asarray(found["embeddings"], dtype=np.float32), strict=True))

    def count(self, collection: str) -> int:
        """Number of rows."""
        return int(self._ask(lambda: self._collection(collection).count()))

    def pages(self, collection: str, size: int) -> Iterator[list[str]]:
        """All ids; Chroma knows no cursor, so that later pages take longer."""
        first = 0
        while ids := self._page(collection, size, first):
            yield ids
            first += len(ids)

    def nearest(self, collection: str, queries: Array, k: int) -> list[Neighbours]:
        """Neighbours as the graph finds them; Chroma gives 1 - cosine."""
        found = self._ask(
            lambda: self._collection(collection).query(query_embeddings=queries, n_results=k, include=["distances"])
        )
        return [
            [(id, 1.0 - distance) for id, distance in zip(ids, distances, strict=True)]
            for ids, distances in zip(found["ids"], found["distances"], strict=True)
        ]

    def _page(self, collection: str, size: int, first: int) -> list[str]:
        found = self._ask(lambda: self._collection(collection).get(limit=size, offset=first, include=[]))
        return list(found["ids"])

    def _collection(self, name: str) -> Any:
        if name not in self._collections:
            # without None Chroma would fetch a model of its own as soon as a text is given
            self._collections[name] = self._client().get_collection(name, embedding_function=None)
        return self._collections[name]

    def _client(self) -> Any:
        if self._opened is None:
            import chromadb
            from chromadb.config import Settings

            quiet = Settings(anonymized_telemetry=False)
            if self._address is None:
                self._opened = chromadb.PersistentClient(str(self._location), settings=quiet)
            else:
                scheme, host, port = self._address.groups()
                try:
                    self._opened = chromadb.HttpClient(host, int(port or _PORT), ssl=scheme == "https", settings=quiet)
                except ValueError as error:  # what the library makes of any failure of its first request
                    raise _Unanswered(str(error)) from error
        return self._opened

    def _ask(self, work: Callable[[], T]) -> T:
        return self._patience.ask(lambda: _told(work))


class _Unanswered(Exception):
    """Chroma's library could not reach the server, or got an answer that is not Chroma's."""


def _told(work: Callable[[], T]) -> T:
    """Give an error a class of its own that the library raises without one."""
    try:
        return work()
    except Exception as error:
        # an answer that is not Chroma's, e.g. a gateway's 502, is raised as Exception itself; all else passes
        if type(error) is Exception:
            raise _Unanswered(str(error)) from error
        raise


@final
class ChromaStore(Store):
    """A set in Chroma, in a folder or behind its HTTP server."""

    def __init__(self, location: Path | str | ChromaEngine, name: str, *, pauses: tuple[float, ...] = PAUSES) -> None:
        """Name a store; nothing is opened or made yet.

        Args:
            location: folder, or http://host:port of a server; or its engine, which many stores of one place share.
            name: letters, digits and _.
            pauses: seconds before each further attempt when Chroma does not answer.

        Raises: MissingExtra if chromadb is not installed; MatryoError if address or name cannot be used.
        """
        check_name(name)
        self._engine = location if isinstance(location, ChromaEngine) else ChromaEngine(location, pauses)
        self._name = name

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
        """Bring the store to hold a set; see `Store.push`."""
        return push_set(
            self._engine, self._name, vectors, dims=dims, batch=batch, replace=replace, progress=progress, origin=origin
        )

    def search(
        self, queries: Array | EmbeddingSet, k: int, dim: int | None = None, *, space: Space | str | None = None
    ) -> StoreHits:
        """Find the k nearest rows of every query, approximately; see `Store.search`."""
        return search_store(self._engine, self._name, queries, k, dim, space)

    def vectors(self, ids: Sequence[str], dim: int | None = None) -> Array:
        """Stored vectors of some ids; see `Store.vectors`."""
        return stored_vectors(self._engine, self._name, ids, dim)

    def neighbours(self, ids: Sequence[str], k: int, dim: int | None = None) -> StoreHits:
        """The k nearest other rows of some rows; see `Store.neighbours`."""
        return neighbours_of(self._engine, self._name, ids, k, dim)

    def count(self) -> int:
        """Rows that the engine has now; see `Store.count`."""
        return contents.count(self._engine, self._name)

    @property
    def complete(self) -> bool:
        """Whether a push came to its end."""
        found = contents.find(self._engine, self._name)
        return found is not None and found.complete

    @property
    def space(self) -> Space:
        """Space of the stored vectors before they were cut; see `Store.space`."""
        return contents.held(self._engine, self._name).any.space

    @property
    def dims(self) -> tuple[int, ...]:
        """Dims that were pushed, rising; see `Store.dims`."""
        return contents.held(self._engine, self._name).any.dims

    @property
    def origin(self) -> Origin | None:
        """Models and map that the vectors come from; see `Store.origin`."""
        return contents.held(self._engine, self._name).any.origin

    @property
    def set_digest(self) -> str:
        """Digest of the manifest of the pushed set; see `Store.set_digest`."""
        return contents.held(self._engine, self._name).any.set_digest

    def ids(self, *, page: int = BATCH) -> Iterator[str]:
        """All ids; see `Store.ids`."""
        return contents.all_ids(self._engine, self._name, page)

    def drop(self) -> None:
        """Remove the store; see `Store.drop`."""
        contents.drop(self._engine, self._name)
