"""k-NN edit distance: how many insertions, deletions and replacements turn one neighbour list into the other."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matryo.measures.lists import check_depths, check_lists
from matryo.prefix import Array


def edit_counts(a: Array, b: Array, depths: Sequence[int] | None = None) -> NDArray[np.int64]:
    """Levenshtein distance of the first k of two lists, at several k at once.

    One table holds them all: the distance of the first i ids of one to the first j of the other is its cell (i, j), so
    that its diagonal is the curve over k. All queries go through the table together, a row of it at a time.

    Args:
        a: (n, K) int ids, best first, none twice in a row.
        b: (n, K) int, the same queries.
        depths: the k, each within 1..K; None = 1, 2, .. K.

    Returns: (n, len(depths)) int64, 0 = equal lists, k = nothing in common.
    Raises: ShapeError if the shapes differ; MatryoError if a list holds an id twice or a depth does not fit.
    Source: Levenshtein 1966, by the table of Wagner and Fischer 1974.

    >>> edit_counts(np.array([[1, 2, 3]]), np.array([[2, 3, 1]]))
    array([[1, 2, 2]])
    """
    longest = check_lists(a, b)
    kept = check_depths(depths, longest)
    n = len(a)
    places = np.arange(longest + 1)
    diagonal = np.empty((n, longest), dtype=np.int64)
    line = np.broadcast_to(places, (n, longest + 1))
    for i in range(longest):
        # from above: one id of a left out; from the corner: replaced, or free where equal
        reached = line + 1
        np.minimum(reached[:, 1:], line[:, :-1] + (a[:, i, None] != b), out=reached[:, 1:])
        # from the left: ids of b put in, any number of them at one edit each
        line = np.minimum.accumulate(reached - places, axis=1) + places
        diagonal[:, i] = line[:, i + 1]
    return diagonal[:, kept - 1]


def edit_shares(a: Array, b: Array, depths: Sequence[int] | None = None) -> NDArray[np.float64]:
    """Normalised k-NN edit distance: `edit_counts` over k; 0 = equal lists, 1 = nothing in common, at any k.

    >>> edit_shares(np.array([[1, 2, 3]]), np.array([[2, 3, 1]]), depths=(1, 2)).tolist()
    [[1.0, 1.0]]
    """
    kept = check_depths(depths, check_lists(a, b))
    return np.asarray(edit_counts(a, b, depths) / kept)
