"""Rules that score texts of one domain against texts of another without being trained for it."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from matryo.data.views import View, Views
from matryo.evaluation.identity_search import paired_rows
from matryo.hits import MISSING
from matryo.measures.identity import Rows
from matryo.prefix import Array
from matryo.search.bm25 import BM25

TEMPLATE_LABEL = "template"
COLUMN = "score"
_BLOCK_QUERIES = 256
_KEPT_SCORES = 1 << 26  # 256 MiB: galleries of 8,000 texts are scored once, larger ones whenever they are asked


class Texts(NamedTuple):
    """Texts of one domain as a rule sees them.

    Attributes:
        domain: its name.
        texts: n texts.
        labels: name -> n values.
    """

    domain: str
    texts: tuple[str, ...]
    labels: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, view: View, twins: View | None = None) -> "Texts":
        """Texts of a view, those of twins behind them; of the labels those that both know."""
        if twins is None:
            return cls(view.domain, view.texts, dict(view.labels))
        labels = {name: values + twins.labels[name] for name, values in view.labels.items() if name in twins.labels}
        return cls(view.domain, view.texts + twins.texts, labels)


Block = Callable[[Rows], Array]
"""Rows of the queries -> their scores (len(rows), m) with every text of the gallery."""
Rule = Callable[[Texts, Texts], Block]
"""Queries, gallery -> how to score them."""


@final
class TextScores:
    """Scores of texts by one rule, as `rank_partners` reads them: the gallery's texts, its twins behind them."""

    names = (COLUMN,)

    def __init__(self, rule: Rule, queries: View, gallery: View, twins: View | None = None) -> None:
        """Bind a rule to queries and a gallery; twins count as texts of the gallery where words are weighed."""
        self._block = rule(Texts.of(queries), Texts.of(gallery, twins))
        self._n = len(gallery)
        m = self._n + (0 if twins is None else len(twins))
        self._kept = np.full((len(queries), m), np.nan, np.float32) if len(queries) * m <= _KEPT_SCORES else None

    def blocks(self, rows: Rows) -> Iterator[Array]:
        """One matrix of scores (len(rows), m), a copy."""
        yield self._scores(rows)[:, : self._n].copy()

    def pairs(self, rows: Rows, extra: Rows) -> Array:
        """Scores (1, q) of each query with one twin."""
        return self.cells(rows, self._n + extra)[None]

    def cells(self, rows: Rows, columns: Rows) -> Array:
        """Scores (q,) of each query with one text."""
        found = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), _BLOCK_QUERIES):
            part = slice(start, start + _BLOCK_QUERIES)
            found[part] = np.take_along_axis(self._scores(rows[part]), columns[part, None], axis=1)[:, 0]
        return found

    def _scores(self, rows: Rows) -> Array:
        if self._kept is None:
            return self._block(rows).astype(np.float32, copy=False)
        new = np.unique(rows[np.isnan(self._kept[rows, 0])])
        if len(new):
            self._kept[new] = self._block(new)
        scores: Array = self._kept[rows]
        return scores


def chance_rule() -> Rule:
    """Every text alike: what is found is found by chance."""
    return lambda queries, gallery: lambda rows: np.zeros((len(rows), len(gallery.texts)), np.float32)


def template_rule(training: Views) -> Rule:
    """How often the query's template met the text's template in one entity of the training part, over chance.

    A pair of templates scores (n + 1) / (e + 1), n its count and e the count expected were both drawn independently, so
    that templates never seen score 1. Within one domain nothing is known and all texts tie.
    """
    rows_a, rows_b = paired_rows(training)
    left, right = (
        [view.labels[TEMPLATE_LABEL][row] for row in rows.tolist()]
        for view, rows in ((training.a, rows_a), (training.b, rows_b))
    )
    together, of_a, of_b = Counter(zip(left, right, strict=True)), Counter(left), Counter(right)

    def lift(first: str, second: str) -> float:
        return (together[first, second] + 1.0) / (of_a[first] * of_b[second] / len(left) + 1.0)

    def rule(queries: Texts, gallery: Texts) -> Block:
        asked, offered = queries.labels[TEMPLATE_LABEL], gallery.labels[TEMPLATE_LABEL]
        names, kinds = np.unique(offered, return_inverse=True)
        if queries.domain == gallery.domain:
            return chance_rule()(queries, gallery)
        forward = queries.domain == training.a.domain

        def block(rows: Rows) -> Array:
            scored = [
                [lift(asked[row], name) if forward else lift(name, asked[row]) for name in names.tolist()]
                for row in rows.tolist()
            ]
            return np.array(scored, dtype=np.float32)[:, kinds]

        return block

    return rule


def tf_idf_rule(training: Views | None, views: Views) -> Rule:
    """Cosine of TF-IDF vectors of words and of pairs of words, logarithmic counts; texts of both domains weigh in.

    Args:
        training: its texts weigh in where there are some.
        views: the texts to be matched, and their twins.
    """
    # scikit-learn takes a second to import, which those who match no texts must not wait for
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, dtype=np.float32)
    vectorizer.fit(weighing_texts(training, views))

    @cache
    def vectors(texts: tuple[str, ...]) -> Any:
        return vectorizer.transform(texts)

    def rule(queries: Texts, gallery: Texts) -> Block:
        left, right = vectors(queries.texts), vectors(gallery.texts).T.tocsr()
        return lambda rows: (left[rows] @ right).toarray()

    return rule


def weighing_texts(training: Views | None, views: Views) -> list[str]:
    """Texts whose words are weighed: those of training, of both domains, and of twins.

    Every text of a gallery must weigh in: unknown words would be dropped, and the text seem nearer than it is.

    Args:
        training: its texts weigh in where there are some.
        views: the texts to be matched, and their twins.
    """
    told = [view for part in (training, views) if part is not None for view in (part.a, part.b)]
    return [text for view in (*told, *(views.twins or ())) for text in view.texts]


def bm25_rule() -> Rule:
    """BM25 of the whole query text, 0 for a text that shares no word."""

    def rule(queries: Texts, gallery: Texts) -> Block:
        index = BM25.build(gallery.texts)

        def block(rows: Rows) -> Array:
            hits = index.search([queries.texts[row] for row in rows.tolist()], k=len(gallery.texts))
            scores = np.zeros((len(rows), len(gallery.texts)), np.float32)
            found = hits.rows != MISSING
            scores[np.nonzero(found)[0], hits.rows[found]] = hits.scores[found]
            return scores

        return block

    return rule


def oracle_rule(labels: Sequence[str]) -> Rule:
    """Share of these labels that are equal on both sides: the record behind the texts, not the texts."""

    def rule(queries: Texts, gallery: Texts) -> Block:
        coded = [_numbers(queries.labels[label], gallery.labels[label]) for label in labels]

        def block(rows: Rows) -> Array:
            equal = sum((left[rows, None] == right).astype(np.float32) for left, right in coded)
            return np.asarray(equal / np.float32(len(coded)))

        return block

    return rule


def _numbers(left: Sequence[str], right: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of values, equal where the values are."""
    numbers = np.unique([*left, *right], return_inverse=True)[1].astype(np.int64)
    return numbers[: len(left)], numbers[len(left) :]
