"""From the scan's scores of one query to its hits, stage by stage: exact by a bound, or by shortlists of a plan."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import Vectors
from matryo.hits import Hits, best
from matryo.prefix import block
from matryo.search.funnel_bound import Asked, final_scores, margin
from matryo.search.funnel_plan import Stage
from matryo.search.funnel_rows import take_rows
from matryo.search.funnel_scan import Scan
from matryo.search.topk import mark_best

_FLOAT_BYTES = 4


@dataclass(frozen=True, eq=False)
class Parts:
    """What a funnel searches.

    Attributes:
        scan: the first numbers of every row.
        rows: all numbers of every row, of length 1.
        shard_rows: rows that lie together in one file, None if not known.
    """

    scan: Scan
    rows: Vectors
    shard_rows: int | None


@dataclass(frozen=True, eq=False)
class Answer:
    """Hits of one query, rows alive after each stage, bytes read beyond the scan."""

    hits: Hits
    survivors: tuple[int, ...]
    bytes_read: int


def n_seeds(k: int, n_rows: int) -> int:
    """Rows that are scored in full to learn how high the k-th score is at least.

    >>> n_seeds(10, 1_000_000), n_seeds(10, 20)
    (52, 20)
    """
    return min(2 * k + 32, n_rows)


def answer_exactly(
    parts: Parts, asked: Asked, scanned: NDArray[np.float32], seeds: NDArray[np.int64], k: int
) -> Answer:
    """The exact best k by (-score, row).

    Every stage first raises the threshold, by scoring the most promising rows in full, and then drops the rows whose
    bound lies below it by more than the margin; a row that might tie with the k-th is kept.

    Args:
        parts: what is searched.
        asked: the query.
        scanned: (n,) dot products of the prefixes.
        seeds: (s,) the best rows by these, rising.
        k: hits.
    """
    scan = parts.scan
    threshold = _raised(parts, asked, seeds, k, -np.inf)
    n_bytes = len(seeds) * len(asked.full) * _FLOAT_BYTES
    alive = np.arange(0)
    so_far = scanned
    survivors: list[int] = []
    for i, dim in enumerate(scan.dims):
        if i:
            start = scan.dims[i - 1]
            so_far = so_far + _dots(parts, asked, alive, start, dim)
            n_bytes += len(alive) * (dim - start) * _FLOAT_BYTES
            if len(alive) > len(seeds):
                promising = np.sort(alive[np.argpartition(-so_far, len(seeds) - 1)[: len(seeds)]])
                threshold = _raised(parts, asked, promising, k, threshold)
                n_bytes += len(promising) * len(asked.full) * _FLOAT_BYTES
        low = np.float32(threshold - margin(dim, float(asked.prefix[0]), scan.residual))
        beyond = scan.suffix[i].numpy() if not i else scan.suffix[i].numpy()[alive]
        kept = np.flatnonzero(so_far + np.float32(asked.suffix[i]) * beyond >= low)
        alive = kept if not i else alive[kept]
        so_far = so_far[kept]
        survivors.append(len(alive))
    n_bytes += len(alive) * len(asked.full) * _FLOAT_BYTES
    return Answer(_ranked(parts, asked, alive, k), tuple(survivors), n_bytes)


def answer_by_plan(
    parts: Parts,
    asked: Asked,
    shortlist: NDArray[np.int64],
    so_far: NDArray[np.float32],
    later: Sequence[Stage],
    k: int,
) -> Answer:
    """The best k of what the shortlists of a plan keep; scores are those of exact search.

    Args:
        parts: what is searched.
        asked: the query.
        shortlist: (s,) rows that the scan kept, rising.
        so_far: (s,) dot products of their prefixes.
        later: the stages after the first one; each keeps at least k rows.
        k: hits.
    """
    start, n_bytes = parts.scan.dims[0], 0
    survivors = [len(shortlist)]
    for stage in later:
        so_far = so_far + _dots(parts, asked, shortlist, start, stage.dim)
        n_bytes += len(shortlist) * (stage.dim - start) * _FLOAT_BYTES
        start = stage.dim
        if stage.shortlist < len(shortlist):
            kept = mark_best(so_far[None], stage.shortlist)[0]
            shortlist, so_far = shortlist[kept], so_far[kept]
        survivors.append(len(shortlist))
    n_bytes += len(shortlist) * len(asked.full) * _FLOAT_BYTES
    return Answer(_ranked(parts, asked, shortlist, k), (*survivors, len(shortlist)), n_bytes)


def _dots(parts: Parts, asked: Asked, rows: NDArray[np.int64], start: int, stop: int) -> NDArray[np.float32]:
    """Dot products of columns start..stop of some rows."""
    dots: NDArray[np.float32] = (
        take_rows(parts.rows, rows, start, stop, parts.shard_rows) @ block(asked.narrow, start, stop)[0]
    )
    return dots


def _raised(parts: Parts, asked: Asked, rows: NDArray[np.int64], k: int, threshold: float) -> float:
    """A score that at least k rows reach, from the full scores of some rows; never below the one known before."""
    if len(rows) < k:
        return threshold
    scores = final_scores(parts.rows, rows, asked.full, parts.shard_rows)
    return max(threshold, float(np.partition(scores, len(scores) - k)[len(scores) - k]))


def _ranked(parts: Parts, asked: Asked, rows: NDArray[np.int64], k: int) -> Hits:
    """The best k of some rows by their full scores."""
    scores = final_scores(parts.rows, rows, asked.full, parts.shard_rows)
    if len(rows) > k:
        kept = mark_best(scores[None], k)[0]
        rows, scores = rows[kept], scores[kept]
    return best(rows[None], scores[None], k)
