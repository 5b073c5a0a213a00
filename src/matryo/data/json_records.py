"""Records of a JSON file, one at a time: a list is not held as a whole, however long; gzip is seen in the file."""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from matryo.errors import FormatError, MatryoError

_GZIP = b"\x1f\x8b"
_CHARACTERS = 1 << 20
_SPACE = " \t\r\n"


def json_records(path: Path, expected: str) -> Iterator[Any]:
    """The members of a JSON list, or the `[key, value]` pairs of a JSON object.

    Args:
        path: a UTF-8 file, may be gzip-compressed.
        expected: what the file should hold, for messages.

    Raises: FormatError if the file is missing, empty, damaged, not UTF-8 or neither list nor object.
    """
    try:
        with path.open("rb") as stream:
            compressed = stream.read(len(_GZIP)) == _GZIP
        with (gzip.open if compressed else open)(path, "rt", encoding="utf-8-sig") as text:
            yield from _members(text, path, expected)
    except FileNotFoundError:
        raise FormatError(f"{path} is missing, expected {expected}; check the path") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FormatError(f"{path} is cut short or damaged: {error}; fetch it anew") from None
    except UnicodeDecodeError as error:
        raise FormatError(f"{path} is not UTF-8 ({error.reason}), expected {expected}; convert it with iconv") from None
    except OSError as error:
        raise FormatError(f"{path} cannot be opened ({error.strerror}), expected {expected}; check the path") from None
    except MatryoError:
        raise
    except ValueError as error:  # a number of thousands of digits is JSON, but none that Python takes
        raise FormatError(f"{path} is not readable: {error}; expected {expected}; correct it") from None
    except RecursionError:
        raise FormatError(f"{path} is nested too deeply, expected {expected}; check the file") from None


def _members(text: TextIO, path: Path, expected: str) -> Iterator[Any]:
    waiting = text.read(_CHARACTERS).lstrip(_SPACE)
    if not waiting:
        raise FormatError(f"{path} is empty, expected {expected}; check the file")
    if waiting[0] == "{":
        try:
            yield from map(list, json.loads(waiting + text.read()).items())
        except json.JSONDecodeError as error:
            lines = "; if it holds one object per line, name it .jsonl" if error.msg == "Extra data" else ""
            raise FormatError(f"{path} is no JSON ({error.msg}), expected {expected}; correct it{lines}") from None
        return
    if waiting[0] != "[":
        raise FormatError(f"{path} starts with {waiting[:20]!r}, expected {expected}; check the file")
    decoder, at, n, before = json.JSONDecoder(), 1, 0, "["
    while True:
        while at < len(waiting) and waiting[at] in _SPACE:
            at += 1
        # a member is whole only if something follows it: a number might go on, and a string ends at its quote
        try:
            if waiting[at] == "]" and before != ",":
                return
            value, end = decoder.raw_decode(waiting, at)
            while waiting[end] in _SPACE:
                end += 1
            before = waiting[end]
        except (json.JSONDecodeError, IndexError) as error:
            more = text.read(_CHARACTERS)
            if more and (isinstance(error, IndexError) or error.pos > len(waiting) - _CHARACTERS):
                waiting, at = waiting[at:] + more, 0
                continue
            what = error.msg if isinstance(error, json.JSONDecodeError) else "it ends too early"
            raise FormatError(
                f"{path}, record {n + 1}: no JSON ({what}), expected {expected}; correct it or fetch it anew"
            ) from None
        if before not in ",]":
            raise FormatError(
                f"{path}, record {n + 1}: followed by {before!r}, expected a comma or the list's end; correct it"
            )
        n += 1
        yield value
        if before == "]":
            rest = (waiting[end + 1 :] + text.read(_CHARACTERS)).strip(_SPACE)
            if rest:
                raise FormatError(f"{path} goes on with {rest[:20]!r} after its list, expected {expected}; correct it")
            return
        at = end + 1
