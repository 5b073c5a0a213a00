"""Fetching files, from a server of our own on this machine."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from matryo.data import msmarco_transfer
from matryo.data.msmarco_files import download_msmarco
from matryo.data.msmarco_transfer import PAUSES_S, RemoteFile, fetch
from matryo.errors import MatryoError

CONTENT = bytes(range(256)) * 4000  # 1 MB
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


@dataclass
class Server:
    """What the server does, to be changed by a test, and the requests it had."""

    url: str = ""
    content: bytes = CONTENT
    etag: str = '"one"'
    cuts: list[int] = field(default_factory=list)  # bytes after which the next answers end early
    codes: list[int] = field(default_factory=list)  # codes of the next answers
    takes_ranges: bool = True
    heeds_if_range: bool = True
    length: bool = True
    ranges: list[str | None] = field(default_factory=list)

    def file(self, **known: object) -> RemoteFile:
        return RemoteFile("a.tar.gz", f"{self.url}/a.tar.gz", **{"size": len(CONTENT), "md5": MD5, **known})  # type: ignore[arg-type]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers["Range"]
            state.ranges.append(asked)
            if state.codes and (code := state.codes.pop(0)) != 200:
                self.send_error(code)
                return
            same = not state.heeds_if_range or self.headers["If-Range"] == state.etag
            start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and state.takes_ranges and same else 0
            if start >= len(state.content):
                self.send_error(416)
                return
            body = state.content[start:]
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(state.content) - 1}/{len(state.content)}")
            if state.length:
                self.send_header("Content-Length", str(len(body)))
            if state.etag:
                self.send_header("ETag", state.etag)
            self.end_headers()
            self.wfile.write(body[: state.cuts.pop(0)] if state.cuts else body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{running.server_port}"
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    running.shutdown()
    thread.join()
    running.server_close()


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_whole_at_once(server: Server, tmp_path: Path) -> None:
    assert fetch(server.file(), tmp_path) == "a.tar.gz: 1,024,000 bytes received, MD5 as expected"
    assert (tmp_path / "a.tar.gz").read_bytes() == CONTENT
    assert names(tmp_path) == ["a.tar.gz"]
    assert fetch(server.file(), tmp_path) == "a.tar.gz: was there already, MD5 as expected"
    assert server.ranges == [None]


def test_goes_on_where_it_was_cut(server: Server, tmp_path: Path) -> None:
    server.cuts = [300_000, 200_000]
    waited: list[float] = []
    fetch(server.file(), tmp_path, pause=waited.append)
    assert (tmp_path / "a.tar.gz").read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=300000-", "bytes=500000-"]
    assert waited == list(PAUSES_S[:2])
    assert names(tmp_path) == ["a.tar.gz"]


def test_gives_up_and_goes_on_with_the_next_command(server: Server, tmp_path: Path) -> None:
    server.cuts = [1000] * (len(PAUSES_S) + 1)
    waited: list[float] = []
    with pytest.raises(MatryoError, match=r"broke off 5 times, .*5,000 bytes are kept; run the same command again"):
        fetch(server.file(), tmp_path, pause=waited.append)
    assert waited == list(PAUSES_S) == sorted(PAUSES_S)
    assert names(tmp_path) == ["a.tar.gz.part", "a.tar.gz.part.json"]
    fetch(server.file(), tmp_path)
    assert server.ranges[-1] == "bytes=5000-"
    assert (tmp_path / "a.tar.gz").read_bytes() == CONTENT


@pytest.mark.parametrize("what", ["no ranges", "changed", "changed, If-Range unheeded", "no version", "weak version"])
def test_starts_anew_when_it_cannot_go_on(server: Server, tmp_path: Path, what: str) -> None:
    other = CONTENT[::-1]
    changed = "changed" in what
    if "version" in what:
        server.etag = "" if what.startswith("no") else 'W/"one"'
    server.takes_ranges = what != "no ranges"
    server.heeds_if_range = "unheeded" not in what
    server.cuts = [300_000]

    def change(seconds: float) -> None:
        if changed:
            server.content, server.etag = other, '"two"'

    expected = other if changed else CONTENT
    fetch(server.file(md5=hashlib.md5(expected, usedforsecurity=False).hexdigest()), tmp_path, pause=change)
    assert (tmp_path / "a.tar.gz").read_bytes() == expected
    assert names(tmp_path) == ["a.tar.gz"]


def test_a_part_of_another_address_or_without_a_record_is_not_gone_on_with(server: Server, tmp_path: Path) -> None:
    for record in ('{"url": "http://elsewhere/a", "version": "\\"one\\""}', "[]", "{", None):
        (tmp_path / "a.tar.gz").unlink(missing_ok=True)
        (tmp_path / "a.tar.gz.part").write_bytes(b"x" * 5000)
        if record:
            (tmp_path / "a.tar.gz.part.json").write_text(record)
        fetch(server.file(), tmp_path)
        assert (tmp_path / "a.tar.gz").read_bytes() == CONTENT
    assert set(server.ranges) == {None}


def test_wrong_bytes_are_kept_apart(server: Server, tmp_path: Path) -> None:
    server.content = CONTENT[:-1] + b"x"
    with pytest.raises(
        MatryoError, match=rf"not the official file: MD5 [0-9a-f]{{32}}, expected {MD5}; .*a\.tar\.gz\.bad"
    ):
        fetch(server.file(), tmp_path)
    assert names(tmp_path) == ["a.tar.gz.bad"]
    assert (tmp_path / "a.tar.gz.bad").read_bytes() == server.content
    server.content = b"<html>please log in</html>"
    with pytest.raises(MatryoError, match=r"26 bytes, expected 1,024,000"):
        fetch(server.file(), tmp_path)
    server.content = CONTENT
    fetch(server.file(), tmp_path)
    (tmp_path / "a.tar.gz").write_bytes(b"mine")
    with pytest.raises(MatryoError, match=r"a\.tar\.gz is not the official file: 4 bytes, expected .*move it away"):
        fetch(server.file(), tmp_path)
    assert (tmp_path / "a.tar.gz").read_bytes() == b"mine"


def test_a_file_of_unknown_size_and_sum(server: Server, tmp_path: Path) -> None:
    server.cuts = [100]
    assert "no checksum is known" in fetch(server.file(size=None, md5=None), tmp_path, pause=lambda s: None)
    assert (tmp_path / "a.tar.gz").read_bytes() == CONTENT
    # complete, but the process ended before it was renamed: the server says that nothing follows
    (tmp_path / "a.tar.gz").rename(tmp_path / "a.tar.gz.part")
    (tmp_path / "a.tar.gz.part.json").write_text(f'{{"url": "{server.url}/a.tar.gz", "version": "\\"one\\""}}')
    fetch(server.file(size=None), tmp_path)
    assert (tmp_path / "a.tar.gz").read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=100-", "bytes=1024000-"]


def test_without_length_a_cut_shows_in_the_size(server: Server, tmp_path: Path) -> None:
    server.length, server.cuts = False, [1000]
    with pytest.raises(MatryoError, match="1,000 bytes, expected 1,024,000"):
        fetch(server.file(), tmp_path)


def test_answers_that_are_errors(server: Server, tmp_path: Path) -> None:
    server.codes = [404]
    with pytest.raises(
        MatryoError, match=r"a\.tar\.gz answers HTTP 404 Not Found, expected the file; put a\.tar\.gz into"
    ):
        fetch(server.file(), tmp_path)
    server.codes = [503, 429, 200]
    fetch(server.file(), tmp_path, pause=lambda s: None)
    assert (tmp_path / "a.tar.gz").read_bytes() == CONTENT


def test_a_part_that_is_longer_than_the_file_is_now(server: Server, tmp_path: Path) -> None:
    server.cuts = [300_000]

    def shrink(seconds: float) -> None:
        server.content = CONTENT[:1000]

    known = {"size": None, "md5": None}
    fetch(server.file(**known), tmp_path, pause=shrink)
    assert (tmp_path / "a.tar.gz").read_bytes() == CONTENT[:1000]


def test_offline(server: Server, tmp_path: Path) -> None:
    file = RemoteFile("a.tar.gz", "http://127.0.0.1:1/a.tar.gz")
    message = r"cannot be reached \(.*refused.*\); check the connection and the proxy, .*same command again.*by hand"
    with pytest.raises(MatryoError, match=message):
        fetch(file, tmp_path, pause=lambda s: pytest.fail("waited for a server that is not there"))


def test_a_full_disk(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("wb", buffering=0) as full:
        answer = msmarco_transfer.urllib.request.urlopen(server.url)
        with answer, pytest.raises(MatryoError, match=r"could not be written: No space left .*make room, then run"):
            msmarco_transfer._copy(answer, full, tmp_path / "a.part", lambda n: None)


def test_download(server: Server, tmp_path: Path) -> None:
    files = [server.file(), RemoteFile("b.tsv", f"{server.url}/b.tsv")]
    notes = download_msmarco(tmp_path / "raw", accept_terms=True, files=files, progress=True)
    assert notes == (
        "a.tar.gz: 1,024,000 bytes received, MD5 as expected",
        "b.tsv: 1,024,000 bytes received, no checksum is known",
    )
    assert names(tmp_path / "raw") == ["a.tar.gz", "b.tsv"]
