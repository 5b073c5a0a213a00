"""A model's own tokens: how many a text has, and texts split into pieces of so many."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from matryo.encoders.base import Encoder
from matryo.errors import MatryoError

# An encoding holds ten times what its text does, so few at a time.
_TEXTS_AT_A_TIME = 256


@final
class Tokens:
    """The tokenizer of an encoder, without its limits, special tokens left out."""

    def __init__(self, tokenizer: Any) -> None:
        """Copy a `tokenizers.Tokenizer`, so that the model's own keeps its settings."""
        self._tokenizer = type(tokenizer).from_str(tokenizer.to_str())
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    @classmethod
    def of(cls, encoder: Encoder) -> "Tokens | None":
        """Tokens of an encoder, None if it has no tokenizer that can be asked."""
        # a map or a cut lies around the encoder that reads
        while isinstance(inner := getattr(encoder, "encoder", None), Encoder):
            encoder = inner
        tokenizer = getattr(getattr(encoder, "model", None), "tokenizer", None)
        tokenizer = getattr(tokenizer, "backend_tokenizer", tokenizer)
        return cls(tokenizer) if hasattr(tokenizer, "encode_batch_fast") else None

    def count(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Tokens of each text, (n,) int64, also those beyond what the model reads."""
        counts = np.empty(len(texts), dtype=np.int64)
        for first in range(0, len(texts), _TEXTS_AT_A_TIME):
            some = list(texts[first : first + _TEXTS_AT_A_TIME])
            found = self._tokenizer.encode_batch_fast(some, add_special_tokens=False)
            counts[first : first + len(some)] = [len(encoding.ids) for encoding in found]
        return counts

    def spans(self, text: str, size: int, overlap: int = 0) -> list[tuple[int, int]]:
        """Where to cut a text into pieces of at most `size` tokens, each starting with the former's last `overlap`.

        The pieces are parts of the text as it stands, spaces included, and together cover it. Read alone, a piece that
        starts inside a word can have a token more than it was cut to.

        Args:
            text: any text.
            size: tokens of a piece.
            overlap: tokens that two neighbours share.

        Returns: first character of each piece, and the one behind its last; at least one piece.
        Raises: MatryoError if size or overlap are out of range.
        """
        check_split(size, overlap)
        starts = [start for start, _ in self._tokenizer.encode(text, add_special_tokens=False).offsets]
        # the letters before the first token belong to it; a normaliser can put a token before its neighbour
        borders = [*np.maximum.accumulate([0, *starts[1:]]).tolist(), len(text)]
        n_tokens, pieces = len(borders) - 1, []
        for first in range(0, n_tokens, size - overlap):
            last = min(first + size, n_tokens)
            pieces.append((borders[first], borders[last]))
            if last == n_tokens:
                break
        return [(start, stop) for start, stop in pieces if start < stop] or [(0, len(text))]


def check_split(size: int, overlap: int) -> None:
    """Refuse pieces that cannot be cut.

    Raises: MatryoError.
    """
    if size < 1 or not 0 <= overlap < size:
        raise MatryoError(
            f"pieces need at least 1 token and an overlap below their size, got {size} and {overlap}; "
            "try --split-tokens 256 --overlap 32"
        )
