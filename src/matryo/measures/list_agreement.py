"""Everything two sets of neighbour lists agree on, at several lengths, query by query."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError
from matryo.measures.edits import edit_shares
from matryo.measures.lists import check_depths, check_lists
from matryo.measures.neighbours import chance_overlap, jaccard, mutual_neighbours
from matryo.measures.rank_overlap import rank_harmonic, rbo_lists
from matryo.prefix import Array


@dataclass(frozen=True, eq=False)
class ListAgreement:
    """How two spaces agree about the neighbours of the same queries.

    Attributes:
        depths: list lengths looked at.
        n_candidates: rows each list was drawn from.
        p: persistence of `rbo`.
        mutual: (n, len(depths)) share of the first k in common.
        chance: (len(depths),) what `mutual` is on average for unrelated spaces.
        jaccard: (n, len(depths)) shared over different ids.
        rank_harmonic: (n, len(depths)) overlap weighed by ranks, out of the list.
        edit_shares: (n, len(depths)) normalised k-NN edit distance: here lower is closer.
        rbo: (n,) extrapolated rank-biased overlap of the whole lists.
    """

    depths: tuple[int, ...]
    n_candidates: int
    p: float
    mutual: NDArray[np.float64]
    chance: NDArray[np.float64]
    jaccard: NDArray[np.float64]
    rank_harmonic: NDArray[np.float64]
    edit_shares: NDArray[np.float64]
    rbo: NDArray[np.float64]


def compare_lists(
    a: Array, b: Array, depths: Sequence[int] | None = None, *, n_candidates: int, p: float = 0.9
) -> ListAgreement:
    """Compare the lists of two spaces by every measure of lists.

    Args:
        a: (n, K) int ids, best first, none twice in a row, as `nearest_neighbours` and `nearest_among` give them.
        b: (n, K) int, the same queries.
        depths: list lengths, each within 1..K; None = 1, 2, .. K.
        n_candidates: n - 1 for neighbours within one set of n, else the number of documents.
        p: of the rank-biased overlap.

    Raises: ShapeError if the shapes differ; MatryoError if lists, depths or p do not fit, or n_candidates is below K.

    >>> found = compare_lists(np.array([[1, 2, 3]]), np.array([[1, 3, 4]]), (1, 3), n_candidates=30)
    >>> found.mutual.round(2).tolist(), found.edit_shares.round(2).tolist(), found.chance.round(2).tolist()
    ([[1.0, 0.67]], [[0.0, 0.67]], [0.03, 0.1])
    """
    longest = check_lists(a, b)
    if n_candidates < longest:
        raise MatryoError(
            f"n_candidates must be at least {longest}, the length of the lists, got {n_candidates}; it is the number "
            "of rows that could have been found"
        )
    kept = check_depths(depths, longest).tolist()
    return ListAgreement(
        depths=tuple(kept),
        n_candidates=n_candidates,
        p=p,
        mutual=mutual_neighbours(a, b, kept),
        chance=chance_overlap(kept, n_candidates),
        jaccard=jaccard(a, b, kept),
        rank_harmonic=rank_harmonic(a, b, kept),
        edit_shares=edit_shares(a, b, kept),
        rbo=rbo_lists(a, b, p),
    )
