"""Both directions searched in every gallery: the part that vectors and texts, trained systems and floors share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matryo import files
from matryo.data.views import Views
from matryo.evaluation.galleries import HARD_LABELS, SIZES, galleries, gallery_size
from matryo.evaluation.identity_measures import Search
from matryo.measures.identity import Rows, Scores, rank_partners


@dataclass(frozen=True)
class Asked:
    """What decides the galleries; systems that are to be compared must have been asked the same.

    Attributes:
        seed: of all choices.
        hard_labels: labels that make a rival hard, the weightier one first.
        sizes: of the galleries.
        max_queries: of each direction.
    """

    seed: int
    hard_labels: Sequence[str] = HARD_LABELS
    sizes: Sequence[int] = SIZES
    max_queries: int = 5_000

    def digest(self, views: Views) -> str:
        """SHA-256 over the views and these settings."""
        settings = {
            "views": views.digest(),
            "seed": self.seed,
            "hard_labels": list(self.hard_labels),
            "sizes": list(self.sizes),
            "max_queries": self.max_queries,
        }
        return files.digest_json(settings)


def direction_names(views: Views) -> tuple[str, str]:
    """Names of both directions, such as "dating->hiring" and "hiring->dating"."""
    first, second = views.domains
    return f"{first}->{second}", f"{second}->{first}"


def search_both(
    views: Views, scores: Mapping[str, Scores], asked: Asked, *, with_twins: bool
) -> dict[tuple[str, str], Search]:
    """Find the partners of all queries in all galleries, both ways.

    Args:
        views: the texts.
        scores: direction -> scores of its queries with its gallery, and with the gallery domain's twins if there are.
        asked: what decides the galleries.
        with_twins: whether the scores know twins.

    Returns: (direction, gallery) -> ranks.
    """
    twins = views.twins if with_twins else None
    sides = (
        (views.a, views.b, None if twins is None else twins[1]),
        (views.b, views.a, None if twins is None else twins[0]),
    )
    found = {}
    for direction, (queries, gallery, others) in zip(direction_names(views), sides, strict=True):
        rivals = galleries(
            queries,
            gallery,
            others,
            hard_labels=asked.hard_labels,
            sizes=asked.sizes,
            max_queries=asked.max_queries,
            seed=asked.seed,
        )
        ranks = rank_partners(scores[direction], queries.entities, gallery.entities, rivals)
        for name, one in rivals.items():
            size = gallery_size(one, queries.entities, gallery.entities)
            found[direction, name] = Search(size, queries.entities[one.queries], ranks[name])
    return found


def paired_rows(views: Views) -> tuple[Rows, Rows]:
    """Row of a and row of b of every matched entity, the first text of each."""
    first = []
    for view in (views.a, views.b):
        numbers, rows = np.unique(view.entities, return_index=True)
        first.append(rows[np.searchsorted(numbers, views.matched)].astype(np.int64))
    return first[0], first[1]
