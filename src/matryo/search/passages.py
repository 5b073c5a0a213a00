"""Passages in one SQLite file: a text looked up by its id, among millions, without reading the others."""

import glob
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self, final

from matryo.data.texts import Text, Texts, few
from matryo.errors import FormatError, MatryoError
from matryo.files import atomic_path, check_fields, check_format
from matryo.progress import Advance
from matryo.progress import progress as show_progress

FORMAT = 1

_APPLICATION_ID = 0x4D54524F  # "MTRO": says in the header whose file it is, and is written last
_FIELDS = {"format": int, "n": int, "digest": str, "name": str}

# Rows lie in the order of the texts, and the index of ids is sorted once at the end. A table keyed by the id itself
# (WITHOUT ROWID) would save one look-up per text, but long rows make its tree deep, and ids that come in no order would
# be inserted all over it, which takes hours where appending takes minutes.
_TABLES = (
    "CREATE TABLE passages (row INTEGER PRIMARY KEY, id TEXT NOT NULL, text TEXT NOT NULL)",
    "CREATE TABLE about (key TEXT PRIMARY KEY, value) WITHOUT ROWID",
)
_INDEX = "CREATE UNIQUE INDEX passages_by_id ON passages (id)"

_TRANSACTION_ROWS = 10_000
_CACHE_KIB = 64 * 1024
_IDS_PER_QUERY = 500  # below 999, the most values that older SQLite takes
_ROWS_PER_READ = 256


@final
class Passages:
    """Texts by id, read from a file that `build_passages` wrote; threads may share it, processes each open their own.

    Attributes:
        path: of the file.
        name: what the texts are called.
        digest: `Texts.digest` of what was stored.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        """Use `Passages.open`."""
        self._connection = connection
        self._lock = Lock()
        self.path = path
        (whose,) = self._rows("PRAGMA application_id")[0]
        if whose != _APPLICATION_ID:
            raise FormatError(
                f"{path} is no whole file of passages, expected one that matryo wrote; "
                "build it: matryo data passages SOURCE OUT.sqlite"
            )
        about = dict(self._rows("SELECT key, value FROM about"))
        check_format(about.get("format"), FORMAT, path)
        check_fields(about, _FIELDS, path)
        self._n: int = about["n"]
        self.name: str = about["name"]
        self.digest: str = about["digest"]

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open a file for reading; it is never written to, and neither is its folder.

        Other processes may read at the same time, and a build under the same name does not disturb: it puts a new file
        in the place of the old one, which stays readable to who has it open.

        Raises: FormatError if it is missing, cut short, of another program or of an unknown format.
        """
        path = Path(path)
        if not path.is_file():
            received = "a folder" if path.is_dir() else "missing"
            raise FormatError(f"{path} is {received}, expected a file of passages; check the path")
        # Not `immutable`, which would spare the locks: then a change by any other program gave wrong answers or none.
        uri = f"{path.resolve().as_uri()}?mode=ro"
        try:
            connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        except sqlite3.OperationalError as error:
            raise FormatError(f"{path} cannot be opened ({error}); check its permissions") from None
        try:
            return cls(connection, path)
        except BaseException:
            connection.close()
            raise

    def text(self, id: str) -> str:
        """The text of one id.

        Raises: MatryoError if there is none.
        """
        return self.texts([id])[0]

    def texts(self, ids: Sequence[str]) -> list[str]:
        """The texts of many ids, in the order asked; an id may be asked for twice.

        Raises: MatryoError naming the ids that have none.
        """
        if isinstance(ids, str):
            raise MatryoError(f"got the text {ids!r} for a list of ids; give [id], or call text(id)")
        found = self._found(ids)
        if unknown := [i for i in dict.fromkeys(ids) if i not in found]:
            raise MatryoError(
                f"{self.path} has no text for {len(unknown):,} of {len(set(ids)):,} ids: {few(unknown)}; "
                f"ask for ids of {self.name}, as strings, or build the file from the texts that have them"
            )
        return [found[i] for i in ids]

    def __contains__(self, id: object) -> bool:
        """Whether there is a text of this id."""
        return isinstance(id, str) and bool(self._found([id]))

    def __len__(self) -> int:
        """Number of texts."""
        return self._n

    def __iter__(self) -> Iterator[Text]:
        """All texts in the order in which they were stored, a few at a time; groups are not stored."""
        last = -1
        while rows := self._rows(
            "SELECT row, id, text FROM passages WHERE row > ? ORDER BY row LIMIT ?", (last, _ROWS_PER_READ)
        ):
            for _, id, text in rows:
                yield Text(id, text)
            last = rows[-1][0]

    def verify(self) -> None:
        """Read everything and compare it with what was stored.

        Raises: FormatError if the file was damaged or changed since.
        """
        found = [message for (message,) in self._rows("PRAGMA integrity_check(1)") if message != "ok"]
        if not found and Texts(lambda: iter(self), self.name).digest() != self.digest:
            found = ["its texts are not those that were stored"]
        if found:
            raise _damaged(self.path, found[0])

    def close(self) -> None:
        """Close the file; nothing can be read from then on."""
        self._connection.close()

    def __enter__(self) -> Self:
        """Itself, to be closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def _found(self, ids: Iterable[str]) -> dict[str, str]:
        asked = [i for i in dict.fromkeys(ids) if not _why_not(i)]
        found: dict[str, str] = {}
        for first in range(0, len(asked), _IDS_PER_QUERY):
            some = asked[first : first + _IDS_PER_QUERY]
            places = ", ".join("?" * len(some))
            found.update(self._rows(f"SELECT id, text FROM passages WHERE id IN ({places})", some))
        return found

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        try:
            # read to the end under the lock: no statement stays open, so that no other program waits for this one
            with self._lock:
                return self._connection.execute(query, values).fetchall()
        except sqlite3.ProgrammingError as error:
            raise MatryoError(f"{self.path} cannot be read: {error} Open it anew with Passages.open") from None
        except sqlite3.DatabaseError as error:
            raise _damaged(self.path, str(error)) from None


def build_passages(texts: Texts, path: Path | str, *, progress: bool = False) -> Passages:
    """Store texts by id in one SQLite file, streaming: memory stays below 200 MiB however many there are.

    Args:
        texts: ids and texts; groups are not stored.
        path: the file, there as a whole or not at all. One that holds the same texts already is kept.
        progress: show rate and time left.

    Returns: the passages, opened for reading.
    Raises: MatryoError if an id occurs twice, an id or a text holds a NUL or half a surrogate pair, another file or one
        with other texts stands there, another process is building it, or it cannot be written.

    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     texts = Texts.of(["a", "b"], ["first", "second"])
    ...     with build_passages(texts, Path(folder) / "passages.sqlite") as passages:
    ...         passages.texts(["b", "a"])
    ['second', 'first']
    """
    path = Path(path)
    if path.exists():
        return _existing(texts, path)
    total = len(texts) if progress else None  # texts that were not counted yet are read once more to tell the time left
    with _temporary(path) as temporary, show_progress(f"store {path.name}", total, "texts", shown=progress) as advance:
        _write(texts, path, temporary, advance)
    return Passages.open(path)


def _existing(texts: Texts, path: Path) -> Passages:
    try:
        passages = Passages.open(path)
    except FormatError as error:
        raise MatryoError(
            f"{path} is there already and no whole file of passages; remove it or choose another name"
        ) from error
    if passages.digest == Texts(lambda: _storable(texts), texts.name).digest():
        return passages
    passages.close()
    raise MatryoError(
        f"{path} holds other texts already, {len(passages):,} of {passages.name}; remove it or choose another name"
    )


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """Give a file to build in, locked until it has its final name; what killed builds left behind is removed.

    A folder's lock (`files.only_writer`) would not do: `path` may lie among other files, also temporary ones.
    """
    with ExitStack() as until_renamed:
        for leftover in path.parent.glob(f"{glob.escape(path.name)}.tmp-*"):
            with _locked(leftover, path):
                leftover.unlink(missing_ok=True)
        with atomic_path(path) as temporary:
            until_renamed.enter_context(_locked(temporary, path))
            yield temporary


@contextmanager
def _locked(file: Path, path: Path) -> Iterator[None]:
    import fcntl  # imported here: reading must work where this module is missing

    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MatryoError(
                f"{path} is being built by another process; wait until it ends or choose another name"
            ) from None
        yield
    finally:
        os.close(descriptor)


def _write(texts: Texts, path: Path, temporary: Path, advance: Advance) -> None:
    connection = sqlite3.connect(temporary)
    try:
        _configure(connection)
        # the digest reads the texts; each is stored as it passes by, so that one reading does for both
        digest = Texts(lambda: _stored(connection, texts, advance), texts.name).digest()
        connection.commit()
        try:
            connection.execute(_INDEX)
        except sqlite3.IntegrityError:
            raise _repeated(connection, texts.name) from None
        (n,) = connection.execute("SELECT COUNT(*) FROM passages").fetchone()
        about = {"format": FORMAT, "n": n, "digest": digest, "name": texts.name}
        connection.executemany("INSERT INTO about VALUES (?, ?)", about.items())
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.commit()
    except sqlite3.Error as error:
        raise MatryoError(f"{path} could not be written: {error}; make room and run the same command again") from error
    finally:
        connection.close()


def _configure(connection: sqlite3.Connection) -> None:
    # Nobody reads the temporary file and none is resumed: a crash may lose it, and the rename forces it to disk.
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA journal_mode = MEMORY")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    for table in _TABLES:
        connection.execute(table)


def _stored(connection: sqlite3.Connection, texts: Texts, advance: Advance) -> Iterator[Text]:
    pending = 0
    for row, text in enumerate(_storable(texts)):
        connection.execute("INSERT INTO passages VALUES (?, ?, ?)", (row, text.id, text.text))
        pending += 1
        if pending == _TRANSACTION_ROWS:
            connection.commit()
            advance(pending)
            pending = 0
        yield text
    advance(pending)


def _storable(texts: Texts) -> Iterator[Text]:
    for number, text in enumerate(texts, start=1):
        for what, value in ((f"the id {text.id!r}", text.id), (f"the text of {text.id!r}", text.text)):
            if why := _why_not(value):
                raise MatryoError(
                    f"{texts.name}, number {number:,}: {what} {why}, expected text that every program reads alike; "
                    "remove or replace it"
                )
        yield text


def _why_not(value: object) -> str:
    """Why a value is never stored; "" = it may be."""
    if not isinstance(value, str):
        return f"is {type(value).__name__}, no text"
    if "\0" in value:
        return "holds a NUL character, at which SQLite's own functions cut a text"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "holds half a surrogate pair"
    return ""


def _repeated(connection: sqlite3.Connection, name: str) -> MatryoError:
    query = "SELECT id FROM passages GROUP BY id HAVING COUNT(*) > 1 ORDER BY MIN(row)"
    ids = [i for (i,) in connection.execute(query)]
    return MatryoError(f"{name}: {len(ids):,} ids occur more than once: {few(ids)}; make every id unique")


def _damaged(path: Path, what: str) -> FormatError:
    return FormatError(f"{path} is damaged or no file of passages ({what}); restore it or build it anew")
