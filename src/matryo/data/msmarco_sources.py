"""Where the official MS MARCO files stand: alone, gzip-compressed, or in an archive that is read as a stream."""

import gzip
import io
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from matryo.data.msmarco_lines import DAMAGED, damaged
from matryo.errors import FormatError

COLLECTION = "collection"
SPLITS = ("train", "dev")

ACCEPTED = {
    COLLECTION: ("collection.tsv",),
    "queries.train": ("queries.train.tsv",),
    "qrels.train": ("qrels.train.tsv",),
    "queries.dev": ("queries.dev.tsv", "queries.dev.small.tsv"),
    # the small file first: published numbers are on its 6,980 queries, not on the 55,578 of the other
    "qrels.dev": ("qrels.dev.small.tsv", "qrels.dev.tsv"),
}
"""What is needed -> names of the files that have it, the one to take if there are several first."""

ARCHIVES = ("collectionandqueries.tar.gz", "collection.tar.gz", "queries.tar.gz")

_GZIP = b"\x1f\x8b"
_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True)
class Source:
    """One official file.

    Attributes:
        file: what stands in the folder.
        member: its name in `file`, if that is an archive.
        spool: a copy of the member in an open temporary file.
    """

    file: Path
    member: str = ""
    spool: BinaryIO | None = None

    @property
    def label(self) -> Path:
        """Name for messages: a member's stands behind its archive's like a file's behind its folder's."""
        return self.file / self.member if self.member else self.file


def files_for(folder: Path, roles: Sequence[str]) -> list[Path]:
    """Every file of a folder that has, or as an archive may have, what is needed for the roles."""
    names = [name for role in roles for accepted in ACCEPTED[role] for name in (accepted, f"{accepted}.gz")]
    return [path for name in (*names, *ARCHIVES) if (path := folder / name).is_file()]


def find_sources(folder: Path, room: Path, stack: ExitStack, advice: str) -> dict[str, Source]:
    """Find a file for every role; small files of an archive are copied to temporary ones in the same pass.

    Files that stand alone are taken before those in archives; archives are read, to their end, only if something
    that stands first in its row of `ACCEPTED` does not stand alone.

    Args:
        folder: of the official files.
        room: folder for temporary files, which have no name and vanish with the process.
        stack: closes them.
        advice: what to do if something is missing.

    Returns: role -> source.
    Raises: FormatError naming all that is missing, or an archive that is cut short or damaged.
    """
    there = {}
    for accepted in ACCEPTED.values():
        for name in accepted:
            if path := next((p for p in (folder / name, folder / f"{name}.gz") if p.is_file()), None):
                there[name] = Source(path)
    if any(accepted[0] not in there for accepted in ACCEPTED.values()):
        for path in (folder / name for name in ARCHIVES):
            if path.is_file():
                for name, source in _members(path, room, stack).items():
                    there.setdefault(name, source)
    chosen = {role: name for role, names in ACCEPTED.items() if (name := next((n for n in names if n in there), ""))}
    missing = [" or ".join(names) for role, names in ACCEPTED.items() if role not in chosen]
    if missing:
        raise FormatError(
            f"{folder} lacks {', '.join(missing)}; each may end in .gz or stand in {' or '.join(ARCHIVES)}; {advice}"
        )
    return {role: there[name] for role, name in chosen.items()}


def _members(path: Path, room: Path, stack: ExitStack) -> dict[str, Source]:
    wanted = {name for names in ACCEPTED.values() for name in names}
    found: dict[str, Source] = {}
    try:
        with _archive(path) as (tar, content):
            for member in tar:
                name = PurePosixPath(member.name).name
                if not member.isfile() or name not in wanted or name in found:
                    continue
                if name in ACCEPTED[COLLECTION]:
                    found[name] = Source(path, member.name)
                    continue
                spool = stack.enter_context(tempfile.TemporaryFile(dir=room))
                shutil.copyfileobj(cast(BinaryIO, tar.extractfile(member)), spool, _BUFFER_BYTES)
                found[name] = Source(path, member.name, spool)
            _read_to_end(content)
    except DAMAGED as error:
        raise damaged(path, error) from None
    return found


@contextmanager
def opened(source: Source) -> Iterator[BinaryIO]:
    """Open a source from its start.

    Raises: FormatError for an archive that is damaged or does not have the member.
    """
    if source.spool is not None:
        source.spool.seek(0)
        yield source.spool
    elif source.member:
        with open_member(source.file, source.member) as stream:
            yield stream
    else:
        with open_file(source.file) as stream:
            yield stream


def open_file(path: Path) -> BinaryIO:
    """Open a file, plain or gzip-compressed, which is seen in it.

    Raises: FormatError if it cannot be opened.
    """
    try:
        stream = io.BufferedReader(path.open("rb", buffering=0), _BUFFER_BYTES)
    except OSError as error:
        raise FormatError(f"{path} cannot be opened ({error.strerror}); check the path") from None
    if not stream.peek(len(_GZIP)).startswith(_GZIP):
        return stream
    stream.close()
    # lines of a GzipFile alone cost a Python call each
    return io.BufferedReader(cast(io.RawIOBase, gzip.open(path)), _BUFFER_BYTES)


@contextmanager
def open_member(path: Path, name: str) -> Iterator[BinaryIO]:
    """Open a file of a gzip-compressed archive, which is read as a stream: up to the file, then to its own end.

    Args:
        path: the archive.
        name: as in the archive, or only its last part.

    Raises: FormatError if the archive is damaged or does not have the file.
    """
    with ExitStack() as stack:
        try:
            tar, content = stack.enter_context(_archive(path))
            while (member := tar.next()) is not None:
                if member.isfile() and name in (member.name, PurePosixPath(member.name).name):
                    break
        except DAMAGED as error:
            raise damaged(path, error) from None
        if member is None:
            raise FormatError(f"{path} has no {name}; check that it is the official archive")
        yield io.BufferedReader(cast(io.RawIOBase, tar.extractfile(member)), _BUFFER_BYTES)
        try:
            _read_to_end(content)
        except DAMAGED as error:
            raise damaged(path, error) from None


def _read_to_end(content: BinaryIO) -> None:
    """Read what is left: the checksum of a compressed file stands at its end."""
    while content.read(_BUFFER_BYTES):
        pass


@contextmanager
def _archive(path: Path) -> Iterator[tuple[tarfile.TarFile, BinaryIO]]:
    # gzip is opened apart: tarfile's own streams do not notice that the end of a compressed file is missing
    with gzip.open(path) as content, tarfile.open(fileobj=content, mode="r|", bufsize=_BUFFER_BYTES) as tar:
        yield tar, cast(BinaryIO, content)
