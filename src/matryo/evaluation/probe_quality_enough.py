"""How many queries a verdict on quality takes, and what fewer cannot show whatever they say.

A bootstrap draws from the queries that are there. If none of them loses anything it knows of no loss, and its bound
stands at 100 %, with twenty queries as with a thousand. But twenty queries would all be lucky now and then although a
tenth of those to come loses everything. So a share can only be shown by as many queries as would make such luck rare.
"""

import math
from dataclasses import replace

from matryo.errors import MatryoError
from matryo.evaluation.probe_quality_trained import LEVEL
from matryo.measures.measure import Measure
from matryo.measures.recommend import Recommendation

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


def queries_for(share: float) -> int:
    """Queries below which a share is not shown though none of them loses anything.

    If 1 - share of all queries lost everything, a sample of so many would hit none of them once in twenty times; a
    smaller one more often than the test may err.

    >>> [queries_for(share) for share in (0.95, 0.98, 0.99)]
    [59, 149, 299]
    """
    return math.ceil(math.log(1.0 - LEVEL) / math.log(share))


def as_shown(found: Recommendation) -> Recommendation:
    """A recommendation, or the full width if there are too few queries to show the share at any dim."""
    # the most that n queries without a single loss leave open
    detectable = max(found.detectable, 1.0 - (1.0 - LEVEL) ** (1.0 / found.n))
    if found.n >= queries_for(found.share):
        return replace(found, detectable=detectable)
    first, *rest = found.tested
    tested = (replace(first, passed=False), *(replace(step, passed=None) for step in rest))
    return replace(found, dim=found.full_dim, tested=tested, detectable=detectable)


def queries_needed(found: Recommendation) -> int | None:
    """About how many queries would have decided for the first dim that failed, were its mean share to stay.

    The distance of the lower bound to the mean shrinks with the square root of n. None if no dim failed, if the mean
    itself lies below the share asked, so that more queries do not help, or if there is no bound.
    """
    failed = next((step for step in found.tested if step.passed is False), None)
    if failed is None or failed.ratio.value <= found.share or not math.isfinite(failed.lower_bound):
        return None
    shrunk = (failed.ratio.value - failed.lower_bound) / (failed.ratio.value - found.share)
    return max(queries_for(found.share), math.ceil(found.n * shrunk**2))
