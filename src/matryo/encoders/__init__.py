"""Encoders: texts become vectors of one space.

Names that need torch load when they are first used, because the contract itself needs NumPy only.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from matryo.encoders.base import ROLES, Encoder, Role

if TYPE_CHECKING:
    from matryo.encoders.api import ApiEncoder
    from matryo.encoders.api_cost import CostEstimate
    from matryo.encoders.api_settings import ApiSettings
    from matryo.encoders.cards import Card, Cards
    from matryo.encoders.cards_file import read_cards
    from matryo.encoders.cutting import cut_encoder
    from matryo.encoders.declared import Declared, read_declared
    from matryo.encoders.guard import Leave, check_cut
    from matryo.encoders.layers import layer_encoder
    from matryo.encoders.loading import PACKAGED, load_encoder
    from matryo.encoders.lsa import LsaEncoder, fit_lsa, load_lsa
    from matryo.encoders.mapped import MappedEncoder
    from matryo.encoders.model import ModelEncoder
    from matryo.encoders.notes import Matryoshka, read_matryoshka
    from matryo.encoders.saving import export_model, save_model
    from matryo.encoders.start import write_start
    from matryo.encoders.streaming import encode_to_set
    from matryo.encoders.tiny import build_tiny

__all__ = [
    "PACKAGED",
    "ROLES",
    "ApiEncoder",
    "ApiSettings",
    "Card",
    "Cards",
    "CostEstimate",
    "Declared",
    "Encoder",
    "Leave",
    "LsaEncoder",
    "MappedEncoder",
    "Matryoshka",
    "ModelEncoder",
    "Role",
    "build_tiny",
    "check_cut",
    "cut_encoder",
    "encode_to_set",
    "export_model",
    "fit_lsa",
    "layer_encoder",
    "load_encoder",
    "load_lsa",
    "read_cards",
    "read_declared",
    "read_matryoshka",
    "save_model",
    "write_start",
]

_FILES = {
    "api": ("ApiEncoder",),
    "api_cost": ("CostEstimate",),
    "api_settings": ("ApiSettings",),
    "cards": ("Card", "Cards"),
    "cards_file": ("read_cards",),
    "cutting": ("cut_encoder",),
    "declared": ("Declared", "read_declared"),
    "guard": ("Leave", "check_cut"),
    "layers": ("layer_encoder",),
    "loading": ("PACKAGED", "load_encoder"),
    "lsa": ("LsaEncoder", "fit_lsa", "load_lsa"),
    "mapped": ("MappedEncoder",),
    "model": ("ModelEncoder",),
    "notes": ("Matryoshka", "read_matryoshka"),
    "saving": ("export_model", "save_model"),
    "start": ("write_start",),
    "streaming": ("encode_to_set",),
    "tiny": ("build_tiny",),
}
_FILE_OF = {name: file for file, names in _FILES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load what needs torch on first use."""
    if name not in _FILE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_FILE_OF[name]}"), name)
