"""Readers and makers of texts, pairs and retrieval tasks; whatever a reader leaves out stands in its notes."""

from matryo.data.pairs import Pair, Pairs
from matryo.data.retrieval import Retrieval
from matryo.data.split import split_groups, split_pairs
from matryo.data.stdlib import stdlib_pairs
from matryo.data.texts import Text, Texts

__all__ = ["Pair", "Pairs", "Retrieval", "Text", "Texts", "split_groups", "split_pairs", "stdlib_pairs"]
