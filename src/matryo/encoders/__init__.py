"""Encoders: texts become vectors of one space.

Names that need torch load when they are first used, because the contract itself needs NumPy only.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from matryo.encoders.base import ROLES, Encoder, Role

if TYPE_CHECKING:
    from matryo.encoders.loading import PACKAGED, load_encoder
    from matryo.encoders.model import ModelEncoder

__all__ = ["PACKAGED", "ROLES", "Encoder", "ModelEncoder", "Role", "load_encoder"]

_FILES = {"loading": ("PACKAGED", "load_encoder"), "model": ("ModelEncoder",)}
_FILE_OF = {name: file for file, names in _FILES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load what needs torch on first use."""
    if name not in _FILE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_FILE_OF[name]}"), name)
