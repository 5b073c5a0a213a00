"""A tree of folders as collections of chunks: which files belong to which, and their texts with ids that stay."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from matryo.data.chunk_files import CHUNK_FORMATS, chunk_format, read_chunks
from matryo.data.problems import Problems
from matryo.data.texts import Text
from matryo.errors import FormatError

# Folder of the exports beside the sets, so no set can have this name.
RESERVED = "exports"
# File systems take names of 255 bytes; the exports of a set put an ending and a temporary mark behind its name.
_LONGEST_NAME = 200
_LISTED = 10
_UNSAFE = re.compile(r"[^\w-]+")
_SKIP = "or skip it (skip_bad=True, --skip-bad)"


@dataclass(frozen=True)
class Collection:
    """Files of one folder that hold chunks.

    Attributes:
        name: what its set is called.
        root: of the tree.
        files: of this folder, in the order of their names.
    """

    name: str
    root: Path
    files: tuple[Path, ...]


@dataclass
class Left:
    """What is left out on reading, counted: files that cannot be read, bad entries, links that are not followed.

    Attributes:
        skip_bad: False makes a bad file or entry an error.
        n_empty: texts without a letter.
    """

    skip_bad: bool = False
    n_empty: int = 0
    _files: list[str] = field(default_factory=list)
    _entries: Problems | None = None
    _links: list[str] = field(default_factory=list)

    def bad_file(self, error: FormatError) -> None:
        """Count and list a file, or raise its error."""
        if not self.skip_bad:
            raise error
        self._files.append(re.split("; (?:correct or remove|rename) it", str(error))[0])

    def link(self, path: Path) -> None:
        """Count and list a link that is not followed."""
        self._links.append(path.name)

    @property
    def entries(self) -> Problems:
        """Hears of bad entries of files."""
        if self._entries is None:
            self._entries = Problems(self.skip_bad)
        return self._entries

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence for each kind of what was left out."""
        said = [*self.entries.notes]
        if self._files:
            said.append(f"{len(self._files):,} files skipped: {_some(self._files)}")
        if self._links:
            said.append(f"{len(self._links):,} links to folders or out of the tree not followed: {_some(self._links)}")
        if self.n_empty:
            said.append(f"{self.n_empty:,} empty texts left out")
        return tuple(said)


def find_collections(folder: Path | str, left: Left) -> list[Collection]:
    """Collections of a tree, by name: each folder with files of chunks is one.

    A folder's name is its path with "_" between the parts; files of the root make a collection named after the root.
    Hidden files and folders are ignored, links followed only to files of the tree.

    Raises: FormatError if the folder is missing, a folder holds nothing, a file is no text by its name or has a name
        that is no text (unless such are skipped), two folders have one name, or a name is too long for a folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise FormatError(f"{root} is {'a file' if root.exists() else 'missing'}, expected a folder of collections")
    found: dict[str, tuple[Path, tuple[Path, ...]]] = {}
    for place, files in _folders(root, root.resolve(), left):
        name = collection_name(place.relative_to(root).parts or (root.resolve().name,))
        if (n_bytes := len(os.fsencode(name))) > _LONGEST_NAME:
            raise FormatError(
                f"{place} would be a collection with a name of {n_bytes} bytes, at most {_LONGEST_NAME} can be; "
                "shorten the names of its folders"
            )
        if name in found:
            raise FormatError(
                f"{found[name][0]} and {place} would both be the collection {name!r}; rename one of the two folders"
            )
        found[name] = (place, files)
    if not found:
        raise FormatError(f"{root} holds no file of {', '.join(CHUNK_FORMATS)}; check the path")
    return [Collection(name, root, files) for name, (_, files) in sorted(found.items())]


def collection_name(parts: tuple[str, ...]) -> str:
    """Name of a set from the parts of a folder's path: letters, digits, "-" and "_".

    >>> collection_name(("papers", "2024 (new)"))
    'papers_2024_new'
    """
    name = _UNSAFE.sub("_", "_".join(part.strip("()[]{} ") for part in parts)).strip("_") or "_"
    return f"{name}_" if name == RESERVED else name


def collection_texts(collection: Collection, left: Left) -> Iterator[tuple[Path, Text]]:
    """Texts of a collection with the file each stands in: files by name, texts in their order.

    An id is the chunk's own, or else the file's path in the tree, "#" and the number of the chunk.

    Raises: FormatError for a file that cannot be read and a bad entry, unless these are skipped.
    """
    folder = collection.files[0].parent.relative_to(collection.root).as_posix()
    before = "" if folder == "." else f"{folder}/"
    for path in collection.files:
        inside = f"{before}{path.name}"
        try:
            for chunk in read_chunks(path, left.entries):
                if not chunk.text.strip():
                    left.n_empty += 1
                    continue
                yield path, Text(f"{inside}#{chunk.number}" if chunk.id is None else chunk.id, chunk.text)
        except FormatError as error:
            left.bad_file(error)


def _folders(place: Path, root: Path, left: Left) -> Iterator[tuple[Path, tuple[Path, ...]]]:
    """Every folder with files of chunks, itself first."""
    files, folders, empty = [], [], True
    try:
        entries = sorted(os.scandir(place), key=lambda entry: entry.name)
    except OSError as error:
        left.bad_file(FormatError(f"{place} cannot be opened ({error.strerror}); correct or remove it, {_SKIP}"))
        return
    for entry in entries:
        path = place / entry.name
        if entry.name.startswith("."):
            continue
        empty = False
        there = not entry.is_symlink() or os.path.exists(path)  # of a link that leads to itself nothing can be asked
        if not _is_text(entry.name):
            shown = os.fsencode(path).decode("utf-8", "backslashreplace")
            left.bad_file(FormatError(f"{shown} has a name that is no UTF-8; rename it, {_SKIP}"))
        elif there and entry.is_symlink() and (path.is_dir() or not path.resolve().is_relative_to(root)):
            left.link(path)
        elif there and entry.is_dir():
            folders.append(path)
        elif not (there and entry.is_file()) or chunk_format(path) is None:
            named = there and entry.is_file()
            kind = f"none of {', '.join(CHUNK_FORMATS)} by its name" if named else "no file that can be read"
            left.bad_file(FormatError(f"{path} is {kind}; correct or remove it, {_SKIP}"))
        else:
            files.append(path)
    if empty:
        left.bad_file(FormatError(f"{place} holds no file; correct or remove it, {_SKIP}"))
    if files:
        yield place, tuple(files)
    for folder in folders:
        yield from _folders(folder, root, left)


def _is_text(name: str) -> bool:
    """Whether a file's name can be written as part of an id; the bytes of names are free on most systems."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _some(values: list[str]) -> str:
    more = f" and {len(values) - _LISTED:,} more" if len(values) > _LISTED else ""
    return "; ".join(values[:_LISTED]) + more
