"""A map on disk: its numbers as safetensors, then `map.json`, whose digest the numbers must match."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matryo import files
from matryo.errors import FormatError, MatryoError

FORMAT = 1
MANIFEST = "map.json"
NUMBERS = "map.safetensors"


def write_map(folder: str | Path, numbers: Mapping[str, NDArray[np.float32]], manifest: Mapping[str, Any]) -> None:
    """Write `map.safetensors`, then `map.json`.

    Args:
        folder: new, empty, or of an earlier map, which is replaced.
        numbers: tensors by name.
        manifest: what to state beside the format number, with "class" and "digest".

    Raises: MatryoError if the folder holds anything else than a map.
    """
    # imported here: a map that is only applied needs NumPy alone
    from safetensors.numpy import save_file

    folder = Path(folder)
    if folder.exists() and any(p.name not in {MANIFEST, NUMBERS} for p in folder.iterdir()):
        raise MatryoError(f"{folder} holds other files than a map; choose a new or empty folder")
    with files.atomic_path(folder / NUMBERS) as temporary:
        save_file({name: np.ascontiguousarray(tensor) for name, tensor in numbers.items()}, temporary)
    files.write_json(folder / MANIFEST, {"format": FORMAT, **manifest})


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """What `map.json` states.

    Raises: FormatError if it is missing, no JSON object, of another format or incomplete.
    """
    path = Path(folder) / MANIFEST
    manifest = files.read_json(path, "the manifest of a map")
    if not isinstance(manifest, dict):
        raise FormatError(f"{path} must hold a JSON object, got {type(manifest).__name__}; save the map anew")
    files.check_format(manifest.get("format"), FORMAT, path)
    missing = [name for name in ("class", "kind", "source", "target_id", "digest", "settings") if name not in manifest]
    if missing:
        raise FormatError(f"{path} lacks {', '.join(missing)}; restore it or save the map anew")
    return manifest


def read_numbers(folder: str | Path) -> dict[str, NDArray[np.float32]]:
    """The tensors of a map by name.

    Raises: FormatError if the file is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = Path(folder) / NUMBERS
    try:
        found: dict[str, NDArray[np.float32]] = load_file(path)
    except (FileNotFoundError, SafetensorError) as error:
        raise FormatError(f"{path} holds no matrix of a map ({error}); save the map anew") from None
    return found


def check_digest(digest: str, target_id: str, manifest: Mapping[str, Any], folder: str | Path) -> None:
    """Refuse a map that is not the one that its manifest was written for.

    Args:
        digest: of the numbers that were read.
        target_id: of the space that they lead into from the spaces that the manifest states.
        manifest: see `read_manifest`.
        folder: of the map, for the message.

    Raises: FormatError.
    """
    if digest != manifest["digest"]:
        raise FormatError(f"{Path(folder) / NUMBERS} does not match the digest in {MANIFEST}; save the map anew")
    if target_id != manifest["target_id"]:
        raise FormatError(f"{Path(folder) / MANIFEST} states spaces that do not give its target; save the map anew")
