"""Chunks of documents in files: JSON, JSON Lines, Markdown, text (each also gzipped) and Parquet."""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from matryo.data.fields import id_of, json_object, whole_text
from matryo.data.lines import numbered_lines
from matryo.data.problems import BadLine, Problems, shown
from matryo.errors import FormatError

CHUNK_FORMATS = (".json", ".jsonl", ".md", ".txt", ".parquet")
TEXT_FIELDS = ("text", "content", "page_content", "chunk", "chunk_text", "passage", "body")
ID_FIELDS = ("_id", "id", "docid", "chunk_id")

_EXPECTED = f"an object with one of the fields {', '.join(TEXT_FIELDS)}, or a string"
_SKIP = "correct or remove it, or skip it (skip_bad=True, --skip-bad)"
_GZIP = b"\x1f\x8b"
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_ROWS_PER_BATCH = 1024
_HEAD_BYTES = 1024


class Chunk(NamedTuple):
    """One text of a file: its own id if it names one, and its number in the file from 0, bad ones counted."""

    id: str | None
    number: int
    text: str


def chunk_format(path: Path) -> str | None:
    """Ending that decides how a file is read, None for a file that holds no chunks by its name.

    >>> chunk_format(Path("a/b.JSONL.gz")), chunk_format(Path("a.png"))
    ('.jsonl', None)
    """
    name = path.name.lower()
    stem, dot, ending = name.removesuffix(".gz").rpartition(".")
    suffix = f"{dot}{ending}"
    if not stem or suffix not in CHUNK_FORMATS or (suffix == ".parquet" and name.endswith(".gz")):
        return None
    return suffix


def read_chunks(path: Path, problems: Problems) -> Iterator[Chunk]:
    """Texts of one file in their order; JSON Lines and Parquet are streamed, of the others the file is held.

    A JSON file holds a list of objects or of strings, an object with one such list, or one object with a text. Markdown
    and text files are one text each. The text of an object is its field `text` (or `content`, `page_content`, ...); a
    `title`, if there, comes before it, as everywhere in this package.

    Args:
        path: the file, its format seen in its name.
        problems: hears of lines and entries that hold no text.

    Raises: FormatError if the file cannot be opened, is binary or damaged or of another format, and for a bad entry
        unless these are skipped.
    """
    suffix = chunk_format(path)
    if suffix is None:
        raise FormatError(f"{path} is none of {', '.join(CHUNK_FORMATS)} by its name; {_SKIP}")
    if suffix == ".parquet":
        yield from _parquet(path, problems)
    elif suffix == ".jsonl":
        yield from _json_lines(path, problems)
    elif suffix == ".json":
        yield from _json_list(path, problems)
    else:
        yield Chunk(None, 0, _content(path))


def _json_lines(path: Path, problems: Problems) -> Iterator[Chunk]:
    if _blank(path):
        return
    lines = ((number, line) for number, line in numbered_lines(path, problems, "JSON objects") if line.strip())
    for place, (number, line) in enumerate(lines):
        try:
            chunk = _chunk(json.loads(line) if line.startswith('"') else json_object(line), place)
        except (BadLine, json.JSONDecodeError) as bad:
            problems.bad_line(path, number, str(bad), _EXPECTED)
        else:
            yield chunk


def _json_list(path: Path, problems: Problems) -> Iterator[Chunk]:
    content = _content(path)
    if not content.strip():
        return
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path} is not readable as JSON: {error}; {_SKIP}") from None
    for place, item in enumerate(_items(value, path)):
        try:
            chunk = _chunk(item, place)
        except BadLine as bad:
            problems.bad_line(path, place + 1, str(bad), _EXPECTED)
        else:
            yield chunk


def _items(value: Any, path: Path) -> list[Any]:
    """The list that a JSON file is, or the only list of its object; one object with a text is a list of one."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and any(isinstance(value.get(name), str) for name in TEXT_FIELDS):
        return [value]
    lists = [name for name, held in value.items() if isinstance(held, list)] if isinstance(value, dict) else []
    if len(lists) == 1:
        found: list[Any] = value[lists[0]]
        return found
    received = f"an object with the lists {lists}" if lists else f"{type(value).__name__} {shown(str(value))}"
    raise FormatError(f"{path} must hold a list, an object with one list, or {_EXPECTED}, got {received}; {_SKIP}")


def _chunk(value: Any, place: int) -> Chunk:
    if isinstance(value, str):
        return Chunk(None, place, whole_text(value, "text"))
    if not isinstance(value, Mapping):
        raise BadLine(f"a {type(value).__name__}: {shown(str(value))}")
    field = next((name for name in TEXT_FIELDS if value.get(name) is not None), None)
    if field is None:
        raise BadLine(f"no text among the fields {list(value)}")
    text, title = value[field], value.get("title")
    if not isinstance(text, str):
        raise BadLine(f"field {field!r} is a {type(text).__name__}, no text")
    whole = f"{title} {text}" if isinstance(title, str) and title and text.strip() else text
    named = next((name for name in ID_FIELDS if value.get(name) is not None), None)
    return Chunk(None if named is None else id_of(value, named), place, whole_text(whole, field))


def _parquet(path: Path, problems: Problems) -> Iterator[Chunk]:
    # imported here: no other format needs it
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            there = file.schema_arrow.names
            wanted = [name for name in (*TEXT_FIELDS, *ID_FIELDS, "title") if name in there]
            if not set(wanted) & set(TEXT_FIELDS):
                raise FormatError(f"{path} has the columns {there}, expected one of {', '.join(TEXT_FIELDS)}; {_SKIP}")
            place = 0
            for batch in file.iter_batches(_ROWS_PER_BATCH, columns=wanted):
                for row in batch.to_pylist():
                    try:
                        yield _chunk(row, place)
                    except BadLine as bad:
                        problems.bad_line(path, place + 1, str(bad), _EXPECTED)
                    place += 1
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{path} is not readable as Parquet: {str(error).splitlines()[0]}; {_SKIP}") from None


def _blank(path: Path) -> bool:
    """Whether a file of lines has none; one that cannot be opened or unpacked is left to who reads it."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
        if head.startswith(_GZIP):
            with gzip.open(path) as stream:
                head = stream.read(_HEAD_BYTES)
    except (OSError, EOFError, zlib.error):
        return False
    return not head.strip() and len(head) < _HEAD_BYTES


def _content(path: Path) -> str:
    """All of a text file."""
    try:
        content = path.read_bytes()
        if content.startswith(_GZIP):
            content = gzip.decompress(content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FormatError(f"{path} is cut short or damaged: {error}; {_SKIP}") from None
    except OSError as error:
        raise FormatError(f"{path} cannot be opened ({error.strerror}); {_SKIP}") from None
    if content.startswith(_UTF16_MARKS):
        raise FormatError(f"{path} is UTF-16 or binary, expected UTF-8; {_SKIP}")
    if b"\0" in content:
        raise FormatError(f"{path} is binary, byte {content.index(0) + 1} is 0, expected UTF-8; {_SKIP}")
    try:
        return content.removeprefix(_UTF8_MARK).decode()
    except UnicodeDecodeError as error:
        raise FormatError(
            f"{path} is binary or no UTF-8, byte {error.start + 1} is 0x{content[error.start]:02x}; {_SKIP}"
        ) from None
