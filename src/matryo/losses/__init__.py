"""Losses: functions of two matrices of embeddings, and the module that puts one into a sentence-transformers training.

Importing this package imports torch.
"""

from matryo.losses.adversarial import DomainClassifier, domain_loss, reverse_gradient
from matryo.losses.columns import column_order, reorder
from matryo.losses.cut import cut
from matryo.losses.distillation import prefix_distillation
from matryo.losses.gather import gather_ids, gather_rows
from matryo.losses.identity import prefix_info_nce, prefix_mse
from matryo.losses.module import NestedLoss
from matryo.losses.nested import NestedResult, nested_info_nce
from matryo.losses.orthogonality import global_orthogonality

__all__ = [
    "DomainClassifier",
    "NestedLoss",
    "NestedResult",
    "column_order",
    "cut",
    "domain_loss",
    "gather_ids",
    "gather_rows",
    "global_orthogonality",
    "nested_info_nce",
    "prefix_distillation",
    "prefix_info_nce",
    "prefix_mse",
    "reorder",
    "reverse_gradient",
]
