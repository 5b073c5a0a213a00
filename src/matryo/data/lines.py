"""Lines of text files, plain or gzip-compressed, numbered and decoded; and texts that stand one per line."""

import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar, cast

from matryo.data.problems import BadLine, Problems
from matryo.data.streams import Located, checked_texts
from matryo.data.texts import Text, Texts
from matryo.errors import FormatError

T = TypeVar("T")

_GZIP = b"\x1f\x8b"
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def numbered_lines(path: Path, problems: Problems, expected: str) -> Iterator[tuple[int, str]]:
    """Lines of a UTF-8 file with their numbers from 1, without their ends; whether it is compressed is seen in it.

    Args:
        path: the file.
        problems: hears of lines that are not UTF-8.
        expected: what the file should hold, for messages.

    Raises: FormatError if the file is missing, empty, damaged or UTF-16, and for a line that is not UTF-8 unless bad
        lines are skipped.
    """
    blank = True
    with _opened(path, expected) as stream:
        for number, line in enumerate(_raw_lines(stream, path), start=1):
            if number == 1:
                if line.startswith(_UTF16_MARKS):
                    raise FormatError(f"{path} is UTF-16, expected UTF-8; convert it: iconv -f UTF-16 -t UTF-8")
                line = line.removeprefix(_UTF8_MARK)
            blank = blank and not line.strip()
            try:
                yield number, line.rstrip(b"\r\n").decode()
            except UnicodeDecodeError as error:
                received = f"byte {error.start + 1} of the line (0x{line[error.start]:02x}) is not UTF-8"
                problems.bad_line(path, number, received, "UTF-8, which iconv makes of other encodings")
    if blank:
        raise FormatError(f"{path} is empty, expected {expected}; check the file")


def _opened(path: Path, expected: str) -> io.BufferedReader:
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        raise FormatError(f"{path} is missing, expected {expected}; check the path") from None
    except OSError as error:
        raise FormatError(f"{path} cannot be opened ({error.strerror}), expected {expected}; check the path") from None
    if stream.peek(len(_GZIP)).startswith(_GZIP):
        stream.close()
        return io.BufferedReader(cast(io.RawIOBase, gzip.open(path)))
    return stream


def _raw_lines(stream: io.BufferedReader, path: Path) -> Iterator[bytes]:
    try:
        yield from stream
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FormatError(f"{path} is cut short or damaged: {error}; fetch it anew") from None


def parsed(
    lines: Iterable[tuple[int, str]], parse: Callable[[str], T], path: Path, problems: Problems, expected: str
) -> Iterator[tuple[int, T]]:
    """What a parser makes of each line that is not blank; lines it refuses with `BadLine` are reported.

    Args:
        lines: with their numbers.
        parse: one line to a value.
        path: of the file they stand in.
        problems: hears of bad lines.
        expected: what a line should be.

    Raises: FormatError for a bad line unless these are skipped.
    """
    for number, line in lines:
        if not line.strip():
            continue
        try:
            value = parse(line)
        except BadLine as bad:
            problems.bad_line(path, number, str(bad), expected)
        else:
            yield number, value


def read_lines(path: str | Path, *, skip_bad: bool = False) -> Texts:
    """One text per line; its id is the line's number from 1.

    Args:
        path: a UTF-8 file, may be gzip-compressed. It is streamed, not held.
        skip_bad: leave out blank lines and lines that are not UTF-8, and say so in the notes.

    Returns: texts named like the file.
    Raises: FormatError for a missing, empty or damaged file, and for a bad line unless these are skipped. Blank lines
        at the end are no mistake.
    """
    path = Path(path)

    def read(problems: Problems) -> Iterator[Located]:
        blanks: list[int] = []
        for number, line in numbered_lines(path, problems, "one text per line"):
            if line.strip():
                while blanks:
                    problems.bad_line(path, blanks.pop(0), "the line is blank", "one text per line")
                yield path, number, Text(str(number), line)
            else:
                blanks.append(number)

    problems = Problems(skip_bad)
    texts, _ = checked_texts(read, path.name, problems)
    return texts
