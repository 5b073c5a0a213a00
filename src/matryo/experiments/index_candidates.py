"""Candidates of a plan: shortlists chosen on one half of the queries, verified on the other, searched and timed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import EmbeddingSet
from matryo.evaluation.index_quality import time_index
from matryo.experiments.index_ranks import code_ranks, kept, sizes_for
from matryo.experiments.index_settings import IndexSettings
from matryo.prefix import Array
from matryo.search import ExactIndex, FunnelIndex, FunnelPlan, Index, QuantizedIndex, Stage
from matryo.search.funnel import default_dims
from matryo.search.funnel_calibration import neighbour_ranks
from matryo.search.funnel_recall import recall_bound
from matryo.search.quantized_codes import Codes, NumberCodes, SignCodes

CONFIDENCE = 0.95
BITS = (16, 8, 1)
_SHARES = (1 / 6, 1 / 4, 1 / 3, 1 / 2, 2 / 3)
_STEP = 32
_N_SINGLE, _BATCH, _N_WARM_UP, _N_COUNTED = 50, 200, 5, 50


@dataclass(frozen=True)
class Candidate:
    """An index that was measured.

    Attributes:
        settings: that build it.
        kind: what groups it in plots.
        sizes: rows kept by each stage before the full vectors decide; () if there is no shortlist.
        recall: mean on the half of the queries that chose nothing.
        recall_low: lower bound of that mean, at 95 % confidence.
        recall_high: upper bound, likewise.
        bytes_per_vector: memory that a search needs, per row.
        bytes_read: of vectors and codes, per query.
        p50_ms: median of single queries.
        p99_ms: 99 of 100 took at most this.
        batch_per_s: queries per second in batches.
    """

    settings: IndexSettings
    kind: str
    sizes: tuple[int, ...]
    recall: float
    recall_low: float
    recall_high: float
    bytes_per_vector: float
    bytes_read: float
    p50_ms: float
    p99_ms: float
    batch_per_s: float

    @property
    def name(self) -> str:
        """Label, without the shortlists."""
        return self.settings.model_copy(update={"shortlist": None}).name

    def to_json(self) -> dict[str, Any]:
        """Fields as JSON values."""
        return {**vars(self), "name": self.name, "settings": self.settings.model_dump(mode="json")}


@dataclass(frozen=True, eq=False)
class Corpus:
    """What candidates are measured on; everything is rotated.

    Attributes:
        in_blocks: the rows in blocks of columns, which a funnel reads.
        by_row: the same rows, each in one piece, which rescoring reads.
        queries: (n, width) float, not more than a shuffled sample: the first half chooses, the second verifies.
        neighbours: (n, k) rows that exact search finds.
    """

    in_blocks: EmbeddingSet
    by_row: EmbeddingSet
    queries: Array
    neighbours: NDArray[np.int64]

    @property
    def k(self) -> int:
        """Neighbours per query."""
        return int(self.neighbours.shape[1])

    @property
    def half(self) -> int:
        """Queries that choose."""
        return len(self.queries) // 2

    @property
    def flat_bytes(self) -> int:
        """Bytes that exact search reads per query."""
        return 4 * self.by_row.n_rows * self.by_row.width


def dim_ladder(width: int) -> tuple[int, ...]:
    """1/6, 1/4, 1/3, 1/2 and 2/3 of a width, to multiples of 32 where that leaves something, and the width.

    >>> dim_ladder(384), dim_ladder(24)
    ((64, 96, 128, 192, 256, 384), (4, 6, 8, 12, 16, 24))
    """
    parts = (round(width * share / _STEP) * _STEP or max(1, round(width * share)) for share in _SHARES)
    return tuple(sorted({width, *(dim for dim in parts if dim < width)}))


def n_candidates(width: int) -> int:
    """How many `candidates` looks at, for a bar of progress."""
    return 2 + len(_funnels(width)) + len(BITS) * len(dim_ladder(width))


def candidates(corpus: Corpus, recall: float) -> Iterator[Candidate | None]:
    """Measure flat search, both funnels, and every dim and number of bits.

    Shortlists are chosen on the first half of the queries, so that the second half can be expected to confirm the
    recall; see `sizes_for`.

    Args:
        corpus: rows, queries and their neighbours.
        recall: mean to reach.

    Yields: a candidate, or None for one that would read as much as exact search does.
    """
    width, k = corpus.by_row.width, corpus.k
    ladder = dim_ladder(width)
    flat = IndexSettings(kind="flat")
    yield _measured(corpus, flat, "flat", (), np.ones(1), ExactIndex.build(corpus.by_row), 4.0 * width)
    funnel = FunnelIndex.build(corpus.in_blocks)
    yield _measured(corpus, IndexSettings(kind="funnel", bits=8), "funnel", (), np.ones(1), funnel)
    for dims in _funnels(width):
        built = funnel if dims == funnel.dims else FunnelIndex.build(corpus.in_blocks, dims=dims)
        ranks = neighbour_ranks(built.parts, built.asked(corpus.queries), corpus.neighbours)
        sizes = sizes_for(ranks[: corpus.half], recall, k)
        shares = kept(ranks[corpus.half :], sizes)
        stages = tuple(Stage(dim, size) for dim, size in zip(built.dims[:-1], sizes, strict=True))
        plan = FunnelPlan(stages, k, recall, _low(shares), CONFIDENCE, len(shares))
        settings = IndexSettings.model_validate({"kind": "funnel", "dims": dims, "recall": recall, "bits": 8})
        yield _measured(corpus, settings, "funnel", sizes, shares, built.with_plan(plan))
    for bits in BITS:
        for dim in ladder:
            ranks = code_ranks(_codes(corpus.by_row, dim, bits), corpus.queries, corpus.neighbours)
            (size,) = sizes_for(ranks[: corpus.half], recall, k)
            if 4 * size * width >= corpus.flat_bytes:
                yield None
                continue
            settings = IndexSettings.model_validate(
                {"kind": "quantized", "dims": (dim,), "bits": bits, "shortlist": size}
            )
            coded = QuantizedIndex.build(corpus.by_row, bits=bits, dim=dim, shortlist=size)
            kind = "1 bit" if bits == 1 else f"{bits} bits"
            read = coded.resident_bytes / corpus.by_row.n_rows
            yield _measured(corpus, settings, kind, (size,), kept(ranks[corpus.half :], (size,)), coded, read)


def _funnels(width: int) -> tuple[tuple[int, ...], ...]:
    """Stages of the calibrated funnels: the usual ones, and each dim of the ladder with the full width."""
    stages = (default_dims(width), *((dim, width) for dim in dim_ladder(width)[:-1]))
    return tuple(dict.fromkeys(dims for dims in stages if len(dims) > 1))


def _codes(rows: EmbeddingSet, dim: int, bits: int) -> Codes:
    return SignCodes.encode(rows, dim, centred=False) if bits == 1 else NumberCodes.encode(rows, dim, bits)


def _measured(
    corpus: Corpus,
    settings: IndexSettings,
    kind: str,
    sizes: tuple[int, ...],
    shares: NDArray[np.float64],
    index: Index,
    scanned: float = 0.0,
) -> Candidate | None:
    """Time one index; `scanned` bytes of every row are read, of a funnel its own counters tell."""
    n_rows, proven = index.n_rows, not sizes
    if isinstance(index, FunnelIndex):
        read = float(index.search_counted(corpus.queries[:_N_COUNTED], corpus.k)[1].bytes_read.mean())
    else:
        read = n_rows * scanned + 4.0 * sum(sizes) * corpus.by_row.width
    if sizes and read >= corpus.flat_bytes:
        return None
    (times,) = time_index(
        index, corpus.queries, corpus.k, threads=_all_threads(), n_single=_N_SINGLE, batch=_BATCH, n_warm_up=_N_WARM_UP
    )
    return Candidate(
        settings=settings,
        kind=kind,
        sizes=sizes,
        recall=float(shares.mean()),
        recall_low=1.0 if proven else _low(shares),
        recall_high=1.0 if proven else 1.0 - recall_bound(1.0 - shares, CONFIDENCE),
        bytes_per_vector=index.facts().resident_bytes / n_rows,
        bytes_read=read,
        p50_ms=times.p50_ms,
        p99_ms=times.p99_ms,
        batch_per_s=times.queries_per_s,
    )


def _low(shares: NDArray[np.float64]) -> float:
    return recall_bound(shares, CONFIDENCE)


def _all_threads() -> tuple[int]:
    import torch

    return (torch.get_num_threads(),)
