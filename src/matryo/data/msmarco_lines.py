"""Lines of the official MS MARCO files: split at tabs, checked, and their texts cleaned."""

import gzip
import re
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar, final

from matryo.data.fields import whole_number
from matryo.data.judgements import Judgement
from matryo.data.problems import BadLine, Problems, shown
from matryo.errors import FormatError

T = TypeVar("T")

PASSAGE = "tab-separated lines `pid text`, pid a whole number"
QUERY = "tab-separated lines `qid text`"
JUDGEMENT = "lines `qid 0 pid rel`, separated by tabs or blanks, pid and rel whole numbers"

DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError)
"""What reading a compressed file or an archive raises if it is cut short or its checksum is wrong."""

_UTF8_MARK = b"\xef\xbb\xbf"
# white space stays and becomes one blank; everything else below the blank, and DEL, goes
_CONTROL = bytes(c for c in (*range(32), 127) if c not in b"\t\n\v\f\r")
# no leading zeros, no plus: the processed layout keeps the number, not how it was written
_PID = re.compile(rb"0|[1-9][0-9]{0,17}")


@final
class Cleaning:
    r"""Cleans texts and counts how many it changed.

    >>> cleaning = Cleaning()
    >>> cleaning(b" a\x00b \t c "), cleaning(b"plain")
    ('ab c', 'plain')
    >>> cleaning.notes("passages")
    ['1 passages had ASCII control characters, which are removed', '1 passages had their white space normalised']
    """

    def __init__(self) -> None:
        self._control = 0
        self._spaces = 0

    def __call__(self, raw: bytes) -> str:
        """A text without ASCII control characters and with single blanks as its only white space.

        Raises: UnicodeDecodeError.
        """
        text = raw.decode()
        kept = raw.translate(None, _CONTROL)
        if len(kept) != len(raw):
            self._control += 1
            text = kept.decode()
        normal = " ".join(text.split())
        if normal != text:
            self._spaces += 1
        return normal

    def notes(self, what: str) -> list[str]:
        """One sentence for each kind of change that occurred."""
        counts = {
            "had ASCII control characters, which are removed": self._control,
            "had their white space normalised": self._spaces,
        }
        return [f"{n:,} {what} {change}" for change, n in counts.items() if n]


def rows(
    lines: Iterable[bytes], label: Path, parse: Callable[[bytes], T], problems: Problems, expected: str
) -> Iterator[tuple[int, T]]:
    """What a parser makes of each line that is not blank, with the line's number from 1.

    Args:
        lines: of an open file.
        label: the file's name for messages; for a file in an archive the archive's name and its own.
        parse: raises BadLine for what it does not accept.
        problems: hears of bad lines.
        expected: what a line should be.

    Raises: FormatError for a bad line unless these are skipped, and for an empty or damaged file.
    """
    blank, last = True, b"\n"
    for number, line in enumerate(_undamaged(lines, label), start=1):
        last = line
        content = (line.removeprefix(_UTF8_MARK) if number == 1 else line).rstrip(b"\r\n")
        if not content or content.isspace():
            continue
        blank = False
        try:
            value = parse(content)
        except BadLine as bad:
            problems.bad_line(label, number, str(bad), expected)
        except UnicodeDecodeError as error:
            received = f"0x{error.object[error.start]:02x} is not UTF-8 in {shown(content.decode(errors='replace'))}"
            problems.bad_line(label, number, received, expected)
        else:
            yield number, value
    if blank:
        raise FormatError(f"{label} is empty, expected {expected}; download it again")
    if not last.endswith(b"\n"):
        problems.remark(f"{label.name} ends without a line break: check that it is not cut short")


def damaged(label: Path, error: Exception) -> FormatError:
    """The error for a compressed file that cannot be read to its end."""
    return FormatError(f"{label} is cut short or damaged ({error}); delete it and download it again")


def _undamaged(lines: Iterable[bytes], label: Path) -> Iterator[bytes]:
    try:
        yield from lines
    except DAMAGED as error:
        raise damaged(label, error) from None


def parse_passage(line: bytes) -> tuple[bytes, bytes]:
    """Number and text of a line of `collection.tsv`.

    Raises: BadLine.
    """
    pid, text = _two(line)
    return check_pid(pid), text


def parse_query(line: bytes) -> tuple[str, bytes]:
    """Id and text of a line of `queries.SPLIT.tsv`.

    Raises: BadLine if there is no id.
    """
    qid, text = _two(line)
    if not qid.strip():
        raise BadLine(f"no query id in {_shown(line)}")
    return qid.strip().decode(), text


def parse_judgement(line: bytes) -> Judgement:
    """A line of `qrels.SPLIT.tsv`.

    Raises: BadLine.
    """
    fields = line.split()
    if len(fields) != 4:
        raise BadLine(f"{len(fields)} fields in {_shown(line)}")
    query, _, passage, grade = fields
    return query.decode(), check_pid(passage).decode(), whole_number(grade.decode(), "rel")


def check_pid(pid: bytes) -> bytes:
    """The number of a passage as it is written.

    Raises: BadLine if it is no whole number or has leading zeros.
    """
    if not _PID.fullmatch(pid):
        raise BadLine(f"pid is {_shown(pid)}, no whole number")
    return pid


def _two(line: bytes) -> tuple[bytes, bytes]:
    fields = line.split(b"\t")
    if len(fields) != 2:
        raise BadLine(f"{len(fields)} tab-separated fields in {_shown(line)}")
    return fields[0], fields[1]


def _shown(raw: bytes) -> str:
    return shown(raw.decode(errors="replace"))
