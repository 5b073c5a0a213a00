"""BM25: ranking by shared words, the floor that every embedding must beat."""

import logging
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError
from matryo.hits import MISSING, Hits, best, check_k
from matryo.search.topk import mark_best

if TYPE_CHECKING:
    from bm25s import BM25 as Bm25s

_WORD = re.compile(r"[^\W_]+")
_VARIANT = "lucene"


def words(text: str) -> list[str]:
    """Lower-case runs of letters and digits; an underscore separates, so the parts of snake_case names are words.

    >>> words("Load_model(path), 2nd try")
    ['load', 'model', 'path', '2nd', 'try']
    """
    return _WORD.findall(text.lower())


@final
class BM25:
    """BM25 over texts in memory; made by `build`.

    A document that shares no word with the query is no hit, so that a query may have fewer than k hits, or none.
    """

    def __init__(self, index: "Bm25s | None", n_documents: int, settings: dict[str, str | float]) -> None:
        """Wrap an index that `build` made; None if no document holds a word."""
        self._index = index
        self._n_documents = n_documents
        self._settings = settings

    @classmethod
    def build(cls, texts: Iterable[str], *, k1: float = 1.5, b: float = 0.75) -> Self:
        """Count the words of every document.

        Args:
            texts: one text per document, in the order of their rows; read once.
            k1: how soon repetitions of a word stop counting, >= 0.
            b: how much long documents are held back, within 0..1.

        Returns: an index whose memory grows with the number of words.
        Raises: MatryoError if k1 or b is out of range.
        Source: Robertson et al. 1995 in Lucene's form, computed by bm25s (Lu 2024).

        >>> BM25.build(["a red house", "a green tree"]).search(["tree house"], k=2).rows
        array([[0, 1]])
        """
        if not (0.0 <= k1 < np.inf and 0.0 <= b <= 1.0):
            raise MatryoError(f"k1 must be at least 0 and b within 0..1, got k1={k1}, b={b}; 1.5 and 0.75 are usual")
        import bm25s

        # it sets its own logger to DEBUG when imported, and would speak at every build
        logging.getLogger("bm25s").setLevel(logging.WARNING)
        vocabulary: dict[str, int] = {}
        documents = [[vocabulary.setdefault(word, len(vocabulary)) for word in words(text)] for text in texts]
        settings: dict[str, str | float] = {
            "library": "bm25s",
            "library_version": bm25s.__version__,
            "variant": _VARIANT,
            "k1": k1,
            "b": b,
            "tokenizer": f"lower case, then {_WORD.pattern}",
            "stop_words": "none",
            "stemmer": "none",
        }
        if not vocabulary:
            return cls(None, len(documents), settings)
        index = bm25s.BM25(k1=k1, b=b, method=_VARIANT, backend="numpy")
        index.index((documents, vocabulary), create_empty_token=False, show_progress=False)
        return cls(index, len(documents), settings)

    @property
    def n_documents(self) -> int:
        """Documents indexed, empty ones included."""
        return self._n_documents

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that decides a score, to be written beside every result."""
        return dict(self._settings)

    def search(self, queries: Sequence[str], k: int) -> Hits:
        """Find the k best documents of every query.

        Args:
            queries: texts; one without a word of the vocabulary finds nothing.
            k: hits per query; places without a document that shares a word are filled with row -1.

        Returns: Hits of shape (n, k); equal scores are ordered by row. One query's scores are in memory at a time.
        Raises: MatryoError if k < 1 or queries is a single string.
        """
        check_k(k)
        if isinstance(queries, str):
            raise MatryoError(
                f"queries must be a list of texts, got the single text {queries[:40]!r}; put it in a list"
            )
        rows = np.full((len(queries), k), MISSING, dtype=np.int64)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        for at, query in enumerate(queries):
            every = self._scores(query)
            found = np.flatnonzero(every > 0.0)
            if len(found) > k:
                found = found[mark_best(every[found][None], k)[0]]
            ranked = best(found[None], every[found][None], k)
            rows[at], scores[at] = ranked.rows[0], ranked.scores[0]
        return Hits(rows, scores)

    def _scores(self, query: str) -> NDArray[np.float32]:
        """Score of every document, 0 where no word is shared."""
        if self._index is None:
            return np.zeros(self._n_documents, dtype=np.float32)
        known = [self._index.vocab_dict[word] for word in words(query) if word in self._index.vocab_dict]
        scores: NDArray[np.float32] = self._index.get_scores_from_ids(known)
        return scores
