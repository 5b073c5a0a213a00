"""Measures judge a result, higher is better; statistics say how sure one may be of them."""

from matryo.measures.judged import Judged, judge
from matryo.measures.measure import Measure
from matryo.measures.ranking import evaluate
from matryo.measures.statistics import (
    Interval,
    Recommendation,
    bootstrap_difference,
    bootstrap_mean,
    bootstrap_ratio,
    recommend_dim,
)

__all__ = [
    "Interval",
    "Judged",
    "Measure",
    "Recommendation",
    "bootstrap_difference",
    "bootstrap_mean",
    "bootstrap_ratio",
    "evaluate",
    "judge",
    "recommend_dim",
]
