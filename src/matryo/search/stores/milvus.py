"""Milvus: a Milvus Lite file of this process, or a cluster by its address; the only file that imports pymilvus."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypeVar, final

import numpy as np

from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError, MissingExtra
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

_ID = "id"
_VECTOR = "vector"
_ID_BYTES = 65_535  # the most that Milvus gives a text field
_MOST = 16_384  # the most hits, and rows of an answer, of a cluster as delivered
_NUMBERS_PER_REQUEST = 1_500_000  # far below the 64 MB of a request to a cluster
_ANSWER_S = 60.0

# A service's own states by Milvus's numbers: not ready, unavailable, out of memory, too many requests, internal, rate.
_PASSING = (1, 2, 3, 4, 5, 8)

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})

T = TypeVar("T")


@final
class MilvusEngine(Engine):
    """Collections of a Milvus Lite file or of a cluster; search is exact, through an index of kind FLAT.

    Rows have length 1 and are compared by inner product, because Milvus's own cosine is not defined for zero rows.
    """

    def __init__(self, uri: Path | str, token: str | None = None, pauses: tuple[float, ...] = PAUSES) -> None:
        """Remember where it is; nothing is opened or made yet.

        Raises: MissingExtra if pymilvus, or for a file milvus-lite, is not installed; MatryoError if the address cannot
            be read.
        """
        try:
            import grpc
            from pymilvus.exceptions import ConnectionConfigException, MilvusException
        except ImportError:
            raise MissingExtra("pymilvus", "milvus", "a Milvus store") from None
        # Whatever these log, with a trace of several pages, is also raised, and told in one line.
        for library in ("pymilvus", "milvus_lite"):
            logging.getLogger(library).setLevel(logging.CRITICAL)
        self._uri = str(uri)
        self._file = None if "://" in self._uri else Path(uri)
        if self._file is not None and self._file.suffix != ".db":
            raise MatryoError(f"Milvus is a file that ends in .db or http://host:port, got {self._uri!r}; rename it")
        if self._file is not None:
            try:
                import milvus_lite  # noqa: F401
            except ImportError:
                raise MissingExtra("milvus-lite", "milvus", "a Milvus store in a file") from None

        def passing(error: Exception) -> bool:
            if isinstance(error, MilvusException):
                # a plain number is a state of the service; what gRPC reports has a class of its own
                known = not isinstance(error.code, int) or error.code in _PASSING
                return known and not isinstance(error, ConnectionConfigException)
            return True

        self._patience = Patience(f"Milvus at {uri}", (MilvusException, grpc.RpcError), passing, pauses)
        self._token = token
        self._opened: Any = None
        self._loaded: set[str] = set()

    @property
    def where(self) -> str:
        """File or address."""
        return self._patience.where

    @property
    def pauses(self) -> tuple[float, ...]:
        """As given."""
        return self._patience.pauses

    @property
    def most_hits(self) -> int:
        """The same for a file as for a cluster, so that what runs here runs there."""
        return _MOST

    def most_rows(self, dim: int) -> int:
        """What one request and one answer hold."""
        return max(1, min(_MOST, _NUMBERS_PER_REQUEST // dim))

    def writing(self) -> AbstractContextManager[None]:
        """Nothing to do: Milvus Lite locks its file as long as it is open, a cluster orders its writers."""
        return nullcontext()

    def metadata(self, beginning: str) -> dict[str, Mapping[str, object]]:
        """Properties of every collection whose name begins so."""
        if self._file is not None and not self._file.exists():
            return {}
        self._loaded.clear()
        names = self._ask(lambda client: client.list_collections(timeout=_ANSWER_S))
        return {name: self._properties(name) for name in sorted(names) if name.startswith(beginning)}

    def create(self, collection: str, dim: int, metadata: Mapping[str, str]) -> None:
        """Make an empty collection that is read as it was last written."""
        from pymilvus import DataType, MilvusClient

        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field(_ID, DataType.VARCHAR, is_primary=True, max_length=_ID_BYTES)
        schema.add_field(_VECTOR, DataType.FLOAT_VECTOR, dim=dim)
        self._ask(
            lambda client: client.create_collection(
                collection,
                schema=schema,
                properties=dict(metadata),
                consistency_level="Strong",
                timeout=_ANSWER_S,
            )
        )

    def relabel(self, collection: str, metadata: Mapping[str, str]) -> None:
        """Set properties of a collection."""
        self._ask(lambda client: client.alter_collection_properties(collection, dict(metadata), timeout=_ANSWER_S))

    def drop(self, collection: str) -> None:
        """Remove a collection."""
        self._loaded.discard(collection)
        self._ask(lambda client: client.drop_collection(collection, timeout=_ANSWER_S))

    def put(self, collection: str, ids: Sequence[str], vectors: Array) -> None:
        """Store rows.

        Raises: MatryoError also if an id is too long.
        """
        for id in ids:
            if len(id.encode()) > _ID_BYTES:
                raise MatryoError(f"Milvus takes ids of at most {_ID_BYTES:,} bytes, got {id[:40]!r}...; shorten it")
        rows = [{_ID: id, _VECTOR: vector} for id, vector in zip(ids, vectors, strict=True)]
        self._ask(lambda client: client.upsert(collection, rows, timeout=_ANSWER_S))

    def present(self, collection: str, ids: Sequence[str]) -> set[str]:
        """Those of some ids that the collection has."""
        return {row[_ID] for row in self._rows(collection, ids, [_ID])}

    def vectors(self, collection: str, ids: Sequence[str]) -> dict[str, Array]:
        """Stored vectors by id."""
        found = self._rows(collection, ids, [_ID, _VECTOR])
        return {row[_ID]: np.array(row[_VECTOR], dtype=np.float32) for row in found}

    def count(self, collection: str) -> int:
        """Number of rows, deleted and replaced ones not counted."""
        found = self._read(
            collection,
            lambda client: client.query(collection, filter="", output_fields=["count(*)"], timeout=_ANSWER_S),
        )
        return int(found[0]["count(*)"])

    def pages(self, collection: str, size: int) -> Iterator[list[str]]:
        """All ids in their order, by a cursor."""
        cursor = self._read(
            collection,
            lambda client: client.query_iterator(collection, batch_size=size, output_fields=[_ID], timeout=_ANSWER_S),
        )
        while rows := self._ask(lambda client: cursor.next()):
            yield [row[_ID] for row in rows]
        cursor.close()

    def nearest(self, collection: str, queries: Array, k: int) -> list[Neighbours]:
        """Neighbours by inner product."""
        found = self._read(
            collection,
            lambda client: client.search(
                collection,
                data=list(queries),
                anns_field=_VECTOR,
                limit=k,
                output_fields=[_ID],
                timeout=_ANSWER_S,
            ),
        )
        return [[(hit[_ID], float(hit["distance"])) for hit in hits] for hits in found]

    def _rows(self, collection: str, ids: Sequence[str], columns: list[str]) -> list[dict[str, Any]]:
        # values apart from the expression would need no escaping, but Milvus Lite does not know them
        listed = ", ".join(f'"{id.translate(_ESCAPES)}"' for id in ids)
        found = self._read(
            collection,
            lambda client: client.query(
                collection, filter=f"{_ID} in [{listed}]", output_fields=columns, timeout=_ANSWER_S
            ),
        )
        return list(found)

    def _properties(self, collection: str) -> Mapping[str, object]:
        told = self._ask(lambda client: client.describe_collection(collection, timeout=_ANSWER_S))
        return dict(told.get("properties") or {})

    def _read(self, collection: str, work: Callable[[Any], T]) -> T:
        """Ask a collection that may have to be loaded first: after a restart none is."""
        if collection not in self._loaded:
            self._load(collection)
            self._loaded.add(collection)
        return self._ask(work)

    def _load(self, collection: str) -> None:
        # The index is made here, not with the collection: a push may be cut off between the two. Waiting for it would
        # ask for a clock that Milvus Lite does not have; loading waits as well.
        if not self._ask(lambda client: client.list_indexes(collection, timeout=_ANSWER_S)):
            from pymilvus import MilvusClient

            index = MilvusClient.prepare_index_params()
            index.add_index(_VECTOR, index_type="FLAT", metric_type="IP")
            self._ask(lambda client: client.create_index(collection, index, timeout=_ANSWER_S, sync=False))
        self._ask(lambda client: client.load_collection(collection, timeout=_ANSWER_S))

    def _ask(self, work: Callable[[Any], T]) -> T:
        return self._patience.ask(lambda: work(self._client()))

    def _client(self) -> Any:
        if self._opened is None:
            from pymilvus import MilvusClient
            from pymilvus.exceptions import ConnectionConfigException

            try:
                self._opened = MilvusClient(self._uri, token=self._token or "", timeout=_ANSWER_S)
            except ConnectionConfigException as error:
                if self._file is None:
                    raise
                raise MatryoError(
                    f"{self._file} cannot be opened as Milvus Lite; close other processes that have it open, "
                    "or choose another name if it is something else"
                ) from error
        return self._opened


@final
class MilvusStore(Store):
    """A set in Milvus: a Milvus Lite file, and by the address of a cluster the path for who outgrows one machine.

    For speed instead of exactness on a cluster put another index on the field `vector` of a collection: a search names
    no kind of index.
    """

    def __init__(
        self, uri: Path | str, name: str, token: str | None = None, *, pauses: tuple[float, ...] = PAUSES
    ) -> None:
        """Name a store; nothing is opened or made yet.

        Args:
            uri: path that ends in .db, or http://host:port of a cluster.
            name: letters, digits and _.
            token: "user:password" or key of a cluster.
            pauses: seconds before each further attempt when Milvus does not answer.

        Raises: MissingExtra if pymilvus is not installed; MatryoError if address or name cannot be used.
        """
        check_name(name)
        self._engine = MilvusEngine(uri, token, pauses)
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
        """Find the k nearest rows of every query; see `Store.search`."""
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
