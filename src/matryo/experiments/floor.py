"""BM25 as the floor of a comparison: what plain word matching reaches on the same task."""

from matryo.data.retrieval import Retrieval
from matryo.evaluation.curve import curve_of_hits
from matryo.evaluation.queries import Queries
from matryo.evaluation.score import Score
from matryo.measures.judged import judge
from matryo.measures.measure import Measure
from matryo.search import BM25

FLOOR = "bm25"


def bm25_floor(task: Retrieval, measure: Measure, queries: Queries, *, seed: int) -> Score:
    """Score of BM25 on a task, at dim 0 because it has no vectors.

    Args:
        task: the texts and judgements.
        measure: what to measure.
        queries: the task's queries with their groups, in its order.
        seed: of the bootstrap.

    Returns: Score with map "bm25" and model "bm25".
    """
    index = BM25.build([text.text for text in task.documents])
    hits = index.search([text.text for text in task.queries], measure.k or len(task.documents))
    judged = judge(task.judgements, list(queries.ids), task.documents.ids())
    groups = dict(zip(queries.ids, queries.groups, strict=True))
    (score,) = curve_of_hits(
        {0: hits}, judged, [measure], groups=groups, dataset=task.name, model=FLOOR, map=FLOOR, seed=seed
    )
    return score
