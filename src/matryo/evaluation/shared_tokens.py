"""Rules that match texts by what they share as strings, or by their lengths: nothing here understands anything."""

import re
from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matryo.data.views import Views
from matryo.evaluation.identity_rules import Block, Rule, Texts, weighing_texts
from matryo.measures.identity import Rows
from matryo.prefix import Array
from matryo.search.bm25 import words

Tokens = Callable[[str], Collection[str]]

CHARACTERS = (3, 5)
"""Lengths of the character n-grams, within words."""
_TOKEN = re.compile(r"\w+(?:[-.']\w+)*")
_WINDOW = 8
_OPENING = " \t\n\"'(["
_SENTENCE_END = re.compile(r"[.!?]\s+[\"'(\[]*$")


def names_and_numbers(text: str) -> list[str]:
    """What looks copied rather than told: words with a digit, and capitalised words, in lower case.

    A word that opens a sentence counts only if a later letter of it is a capital too.

    >>> names_and_numbers("The parser of Mozilla, since 1998. It reads HTML and utf-8. PyPI has it")
    ['mozilla', '1998', 'html', 'utf-8', 'pypi']
    """
    found = []
    for match in _TOKEN.finditer(text):
        token, start = match.group(), match.start()
        before = text[max(0, start - _WINDOW) : start]
        opens = (start < _WINDOW and not before.strip(_OPENING)) or _SENTENCE_END.search(before) is not None
        if any(c.isdigit() for c in token) or any(c.isupper() for c in (token[1:] if opens else token)):
            found.append(token.lower())
    return found


def overlap_rule(tokens: Tokens = words, *, by_rarity: bool) -> Rule:
    """Jaccard of the sets of tokens: what both texts have, over what either has.

    Args:
        tokens: those of a text; how often one occurs in a text does not count.
        by_rarity: weigh each token by log(texts / texts that have it), over the texts of both domains.
    """

    def rule(queries: Texts, gallery: Texts) -> Block:
        vocabulary: dict[str, int] = {}
        left, right = (token_sets(side.texts, tokens, vocabulary) for side in (queries, gallery))
        for side in (left, right):
            side.resize((side.shape[0], max(1, len(vocabulary))))
        counts = np.asarray(left.sum(axis=0) + right.sum(axis=0)).ravel()
        n = left.shape[0] + right.shape[0]
        weights = np.log(n / np.maximum(counts, 1.0)) if by_rarity else np.ones(len(counts))
        heavy = left.multiply(weights.astype(np.float32)).tocsr()
        of_left, of_right = (np.asarray(side @ weights, dtype=np.float32) for side in (left, right))
        columns = right.T.tocsr()

        def block(rows: Rows) -> Array:
            shared = np.asarray((heavy[rows] @ columns).toarray(), dtype=np.float32)
            either = of_left[rows, None] + of_right - shared
            scores: Array = np.divide(shared, either, out=np.zeros_like(shared), where=either > 0)
            return scores

        return block

    return rule


def character_rule(views: Views, training: Views | None = None) -> Rule:
    """Cosine of TF-IDF vectors of character n-grams within words, logarithmic counts: inflected words match too.

    Args:
        views: the texts to be matched, and their twins.
        training: its texts weigh in where there are some.
    """
    # scikit-learn takes a second to import, which those who match no texts must not wait for
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

    # n-grams stay within words: those of each word are counted once, not once for each text that it stands in
    counts = CountVectorizer(tokenizer=str.split, token_pattern=None, dtype=np.float32)
    in_texts = counts.fit_transform(weighing_texts(training, views))
    grams = CountVectorizer(analyzer="char_wb", ngram_range=CHARACTERS, dtype=np.float32)
    in_words = grams.fit_transform(counts.get_feature_names_out())
    weights = TfidfTransformer(sublinear_tf=True).fit(in_texts @ in_words)

    @cache
    def vectors(texts: tuple[str, ...]) -> Any:
        return weights.transform(counts.transform(texts) @ in_words, copy=False)

    def rule(queries: Texts, gallery: Texts) -> Block:
        asked, offered = vectors(queries.texts), vectors(gallery.texts).T.tocsr()
        return lambda rows: np.asarray((asked[rows] @ offered).toarray(), dtype=np.float32)

    return rule


def length_rule() -> Rule:
    """How alike two texts stand in their domains by length alone: minus the difference of standardised log lengths.

    Standardising in each domain finds the match also where all texts of one domain are longer.
    """

    def rule(queries: Texts, gallery: Texts) -> Block:
        asked, offered = _standardised(queries.texts), _standardised(gallery.texts)
        return lambda rows: -np.abs(asked[rows, None] - offered)

    return rule


def _standardised(texts: Sequence[str]) -> NDArray[np.float32]:
    lengths = np.log1p([len(text) for text in texts])
    spread = float(lengths.std())
    placed: NDArray[np.float32] = ((lengths - lengths.mean()) / (spread if spread > 0 else 1.0)).astype(np.float32)
    return placed


def token_sets(texts: Sequence[str], tokens: Tokens, vocabulary: dict[str, int]) -> Any:
    """Which token stands in which text.

    Args:
        texts: n texts.
        tokens: those of a text.
        vocabulary: token -> column; new tokens are put behind those known.

    Returns: (n, tokens) sparse float32, 1 where a token stands in a text.
    """
    # scipy takes a while to import, which those who match no texts must not wait for
    from scipy.sparse import csr_array

    places, starts = [], [0]
    for text in texts:
        places += sorted({vocabulary.setdefault(token, len(vocabulary)) for token in tokens(text)})
        starts.append(len(places))
    shape = (len(texts), max(1, len(vocabulary)))
    return csr_array((np.ones(len(places), np.float32), places, starts), shape=shape)
