"""Fetching one file over HTTP: resumed where it broke off, never glued from two versions, checked at the end."""

import errno
import hashlib
import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from matryo.errors import MatryoError
from matryo.files import write_json
from matryo.progress import Advance
from matryo.progress import progress as show_progress

PAUSES_S = (1.0, 4.0, 15.0, 60.0)
"""Seconds before each further attempt."""

_TIMEOUT_S = 60.0
_READ_BYTES = 1 << 18
_MIB = 1 << 20
_TRY_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# Azure's store answers old protocols, with other headers, to those who do not name one
_HEADERS = {"User-Agent": "matryo", "X-Ms-Version": "2019-12-12", "Accept-Encoding": "identity"}

_AGAIN = "run the same command again, it goes on where this one stopped"


Reached = Callable[[int], None]
"""Hears how many bytes of a file are there."""


@dataclass(frozen=True)
class RemoteFile:
    """A file to fetch.

    Attributes:
        name: under which it is kept.
        url: its address.
        size: in bytes, or None if unknown.
        md5: of its content, in hexadecimal digits, or None if unknown.
    """

    name: str
    url: str
    size: int | None = None
    md5: str | None = None


class _Broken(Exception):
    """An attempt failed in a way that the next one may not."""


class _Unreachable(_Broken):
    """There was no answer at all."""


def fetch(
    file: RemoteFile, folder: Path, *, progress: bool = False, pause: Callable[[float], None] = time.sleep
) -> str:
    """Fetch a file into a folder unless it is there already.

    Received bytes go to `NAME.part`. `NAME.part.json` keeps by what the server tells versions of the file apart: an
    attempt goes on only if that is unchanged, else it starts anew.

    Args:
        file: what to fetch.
        folder: exists.
        progress: show it on stderr.
        pause: waits the given number of seconds between attempts.

    Returns: a sentence that says what was done.
    Raises: MatryoError.
    """
    whole = folder / file.name
    if whole.exists():
        if wrong := _difference(whole, file):
            raise MatryoError(f"{whole} is not the official file: {wrong}; move it away and run the same command again")
        return f"{file.name}: was there already, {_checked(file)}"
    part = folder / f"{file.name}.part"
    label = f"download {file.name}"
    with show_progress(label, file.size and -(-file.size // _MIB), "MiB", shown=progress) as advance:
        _receive_all(file, part, _in_mib(advance), pause)
    if wrong := _difference(part, file):
        bad = folder / f"{file.name}.bad"
        os.replace(part, bad)
        _about(part).unlink(missing_ok=True)
        raise MatryoError(
            f"{file.url} is not the official file: {wrong}; what was received is kept as {bad}; "
            "look at it (a page of a proxy?), or run the same command again"
        )
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    os.replace(part, whole)
    _about(part).unlink(missing_ok=True)
    return f"{file.name}: {whole.stat().st_size:,} bytes received, {_checked(file)}"


def _receive_all(file: RemoteFile, part: Path, reached: Reached, pause: Callable[[float], None]) -> None:
    """Attempt until the file is whole, each time from where the last one broke off."""
    for attempt in range(len(PAUSES_S) + 1):
        if attempt:
            pause(PAUSES_S[attempt - 1])
        try:
            return _receive(file, part, reached)
        except _Unreachable as error:
            broken: _Broken = error
            if not attempt:
                raise MatryoError(
                    f"{file.url} cannot be reached ({error}); check the connection and the proxy, then {_AGAIN}, "
                    f"or put {file.name} into {part.parent} by hand"
                ) from None
        except _Broken as error:
            broken = error
    kept = part.stat().st_size if part.exists() else 0
    raise MatryoError(
        f"{file.url} broke off {len(PAUSES_S) + 1} times, at last because of {broken}; "
        f"{kept:,} bytes are kept; {_AGAIN}"
    )


def _receive(file: RemoteFile, part: Path, reached: Reached) -> None:
    """One attempt.

    Raises: _Broken, and MatryoError for what no further attempt can mend.
    """
    start, version = _kept(part, file)
    if start and start == file.size:
        return
    request = urllib.request.Request(file.url, headers=_HEADERS)
    if start:
        request.add_header("Range", f"bytes={start}-")
        request.add_header("If-Range", version)
    try:
        answer = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        with error:
            _refused(error, file, part, start)
        return
    except urllib.error.URLError as error:
        raise _Unreachable(error.reason) from None
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(_reason(error)) from None
    with answer:
        if answer.status != http.HTTPStatus.PARTIAL_CONTENT:
            # all of it from the start: the server takes no ranges, or the file has changed
            start = 0
        elif _range_start(answer) != start or _version(answer) not in ("", version):
            _forget(part)
            raise _Broken(f"an answer that does not go on behind byte {start:,} of the same file")
        if not start:
            # first the bytes go, then comes what says of which version they are: never old bytes under a new name
            part.write_bytes(b"")
            write_json(_about(part), {"url": file.url, "version": _version(answer)})
        with part.open("ab") as target:
            received = _copy(answer, target, part, lambda n: reached(start + n))
    expected = _length(answer)
    if expected is not None and received < expected:
        raise _Broken(f"{expected - received:,} bytes that did not arrive")


def _copy(answer: http.client.HTTPResponse, target: BinaryIO, part: Path, reached: Reached) -> int:
    """Write what arrives; gives its number of bytes."""
    received = 0
    while True:
        try:
            piece = answer.read(_READ_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise _Broken(_reason(error)) from None
        if not piece:
            return received
        try:
            target.write(piece)
            target.flush()
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            raise MatryoError(f"{part} could not be written: {error.strerror}; make room, then {_AGAIN}") from None
        received += len(piece)
        reached(received)


def _refused(error: urllib.error.HTTPError, file: RemoteFile, part: Path, start: int) -> None:
    if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and start:
        # nothing is behind what is there: whole if its size or sum is right, which the caller checks, else of no use
        if file.size is None and file.md5 is not None:
            return
        _forget(part)
        raise _Broken("a file that has become shorter")
    if error.code in _TRY_AGAIN:
        raise _Broken(f"HTTP {error.code} {error.reason}")
    raise MatryoError(
        f"{file.url} answers HTTP {error.code} {error.reason}, expected the file; "
        f"put {file.name} into {part.parent} by hand or try later"
    )


def _kept(part: Path, file: RemoteFile) -> tuple[int, str]:
    """Bytes that an attempt may go on behind, and the version they are of; (0, "") if it must start anew."""
    try:
        about = json.loads(_about(part).read_text(encoding="utf-8"))
        size = part.stat().st_size
    except (FileNotFoundError, ValueError):
        return 0, ""
    too_long = file.size is not None and size > file.size
    if not isinstance(about, dict) or about.get("url") != file.url or not about.get("version") or too_long:
        return 0, ""
    return size, about["version"]


def _version(answer: http.client.HTTPResponse) -> str:
    """What If-Range takes: a strong ETag, else the date of the last change, else nothing."""
    etag = answer.headers.get("ETag", "")
    return etag if etag.startswith('"') else answer.headers.get("Last-Modified", "")


def _range_start(answer: http.client.HTTPResponse) -> int | None:
    unit, _, rest = answer.headers.get("Content-Range", "").partition(" ")
    first = rest.partition("-")[0]
    return int(first) if unit == "bytes" and first.isdecimal() else None


def _length(answer: http.client.HTTPResponse) -> int | None:
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def _about(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _about(part).unlink(missing_ok=True)


def _difference(path: Path, file: RemoteFile) -> str:
    """In what a file differs from what it should be, received first; "" = in nothing that is known."""
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        return f"{size:,} bytes, expected {file.size:,}"
    if file.md5 is None:
        return ""
    running = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as stream:
        while piece := stream.read(_MIB):
            running.update(piece)
    return "" if running.hexdigest() == file.md5 else f"MD5 {running.hexdigest()}, expected {file.md5}"


def _checked(file: RemoteFile) -> str:
    return "MD5 as expected" if file.md5 else "no checksum is known"


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _in_mib(advance: Advance) -> Reached:
    """Takes positions in bytes, reports whole MiB; an attempt that starts anew goes back."""
    told = 0

    def reached(position: int) -> None:
        nonlocal told
        advance(position // _MIB - told)
        told = position // _MIB

    return reached
