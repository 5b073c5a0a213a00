"""Long texts split into pieces of a model's tokens; where they were split is kept, so that no model is needed again."""

from collections.abc import Callable
from pathlib import Path
from typing import final

from matryo.collections.stored import text_digest
from matryo.encoders.tokens import Tokens
from matryo.errors import FormatError
from matryo.files import read_json, write_json

PIECES_FILE = "pieces.json"


@final
class Splitter:
    """Splits texts, each once: borders of pieces are remembered by the text's digest, also from run to run."""

    def __init__(self, out: Path, size: int, overlap: int, tokens: Callable[[], Tokens]) -> None:
        """Read what earlier runs have split.

        Args:
            out: folder of the sets, all of one model and one size of pieces.
            size: tokens of a piece.
            overlap: tokens that neighbours share.
            tokens: gives the model's tokens, asked for only if a text is new.
        """
        self._path, self._size, self._overlap, self._tokens = out / PIECES_FILE, size, overlap, tokens
        stored = read_json(self._path, "the borders of pieces") if self._path.exists() else {}
        if not isinstance(stored, dict):
            raise FormatError(f"{self._path} must hold an object; delete it, then the texts are split anew")
        self._before: dict[str, list[int]] = stored
        self._borders: dict[str, list[int]] = {}

    def __call__(self, name: str, text: str) -> list[tuple[str, str]]:
        """Ids and texts of the pieces: `name#0`, `name#1`, ..., also of a text that is one piece."""
        key = text_digest(text).hex()
        borders = self._borders.get(key) or self._before.get(key)
        if borders is None:
            borders = [border for span in self._tokens().spans(text, self._size, self._overlap) for border in span]
        self._borders[key] = borders
        spans = zip(borders[::2], borders[1::2], strict=True)
        return [(f"{name}#{place}", text[start:stop]) for place, (start, stop) in enumerate(spans)]

    def save(self) -> None:
        """Keep the borders of the texts that the tree has now."""
        if self._borders != self._before:
            write_json(self._path, self._borders)
            self._before = self._borders
