"""Curves, comparisons and the stored results of a run."""

from matryo.evaluation.comparisons import differences, pool_seeds, recommend, share_of, shares
from matryo.evaluation.curve import curve_of_hits, retrieval_curve
from matryo.evaluation.queries import Queries
from matryo.evaluation.records import Difference, Recommended, Share
from matryo.evaluation.results import ExtraTable, RunResults
from matryo.evaluation.score import PLAIN_CUT, Arm, Score
from matryo.evaluation.sts import sts_curve

__all__ = [
    "PLAIN_CUT",
    "Arm",
    "Difference",
    "ExtraTable",
    "Queries",
    "Recommended",
    "RunResults",
    "Score",
    "Share",
    "curve_of_hits",
    "differences",
    "pool_seeds",
    "recommend",
    "retrieval_curve",
    "share_of",
    "shares",
    "sts_curve",
]
