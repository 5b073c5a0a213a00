"""What a model's own files say of its dims, each claim with the file and the words it was found in."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matryo.encoders.notes import NOTES_FILE, matryoshka_of
from matryo.errors import FormatError
from matryo.files import read_json

_CONFIG, _README, _MODULES = "config.json", "README.md", "modules.json"
_SETTINGS = "config_sentence_transformers.json"
# what sentence-transformers writes into the card of a model that was trained with its MatryoshkaLoss
_TRAINED_DIMS = re.compile(r'"?matryoshka_dims"?\s*[:=]\s*\[([\d\s,]+)\]')
# the words by which people recognise such a model; MRL in capitals only
_WORDS = re.compile(
    r"(?P<word>(?i:matryoshka|matroyshka|truncate_dim|(?:variable|flexible|elastic|adjustable)\s+(?:\w+\s+)?dimension)|\bMRL\b)"
)
_SHOWN = 120


@dataclass(frozen=True)
class Claim:
    """One claim.

    Attributes:
        file: name of the file in the folder.
        words: where in it, as it stands there, at most one line.
        dims: lengths that it names, rising; None if it names none.
        matryoshka: True = says that shorter vectors may be used, False = says that they may not, None = only mentions
            the subject.
    """

    file: str
    words: str
    dims: tuple[int, ...] | None = None
    matryoshka: bool | None = None

    def __str__(self) -> str:
        """The file and the words."""
        return f"{self.file}: {self.words}"


@dataclass(frozen=True)
class Declared:
    """Everything that a model folder says of its dims.

    Attributes:
        folder: where it was read.
        claims: in the order of the files.
    """

    folder: Path
    claims: tuple[Claim, ...]

    @property
    def dims(self) -> tuple[int, ...] | None:
        """Lengths that every list in the folder names, rising; None if no file lists any."""
        lists = [set(claim.dims) for claim in self.claims if claim.dims is not None]
        return tuple(sorted(set.intersection(*lists))) if lists else None

    @property
    def denied(self) -> Claim | None:
        """The claim that shorter vectors may not be used, if there is one."""
        return next((claim for claim in self.claims if claim.matryoshka is False), None)

    @property
    def named(self) -> Claim | None:
        """The first claim that lists dims."""
        return next((claim for claim in self.claims if claim.dims is not None), None)


def read_declared(folder: Path | str) -> Declared:
    """Read what a model folder says of its dims; nothing is loaded and no code is run.

    Looks into `matryo.json`, the keys of this package and of vLLM in `config.json`, the settings and modules of
    sentence-transformers, and the model's card in `README.md`.

    Raises: FormatError if a JSON file is there but unreadable, or lists no whole numbers.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FormatError(f"{folder} is no folder; pass a model folder, or load the model by its hub id once before")
    claims = [
        *_from_ours(folder / NOTES_FILE),
        *_from_ours(folder / _CONFIG),
        *_from_vllm(folder / _CONFIG),
        *_from_settings(folder / _SETTINGS),
        *_from_modules(folder / _MODULES),
        *_from_readme(folder / _README),
    ]
    return Declared(folder, tuple(claims))


def snapshot_folder(hub: str) -> Path | None:
    """Folder in the cache of the Hugging Face hub that holds a model, None if it was never downloaded."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(hub, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None


def _from_ours(path: Path) -> Iterator[Claim]:
    stored = _object(path)
    dims = matryoshka_of(stored, path).dims
    if dims is not None:
        yield Claim(path.name, f"matryoshka_dims {list(dims)}", dims, True)


def _from_vllm(path: Path) -> Iterator[Claim]:
    stored = _object(path)
    listed, is_one = stored.get("matryoshka_dimensions"), stored.get("is_matryoshka")
    if listed is not None:
        dims = matryoshka_of({"matryoshka_dims": listed}, path).dims
        yield Claim(path.name, f"matryoshka_dimensions {listed}", dims, True)
    if is_one is not None:
        yield Claim(
            path.name, f"is_matryoshka {is_one}".replace("True", "true").replace("False", "false"), None, is_one
        )


def _from_settings(path: Path) -> Iterator[Claim]:
    if (dim := _object(path).get("truncate_dim")) is not None:
        yield Claim(path.name, f"truncate_dim {dim}")


def _from_modules(path: Path) -> Iterator[Claim]:
    stored = read_json(path, "the list of a model's modules") if path.is_file() else []
    for module in stored if isinstance(stored, list) else []:
        kind = module.get("type") if isinstance(module, dict) else None
        if isinstance(kind, str) and re.search("matryoshka|truncat", kind, re.IGNORECASE):
            yield Claim(path.name, f"a module of type {kind}")


def _from_readme(path: Path) -> Iterator[Claim]:
    if not path.is_file():
        return
    text = _without_header(path.read_text(encoding="utf-8", errors="replace"))
    if found := _TRAINED_DIMS.search(text):
        dims = tuple(sorted({int(word) for word in found[1].replace(",", " ").split()} - {0}))
        yield Claim(path.name, " ".join(found[0].split()), dims or None, True)
    seen: set[str] = set()
    for line in text.splitlines():
        for match in _WORDS.finditer(line):
            if (word := match["word"].lower()) not in seen:
                seen.add(word)
                yield Claim(path.name, _around(line, match.start()))


def _without_header(text: str) -> str:
    """A card without the block of keys above it, where benchmarks fill thousands of lines."""
    if not text.startswith("---"):
        return text
    end = text.find("\n---", 3)
    return text if end < 0 else text[end + 4 :]


def _around(line: str, place: int) -> str:
    start = max(0, min(place - _SHOWN // 2, len(line) - _SHOWN))
    part = " ".join(line[start : start + _SHOWN].split())
    return f"{'...' if start else ''}{part}{'...' if start + _SHOWN < len(line) else ''}"


def _object(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
    stored = read_json(path, "a JSON object")
    if not isinstance(stored, dict):
        raise FormatError(f"{path} holds {type(stored).__name__}, expected a JSON object; restore it")
    return stored
