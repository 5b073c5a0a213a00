"""How fast a model encodes and how fast its vectors are searched at every dim, on this machine."""

import statistics
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matryo.encoders import Encoder
from matryo.errors import MatryoError
from matryo.prefix import Array, unit_rows
from matryo.reports.model_table_values import DimSpeed, EncodeSpeed, SearchSpeed
from matryo.search import ScaledRows, search_dim

MAX_BYTES = 4 << 30
_NOISE = 0.3  # length of what is added to a repeated row of length 1: near its document, yet no tie
_WARM_UP_TEXTS = 32


def time_encoding(encoder: Encoder, texts: Sequence[str], n_rounds: int) -> EncodeSpeed:
    """Encode the same texts several times; a few that are not counted come first.

    Args:
        encoder: any encoder.
        texts: documents, at least one.
        n_rounds: rounds, at least one.

    Raises: MatryoError if there is no text or no round.
    """
    if not texts or n_rounds < 1:
        raise MatryoError(f"encoding is timed on texts in rounds, got {len(texts)} texts and {n_rounds} rounds")
    encoder.encode(list(texts[:_WARM_UP_TEXTS]))
    taken = []
    for _ in range(n_rounds):
        started = time.perf_counter()
        encoder.encode(texts)
        taken.append(time.perf_counter() - started)
    told = encoder.description
    return EncodeSpeed(
        texts_per_s=len(texts) / statistics.median(taken),
        n_texts=len(texts),
        n_rounds=n_rounds,
        device=str(told["device"]),
        precision=str(told["precision"]),
        threads=int(told["threads"]),
        max_tokens=encoder.space.max_tokens,
    )


def time_dims(
    queries: Array,
    documents: Array,
    dims: Sequence[int],
    *,
    n_rows: int,
    n_batch: int,
    n_single: int,
    n_rounds: int,
    k: int = 10,
    seed: int = 0,
) -> SearchSpeed:
    """Time the exact search at every dim, many queries at once and one after the other.

    Every dim has its own cut, scaled rows in memory before the clock starts, as a server would; the dims take turns in
    each round, and ratios are taken within a round, so that what else runs on the machine meets all of them.

    Args:
        queries: (m, width) float, repeated where there are too few.
        documents: (n, width) float of length 1, repeated with a little noise up to `n_rows`.
        dims: prefix lengths, the largest is what the others are compared with.
        n_rows: vectors to search; fewer if those of all dims together would take more than 4 GiB.
        n_batch: queries at once.
        n_single: queries one after the other.
        n_rounds: rounds that count; one comes before.
        k: hits per query.
        seed: of the noise.

    Returns: medians over the rounds.
    Raises: MatryoError if a number is below 1 or there are no vectors.
    """
    import torch

    numbers = {"n_rows": n_rows, "n_batch": n_batch, "n_single": n_single, "n_rounds": n_rounds, "k": k}
    if min(numbers.values()) < 1 or not len(queries) or not len(documents):
        sizes = f"{len(queries)} queries and {len(documents)} documents"
        raise MatryoError(f"searches are timed with numbers of at least 1, got {numbers} for {sizes}; raise them")
    rising = sorted(dims)
    searched = repeated_rows(documents, min(n_rows, MAX_BYTES // (4 * sum(rising))), seed)
    asked = queries[np.arange(max(n_batch, n_single)) % len(queries)]
    scaled = {dim: ScaledRows.of(searched, (dim,)) for dim in rising}
    batch: dict[int, list[float]] = {dim: [] for dim in rising}
    single: dict[int, list[float]] = {dim: [] for dim in rising}
    for number in range(n_rounds + 1):
        for dim in rising:
            of_batch = _rate(asked[:n_batch], n_batch, scaled[dim], dim, k)
            of_single = _rate(asked[:n_single], 1, scaled[dim], dim, k)
            if number:  # the first round warms up
                batch[dim].append(of_batch)
                single[dim].append(of_single)
    width = rising[-1]
    points = tuple(
        DimSpeed(
            dim,
            statistics.median(batch[dim]),
            statistics.median(single[dim]),
            _ratio(batch[dim], batch[width]),
            _ratio(single[dim], single[width]),
        )
        for dim in rising
    )
    n_documents = min(len(documents), len(searched))
    threads = torch.get_num_threads()
    return SearchSpeed(len(searched), n_documents, n_batch, n_single, k, n_rounds, threads, points)


def repeated_rows(documents: Array, n_rows: int, seed: int = 0) -> NDArray[np.float32]:
    """The documents, or the first of them, and after them the same again with a little noise, (n_rows, width)."""
    rng = np.random.default_rng(seed)
    rows: NDArray[np.float32] = documents[np.arange(n_rows) % len(documents)].astype(np.float32)
    if n_rows > len(documents):
        again = rows[len(documents) :]
        again += _NOISE / np.sqrt(rows.shape[1]) * rng.standard_normal(again.shape, dtype=np.float32)
        rows[len(documents) :] = unit_rows(again)
    return rows


def _rate(queries: Array, n_at_once: int, documents: ScaledRows, dim: int, k: int) -> float:
    """Queries per second."""
    started = time.perf_counter()
    for first in range(0, len(queries), n_at_once):
        search_dim(queries[first : first + n_at_once], documents, dim, k)
    return len(queries) / (time.perf_counter() - started)


def _ratio(of: Sequence[float], base: Sequence[float]) -> float:
    return statistics.median(one / other for one, other in zip(of, base, strict=True))
