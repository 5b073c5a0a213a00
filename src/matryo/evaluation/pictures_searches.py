"""What both searches fetched: a few queries where native and translated vectors agree, differ, and others."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError
from matryo.evaluation.pictures import Found, Reason, SampleSearch, SearchPicture, short_text
from matryo.measures.edits import edit_shares
from matryo.measures.lists import overlaps
from matryo.measures.neighbours import jaccard, nearest_among
from matryo.prefix import Array, unit_rows

_FEWEST_DOCUMENTS: Final = 3


@dataclass(frozen=True, eq=False)
class Asking:
    """Queries and documents in both spaces; row i of every matrix of queries is one query, likewise of documents.

    Attributes:
        query_ids: m ids.
        query_texts: m texts.
        document_ids: n ids.
        document_texts: n texts.
        source_queries: (m, p) float, native vectors of the source.
        target_queries: (m, q) float, native vectors of the target.
        source_documents: (n, p) float.
        target_documents: (n, q) float.
        translated_documents: (n, q) float, what the translator makes of the source's.
        own: (m,) row of the document that a query is itself, never fetched; None = queries are texts of their own.
        relevant: query id -> ids of relevant documents; None without judgements.
    """

    query_ids: tuple[str, ...]
    query_texts: tuple[str, ...]
    document_ids: tuple[str, ...]
    document_texts: tuple[str, ...]
    source_queries: Array
    target_queries: Array
    source_documents: Array
    target_documents: Array
    translated_documents: Array
    own: NDArray[np.int64] | None = None
    relevant: Mapping[str, Collection[str]] | None = None


@dataclass(frozen=True, eq=False)
class Fetched:
    """Lists of every query, and the queries that were chosen to be shown.

    Attributes:
        native: (m, k) rows of documents: native query and documents of the target.
        translated: native query of the target, translated documents.
        keep: native query and documents of the source.
        jaccard: (m,) of the native and the translated lists.
        jaccard_keep: (m,) of the native lists and `keep`.
        edit_distance: (m,) of the native and the translated lists, over k.
        chosen: rows of queries, each with why.
        seed: of the choice at random.
    """

    native: NDArray[np.int64]
    translated: NDArray[np.int64]
    keep: NDArray[np.int64]
    jaccard: NDArray[np.float64]
    jaccard_keep: NDArray[np.float64]
    edit_distance: NDArray[np.float64]
    chosen: tuple[tuple[int, Reason], ...]
    seed: int


def fetch_both(asking: Asking, k: int, n_searches: int, seed: int) -> Fetched:
    """Search with native, translated and old vectors, and choose the queries to be shown.

    Args:
        asking: queries and documents.
        k: length of the lists; shortened where there are fewer documents.
        n_searches: queries to be shown at most: a third where the lists agree most, a third where they differ most,
            the others at random.
        seed: of the choice at random.

    Raises: MatryoError for fewer than 3 documents or no query; ShapeError if widths do not fit.
    """
    n_documents, own = len(asking.document_ids), asking.own
    if n_documents < _FEWEST_DOCUMENTS or not asking.query_ids:
        raise MatryoError(
            f"sample searches need a query and at least {_FEWEST_DOCUMENTS} documents, got {len(asking.query_ids)} and "
            f"{n_documents}; give more texts"
        )
    k = min(k, n_documents - (0 if own is None else 1))
    native = fetch(asking.target_queries, asking.target_documents, k, own)
    translated = fetch(asking.target_queries, asking.translated_documents, k, own)
    keep = fetch(asking.source_queries, asking.source_documents, k, own)
    agreement = jaccard(native, translated, (k,))[:, 0]
    edits = edit_shares(native, translated, (k,))[:, 0]
    return Fetched(
        native=native,
        translated=translated,
        keep=keep,
        jaccard=agreement,
        jaccard_keep=jaccard(native, keep, (k,))[:, 0],
        edit_distance=edits,
        chosen=choose(agreement, edits, n_searches, seed, asks(asking)),
        seed=seed,
    )


def asks(asking: Asking) -> NDArray[np.bool_]:
    """(m,) whether a query asks anything in both spaces: where its vector is zero, as of unknown words, every document
    has the same cosine, and two such lists agree in nothing but the order of the rows.
    """
    return np.asarray(asking.target_queries.any(axis=1) & asking.source_queries.any(axis=1))


def fetch(queries: Array, documents: Array, k: int, own: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """The k nearest documents of every query by cosine, without the query's own text, which is told by its row.

    >>> fetch(np.eye(2), np.eye(2), 1, own=np.array([0, 1])).ravel()
    array([1, 0])
    """
    if own is None:
        return nearest_among(queries, documents, k)
    found = nearest_among(queries, documents, k + 1)
    others = found != own[:, None]
    # where the own row is not among the first k + 1, because equal texts are, the last one goes
    others[others.all(axis=1), -1] = False
    return np.asarray(found[others].reshape(len(found), k))


def choose(
    agreement: NDArray[np.float64],
    edits: NDArray[np.float64],
    n_searches: int,
    seed: int,
    asking: NDArray[np.bool_] | None = None,
) -> tuple[tuple[int, Reason], ...]:
    """Rows to be shown, none twice: where lists agree most, where they differ most, others at random.

    Args:
        agreement: (m,) shared over different documents.
        edits: (m,) edit distance, which decides between rows of equal agreement; then the smaller row.
        n_searches: how many; fewer if there are fewer rows.
        seed: of those at random.
        asking: (m,) whether a query asks anything; where it does not, it is shown at random only. None = all do.

    >>> choose(np.array([0.5, 1.0, 0.0]), np.zeros(3), 3, seed=0)
    ((1, 'agree most'), (2, 'differ most'), (0, 'at random'))
    """
    third = n_searches // 3
    counted = np.ones(len(agreement), dtype=np.bool_) if asking is None else asking
    rising = [row for row in np.lexsort((np.arange(len(agreement)), edits, -agreement)).tolist() if counted[row]]
    best = rising[:third]
    worst = [row for row in rising[::-1] if row not in best][:third]
    left = [row for row in range(len(agreement)) if row not in {*best, *worst}]
    n_random = min(n_searches - 2 * third, len(left))
    drawn = np.random.default_rng(seed).choice(len(left), n_random, replace=False).tolist() if n_random else []
    reasons: tuple[tuple[Reason, list[int]], ...] = (
        ("agree most", best),
        ("differ most", worst),
        ("at random", [left[place] for place in drawn]),
    )
    return tuple((int(row), reason) for reason, rows in reasons for row in rows)


def search_picture(names: tuple[str, str, str], asking: Asking, fetched: Fetched) -> SearchPicture:
    """The chosen searches with ids, texts and cosines.

    Args:
        names: of source, target and translator.
        asking: what was searched.
        fetched: what was found.
    """
    source, target, translator = names
    counted = asks(asking)
    return SearchPicture(
        source=source,
        target=target,
        translator=translator,
        k=int(fetched.native.shape[1]),
        asked="queries" if asking.own is None else "texts",
        n_asked=len(asking.query_ids),
        n_documents=len(asking.document_ids),
        mean_jaccard=_mean(fetched.jaccard[counted]),
        mean_jaccard_keep=_mean(fetched.jaccard_keep[counted]),
        seed=fetched.seed,
        searches=tuple(_sample(asking, fetched, row, reason) for row, reason in fetched.chosen),
    )


def _sample(asking: Asking, fetched: Fetched, row: int, reason: Reason) -> SampleSearch:
    query = asking.query_ids[row]
    known = None if asking.relevant is None else set(asking.relevant.get(query, ()))
    lists = {"native": fetched.native[row], "translated": fetched.translated[row], "keep": fetched.keep[row]}
    sides = {
        "native": (asking.target_queries, asking.target_documents),
        "translated": (asking.target_queries, asking.translated_documents),
        "keep": (asking.source_queries, asking.source_documents),
    }
    found = {}
    for name, rows in lists.items():
        queries, documents = sides[name]
        cosines = unit_rows(documents[rows]).astype(np.float64) @ unit_rows(queries[row][None, :])[0]
        found[name] = tuple(
            Found(
                asking.document_ids[at],
                short_text(asking.document_texts[at]),
                _rounded(cosine),
                None if known is None else asking.document_ids[at] in known,
            )
            for at, cosine in zip(rows.tolist(), cosines.tolist(), strict=True)
        )
    native = fetched.native[row : row + 1]
    return SampleSearch(
        query=query,
        text=short_text(asking.query_texts[row]),
        reason=reason,
        relevant=() if known is None else tuple(name for name in asking.document_ids if name in known),
        native=found["native"],
        translated=found["translated"],
        keep=found["keep"],
        shared=int(overlaps(native, fetched.translated[row : row + 1])[0, -1]),
        jaccard=_rounded(fetched.jaccard[row]),
        edit_distance=_rounded(fetched.edit_distance[row]),
        shared_keep=int(overlaps(native, fetched.keep[row : row + 1])[0, -1]),
    )


def _mean(values: NDArray[np.float64]) -> float:
    """Their mean; of none at all nothing is shared."""
    return _rounded(values.mean()) if len(values) else 0.0


def _rounded(value: float) -> float:
    return round(float(value), 4)
