"""From the answer of an embedding service to rows of length 1, or one line that says what is wrong with it."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matryo.errors import FormatError, ShapeError
from matryo.prefix import row_norms, unit_rows


@dataclass(frozen=True)
class Answer:
    """What one request gave.

    Attributes:
        vectors: (n, width) float32, rows of length 1, in the order of the texts.
        n_tokens: tokens the service counted, None if it does not tell.
    """

    vectors: NDArray[np.float32]
    n_tokens: int | None


def read_answer(content: bytes, n_texts: int, width: int, service: str) -> Answer:
    """Read the body of an answer.

    Args:
        content: JSON: "data", a list of objects with "index" and "embedding" (numbers, or base64 of little-endian
            float32), in any order; "usage" with the tokens.
        n_texts: texts that were sent.
        width: length of a vector.
        service: who answered, for messages.

    Returns: the vectors in the order of the texts.
    Raises: FormatError if it is no such answer or a text has no vector or two; ShapeError if a vector has another
        width, is not finite or zero.
    """
    try:
        told = json.loads(content)
        rows = [(item["index"], item["embedding"]) for item in told["data"]]
    except (ValueError, KeyError, TypeError) as error:
        raise FormatError(
            f"{service} answered with no list of embeddings ({type(error).__name__}: {_short(content)}); "
            "check base_url, which must lead to an OpenAI-compatible /embeddings"
        ) from None
    places = [place for place, _ in rows]
    if not all(type(place) is int for place in places) or sorted(places) != list(range(n_texts)):
        raise FormatError(
            f"{service} gave {len(rows)} vectors for {n_texts} texts, with the indices {_short(places)}; every text "
            "needs one vector; try a smaller max_texts"
        )
    vectors = np.empty((n_texts, width), dtype=np.float32)
    for place, stored in rows:
        numbers = _numbers(stored, service)
        if numbers.shape != (width,):
            raise ShapeError(
                f"{service} gave a vector of {numbers.size} numbers for text {place} of a request, expected {width}; "
                "correct width, or dimensions if the service can shorten"
            )
        vectors[place] = numbers
    _check_rows(vectors, service)
    return Answer(unit_rows(vectors), _tokens(told))


def _numbers(stored: Any, service: str) -> NDArray[np.float32]:
    """One vector, as numbers or as base64: some servers send numbers whatever they are asked for."""
    try:
        if isinstance(stored, str):
            return np.frombuffer(base64.b64decode(stored, validate=True), dtype="<f4")
        # a number too large for float32 becomes infinite and is refused as such
        with np.errstate(over="ignore"):
            return np.asarray(stored, dtype=np.float64).astype(np.float32)
    except (binascii.Error, ValueError, TypeError) as error:
        raise FormatError(
            f"{service} gave an embedding that is neither numbers nor base64 of float32 ({error}): {_short(stored)}; "
            "try the other encoding_format"
        ) from None


def _check_rows(vectors: NDArray[np.float32], service: str) -> None:
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise ShapeError(
            f"{service} gave NaN or infinity in {len(bad)} of {len(vectors)} vectors (first: text {bad[0]} of a "
            "request); the service is at fault, nothing of this answer is kept"
        )
    zero = np.flatnonzero(row_norms(vectors) == 0.0)
    if len(zero):
        raise ShapeError(
            f"{service} gave {len(zero)} of {len(vectors)} vectors that are all zero (first: text {zero[0]} of a "
            "request), which have no direction; the service is at fault, nothing of this answer is kept"
        )


def _tokens(told: Any) -> int | None:
    usage = told.get("usage")
    count = usage.get("total_tokens", usage.get("prompt_tokens")) if isinstance(usage, dict) else None
    return count if type(count) is int and count >= 0 else None


def _short(value: Any) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= 120 else f"{text[:117]}..."
