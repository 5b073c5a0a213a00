"""Where stores are, as one writes it in a command: chroma:FOLDER, chroma:http://host:port, milvus:FILE.db, milvus:http://..."""

from dataclasses import dataclass

from matryo.errors import MatryoError
from matryo.search.stores.base import Store
from matryo.search.stores.chroma import ChromaEngine, ChromaStore
from matryo.search.stores.contents import Contents, stores
from matryo.search.stores.engine import Engine
from matryo.search.stores.milvus import MilvusEngine, MilvusStore


@dataclass(frozen=True)
class Location:
    """An engine and its place.

    Attributes:
        engine: "chroma" or "milvus".
        place: folder, file or address.
    """

    engine: str
    place: str

    @classmethod
    def parse(cls, text: str) -> "Location":
        """Read a location.

        Raises: MatryoError if it is none.

        >>> Location.parse("milvus:vectors.db")
        Location(engine='milvus', place='vectors.db')
        """
        engine, colon, place = text.partition(":")
        if engine not in ("chroma", "milvus") or not colon or not place:
            raise MatryoError(
                f"a location is chroma:FOLDER, chroma:http://host:port, milvus:FILE.db or milvus:http://host:port, "
                f"got {text!r}; write it so"
            )
        return cls(engine, place)

    def __str__(self) -> str:
        """As it is written."""
        return f"{self.engine}:{self.place}"

    def store(self, name: str, token: str | None = None) -> Store:
        """A store of this name, there or not.

        Raises: MissingExtra if its library is not installed; MatryoError if the name or place cannot be used, or a
            token is given to Chroma.
        """
        if self.engine == "milvus":
            return MilvusStore(self.place, name, token)
        _no_token(token)
        return ChromaStore(self.place, name)

    def stores(self, token: str | None = None) -> dict[str, Contents]:
        """Every store there, by name.

        Raises: as `store`.
        """
        if self.engine == "milvus":
            engine: Engine = MilvusEngine(self.place, token)
        else:
            _no_token(token)
            engine = ChromaEngine(self.place)
        return stores(engine)


def _no_token(token: str | None) -> None:
    if token is not None:
        raise MatryoError("a token was given for Chroma, only Milvus takes one; leave it out")
