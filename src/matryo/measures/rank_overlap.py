"""Agreement of ranked lists that weighs the top more: rank-biased overlap, and shared ids by harmonic weights."""

from collections.abc import Collection, Hashable, Mapping, Sequence
from itertools import chain
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError
from matryo.measures.lists import check_depths, check_lists, overlaps, shared_places
from matryo.prefix import Array

Ties = Literal["same rank", "average", "corrected"]
Ranked = Sequence[Hashable | Collection[Hashable]]
_Spans = Mapping[Hashable, tuple[int, int]]


def rbo_lists(a: Array, b: Array, p: float = 0.9) -> NDArray[np.float64]:
    """Extrapolated rank-biased overlap of two lists per query, equally long and without ties.

    With X_d ids shared by the first d, RBO_EXT = X_K / K p^K + (1 - p) / p sum over d = 1..K of X_d / d p^d: what is
    beyond the lists is taken to agree as the lists do.

    Args:
        a: (n, K) int ids, best first, none twice in a row.
        b: (n, K) int, the same queries.
        p: persistence, 0 < p < 1: the first 1 / (1 - p) places weigh most. State it with every value; at p = 0.9 the
            first 10 places carry 86 % of the weight.

    Returns: (n,) float64; 1 = equal lists, 0 = nothing in common.
    Raises: ShapeError if the shapes differ; MatryoError if a list holds an id twice or p is out of range.
    Source: Webber, Moffat and Zobel 2010, A similarity measure for indefinite rankings, equation 30.

    >>> rbo_lists(np.array([[1, 2], [1, 2]]), np.array([[1, 3], [2, 1]]), p=0.5)
    array([0.75, 0.5 ])
    """
    longest = check_lists(a, b)
    _check_p(p)
    depths = np.arange(1, longest + 1)
    agreements = overlaps(a, b) / depths
    weights = (1.0 - p) * p ** (depths - 1)
    return np.asarray(agreements @ weights + agreements[:, -1] * p**longest)


def rbo(a: Ranked, b: Ranked, p: float = 0.9, ties: Ties = "average") -> float:
    """Extrapolated rank-biased overlap of two lists, which may differ in length and hold ties.

    Agreement at depth d is the sum over shared items of the products of how far each list has taken them in, over
    what full agreement would give. An item alone at its place is taken in wholly from there on; of ties at the places
    t..u each is taken in by (d - t + 1) / (u - t + 1), or wholly from t on if they have the same rank. Beyond the end
    of the shorter list its places are taken to agree with those of the other as its own did at its end, and beyond the
    longer one agreement stays.

    Args:
        a: items, best first; a set, frozenset, list or tuple among them holds items that are tied. None occurs twice.
        b: the same of the other ranking.
        p: persistence, 0 < p < 1; state it with every value.
        ties: what ties mean. "average": the order is not known, the mean over all orders (RBO^a of the source), so
            that a list with ties agrees less than wholly with itself. "corrected": the same, over what the ties allow
            (RBO^b), so that a list agrees wholly with itself. "same rank": the items truly share a rank (RBO^w, the
            rule of Webber et al.).

    Returns: 0 to 1. Without ties all three are RBO_EXT of Webber, Moffat and Zobel 2010, equation 32.
    Raises: MatryoError if a list is empty or holds an item twice, or p or ties is none of these.
    Source: Corsi and Urbano 2024, The Treatment of Ties in Rank-Biased Overlap; equal to their published values. That a
        place beyond the shorter list counts by the mean share of the other's items it may meet is our reading, which
        these values confirm.

    >>> x = ["red", {"blue", "green"}, "yellow", "pink"]
    >>> y = [{"blue", "red"}, "white", {"yellow", "black", "purple"}, "green"]
    >>> round(rbo(x, y, p=0.95), 7), round(rbo(x, y, p=0.95, ties="corrected"), 7)
    (0.6922853, 0.7207131)
    """
    _check_p(p)
    if ties not in ("same rank", "average", "corrected"):
        raise MatryoError(f"ties must be 'same rank', 'average' or 'corrected', got {ties!r}")
    (short, end), (long, last) = sorted((_spans(a, "a"), _spans(b, "b")), key=lambda side: side[1])
    agreement = at_end = total = 0.0
    for depth in range(1, last + 1):
        agreement = _agreement(short, long, depth, ties, end, at_end)
        if depth == end:
            at_end = agreement
        total += agreement * p ** (depth - 1)
    return (1.0 - p) * total + agreement * p**last


def rank_harmonic(
    a: Array, b: Array, depths: Sequence[int] | None = None, *, out_of: Literal["list", "shared"] = "list"
) -> NDArray[np.float64]:
    """Overlap of the first k of two lists in which an id counts by how high and how equally it stands in both.

    The sum over shared ids, at ranks r and s from 1, of 2 / ((1 + |r - s|) (r + s)), over the harmonic number
    H_m = 1 + 1/2 + .. + 1/m, which it reaches if m ids stand at the ranks 1..m of both.

    Args:
        a: (n, K) int ids, best first, none twice in a row.
        b: (n, K) int, the same queries.
        depths: the k, each within 1..K; None = 1, 2, .. K.
        out_of: "list": m = k, so that only equal lists reach 1. "shared": m = number of shared ids, as published: it
            judges the order of what is shared only, and a single id shared at the top gives 1.

    Returns: (n, len(depths)) float64, 0 to 1; 0 where nothing is shared.
    Raises: as `rbo_lists`; MatryoError if a depth does not fit.
    Source: rank similarity of Wang et al. 2020, Towards understanding the instability of network embedding, used on
        text embeddings by Caspari et al. 2024; m = k: ours, to have overlap and order in one number.

    >>> rank_harmonic(np.array([[1, 2, 3]]), np.array([[1, 3, 4]])).round(4).tolist()
    [[1.0, 0.6667, 0.6545]]
    """
    if out_of not in ("list", "shared"):
        raise MatryoError(f"out_of must be 'list' or 'shared', got {out_of!r}")
    longest = check_lists(a, b)
    kept = check_depths(depths, longest)
    gained = np.zeros(a.shape)
    for row, in_a, in_b in shared_places(a, b):
        weights = 2.0 / ((1.0 + np.abs(in_a - in_b)) * (in_a + in_b + 2.0))
        np.add.at(gained, (row, np.maximum(in_a, in_b)), weights)
    reached = np.cumsum(gained, axis=1)[:, kept - 1]
    harmonic = np.concatenate(([1.0], np.cumsum(1.0 / np.arange(1, longest + 1))))  # H_0 only ever divides a 0
    return np.asarray(reached / harmonic[kept if out_of == "list" else overlaps(a, b)[:, kept - 1]])


def _agreement(short: _Spans, long: _Spans, depth: int, ties: Ties, end: int, at_end: float) -> float:
    taken_short = {item: _taken(span, depth, ties) for item, span in short.items()}
    taken_long = {item: _taken(span, depth, ties) for item, span in long.items()}
    shared = sum(share * taken_long[item] for item, share in taken_short.items() if item in taken_long)
    unseen = max(0, depth - end)
    if unseen:
        # at depth d more than d - end items of the longer list are in, so that one is not in the shorter
        open_shares = [share for item, share in taken_long.items() if share > 0 and item not in taken_short]
        shared += unseen * at_end * sum(open_shares) / len(open_shares)
    if ties == "average":
        return shared / depth
    if ties == "same rank":
        return 2.0 * shared / (sum(taken_short.values()) + unseen + sum(taken_long.values()))
    squares = [sum(share**2 for share in taken.values()) for taken in (taken_short, taken_long)]
    return shared / sqrt((squares[0] + unseen) * squares[1])


def _taken(span: tuple[int, int], depth: int, ties: Ties) -> float:
    first, last = span
    if depth < first:
        return 0.0
    return 1.0 if depth >= last or ties == "same rank" else (depth - first + 1) / (last - first + 1)


def _spans(ranked: Ranked, name: str) -> tuple[_Spans, int]:
    """First and last place of each item's tie, and the length of the list."""
    groups = [tuple(g) if isinstance(g, set | frozenset | list | tuple) else (g,) for g in ranked]
    n = sum(map(len, groups))
    if not n or len(set(chain.from_iterable(groups))) < n:
        raise MatryoError(f"{name} must hold at least one item and none twice, got {n} items: drop repetitions")
    spans: dict[Hashable, tuple[int, int]] = {}
    for group in groups:
        first = len(spans) + 1
        spans.update(dict.fromkeys(group, (first, first + len(group) - 1)))
    return spans, n


def _check_p(p: float) -> None:
    if not 0.0 < p < 1.0:
        raise MatryoError(f"p must lie between 0 and 1, got {p}; 0.9 looks at about 10 places")
