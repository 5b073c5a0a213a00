"""matryo: embeddings that can be cut.

Train, adapt, verify, store and search text embeddings whose first K numbers are themselves a good embedding. The names
below load when they are first used: importing the package needs NumPy only.

>>> import numpy as np
>>> import matryo
>>> matryo.cut(np.array([[3.0, 4.0, 12.0]]), 2)
array([[0.6, 0.8]])
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from matryo.errors import FormatError, MatryoError, MissingExtra, NotFittedError, ShapeError, SpaceError
from matryo.hits import Hits, merge
from matryo.prefix import check_dims, cut, prefix_norms, unit_rows
from matryo.space import Space

if TYPE_CHECKING:
    from matryo.collections import encode_folder
    from matryo.data import Pairs, Retrieval, Texts, open_retrieval, read_pairs, stdlib_pairs
    from matryo.data.view_files import read_view_file, read_view_tables
    from matryo.data.views import View, Views, split_views
    from matryo.embeddings import EmbeddingSet
    from matryo.encoders import Encoder, MappedEncoder, encode_to_set, export_model, load_encoder, save_model
    from matryo.encoders.cards_file import read_cards
    from matryo.encoders.cutting import cut_encoder
    from matryo.encoders.domains import DomainEncoder
    from matryo.encoders.guard import check_cut
    from matryo.evaluation import Score, retrieval_curve
    from matryo.evaluation.geometry import measure_geometry
    from matryo.evaluation.identity import measure_identity
    from matryo.evaluation.leak_audit import audit_leaks
    from matryo.losses import NestedLoss, nested_info_nce
    from matryo.maps import (
        MatrixMap,
        compatible,
        fit_full_head,
        fit_linear,
        fit_mlp,
        fit_nested_head,
        fit_procrustes,
        fit_ridge,
        fit_rotation,
        load_map,
    )
    from matryo.measures import Measure, evaluate, judge, recommend_dim
    from matryo.search import (
        BM25,
        ExactIndex,
        FaissIndex,
        FunnelIndex,
        Passages,
        QuantizedIndex,
        calibrate,
        load_index,
        search_prefixes,
    )
    from matryo.search.stores import ChromaStore, MilvusStore
    from matryo.training.identity import train_identity
    from matryo.training.identity_methods import IdentityMethod
    from matryo.training.identity_settings import IdentityTrainSettings
    from matryo.training.methods import Arm
    from matryo.training.mining import mine_negatives
    from matryo.training.rows import training_rows
    from matryo.training.settings import LossSettings, MineSettings, TrainSettings
    from matryo.training.train import train

_HOMES = {
    "matryo.collections": ("encode_folder",),
    "matryo.data": ("Pairs", "Retrieval", "Texts", "open_retrieval", "read_pairs", "stdlib_pairs"),
    "matryo.data.view_files": ("read_view_file", "read_view_tables"),
    "matryo.data.views": ("View", "Views", "split_views"),
    "matryo.embeddings": ("EmbeddingSet",),
    "matryo.encoders": ("Encoder", "MappedEncoder", "encode_to_set", "export_model", "load_encoder", "save_model"),
    "matryo.encoders.cards_file": ("read_cards",),
    "matryo.encoders.cutting": ("cut_encoder",),
    "matryo.encoders.domains": ("DomainEncoder",),
    "matryo.encoders.guard": ("check_cut",),
    "matryo.evaluation": ("Score", "retrieval_curve"),
    "matryo.evaluation.geometry": ("measure_geometry",),
    "matryo.evaluation.identity": ("measure_identity",),
    "matryo.evaluation.leak_audit": ("audit_leaks",),
    "matryo.losses": ("NestedLoss", "nested_info_nce"),
    "matryo.maps": (
        "MatrixMap",
        "compatible",
        "fit_full_head",
        "fit_linear",
        "fit_mlp",
        "fit_nested_head",
        "fit_procrustes",
        "fit_ridge",
        "fit_rotation",
        "load_map",
    ),
    "matryo.measures": ("Measure", "evaluate", "judge", "recommend_dim"),
    "matryo.search": (
        "BM25",
        "ExactIndex",
        "FaissIndex",
        "FunnelIndex",
        "Passages",
        "QuantizedIndex",
        "calibrate",
        "load_index",
        "search_prefixes",
    ),
    "matryo.search.stores": ("ChromaStore", "MilvusStore"),
    "matryo.training.identity": ("train_identity",),
    "matryo.training.identity_methods": ("IdentityMethod",),
    "matryo.training.identity_settings": ("IdentityTrainSettings",),
    "matryo.training.methods": ("Arm",),
    "matryo.training.mining": ("mine_negatives",),
    "matryo.training.rows": ("training_rows",),
    "matryo.training.settings": ("LossSettings", "MineSettings", "TrainSettings"),
    "matryo.training.train": ("train",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "BM25",
    "Arm",
    "ChromaStore",
    "DomainEncoder",
    "EmbeddingSet",
    "Encoder",
    "ExactIndex",
    "FaissIndex",
    "FormatError",
    "FunnelIndex",
    "Hits",
    "IdentityMethod",
    "IdentityTrainSettings",
    "LossSettings",
    "MappedEncoder",
    "MatrixMap",
    "MatryoError",
    "Measure",
    "MilvusStore",
    "MineSettings",
    "MissingExtra",
    "NestedLoss",
    "NotFittedError",
    "Pairs",
    "Passages",
    "QuantizedIndex",
    "Retrieval",
    "Score",
    "ShapeError",
    "Space",
    "SpaceError",
    "Texts",
    "TrainSettings",
    "View",
    "Views",
    "audit_leaks",
    "calibrate",
    "check_cut",
    "check_dims",
    "compatible",
    "cut",
    "cut_encoder",
    "encode_folder",
    "encode_to_set",
    "evaluate",
    "export_model",
    "fit_full_head",
    "fit_linear",
    "fit_mlp",
    "fit_nested_head",
    "fit_procrustes",
    "fit_ridge",
    "fit_rotation",
    "judge",
    "load_encoder",
    "load_index",
    "load_map",
    "measure_geometry",
    "measure_identity",
    "merge",
    "mine_negatives",
    "nested_info_nce",
    "open_retrieval",
    "prefix_norms",
    "read_cards",
    "read_pairs",
    "read_view_file",
    "read_view_tables",
    "recommend_dim",
    "retrieval_curve",
    "save_model",
    "search_prefixes",
    "split_views",
    "stdlib_pairs",
    "train",
    "train_identity",
    "training_rows",
    "unit_rows",
]

try:
    __version__ = version("matryo")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+unknown"


def __getattr__(name: str) -> Any:
    """Load a public name on first use."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'matryo' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    """Public names, also those not loaded yet."""
    return sorted({*globals(), *__all__})
