"""The best k rows by their codes: tiles of scores stream by, a threshold per query lets nearly all pass unread."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from matryo.hits import MISSING, Hits, check_k
from matryo.prefix import Array
from matryo.search.quantized_codes import Codes
from matryo.search.scaled import GROUP
from matryo.search.topk import RunningTop

_TILE_SCORES = 1 << 20  # 4 MiB of scores between two looks at the best so far
_PART_QUERIES = 256


def scan(codes: Codes, queries: Array, dim: int, k: int) -> Hits:
    """Compare every query with every row.

    Args:
        codes: quantised rows.
        queries: (n, width) float, finite, not cut.
        dim: prefix length to compare, within 1..codes.dim.
        k: hits per query; beyond the rows the places are filled with row -1.

    Returns: Hits of shape (n, k), equal scores ordered by row. Memory beyond the arguments: 4 MiB of scores, the rows
        that are widened to float32 at a time, and 36 bytes per hit.
    Raises: MatryoError if k < 1.
    """
    import torch

    check_k(k)
    n, m = len(queries), codes.n_rows
    if n == 0 or m == 0:
        return Hits(np.full((n, k), MISSING, dtype=np.int64), np.full((n, k), -np.inf, dtype=np.float32))
    rows = np.empty((n, k), dtype=np.int64)
    scores = np.empty((n, k), dtype=np.float32)
    with torch.inference_mode(), torch.autocast("cpu", enabled=False), _true_float32():
        for begin in range(0, n, _PART_QUERIES):
            part = queries[begin : begin + _PART_QUERIES]
            score = codes.scorer(part, dim)
            top = RunningTop(len(part), min(k, m))
            room = max(GROUP, min(_TILE_SCORES // len(part), m + GROUP - 1) // GROUP * GROUP)
            tile = torch.empty((len(part), room))
            for first in range(0, m, room):
                last = min(first + room, m)
                score(first, last, tile[:, : last - first])
                tile[:, last - first :] = -torch.inf
                top.offer(tile, first)
            found = top.hits(k)
            rows[begin : begin + len(part)], scores[begin : begin + len(part)] = found.rows, found.scores
    return Hits(rows, scores)


@contextmanager
def _true_float32() -> Iterator[None]:
    """Multiply in float32, whatever the caller has set for training."""
    import torch

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
