"""What is Chroma's own: folders, addresses, gateways, and that nothing leaves the machine."""

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError
from matryo.files import only_writer
from matryo.search.stores import ChromaStore
from matryo.search.stores.chroma import ChromaEngine
from matryo.space import Space

pytest.importorskip("chromadb")

PAUSES = (0.01, 0.02)


@pytest.fixture
def rows(tmp_path: Path) -> EmbeddingSet:
    space = Space.declared("chroma", 4)
    return EmbeddingSet.from_numpy(tmp_path / "rows", np.eye(4, dtype=np.float32), list("abcd"), space=space)


@pytest.fixture
def gateway() -> Iterator[tuple[str, list[str]]]:
    """A server that answers every request with 503 and a page, as a gateway does whose backend is away."""
    asked: list[str] = []

    class Away(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(503)
            self.end_headers()
            self.wfile.write(b"<html>backend away</html>")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Away) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def test_nobody_listens(rows: EmbeddingSet) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        store = ChromaStore(f"http://127.0.0.1:{taken.getsockname()[1]}", "docs", pauses=PAUSES)
        for use in (lambda: store.push(rows), lambda: store.search(np.eye(4), 1), store.count, store.drop):
            with pytest.raises(MatryoError, match="does not answer, tried 3 times: Could not connect") as caught:
                use()
            assert "\n" not in str(caught.value)


def test_a_gateway_without_a_backend_is_asked_again(gateway: tuple[str, list[str]], rows: EmbeddingSet) -> None:
    address, asked = gateway
    with pytest.raises(MatryoError, match=r"does not answer, tried 3 times: .*backend away"):
        ChromaStore(address, "docs", pauses=PAUSES).push(rows)
    assert len(asked) >= 3


def test_reading_makes_no_folder(tmp_path: Path) -> None:
    store = ChromaStore(tmp_path / "typo", "docs")
    with pytest.raises(MatryoError, match="has no store 'docs', it has: none"):
        store.search(np.eye(4), 1)
    assert store.count() == 0 and not (tmp_path / "typo").exists()


def test_a_folder_of_something_else_stays_as_it_is(tmp_path: Path, rows: EmbeddingSet) -> None:
    with pytest.raises(MatryoError, match="other files than Chroma's"):
        ChromaStore(rows.folder, "docs").push(rows)
    assert rows.verify() == []


def test_one_process_at_a_time_pushes_into_a_folder(tmp_path: Path, rows: EmbeddingSet) -> None:
    store = ChromaStore(tmp_path / "chroma", "docs")
    with only_writer(tmp_path / "chroma"), pytest.raises(MatryoError, match="being written by another process"):
        store.push(rows)
    assert store.push(rows).n_sent == 4


@pytest.mark.parametrize("address", ["http://", "ftp://host:1", "http://host:port", "http://host:80/api/v2"])
def test_an_address_that_cannot_be_read_is_refused(address: str) -> None:
    with pytest.raises(MatryoError, match="a Chroma server is http://host:port"):
        ChromaStore(address, "docs")


def test_telemetry_is_off(tmp_path: Path, rows: EmbeddingSet) -> None:
    engine = ChromaEngine(tmp_path / "chroma")
    ChromaStore(tmp_path / "chroma", "docs").push(rows)
    engine.metadata("")
    assert engine._client().get_settings().anonymized_telemetry is False
