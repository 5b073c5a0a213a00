"""Floors and ceilings of matching texts by who they are about, none of which has vectors to train: what to beat.

A method that does not beat the words that both texts share has learned nothing that a reader of words does not know;
one that does not beat counting which words go together has learned no more than a dictionary.
"""

from collections.abc import Sequence

import numpy as np

from matryo.data.views import View, Views
from matryo.errors import MatryoError
from matryo.evaluation.cooccurrence import cooccurrence_rule
from matryo.evaluation.galleries import HARD_LABELS, SIZES
from matryo.evaluation.identity_measures import IdentityMeasures, TripletHits
from matryo.evaluation.identity_rules import (
    COLUMN,
    TEMPLATE_LABEL,
    Rule,
    TextScores,
    bm25_rule,
    chance_rule,
    oracle_rule,
    template_rule,
    tf_idf_rule,
)
from matryo.evaluation.identity_search import Asked, direction_names, search_both
from matryo.evaluation.open_set import open_set
from matryo.evaluation.shared_tokens import character_rule
from matryo.measures.identity import TIE

__all__ = ["BASELINES", "ORACLES", "known_baselines", "measure_baseline", "measure_baselines"]

CHARACTERS, COOCCURRENCE = "character n-grams", "co-occurrence"
BASELINES = ("chance", "template", "TF-IDF", "BM25", CHARACTERS, COOCCURRENCE, "attribute oracle")
ORACLES = ("attribute oracle",)
"""Baselines that read the record instead of the text: ceilings, which nothing has to beat."""


def known_baselines(views: Views, training: Views | None) -> tuple[str, ...]:
    """Baselines that these views allow.

    A template and an oracle need labels that both domains know; a template and co-occurrence need a training part.
    """
    labels = oracle_labels(views)
    with_template = training is not None and all(
        TEMPLATE_LABEL in view.labels for part in (views, training) for view in _all_views(part)
    )
    lacking = {"attribute oracle": not labels, "template": not with_template, COOCCURRENCE: training is None}
    return tuple(name for name in BASELINES if not lacking.get(name, False))


def oracle_labels(views: Views) -> tuple[str, ...]:
    """Labels that both domains, and the twins, know of who a text is about, sorted: all but the template, and those
    that are the same for everybody.
    """
    known = set.intersection(*(set(view.labels) for view in _all_views(views))) - {TEMPLATE_LABEL}
    return tuple(sorted(name for name in known if len(set(views.a.labels[name])) > 1))


def measure_baselines(
    views: Views,
    *,
    training: Views | None = None,
    seed: int,
    names: Sequence[str] | None = None,
    hard_labels: Sequence[str] = HARD_LABELS,
    sizes: Sequence[int] = SIZES,
    max_queries: int = 5_000,
) -> dict[str, IdentityMeasures]:
    """Measure the baselines on one part of a split as `measure_identity` measures vectors.

    Args:
        views: the texts to be matched, with their twins and triplets where there are some.
        training: the part that methods are trained on; templates and pairs of words are counted in it, words weighed.
        seed: as for the systems that they are to be compared with, and so `hard_labels`, `sizes` and `max_queries`.
        names: some of `BASELINES`; None = `known_baselines`.
        hard_labels: see `galleries`.
        sizes: of the galleries.
        max_queries: of each direction.

    Returns: name -> measures with the one column "score".
    Raises: MatryoError if a name is unknown or lacks its labels.
    """
    asked = Asked(seed, tuple(hard_labels), tuple(sizes), max_queries)
    known = known_baselines(views, training)
    chosen = known if names is None else tuple(names)
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise MatryoError(f"baseline {unknown[0]!r} is none of those these views allow: {', '.join(known)}; name these")
    return {
        name: measure_baseline(views, _rule(name, views, training), asked, within=name != COOCCURRENCE)
        for name in chosen
    }


def measure_baseline(views: Views, rule: Rule, asked: Asked, *, within: bool = True) -> IdentityMeasures:
    """Measure one rule that scores texts.

    Args:
        views: the texts to be matched.
        rule: how queries and a gallery are scored.
        asked: what decides the galleries.
        within: ask for the triplets too; a rule that knows pairs across domains only has nothing to say of them.
    """
    twins_a, twins_b = views.twins or (None, None)
    there, back = direction_names(views)
    scores = {
        there: TextScores(rule, views.a, views.b, twins_b),
        back: TextScores(rule, views.b, views.a, twins_a),
    }
    triplets = {}
    if within and views.mined is not None:
        for view, rows in zip((views.a, views.b), views.mined.triplets, strict=True):
            if len(rows):
                own = TextScores(rule, view, view)
                gains = own.cells(rows[:, 0], rows[:, 1]) - own.cells(rows[:, 0], rows[:, 2])
                hits = np.where(np.abs(gains) <= TIE, 0.5, gains > 0).astype(np.float64)[None]
                triplets[view.domain] = TripletHits((COLUMN,), view.entities[rows[:, 0]], hits)
    of_a, of_b = views.a.entities, views.b.entities
    return IdentityMeasures(
        digest=asked.digest(views),
        domains=views.domains,
        width=0,
        dims=(),
        prefix_dim=0,
        seed=asked.seed,
        columns=(COLUMN,),
        searches=search_both(views, scores, asked, with_twins=views.twins is not None),
        triplets=triplets,
        open_set=(
            *open_set(scores[there], of_a, of_b, direction=there, max_queries=asked.max_queries, seed=asked.seed),
            *open_set(scores[back], of_b, of_a, direction=back, max_queries=asked.max_queries, seed=asked.seed),
        ),
    )


def _rule(name: str, views: Views, training: Views | None) -> Rule:
    if name == "template" and training is not None:
        return template_rule(training)
    if name == COOCCURRENCE and training is not None:
        return cooccurrence_rule(training)
    if name == CHARACTERS:
        return character_rule(views, training)
    if name == "TF-IDF":
        return tf_idf_rule(training, views)
    if name == "BM25":
        return bm25_rule()
    return oracle_rule(oracle_labels(views)) if name == "attribute oracle" else chance_rule()


def _all_views(views: Views) -> tuple[View, ...]:
    return (views.a, views.b, *(views.twins or ()))
