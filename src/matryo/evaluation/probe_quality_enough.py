"""How many queries a verdict on quality takes, and which measures can judge a cut at all."""

import math

from matryo.errors import MatryoError
from matryo.measures.measure import Measure
from matryo.measures.recommend import Recommendation, queries_for

MIN_QUERIES = 20
# these ask whether an answer is among the first k, not where
_UNORDERED = ("recall", "hit", "P")


def check_enough_queries(n: int, dataset: str) -> None:
    """Refuse so few queries that nothing could be decided, before anybody encodes anything for them.

    Raises: MatryoError below 20.
    """
    if n < MIN_QUERIES:
        raise MatryoError(
            f"{dataset}: a verdict on quality needs at least {MIN_QUERIES} queries with a relevant document, got {n}; "
            "a few hundred decide 95 %, or give texts alone for the geometry"
        )


def check_can_differ(measure: Measure, n_documents: int, dataset: str) -> None:
    """Refuse a measure that any order of the documents satisfies, since it would call every cut harmless.

    Raises: MatryoError.
    """
    if measure.name in _UNORDERED and measure.k is not None and measure.k >= n_documents:
        raise MatryoError(
            f"{dataset}: {measure} is the same for every order of {n_documents:,} documents, so that it cannot judge a "
            "cut; choose a smaller cutoff or nDCG@10"
        )


def queries_needed(found: Recommendation) -> int | None:
    """About how many queries would have decided for the first dim that failed, were its mean share to stay.

    The distance of the lower bound to the mean shrinks with the square root of n. None if no dim failed, if the mean
    itself lies below the share asked, so that more queries do not help, or if there is no bound.
    """
    failed = next((step for step in found.tested if step.passed is False), None)
    if failed is None or failed.ratio.value <= found.share or not math.isfinite(failed.lower_bound):
        return None
    shrunk = (failed.ratio.value - failed.lower_bound) / (failed.ratio.value - found.share)
    return max(queries_for(found.share, found.level), math.ceil(found.n * shrunk**2))
