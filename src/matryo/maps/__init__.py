"""Maps between spaces: every map, also a rotation, leads into a new space.

Names that need torch load when they are first used, because a rotation needs NumPy only.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from matryo import files
from matryo.errors import FormatError
from matryo.maps.base import Map
from matryo.maps.matrix import MatrixMap, then
from matryo.maps.rotation import fit_rotation, random_dims, second_moment
from matryo.maps.vectors import MappedVectors

if TYPE_CHECKING:
    from matryo.maps.head import HeadSettings, PairVectors, fit_full_head, fit_nested_head
    from matryo.maps.matrices import LoopSettings

__all__ = [
    "HeadSettings",
    "LoopSettings",
    "Map",
    "MappedVectors",
    "MatrixMap",
    "PairVectors",
    "fit_full_head",
    "fit_nested_head",
    "fit_rotation",
    "load_map",
    "random_dims",
    "second_moment",
    "then",
]

_CLASSES = {"matrix": MatrixMap}


def load_map(folder: str | Path) -> Map:
    """Read a saved map of any class.

    Raises: FormatError if the folder holds no map, or one of a class that this version does not know.
    """
    manifest = files.read_json(Path(folder) / "map.json", "the manifest of a map")
    stored = manifest.get("class") if isinstance(manifest, dict) else None
    if stored not in _CLASSES:
        raise FormatError(f"{folder} holds a map of class {stored!r}, accepted are {sorted(_CLASSES)}; update matryo")
    return _CLASSES[stored].load(folder)


def __getattr__(name: str) -> Any:
    """Load what needs torch on first use."""
    if name in {"HeadSettings", "PairVectors", "fit_full_head", "fit_nested_head"}:
        from matryo.maps import head

        return getattr(head, name)
    if name == "LoopSettings":
        from matryo.maps.matrices import LoopSettings

        return LoopSettings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
