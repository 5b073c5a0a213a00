"""Measures judge a result, higher is better; statistics say how sure one may be of them."""

from matryo.measures.cka import CkaTest, cka_test, linear_cka
from matryo.measures.cka_prefixes import PrefixCka, prefix_cka
from matryo.measures.edits import edit_counts, edit_shares
from matryo.measures.judged import Judged, judge
from matryo.measures.kernels import KernelPair, kernel_matrix, kernel_pair
from matryo.measures.list_agreement import ListAgreement, compare_lists
from matryo.measures.matching import Matched, match, match_both_ways
from matryo.measures.measure import Measure
from matryo.measures.neighbours import (
    Different,
    chance_overlap,
    jaccard,
    most_different,
    mutual_neighbours,
    nearest_among,
    nearest_neighbours,
)
from matryo.measures.rank_overlap import rank_harmonic, rbo, rbo_lists
from matryo.measures.ranking import evaluate
from matryo.measures.regression import Regression, measure_regression, r2_interval
from matryo.measures.resemblance import Resemblance, measure_resemblance
from matryo.measures.statistics import (
    Interval,
    Recommendation,
    bootstrap_difference,
    bootstrap_mean,
    bootstrap_ratio,
    recommend_dim,
)

__all__ = [
    "CkaTest",
    "Different",
    "Interval",
    "Judged",
    "KernelPair",
    "ListAgreement",
    "Matched",
    "Measure",
    "PrefixCka",
    "Recommendation",
    "Regression",
    "Resemblance",
    "bootstrap_difference",
    "bootstrap_mean",
    "bootstrap_ratio",
    "chance_overlap",
    "cka_test",
    "compare_lists",
    "edit_counts",
    "edit_shares",
    "evaluate",
    "jaccard",
    "judge",
    "kernel_matrix",
    "kernel_pair",
    "linear_cka",
    "match",
    "match_both_ways",
    "measure_regression",
    "measure_resemblance",
    "most_different",
    "mutual_neighbours",
    "nearest_among",
    "nearest_neighbours",
    "prefix_cka",
    "r2_interval",
    "rank_harmonic",
    "rbo",
    "rbo_lists",
    "recommend_dim",
]
