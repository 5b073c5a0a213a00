"""Whether the templates of two domains depend on each other: then a template tells who it is without being read."""

from dataclasses import dataclass

import numpy as np

from matryo.data.views import Views
from matryo.errors import MatryoError
from matryo.evaluation.identity_rules import TEMPLATE_LABEL, Block, Rule, Texts, template_rule
from matryo.evaluation.identity_search import paired_rows
from matryo.measures.identity import Rows
from matryo.prefix import Array


@dataclass(frozen=True)
class TemplateDependence:
    """The chi-square test of the table of templates of both domains.

    Attributes:
        n: entities counted, one text of each domain.
        n_templates: different ones in each domain.
        chi_square: its value, 0 where a domain has one template only.
        degrees: of freedom.
        p: how likely so large a value is when both are drawn independently.
        cramers_v: 0 = independent, 1 = the one template decides the other; corrected for its bias.
    """

    n: int
    n_templates: tuple[int, int]
    chi_square: float
    degrees: int
    p: float
    cramers_v: float


def knows_templates(views: Views) -> bool:
    """Whether both domains carry the label "template"."""
    return all(TEMPLATE_LABEL in view.labels for view in (views.a, views.b))


def template_dependence(views: Views) -> TemplateDependence:
    """Test whether the templates of the two texts of one entity were drawn independently of each other.

    Args:
        views: with the label "template" in both domains.

    Raises: MatryoError if the label is missing.
    Source: Pearson's chi-square; Cramer's V corrected as Bergsma 2013. A template of the second domain that is the
        number of the first one's plus a fixed offset is full dependence, V = 1.
    """
    if not knows_templates(views):
        raise MatryoError(f"{views.name} does not label its texts with a template in both domains; there is no test")
    # scipy takes a while to import, which those who know no templates must not wait for
    from scipy.stats import chi2_contingency

    rows = paired_rows(views)
    coded = [
        np.unique([view.labels[TEMPLATE_LABEL][row] for row in own.tolist()], return_inverse=True)
        for view, own in zip((views.a, views.b), rows, strict=True)
    ]
    shape = (len(coded[0][0]), len(coded[1][0]))
    table = np.zeros(shape)
    np.add.at(table, (coded[0][1], coded[1][1]), 1)
    n = len(rows[0])
    if min(shape) < 2:
        return TemplateDependence(n, shape, 0.0, 0, 1.0, 0.0)
    found = chi2_contingency(table, correction=False)
    spread = max(0.0, found.statistic / n - found.dof / max(1, n - 1))
    smaller = min(side - (side - 1) ** 2 / max(1, n - 1) for side in shape)
    strength = float(np.sqrt(spread / (smaller - 1))) if smaller > 1 else 0.0
    return TemplateDependence(n, shape, float(found.statistic), int(found.dof), float(found.pvalue), min(1.0, strength))


def crossed_template_rule(views: Views, seed: int) -> Rule:
    """The template rule, learned on one half of the entities and asked about the other, both ways round.

    So that templates which occur in this part only are judged too, and nobody is asked about what was counted of him.

    Args:
        views: with the label "template" in both domains, of at least 4 matched entities.
        seed: of the halves.

    Raises: MatryoError for fewer.
    """
    matched = views.matched
    if len(matched) < 4:
        raise MatryoError(f"{views.name}: templates need 4 matched entities to be learned on half, got {len(matched)}")
    second = np.zeros(views.n_entities, dtype=bool)
    second[np.random.default_rng(seed).permutation(matched)[: len(matched) // 2]] = True
    # each half is asked with what the other one taught
    taught = [template_rule(views.take(np.flatnonzero(half))) for half in (second, ~second)]
    entities = {view.domain: view.entities for view in (views.a, views.b)}

    def rule(queries: Texts, gallery: Texts) -> Block:
        blocks = [one(queries, gallery) for one in taught]
        of_second = second[entities[queries.domain]]

        def block(rows: Rows) -> Array:
            there, back = (one(rows) for one in blocks)
            scores: Array = np.where(of_second[rows, None], back, there)
            return scores

        return block

    return rule
