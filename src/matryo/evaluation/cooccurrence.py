"""Matching by which word of one domain goes with which word of the other, counted in training pairs: no vectors."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matryo.data.views import Views
from matryo.errors import MatryoError
from matryo.evaluation.identity_rules import Block, Rule, Texts
from matryo.evaluation.identity_search import paired_rows
from matryo.evaluation.shared_tokens import token_sets
from matryo.measures.identity import Rows
from matryo.prefix import Array
from matryo.search.bm25 import words

Numbers = NDArray[np.float64]

LEAST_RATIO = 10.83
"""Log-likelihood ratio from which two words go together: by chance once in 1,000 (chi-square of one degree)."""
_LEAST_MEETINGS = 2
_BLOCK_WORDS = 512  # counts of all pairs at once would not fit into memory for long texts of many words


class _Words(NamedTuple):
    """Words of one domain that enough training texts hold: their places, and how rare each is."""

    places: dict[str, int]
    rarity: NDArray[np.float32]

    @classmethod
    def of(cls, texts: Sequence[str]) -> "_Words":
        """The words of training texts; one that stands in all of them has rarity 0."""
        counts = Counter(word for text in texts for word in set(words(text)))
        common = sorted(word for word, n in counts.items() if n >= _LEAST_MEETINGS)
        # without any word there is one column, of no weight: sparse matrices need one
        n_texts = np.array([counts[word] for word in common] or [len(texts)])
        rarity = np.log((len(texts) + 1) / (n_texts + 1))
        return cls({word: place for place, word in enumerate(common)}, rarity.astype(np.float32))

    def sets(self, texts: Sequence[str]) -> Any:
        """(n, words) sparse matrix, 1 where a word stands in a text."""
        return token_sets(texts, lambda text: [word for word in words(text) if word in self.places], self.places)


def log_likelihood_ratio(together: Numbers, first: Numbers, second: Numbers, n: int) -> Numbers:
    """How surely two words go together, 0 where they meet no more often than by chance.

    Args:
        together: entities in which both stand.
        first: entities in which the first word stands.
        second: entities in which the second one stands.
        n: all entities.

    Returns: twice the log of how much likelier the counts are than if both were drawn apart.
    Source: Dunning 1993.

    >>> log_likelihood_ratio(np.array([2.0, 1.0]), np.array([2.0, 2.0]), np.array([2.0, 2.0]), 4).round(2)
    array([5.55, 0.  ])
    """
    # scipy takes a while to import, which those who match no texts must not wait for
    from scipy.special import rel_entr

    cells = (
        (together, first * second),
        (first - together, first * (n - second)),
        (second - together, (n - first) * second),
        (n - first - second + together, (n - first) * (n - second)),
    )
    ratio: Numbers = 2.0 * sum(rel_entr(seen, product / n) for seen, product in cells)
    return np.where(together > first * second / n, ratio, 0.0)


def cooccurrence_rule(training: Views) -> Rule:
    """Sum over all pairs of a query's and a text's word of how surely both go together, times the rarity of both.

    A pair of words counts with the root of its log-likelihood ratio, as a share of that of the surest pair, if the
    ratio is at least `LEAST_RATIO` and both met in at least two entities. The sum is divided by the Euclidean length of
    what the query's words say of the other domain's words, and of what the text's say back, so that neither long texts
    nor those of common words win. A word that no training pair knows counts nothing, also if it stands in both texts.

    Args:
        training: whose first text in each domain of every matched entity is counted.

    Returns: a rule for texts of these two domains, either way.
    Source: ours; the ratio is Dunning's. Root, threshold and division were chosen on the validation part of made-up
        people, among pointwise mutual information, the ratio itself and differences of counts.
    """
    rows = paired_rows(training)
    told = [
        [view.texts[row] for row in chosen.tolist()]
        for view, chosen in zip((training.a, training.b), rows, strict=True)
    ]
    first, second = (_Words.of(texts) for texts in told)
    forward = _links(first.sets(told[0]), second.sets(told[1]))
    known = dict(zip(training.domains, (first, second), strict=True))
    links = dict(zip(training.domains, (forward, forward.T.tocsr()), strict=True))

    def rule(queries: Texts, gallery: Texts) -> Block:
        if {queries.domain, gallery.domain} != set(training.domains):
            raise MatryoError(
                f"pairs of words were counted between {' and '.join(training.domains)}, got queries of "
                f"{queries.domain} and texts of {gallery.domain}; match texts of the one domain with those of the other"
            )
        asked, offered = (_weighed(known[side.domain], side.texts) for side in (queries, gallery))
        said = asked @ links[queries.domain]
        left = _divided(said, said)
        right = _divided(offered, offered @ links[gallery.domain]).T.tocsr()

        def block(rows: Rows) -> Array:
            return np.asarray((left[rows] @ right).toarray(), dtype=np.float32)

        return block

    return rule


def _weighed(known: _Words, texts: Sequence[str]) -> Any:
    """(n, words) sparse matrix: the rarity of each word where it stands in a text."""
    return known.sets(texts).multiply(known.rarity).tocsr()


def _divided(x: Any, by: Any) -> Any:
    """Rows of a sparse matrix over the Euclidean lengths of another one's; rows of length 0 become 0."""
    lengths = np.sqrt(np.asarray(by.multiply(by).sum(axis=1), dtype=np.float32).reshape(-1, 1))
    return x.multiply(np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)).tocsr()


def _links(first: Any, second: Any) -> Any:
    """(words of the first domain, words of the second) sparse matrix: how surely they go together, 1 for the surest.

    Args:
        first: (n, words) 1 where a word stands in the first text of an entity.
        second: the same for the other domain.
    """
    # scipy takes a while to import, which those who match no texts must not wait for
    from scipy.sparse import csr_array, vstack

    n = first.shape[0]
    of_first, of_second = (np.asarray(side.sum(axis=0), dtype=np.float64).ravel() for side in (first, second))
    by_word, found = first.T.tocsr(), []
    for start in range(0, by_word.shape[0], _BLOCK_WORDS):
        counts = (by_word[start : start + _BLOCK_WORDS] @ second).tocoo()
        together = counts.data.astype(np.float64)
        ratio = log_likelihood_ratio(together, of_first[start + counts.row], of_second[counts.col], n)
        kept = (ratio >= LEAST_RATIO) & (together >= _LEAST_MEETINGS)
        links = np.sqrt(ratio[kept]).astype(np.float32)
        found.append(csr_array((links, (counts.row[kept], counts.col[kept])), shape=counts.shape))
    whole = vstack(found, format="csr")
    # scores must not be so small that ranking takes them for equal
    whole.data /= whole.data.max(initial=np.finfo(np.float32).tiny)
    return whole
