"""Search: exact at one dim or at every dim in one pass, funnels, few bits, FAISS, BM25, and passages by id."""

from matryo.search.base import Index, IndexFacts
from matryo.search.bm25 import BM25
from matryo.search.exact import search_dim, search_prefixes
from matryo.search.exact_index import ExactIndex
from matryo.search.faiss_index import FaissIndex
from matryo.search.funnel import FunnelIndex
from matryo.search.funnel_calibration import calibrate
from matryo.search.funnel_plan import FunnelPlan, Stage
from matryo.search.kinds import KINDS, load_index
from matryo.search.passages import Passages, build_passages
from matryo.search.quantized import QuantizedIndex
from matryo.search.scaled import ScaledRows

__all__ = [
    "BM25",
    "KINDS",
    "ExactIndex",
    "FaissIndex",
    "FunnelIndex",
    "FunnelPlan",
    "Index",
    "IndexFacts",
    "Passages",
    "QuantizedIndex",
    "ScaledRows",
    "Stage",
    "build_passages",
    "calibrate",
    "load_index",
    "search_dim",
    "search_prefixes",
]
