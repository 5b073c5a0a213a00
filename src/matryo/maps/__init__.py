"""Maps between spaces: every map, also a rotation, leads into a new space.

Names that need torch load when they are first used, because rotation, ridge and Procrustes need NumPy only.
"""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matryo.errors import FormatError
from matryo.maps.affine import AffineMap
from matryo.maps.base import Map
from matryo.maps.folds import fold_numbers, held_out_rows
from matryo.maps.joining import Joined, join_sets, joined_sides
from matryo.maps.matrix import MatrixMap, then
from matryo.maps.mlp_map import MlpMap
from matryo.maps.procrustes import fit_procrustes
from matryo.maps.ridge import RidgeSettings, fit_nested_ridge, fit_ridge
from matryo.maps.rotation import fit_rotation, random_dims, second_moment
from matryo.maps.sides import Side, SpaceRows
from matryo.maps.storing import read_manifest
from matryo.maps.translator import Translator, check_source, compatible, imitated_id, round_trip
from matryo.maps.vectors import MappedVectors, translated

if TYPE_CHECKING:
    from matryo.maps.gradient import TrainingSettings
    from matryo.maps.head import HeadSettings, PairVectors, fit_full_head, fit_nested_head
    from matryo.maps.linear import fit_linear
    from matryo.maps.matrices import LoopSettings
    from matryo.maps.mlp import fit_mlp

__all__ = [
    "AffineMap",
    "HeadSettings",
    "Joined",
    "LoopSettings",
    "Map",
    "MappedVectors",
    "MatrixMap",
    "MlpMap",
    "PairVectors",
    "RidgeSettings",
    "Side",
    "SpaceRows",
    "TrainingSettings",
    "Translator",
    "check_source",
    "compatible",
    "fit_full_head",
    "fit_linear",
    "fit_mlp",
    "fit_nested_head",
    "fit_nested_ridge",
    "fit_procrustes",
    "fit_ridge",
    "fit_rotation",
    "fold_numbers",
    "held_out_rows",
    "imitated_id",
    "join_sets",
    "joined_sides",
    "load_map",
    "random_dims",
    "round_trip",
    "second_moment",
    "then",
    "translated",
]

_CLASSES: dict[str, type[MatrixMap] | type[AffineMap] | type[MlpMap]] = {
    "affine": AffineMap,
    "matrix": MatrixMap,
    "mlp": MlpMap,
}
_HOME_OF = {
    "HeadSettings": "head",
    "LoopSettings": "matrices",
    "PairVectors": "head",
    "TrainingSettings": "gradient",
    "fit_full_head": "head",
    "fit_linear": "linear",
    "fit_mlp": "mlp",
    "fit_nested_head": "head",
}


def load_map(folder: str | Path) -> Map:
    """Read a saved map of any class.

    Raises: FormatError if the folder holds no map, or one of a class that this version does not know.
    """
    stored = read_manifest(folder)["class"]
    if stored not in _CLASSES:
        raise FormatError(f"{folder} holds a map of class {stored!r}, accepted are {sorted(_CLASSES)}; update matryo")
    return _CLASSES[stored].load(folder)


def __getattr__(name: str) -> Any:
    """Load what needs torch on first use."""
    if name in _HOME_OF:
        return getattr(importlib.import_module(f"matryo.maps.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
