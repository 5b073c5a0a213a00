"""From a scan to hits, stage by stage, for several queries together: exact by a bound, or by shortlists of a plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from matryo.hits import Hits, best
from matryo.prefix import Array, block
from matryo.search.funnel_bound import Asked, coding_error, margin
from matryo.search.funnel_pass import Alive, ScanBuffer, coded_prefixes, scan_bounds, scan_products
from matryo.search.funnel_plan import Stage
from matryo.search.funnel_scan import Scan
from matryo.search.topk import mark_best

_FLOAT_BYTES = 4
_HELD_NUMBERS = 1 << 21  # numbers of single rows held at a time: 8 MiB
_CROWDED = 4  # so many times the seeds alive: a higher threshold is worth reading the seeds' rows


class TakenRows(Protocol):
    """Rows of length 1 that can be read one by one, and in order."""

    @property
    def n_rows(self) -> int:
        """Number of rows."""

    @property
    def width(self) -> int:
        """Numbers per row."""

    def read(self, rows: slice, start: int, stop: int) -> Array:
        """See `Vectors.read`."""

    def take(self, rows: NDArray[np.int64], start: int, stop: int) -> Array:
        """See `EmbeddingSet.take`."""


@dataclass(frozen=True, eq=False)
class Parts:
    """What a funnel searches: the first numbers of every row, and all numbers of every row, of length 1."""

    scan: Scan
    rows: TakenRows


@dataclass(frozen=True, eq=False)
class Answers:
    """Hits of g queries, (g, len(dims)) rows alive after each stage, (g,) bytes read."""

    hits: Hits
    survivors: NDArray[np.int64]
    bytes_read: NDArray[np.int64]


def n_seeds(k: int, n_rows: int) -> int:
    """Rows that are scored in full to learn how high the k-th score is at least.

    >>> n_seeds(10, 1_000_000), n_seeds(10, 20)
    (36, 20)
    """
    return min(2 * k + 16, n_rows)


def answer_exactly(parts: Parts, asked: Asked, k: int, buffer: ScanBuffer) -> Answers:
    """The exact best k by (-score, row); 1 <= k <= rows.

    The threshold is a score that k rows are known to reach. Every stage drops the rows whose bound lies below it by
    more than the margin; a row that might tie with the k-th is kept.

    Args:
        parts: what is searched.
        asked: g queries.
        k: hits.
        buffer: for the scan.
    """
    scan, width = parts.scan, parts.rows.width
    coded = coded_prefixes(scan, asked)
    scanned = scan_bounds(scan, asked, coded, buffer)
    error = coding_error(asked, scan.residual, coded.error)

    def low(dim: int) -> NDArray[np.float32]:
        return (threshold - margin(dim, scan.residual) - error).astype(np.float32)

    seeds = scanned.promising(n_seeds(k, scan.n_rows))
    threshold = _reached(parts, asked, np.repeat(np.arange(len(asked)), seeds.shape[1]), seeds.ravel(), k)
    n_read = np.full(len(asked), seeds.shape[1] * width)
    alive = scanned.reaching(low(scan.dims[0]))
    beyond = asked.suffix[alive.query, 0].astype(np.float32) * scan.suffix[0].numpy()[alive.row]
    alive = alive._replace(score=alive.score - beyond)
    survivors = [np.bincount(alive.query, minlength=len(asked))]
    for i, (start, dim) in enumerate(pairwise(scan.dims[:-1]), start=1):
        alive = alive._replace(score=alive.score + _dots(parts, asked, alive, start, dim))
        n_read += survivors[-1] * (dim - start)
        raised, n_rows = _raised(parts, asked, alive, seeds.shape[1], k)
        threshold = np.maximum(threshold, raised)
        n_read += n_rows * width
        lengths = asked.suffix[alive.query, i].astype(np.float32)
        alive = alive.where(alive.score + lengths * scan.suffix[i].numpy()[alive.row] >= low(dim)[alive.query])
        survivors.append(np.bincount(alive.query, minlength=len(asked)))
    n_read += survivors[-1] * width
    hits, final = _ranked(parts, asked, alive, k)
    counts = np.stack([*survivors[: len(scan.dims) - 1], final], axis=1)
    return Answers(hits, counts, n_read * _FLOAT_BYTES + scan.n_rows * scan.row_bytes)


def answer_by_plan(parts: Parts, asked: Asked, stages: Sequence[Stage], k: int, buffer: ScanBuffer) -> Answers:
    """The best k of what the shortlists of a plan keep; scores are those of exact search.

    Args:
        parts: what is searched.
        asked: g queries.
        stages: the first one at the scanned dim; each keeps at least k rows and at most all.
        k: hits, at most the number of rows.
        buffer: for the scan.
    """
    scan = parts.scan
    coded = coded_prefixes(scan, asked)
    first = scan_products(scan, coded, buffer).best(stages[0].shortlist)
    rows = first.row.reshape(len(asked), -1)
    scores = first.score.reshape(rows.shape) * coded.step.numpy()
    start, n_numbers, survivors = scan.dims[0], 0, [rows.shape[1]]
    for stage in stages[1:]:
        scores = scores + _dots(parts, asked, _flat(rows, scores), start, stage.dim).reshape(rows.shape)
        n_numbers += rows.shape[1] * (stage.dim - start)
        start = stage.dim
        if stage.shortlist < rows.shape[1]:
            kept = mark_best(scores, stage.shortlist)
            rows, scores = rows[kept].reshape(len(asked), -1), scores[kept].reshape(len(asked), -1)
        survivors.append(rows.shape[1])
    n_numbers += rows.shape[1] * parts.rows.width
    hits, _ = _ranked(parts, asked, _flat(rows, scores), k)
    counts = np.tile([*survivors, rows.shape[1]], (len(asked), 1))
    n_scanned = scan.codes.nbytes  # without the lengths, which only bounds need
    return Answers(hits, counts, np.full(len(asked), n_numbers * _FLOAT_BYTES + n_scanned))


def _flat(rows: NDArray[np.int64], scores: NDArray[np.float32]) -> Alive:
    """The same number of rows of every query, one after the other."""
    return Alive(np.repeat(np.arange(len(rows)), rows.shape[1]), rows.ravel(), scores.ravel())


def _dots(parts: Parts, asked: Asked, alive: Alive, start: int, stop: int) -> NDArray[np.float32]:
    """Dot products of columns start..stop of single rows with their queries, (m,)."""
    queries = block(asked.narrow, start, stop)
    found = np.empty(len(alive.row), dtype=np.float32)
    step = max(1, _HELD_NUMBERS // (stop - start))
    for first in range(0, len(found), step):
        some = slice(first, first + step)
        multiply_rows(parts.rows.take(alive.row[some], start, stop), queries, alive.query[some], found[some])
    return found


def multiply_rows(
    rows: NDArray[np.float32], queries: NDArray[np.float32], query: NDArray[np.int64], out: NDArray[np.float32]
) -> None:
    """Dot product of every row with its query.

    Args:
        rows: (m, d).
        queries: (g, d).
        query: (m,) rising, the query of each row.
        out: (m,) to fill.
    """
    numbers, first = np.unique(query, return_index=True)
    counts = np.diff(first, append=len(query))
    if len(numbers) and (counts == counts[0]).all():
        shaped = rows.reshape(len(numbers), int(counts[0]), -1)
        np.einsum("qsd,qd->qs", shaped, queries[numbers], out=out.reshape(shaped.shape[:2]))
        return
    for number, low, count in zip(numbers.tolist(), first.tolist(), counts.tolist(), strict=True):
        np.dot(rows[low : low + count], queries[number], out=out[low : low + count])


def _reached(
    parts: Parts, asked: Asked, query: NDArray[np.int64], row: NDArray[np.int64], k: int
) -> NDArray[np.float64]:
    """A score that at least k rows of each query reach, -inf where fewer than k are given."""
    width = parts.rows.width
    alive = Alive(query, row, np.empty(0, dtype=np.float32))
    alive = alive._replace(score=_dots(parts, asked, alive, 0, width))
    return alive.kth(len(asked), k).astype(np.float64) - margin(width)


def _raised(parts: Parts, asked: Asked, alive: Alive, size: int, k: int) -> tuple[NDArray[np.float64], Array]:
    """A score that k rows reach, for queries with many rows alive, from the `size` most promising ones of each.

    Returns: (g,) scores, -inf for the other queries; (g,) rows that were scored in full.
    """
    chosen = [
        low + np.sort(np.argpartition(-alive.score[low:high], size - 1)[:size])
        for low, high in pairwise(np.searchsorted(alive.query, np.arange(len(asked) + 1)).tolist())
        if high - low > _CROWDED * size
    ]
    if not chosen:
        return np.full(len(asked), -np.inf), np.zeros(len(asked), dtype=np.int64)
    at = np.concatenate(chosen)
    query = alive.query[at]
    return _reached(parts, asked, query, alive.row[at], k), np.bincount(query, minlength=len(asked))


def _ranked(parts: Parts, asked: Asked, alive: Alive, k: int) -> tuple[Hits, NDArray[np.int64]]:
    """The best k rows of every query by their full scores, and (g,) how many were scored to the last bit.

    Each query has at least k rows. Those that full scores in float32 cannot tell from the best k are scored once more,
    summed in float64, each row by itself: a product of matrices would sum in an order that depends on the other rows,
    and equal rows must score the same.
    """
    width, g = parts.rows.width, len(asked)
    alive = alive._replace(score=_dots(parts, asked, alive, 0, width))
    alive = alive.where(alive.score >= (alive.kth(g, k) - 2.0 * margin(width))[alive.query])
    final = np.empty(len(alive.row), dtype=np.float32)
    step = max(1, _HELD_NUMBERS // (2 * width))
    for first in range(0, len(final), step):
        some = slice(first, first + step)
        taken = parts.rows.take(alive.row[some], 0, width)
        final[some] = (taken * asked.full[alive.query[some]]).sum(axis=1)
    best_k = alive._replace(score=final).best(g, k)
    hits = best(best_k.row.reshape(g, k), best_k.score.reshape(g, k), k)
    return hits, np.bincount(alive.query, minlength=g)
