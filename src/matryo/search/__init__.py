"""Search: exact at one dim or at every dim in one pass, BM25, and passages by id."""

from matryo.search.base import Index
from matryo.search.bm25 import BM25
from matryo.search.exact import search_dim, search_prefixes
from matryo.search.exact_index import ExactIndex
from matryo.search.passages import Passages, build_passages
from matryo.search.scaled import ScaledRows

__all__ = ["BM25", "ExactIndex", "Index", "Passages", "ScaledRows", "build_passages", "search_dim", "search_prefixes"]
