"""Measures judge a result, higher is better; statistics say how sure one may be of them."""

from matryo.measures.intervals import Interval
from matryo.measures.judged import Judged, judge
from matryo.measures.measure import Measure
from matryo.measures.ranking import evaluate
from matryo.measures.recommend import Recommendation, recommend_dim
from matryo.measures.similarity import cosine_rows, pearson, spearman
from matryo.measures.statistics import bootstrap_difference, bootstrap_mean, bootstrap_ratio

__all__ = [
    "Interval",
    "Judged",
    "Measure",
    "Recommendation",
    "bootstrap_difference",
    "bootstrap_mean",
    "bootstrap_ratio",
    "cosine_rows",
    "evaluate",
    "judge",
    "pearson",
    "recommend_dim",
    "spearman",
]
