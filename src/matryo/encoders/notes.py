"""What is known of a model's dims, noted in its folder: `matryo.json`, and `config.json` where re-saving keeps it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from matryo.errors import FormatError
from matryo.files import check_format, read_json
from matryo.space import Space

FORMAT = 1
NOTES_FILE = "matryo.json"
_CONFIG_FILE = "config.json"
# dims and curve are ours; the other two are what vLLM reads to allow shorter outputs
_DIMS, _CURVE, _IS, _VLLM = "matryoshka_dims", "matryoshka_curve", "is_matryoshka", "matryoshka_dimensions"
# what a model's config can claim of its prefixes
CONFIG_KEYS = (_DIMS, _CURVE, _IS, _VLLM)


@dataclass(frozen=True)
class Matryoshka:
    """What a model's maker measured.

    Attributes:
        dims: prefix lengths that may be used, rising; None = unknown.
        curve: quality at the dims, one JSON object per point, each with its "dim"; None = unknown.
    """

    dims: tuple[int, ...] | None = None
    curve: tuple[Mapping[str, Any], ...] | None = None

    def up_to(self, dim: int) -> "Matryoshka":
        """What still holds of a model cut for keeps: a prefix of a prefix is the prefix."""
        dims = None if self.dims is None else tuple(d for d in self.dims if d <= dim) or None
        curve = None if self.curve is None else tuple(p for p in self.curve if p.get("dim", dim + 1) <= dim) or None
        return replace(self, dims=dims, curve=curve)


def read_matryoshka(folder: Path | str) -> Matryoshka:
    """Read what a model folder says about its dims; what it does not say is None.

    Raises: FormatError if a file is there but unreadable.
    """
    folder = Path(folder)
    for name in (NOTES_FILE, _CONFIG_FILE):
        stored = _read_object(folder / name)
        if _DIMS in stored or _CURVE in stored:
            return matryoshka_of(stored, folder / name)
    return Matryoshka()


def matryoshka_of(stored: Mapping[str, Any], path: Path) -> Matryoshka:
    """Interpret the stored keys.

    Raises: FormatError if they are not what this package writes.
    """
    dims, curve = stored.get(_DIMS), stored.get(_CURVE)
    if not (dims is None or (isinstance(dims, list) and all(type(d) is int and d > 0 for d in dims))):
        raise FormatError(f"{path} has {_DIMS} {dims!r}, expected whole numbers of at least 1; correct or drop the key")
    if not (curve is None or (isinstance(curve, list) and all(isinstance(point, dict) for point in curve))):
        raise FormatError(f"{path} has a {_CURVE} that is no list of objects; correct or drop the key")
    return Matryoshka(None if dims is None else tuple(sorted(dims)), None if curve is None else tuple(curve))


def write_notes(
    folder: Path, known: Matryoshka, *, space: Space, read_as: str, extra: Mapping[str, Any] | None = None
) -> None:
    """Note dims, curve and space beside a model, and what survives re-saving in the transformer's own config.

    Args:
        folder: a model folder that nobody reads yet.
        known: dims and curve.
        space: space of the encoder that was saved.
        read_as: id of the space under which the folder's weights and modules alone stand.
        extra: further JSON values to keep.
    """
    noted = _keys(known)
    notes = {"format": FORMAT, **noted, "space": space.to_json(), "read_as": read_as, "extra": dict(extra or {})}
    _write(folder / NOTES_FILE, notes)
    config = folder / _CONFIG_FILE
    if config.is_file():
        kept = {k: v for k, v in _read_object(config).items() if k not in CONFIG_KEYS}
        vllm = {} if known.dims is None else {_IS: True, _VLLM: list(known.dims)}
        _write(config, {**kept, **noted, **vllm})


def read_spaces(folder: Path) -> dict[str, Space]:
    """Spaces noted in a model folder, by the id under which its weights and modules alone stand.

    Raises: FormatError if the notes are of an unknown format or unreadable.
    """
    path = folder / NOTES_FILE
    stored = _read_object(path)
    if not stored:
        return {}
    check_format(stored.get("format"), FORMAT, path)
    space, read_as = stored.get("space"), stored.get("read_as")
    if not isinstance(space, dict) or not isinstance(read_as, str):
        raise FormatError(f"{path} names no space; save the model anew or delete this file")
    return {read_as: Space.from_json(space)}


def _keys(known: Matryoshka) -> dict[str, Any]:
    noted: dict[str, Any] = {}
    if known.dims is not None:
        noted[_DIMS] = list(known.dims)
    if known.curve is not None:
        noted[_CURVE] = [dict(point) for point in known.curve]
    return noted


def _read_object(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    stored = read_json(path, "a JSON object")
    if not isinstance(stored, dict):
        raise FormatError(f"{path} holds {type(stored).__name__}, expected a JSON object; restore it")
    return stored


def _write(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def curve_points(curve: Sequence[Mapping[str, Any]] | None) -> tuple[Mapping[str, Any], ...] | None:
    """A curve as kept in `Matryoshka`.

    Raises: FormatError if a point lacks its dim.
    """
    if curve is None:
        return None
    if not all(isinstance(point.get("dim"), int) for point in curve):
        raise FormatError("every point of a curve needs its dim, a whole number; pass Score.to_json() values")
    return tuple(dict(point) for point in curve)
