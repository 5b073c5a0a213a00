"""Reranking of given candidates: only a query's own candidates are scored, which is no search of the corpus."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matryo.data.retrieval import Retrieval
from matryo.data.texts import Text, Texts, few
from matryo.embeddings import Vectors, as_vectors
from matryo.errors import MatryoError
from matryo.hits import MISSING, Hits, best
from matryo.prefix import Array, block, check_dims, check_matrix, prefix_blocks, prefix_norms

_BLOCK_ROWS = 8192
_PAIRS_AT_ONCE = 8192
_QUERIES_AT_ONCE = 1024
_ARCHIVES = (".gz", ".tar", ".tgz")


@dataclass(frozen=True)
class Reranking:
    """A task of which only candidates are ranked.

    Attributes:
        task: the queries that have candidates; its documents are all candidates and all relevant documents.
        candidates: rows of the task's documents per query, rising, each once.
    """

    task: Retrieval
    candidates: tuple[NDArray[np.int64], ...]


def reranking(task: Retrieval, candidates: Mapping[str, Sequence[str]], name: str) -> Reranking:
    """Cut a task down to what reranking needs; a relevant document that is no candidate still counts as missed.

    Args:
        task: queries, documents and judgements.
        candidates: query id -> ids of its candidates.
        name: what the candidates are called, e.g. the file's name.

    Returns: Reranking; its task's name says what was done.
    Raises: MatryoError if a candidate is not among the documents, or no query has candidates.
    """
    queries = [query for query in task.queries if candidates.get(query.id)]
    if not queries:
        raise MatryoError(
            f"{name} has candidates for none of the {len(task.queries):,} queries of {task.name}; "
            "give the candidates of these queries"
        )
    named = {document for query in queries for document in candidates[query.id]}
    wanted = named | {document for query in queries for document in task.judgements[query.id]}
    rows = {i: row for row, i in enumerate(text.id for text in task.documents if text.id in wanted)}
    unknown = sorted(named - rows.keys())
    if unknown:
        raise MatryoError(
            f"{name} names {len(unknown):,} documents that are not among those of {task.name}: {few(unknown)}; "
            "give the candidates of this corpus"
        )
    n_ranked = sum(len(set(candidates[query.id])) for query in queries)
    told = [
        f"{task.name}: only the candidates in {name} were ranked, {n_ranked / len(queries):,.0f} per query; this is "
        "reranking and no search of the corpus, and a relevant document that is no candidate cannot be found"
    ]
    if left_out := len(task.queries) - len(queries):
        told.append(f"{left_out:,} of {len(task.queries):,} queries have no candidates in {name} and are left out")
    reduced = Retrieval(
        name=f"{task.name}, reranked {name}",
        documents=_only(task.documents, wanted, len(rows)),
        queries=_held(queries, task.queries.name),
        judgements={query.id: task.judgements[query.id] for query in queries},
        groups=task.groups,
        notes=(*task.notes, *told),
    )
    return Reranking(reduced, tuple(np.unique([rows[i] for i in candidates[query.id]]) for query in queries))


def candidates_name(path: str | Path) -> str:
    """What a file of candidates is called in tables: its name without the endings of an archive.

    >>> candidates_name("raw/top1000.dev.tar.gz")
    'top1000.dev'
    """
    found = Path(path)
    while found.suffix in _ARCHIVES:
        found = found.with_suffix("")
    return found.name


def rerank_prefixes(
    queries: Array,
    documents: Array | Vectors,
    candidates: Sequence[NDArray[np.int64]],
    dims: Sequence[int],
    k: int,
) -> dict[int, Hits]:
    """Rank each query's own candidates at every dim, by cosine of the cut vectors, in one pass over the documents.

    Args:
        queries: (n, width) float.
        documents: (m, width) float, or a set, read in blocks of rows.
        candidates: n arrays of rows, each row once.
        dims: prefix lengths in any order.
        k: hits per query; beyond its candidates the places are filled with row -1.

    Returns: dim -> hits of shape (n, k), dims rising; a zero prefix scores 0, as in `search_prefixes`.
    Raises: ShapeError if shapes or dims do not fit.
    Source: ours; that scores of prefixes add up is an identity of dot products.
    """
    vectors = as_vectors(documents)
    rising = check_dims(dims, vectors.width)
    check_matrix(queries, min_width=vectors.width, name="queries")
    counts = [len(rows) for rows in candidates]
    rows = np.concatenate([np.empty(0, dtype=np.int64), *candidates])
    owners = np.repeat(np.arange(len(queries)), counts)
    scores = _pair_cosines(queries, vectors, owners, rows, rising)
    starts = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    return {dim: _ranked(rows, scores[place], starts, k) for place, dim in enumerate(rising)}


def _only(texts: Texts, wanted: set[str], n: int) -> Texts:
    return Texts(lambda: (text for text in texts if text.id in wanted), texts.name, n=n, notes=texts.notes)


def _held(texts: Sequence[Text], name: str) -> Texts:
    return Texts.of([t.id for t in texts], [t.text for t in texts], [t.group for t in texts], name=name)


def _pair_cosines(
    queries: Array, documents: Vectors, owners: NDArray[np.int64], rows: NDArray[np.int64], dims: tuple[int, ...]
) -> NDArray[np.float32]:
    """Cosine of every pair of a query and a row at every dim, (dims, pairs); each block of rows is read once."""
    scores = np.zeros((len(dims), len(rows)), dtype=np.float32)
    query_norms = prefix_norms(queries, dims)
    order = np.argsort(rows, kind="stable")
    edges = np.arange(0, documents.n_rows + _BLOCK_ROWS, _BLOCK_ROWS)
    bounds = np.searchsorted(rows[order], edges)
    for edge, first, last in zip(edges[:-1].tolist(), bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        if first == last:
            continue
        read = documents.read(slice(edge, edge + _BLOCK_ROWS), 0, dims[-1])
        norms = prefix_norms(read, dims)
        for start in range(first, last, _PAIRS_AT_ONCE):
            chosen = order[start : min(start + _PAIRS_AT_ONCE, last)]
            asked, here = owners[chosen], rows[chosen] - edge
            dots = np.zeros(len(chosen))
            for place, (low, high) in enumerate(prefix_blocks(dims)):
                left, right = block(queries, low, high)[asked], block(read, low, high)[here]
                dots += np.einsum("ij,ij->i", left, right)
                lengths = query_norms[asked, place] * norms[here, place]
                scores[place, chosen] = np.divide(dots, lengths, out=np.zeros(len(dots)), where=lengths > 0)
    return scores


def _ranked(rows: NDArray[np.int64], scores: NDArray[np.float32], starts: NDArray[np.int64], k: int) -> Hits:
    """Best k of each query, whose pairs lie between two starts."""
    n = len(starts) - 1
    found = Hits(np.full((n, k), MISSING, dtype=np.int64), np.full((n, k), -np.inf, dtype=np.float32))
    for first in range(0, n, _QUERIES_AT_ONCE):
        last = min(first + _QUERIES_AT_ONCE, n)
        counts = np.diff(starts[first : last + 1])
        places = np.arange(max(int(counts.max()), 1)) < counts[:, None]
        listed = np.full(places.shape, MISSING, dtype=np.int64)
        values = np.full(places.shape, -np.inf, dtype=np.float32)
        listed[places] = rows[starts[first] : starts[last]]
        values[places] = scores[starts[first] : starts[last]]
        ordered = best(listed, values, k)
        found.rows[first:last], found.scores[first:last] = ordered.rows, ordered.scores
    return found
