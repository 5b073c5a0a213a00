"""Losses: functions of two matrices of embeddings, and the module that puts one into a sentence-transformers training.

Importing this package imports torch.
"""

from matryo.losses.cut import cut
from matryo.losses.module import NestedLoss
from matryo.losses.nested import NestedResult, nested_info_nce

__all__ = ["NestedLoss", "NestedResult", "cut", "nested_info_nce"]
