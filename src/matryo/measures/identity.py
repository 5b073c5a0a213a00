"""Who is found: rank and margin of a query's partner among the texts of the other domain, at many columns in one pass.

Ties are settled by expectation: a partner that shares its score with t others stands with equal chance at each of t + 1
places, so that a model whose vectors are all alike scores as chance does, whatever the order of the rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, final

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError, ShapeError
from matryo.prefix import Array, block, check_dims, check_matrix, prefix_blocks, prefix_norms

Rows = NDArray[np.int64]
_BLOCK_QUERIES = 256  # scores of 256 queries and 2,000 rows take 2 MiB, which a core's cache holds
TIE = 1e-6
"""Cosines nearer than this are equal: rounding of float32 must not decide between two texts that are alike."""


@dataclass(frozen=True, eq=False)
class Columns:
    """Columns of a space in some order, and the prefixes of that order to measure.

    Attributes:
        names: one for each dim.
        dims: strictly rising prefix lengths.
        order: (w,) int64 columns to take, None = all as they are.
    """

    names: tuple[str, ...]
    dims: tuple[int, ...]
    order: Rows | None = None

    def of(self, x: Array) -> Array:
        """These columns of a matrix in this order, (n, width) -> (n, w).

        Raises: ShapeError if x is no finite float matrix or has fewer columns.
        """
        needed = self.dims[-1] if self.order is None else int(self.order.max()) + 1
        check_matrix(x, min_width=needed)
        taken: Array = x if self.order is None else x.take(self.order, axis=1)
        return taken


class Rivals(NamedTuple):
    """Whom a partner is to be found among.

    Attributes:
        queries: (q,) rows of a, rising, each with a partner in b.
        rows: (q, s) rows of b, -1 = none; rows of the query's own entity do not count. None = every row of b.
        extra: (q,) one more rival of each query, a row of the extra vectors; None = none.
    """

    queries: Rows
    rows: Rows | None = None
    extra: Rows | None = None


class Scores(Protocol):
    """Similarity of queries to a gallery by one or several rules."""

    @property
    def names(self) -> tuple[str, ...]:
        """One name for each rule, such as "prefix 64"."""

    def blocks(self, rows: Rows) -> Iterator[Array]:
        """For each rule the scores (len(rows), m) of some queries with the whole gallery; the caller may change it."""

    def pairs(self, rows: Rows, extra: Rows) -> Array:
        """Scores (len(names), q) of each query with the row of the extra texts that stands beside it."""


@final
class Cosines:
    """Cosines at many columns: those of prefixes of one order cost one product of matrices in all."""

    def __init__(self, a: Array, b: Array, columns: Sequence[Columns], extra: Array | None = None) -> None:
        """Take columns and norms once.

        Args:
            a: (n, width) float, queries.
            b: (m, width) float, gallery.
            columns: what to compare by.
            extra: (x, width) float, further rows that single queries are compared with.

        Raises: ShapeError if widths differ, or as `Columns.of`.
        """
        others = [b] if extra is None else [b, extra]
        for other in others:
            if a.shape[1] != other.shape[1]:
                raise ShapeError(
                    f"both sides must have one width, got {a.shape[1]} and {other.shape[1]}; encode with one model"
                )
        self.names = tuple(name for chosen in columns for name in chosen.names)
        self._compared = [
            _Compared(
                chosen.dims,
                _Side.of(chosen, a),
                _Side.of(chosen, b),
                None if extra is None else _Side.of(chosen, extra),
            )
            for chosen in columns
        ]

    def blocks(self, rows: Rows) -> Iterator[Array]:
        """One (len(rows), m) matrix of cosines for each name."""
        for dims, a, b, _ in self._compared:
            dots: Array | None = None
            for place, (start, stop) in enumerate(prefix_blocks(dims)):
                added = block(a.x[rows], start, stop) @ block(b.x, start, stop).T
                dots = added if dots is None else np.add(dots, added, out=dots)
                scores = dots * a.inverse[rows, place, None]
                scores *= b.inverse[:, place]
                yield scores

    def pairs(self, rows: Rows, extra: Rows) -> Array:
        """Cosines (len(names), q) of queries with rows of the extra vectors.

        Raises: MatryoError if no extra vectors were given.
        """
        found = []
        for dims, a, _, other in self._compared:
            if other is None:
                raise MatryoError("a gallery asks for extra rivals, got no extra vectors; pass those of the twins")
            dots = _row_dots(a.x[rows], other.x[extra], dims)
            found.append(dots * a.inverse[rows].T * other.inverse[extra].T)
        joined: Array = np.concatenate(found)
        return joined


class _Side(NamedTuple):
    x: Array
    inverse: Array  # (n, dims) 1 / length of each prefix, 0 for a zero prefix, whose cosines are 0

    @classmethod
    def of(cls, chosen: Columns, x: Array) -> "_Side":
        taken = chosen.of(x)
        wide = np.ascontiguousarray(taken, dtype=np.result_type(taken, np.float32))
        norms = prefix_norms(wide, chosen.dims)
        return cls(wide, np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0).astype(wide.dtype))


class _Compared(NamedTuple):
    dims: tuple[int, ...]
    a: _Side
    b: _Side
    extra: _Side | None


@dataclass(frozen=True, eq=False)
class Ranks:
    """Where the best partner of each query stands, by each of c rules.

    Attributes:
        queries: (q,) int64 rows of a.
        above: (c, q) int32 rivals with a higher score.
        tied: (c, q) int32 rivals with the same score.
        margin: (c, q) float32 score of the best partner minus score of the best rival; NaN without rivals.
    """

    queries: Rows
    above: NDArray[np.int32]
    tied: NDArray[np.int32]
    margin: NDArray[np.float32]

    @property
    def rank(self) -> NDArray[np.float64]:
        """Expected rank from 1, (c, q): ties count half."""
        return 1.0 + self.above + self.tied / 2.0

    def hit(self, k: int) -> NDArray[np.float64]:
        """Chance that the best partner is among the first k, (c, q): 0 or 1 where nothing ties.

        Raises: MatryoError if k < 1.
        """
        if k < 1:
            raise MatryoError(f"k must be at least 1, got {k}; 1, 5 and 10 are usual")
        return np.clip((k - self.above.astype(np.float64)) / (self.tied + 1.0), 0.0, 1.0)

    @property
    def reciprocal(self) -> NDArray[np.float64]:
        """Expected reciprocal rank, (c, q); its mean is the MRR."""
        deepest = int((self.above + self.tied).max(initial=0)) + 1
        harmonic = np.concatenate(([0.0], np.cumsum(1.0 / np.arange(1, deepest + 1))))
        shared = (harmonic[self.above + self.tied + 1] - harmonic[self.above]) / (self.tied + 1.0)
        return np.where(self.tied == 0, 1.0 / (self.above + 1.0), shared)


def with_partner(entities_a: Rows, entities_b: Rows) -> Rows:
    """Rows of a whose entity stands in b, rising.

    >>> with_partner(np.array([4, 2, 9]), np.array([2, 2, 4]))
    array([0, 1])
    """
    return np.flatnonzero(np.isin(entities_a, entities_b))


def partner_ranks(
    a: Array, b: Array, entities_a: Rows, entities_b: Rows, columns: Sequence[Columns], *, tie: float = TIE
) -> Ranks:
    """Rank and margin of the best partner of every row of a that has one, among all rows of b.

    Args:
        a: (n, width) float.
        b: (m, width) float.
        entities_a: (n,) int64.
        entities_b: (m,) int64; rows of one number are partners.
        columns: what to compare by.
        tie: cosines nearer than this are equal.

    Raises: ShapeError if lengths or widths differ; MatryoError if no row of a has a partner.
    Source: ours; ties at their expected rank, because rows of a collapsed model all tie.

    >>> a, b = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 1.0], [0.0, 1.0]])
    >>> found = partner_ranks(a, b, np.arange(2), np.arange(2), [Columns(("1", "2"), (1, 2))])
    >>> found.rank
    array([[1. , 1.5], [1. , 1. ]])
    """
    rivals = {"all": Rivals(with_partner(entities_a, entities_b))}
    return rank_partners(Cosines(a, b, columns), entities_a, entities_b, rivals, tie=tie)["all"]


def rank_partners(
    scores: Scores, entities_a: Rows, entities_b: Rows, galleries: Mapping[str, Rivals], *, tie: float = TIE
) -> dict[str, Ranks]:
    """Rank and margin of the best partner in several galleries at once: every score is computed once.

    Args:
        scores: of rows of a with rows of b.
        entities_a: (n,) int64.
        entities_b: (m,) int64; rows of one number are partners; of several partners the best one counts.
        galleries: name -> whom the partner is to be found among.
        tie: scores nearer than this are equal.

    Returns: name -> ranks of the gallery's queries, one row for each name of the scores.
    Raises: MatryoError if a gallery has no queries, or one without a partner in b.
    """
    by_entity = np.argsort(entities_b, kind="stable")
    ordered = entities_b[by_entity]
    for name, rivals in galleries.items():
        lost = rivals.queries[~np.isin(entities_a[rivals.queries], ordered)]
        if len(lost) or not len(rivals.queries):
            raise MatryoError(
                f"gallery {name} has {len(rivals.queries)} queries, {len(lost)} of them without a partner; "
                "ask with rows that have one"
            )
    found = {name: _empty(len(scores.names), rivals.queries) for name, rivals in galleries.items()}
    extra = {
        name: scores.pairs(rivals.queries, rivals.extra)
        for name, rivals in galleries.items()
        if rivals.extra is not None
    }
    asked = np.unique(np.concatenate([rivals.queries for rivals in galleries.values()]))
    for start in range(0, len(asked), _BLOCK_QUERIES):
        rows = asked[start : start + _BLOCK_QUERIES]
        partners = _Partners.of(entities_a[rows], by_entity, ordered)
        for rule, matrix in enumerate(scores.blocks(rows)):
            best = partners.take_best(matrix)
            for name, rivals in galleries.items():
                part = slice(*np.searchsorted(rivals.queries, (rows[0], rows[-1] + 1)).tolist())
                local = np.searchsorted(rows, rivals.queries[part])
                against = _rivals(matrix, local, None if rivals.rows is None else rivals.rows[part])
                also = extra[name][rule, part] if name in extra else None
                _place(found[name], rule, part, best[local], against, also, tie)
    return found


class _Partners(NamedTuple):
    """Cells of a block of scores that belong to partners."""

    query: Rows
    row: Rows
    starts: Rows

    @classmethod
    def of(cls, entities: Rows, by_entity: Rows, ordered: Rows) -> "_Partners":
        first, last = np.searchsorted(ordered, entities), np.searchsorted(ordered, entities, side="right")
        counts = last - first
        starts = np.cumsum(counts) - counts
        query = np.repeat(np.arange(len(entities)), counts)
        return cls(query, by_entity[np.arange(len(query)) - starts[query] + first[query]], starts)

    def take_best(self, matrix: Array) -> Array:
        """The best partner's score of every query; partners leave the matrix, so that they are nobody's rivals."""
        best: Array = np.maximum.reduceat(matrix[self.query, self.row], self.starts)
        matrix[self.query, self.row] = -np.inf
        return best


def _empty(n_rules: int, queries: Rows) -> Ranks:
    shape = (n_rules, len(queries))
    return Ranks(queries, np.zeros(shape, np.int32), np.zeros(shape, np.int32), np.zeros(shape, np.float32))


def _rivals(matrix: Array, local: Rows, rows: Rows | None) -> Array:
    """Scores of the rivals of some queries of a block, -inf where there is none."""
    chosen = matrix if len(local) == len(matrix) else matrix[local]
    if rows is None:
        return chosen
    taken: Array = np.take_along_axis(chosen, np.maximum(rows, 0), axis=1)
    taken[rows < 0] = -np.inf
    return taken


def _place(ranks: Ranks, rule: int, part: slice, best: Array, against: Array, also: Array | None, tie: float) -> None:
    """Count who stands above and beside the partner."""
    high, low = (best + tie)[:, None], (best - tie)[:, None]
    above = np.count_nonzero(against > high, axis=1)
    beside = np.count_nonzero(against >= low, axis=1)
    strongest = against.max(axis=1, initial=-np.inf)
    if also is not None:
        above, beside = above + (also > high[:, 0]), beside + (also >= low[:, 0])
        strongest = np.maximum(strongest, also)
    ranks.above[rule, part] = above
    ranks.tied[rule, part] = beside - above
    ranks.margin[rule, part] = np.where(np.isfinite(strongest), best - strongest, np.nan)


def _row_dots(x: Array, y: Array, dims: tuple[int, ...]) -> NDArray[np.float64]:
    """Products (dims, n) of each row of x with the same row of y at every prefix."""
    parts = [
        np.einsum("ij,ij->i", block(x, start, stop), block(y, start, stop), dtype=np.float64)
        for start, stop in prefix_blocks(dims)
    ]
    dots: NDArray[np.float64] = np.cumsum(np.stack(parts), axis=0)
    return dots


def triplet_hits(x: Array, triplets: Rows, columns: Sequence[Columns], *, tie: float = TIE) -> NDArray[np.float64]:
    """Whether each anchor is nearer to its positive than to its negative: 1, 0, and 0.5 where both are as near.

    Args:
        x: (n, width) float.
        triplets: (t, 3) int64 rows of x: anchor, positive, negative.
        columns: what to compare by.
        tie: cosines nearer than this are equal.

    Returns: (number of names in columns, t) float64.
    Raises: ShapeError if triplets are no (t, 3) rows of x.

    >>> x = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 3.0]])
    >>> triplet_hits(x, np.array([[0, 1, 2]]), [Columns(("1", "2"), (1, 2))])
    array([[0.5], [1. ]])
    """
    if triplets.ndim != 2 or triplets.shape[1] != 3 or triplets.min(initial=0) < 0 or triplets.max(initial=0) >= len(x):
        raise ShapeError(
            f"triplets must be (t, 3) rows within 0..{len(x) - 1}, got shape {triplets.shape}; mine them of this view"
        )
    anchor, positive, negative = triplets.T
    own = Cosines(x, x[:1], columns, extra=x)
    differences = own.pairs(anchor, positive) - own.pairs(anchor, negative)
    hits: NDArray[np.float64] = np.where(np.abs(differences) <= tie, 0.5, differences > 0).astype(np.float64)
    return hits


def identity_columns(
    width: int, dims: Sequence[int], prefix_dim: int, *, n_random: int = 5, seed: int
) -> tuple[Columns, ...]:
    """What an identity prefix is measured by: prefixes, the rest, random columns, and prefixes of shuffled columns.

    Args:
        width: full length of the vectors.
        dims: prefix lengths in any order; `prefix_dim` must be one of them.
        prefix_dim: numbers K that say who it is.
        n_random: draws of K random columns.
        seed: of the draws and of the one permutation that shuffles the columns of both sides alike.

    Returns: columns named "prefix 32" ..., "rest" (K..width, where there is one), "random 64 #0" ..., "shuffled 32" ...
    Raises: ShapeError if dims do not fit the width or K is none of them.

    >>> [name for columns in identity_columns(4, [2, 4], 2, n_random=1, seed=0) for name in columns.names]
    ['prefix 2', 'prefix 4', 'rest', 'random 2 #0', 'shuffled 2', 'shuffled 4']
    """
    rising = check_dims(dims, width)
    if prefix_dim not in rising:
        raise ShapeError(f"the identity prefix must be one of the dims {rising}, got {prefix_dim}; add it to them")
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(width).astype(np.int64)
    found = [Columns(tuple(f"prefix {dim}" for dim in rising), rising)]
    if prefix_dim < width:
        found.append(Columns(("rest",), (width - prefix_dim,), np.arange(prefix_dim, width, dtype=np.int64)))
    for draw in range(n_random):
        chosen = np.sort(rng.choice(width, prefix_dim, replace=False)).astype(np.int64)
        found.append(Columns((f"random {prefix_dim} #{draw}",), (prefix_dim,), chosen))
    found.append(Columns(tuple(f"shuffled {dim}" for dim in rising), rising, shuffled))
    return tuple(found)
