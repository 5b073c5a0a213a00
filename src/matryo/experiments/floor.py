"""BM25 as the floor of a comparison: what plain word matching reaches on the same task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matryo.data.retrieval import Retrieval
from matryo.evaluation.curve import curve_of_hits, search_depth
from matryo.evaluation.score import Score
from matryo.measures.judged import judge
from matryo.measures.measure import Measure
from matryo.search import BM25

FLOOR = "bm25"


@dataclass(frozen=True)
class Floor:
    """What BM25 reached and with which settings.

    Attributes:
        scores: one per measure, at dim 0 because there are no vectors.
        settings: k1, b and tokeniser, as JSON values.
    """

    scores: list[Score]
    settings: Mapping[str, Any]


def bm25_floor(task: Retrieval, measures: Sequence[Measure], *, seed: int) -> Floor:
    """Scores of BM25 on a task.

    Args:
        task: texts, judgements and groups.
        measures: what to measure.
        seed: of the bootstrap.

    Returns: Floor, its scores with map and model "bm25".
    """
    index = BM25.build([text.text for text in task.documents])
    hits = index.search([text.text for text in task.queries], search_depth(measures))
    judged = judge(task.judgements, task.queries.ids(), task.documents.ids())
    scores = curve_of_hits(
        {0: hits}, judged, measures, groups=task.groups, dataset=task.name, model=FLOOR, map=FLOOR, seed=seed
    )
    return Floor(scores, index.settings)
