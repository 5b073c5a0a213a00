"""One request to an embedding service: sent, repeated where waiting helps, told in one line where it does not."""

import http.client
import json
import math
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any, final

from matryo.encoders.api_answer import Answer, read_answer
from matryo.encoders.api_settings import ApiSettings
from matryo.errors import MatryoError

_READ_BYTES = 1 << 16
_TOO_MANY = 429
# said with 429 although no waiting helps
_NO_MONEY = "insufficient_quota"
_TRUST = "check base_url, or name the authority's file in $SSL_CERT_FILE"


class _Passing(Exception):
    """A refusal that may pass; carries the wait the service asked for."""

    def __init__(self, why: str, wait_s: float | None = None) -> None:
        super().__init__(why)
        self.wait_s = wait_s


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is told as an error: followed, it would carry the key and the texts to another place."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""


@final
class ApiClient:
    """Asks one service for vectors; may be used from several threads."""

    def __init__(self, settings: ApiSettings, width: int) -> None:
        """Remember whom to ask.

        Args:
            settings: of the service.
            width: length that every vector must have.
        """
        self._settings = settings
        self._width = width
        self._url = f"{settings.base_url}/embeddings"
        self._opener = urllib.request.build_opener(_NoRedirect)

    def ask(self, texts: Sequence[str], stop: threading.Event | None = None) -> Answer:
        """Vectors of a few texts, by one request that is repeated while its failure may pass.

        Args:
            texts: none of them empty.
            stop: once set, no further attempt is waited for.

        Raises: MatryoError if the key is missing, the service refuses, or all attempts failed; FormatError or
            ShapeError if the answer is no answer.
        """
        stop, attempt = stop or threading.Event(), 0
        while True:
            try:
                content = self._send(texts)
                break
            except _Passing as failure:
                if attempt == self._settings.n_retries or stop.wait(self._wait(attempt, failure.wait_s)):
                    raise MatryoError(
                        f"{self._url} gave no answer in {attempt + 1} attempts, the last one: {failure}; what was "
                        "answered before is kept, run the same again later"
                    ) from None
                attempt += 1
        return read_answer(content, len(texts), self._width, self._url)

    def _wait(self, attempt: int, asked_s: float | None) -> float:
        longest = self._settings.longest_wait_s
        # 2**attempt grows beyond any float long before it matters
        doubled = self._settings.first_wait_s * 2.0 ** min(attempt, 60)
        return min(longest, doubled if asked_s is None else max(asked_s, doubled))

    def _send(self, texts: Sequence[str]) -> bytes:
        settings = self._settings
        body: dict[str, Any] = {"model": settings.model, "input": list(texts)}
        body["encoding_format"] = settings.encoding_format
        if settings.dimensions is not None:
            body["dimensions"] = settings.dimensions
        request = urllib.request.Request(self._url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        key = settings.key()
        if key is not None:
            request.add_unredirected_header("Authorization", f"Bearer {key}")
        try:
            with self._opener.open(request, timeout=settings.timeout_s) as answer:
                return _read(answer, settings.timeout_s)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refused(error, key) from None
        except TimeoutError:
            raise _Passing(f"no answer within {settings.timeout_s:g} s") from None
        except (urllib.error.URLError, http.client.HTTPException, ConnectionError) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise MatryoError(f"{self._url} has a certificate that cannot be trusted: {reason}; {_TRUST}") from None
            if isinstance(reason, TimeoutError):
                raise _Passing(f"no connection within {settings.timeout_s:g} s") from None
            raise _Passing(f"the connection failed ({type(reason).__name__}: {reason})") from None

    def _refused(self, error: urllib.error.HTTPError, key: str | None) -> Exception:
        said = _message(error, self._settings.timeout_s)
        # some services repeat the key they were given
        said = said.replace(key, "***") if key else said
        if (error.code == _TOO_MANY and _NO_MONEY not in said) or error.code >= 500:
            return _Passing(f"status {error.code}: {said}", retry_after(error.headers))
        told = {
            401: "check the key",
            403: "check the key",
            404: "check base_url and model",
            _TOO_MANY: "no waiting helps, see to the account",
        }.get(error.code, "correct the settings or the texts")
        if 300 <= error.code < 400:
            told = f"it points to {error.headers.get('Location', 'another place')}; set base_url to the right place"
        return MatryoError(
            f"{self._url} refused the request with status {error.code}: {said}; {told} (what was answered before is "
            "kept)"
        )


def retry_after(headers: Message) -> float | None:
    """Seconds a service asks to wait, None if it does not say so in a form that can be read.

    >>> said = Message()
    >>> said["Retry-After"] = "2.5"
    >>> retry_after(said)
    2.5
    """
    said = headers.get("Retry-After", "").strip()
    try:
        seconds = float(said)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(said).timestamp() - time.time()
        except ValueError:
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _read(answer: Any, timeout_s: float) -> bytes:
    """The whole body; a timeout of the socket alone would let an answer drip in for ever."""
    latest, pieces = time.monotonic() + timeout_s, []
    while piece := answer.read1(_READ_BYTES):
        pieces.append(piece)
        if time.monotonic() > latest:
            raise TimeoutError
    content = b"".join(pieces)
    stated = answer.headers.get("Content-Length")
    if stated is not None and len(content) < int(stated):
        raise http.client.IncompleteRead(content, int(stated) - len(content))
    return content


def _message(error: urllib.error.HTTPError, timeout_s: float) -> str:
    """What a refusal says, in one short line: the message of OpenAI's form, else the body as it is."""
    try:
        text = _read(error, timeout_s).decode("utf-8", "replace")
    except (TimeoutError, http.client.HTTPException, ConnectionError):
        text = ""
    try:
        told = json.loads(text)["error"]
        text = f"{told['code']}: {told['message']}" if told.get("code") else str(told["message"])
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    text = " ".join(text.split()) or error.reason
    return text if len(text) <= 300 else f"{text[:297]}..."
