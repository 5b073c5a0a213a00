"""CKA of prefixes, and said whether they were renormalised: the two are different questions."""

from dataclasses import dataclass

from matryo.errors import ShapeError
from matryo.measures.cka import CkaTest, cka_test
from matryo.prefix import Array, block, cut


@dataclass(frozen=True)
class PrefixCka:
    """CKA of two prefixes.

    Attributes:
        dim: length of x's prefix.
        other_dim: length of y's prefix.
        renormalised: True: rows were cut and renormalised, which is what a search compares. False: the numbers as they
            are, which is what a linear map reads.
        test: the values beside their null.
    """

    dim: int
    other_dim: int
    renormalised: bool
    test: CkaTest


def prefix_cka(
    x: Array,
    y: Array,
    dim: int,
    other_dim: int | None = None,
    *,
    renormalised: bool,
    n_permutations: int = 200,
    max_rows: int | None = 1_000,
    seed: int,
) -> PrefixCka:
    """CKA of a prefix of x with a prefix of y, beside that of rows paired at random.

    The debiased estimate is free of the bias by few rows, not of what it means to see only some of the numbers: values
    of prefixes of unlike length are to be held against their nulls rather than against each other.

    Args:
        x: (n, p) float.
        y: (n, q) float, row i belongs to row i of x.
        dim: length of x's prefix.
        other_dim: length of y's prefix; None = dim.
        renormalised: whether rows are brought to length 1 after the cut; there is no default, because it is to be said.
        n_permutations: as in `cka_test`.
        max_rows: as in `cka_test`.
        seed: as in `cka_test`.

    Raises: ShapeError if a prefix is longer than its vectors or shorter than 1; as `cka_test`.
    Source: bias by sampled features: Chun et al. 2025, arXiv:2502.15104.
    """
    dims = (dim, dim if other_dim is None else other_dim)
    for one, side, name in zip(dims, (x, y), ("x", "y"), strict=True):
        if not 1 <= one <= side.shape[1]:
            raise ShapeError(f"the prefix of {name} must lie within 1..{side.shape[1]}, got {one}; choose another")
    left, right = ((cut(s, d) if renormalised else block(s, 0, d)) for s, d in zip((x, y), dims, strict=True))
    test = cka_test(left, right, n_permutations=n_permutations, max_rows=max_rows, seed=seed)
    return PrefixCka(*dims, renormalised, test)
