"""Curves, comparisons and the stored results of a run.

The curves load when they are first used, because reading results needs no search.
"""

from typing import TYPE_CHECKING, Any

from matryo.evaluation.queries import Queries
from matryo.evaluation.results import RunResults
from matryo.evaluation.score import Score

if TYPE_CHECKING:
    from matryo.evaluation.curve import curve_of_hits, retrieval_curve
    from matryo.evaluation.sts import sts_curve

__all__ = ["Queries", "RunResults", "Score", "curve_of_hits", "retrieval_curve", "sts_curve"]


def __getattr__(name: str) -> Any:
    """Load what searches on first use."""
    if name in {"curve_of_hits", "retrieval_curve"}:
        from matryo.evaluation import curve

        return getattr(curve, name)
    if name == "sts_curve":
        from matryo.evaluation.sts import sts_curve

        return sts_curve
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
