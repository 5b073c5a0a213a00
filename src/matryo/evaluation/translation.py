"""How well translated vectors stand in for native ones, beside what one gets without a translator.

Every row of the table is some vectors held against the target's native vectors of the same texts: the translator's, the
source's own numbers filled up with zeros (identity), the target's training mean, the source's vectors compared among
themselves (keep the old model) and the native ones themselves (re-encode).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError, ShapeError
from matryo.maps.translator import Translator
from matryo.measures.cka import CkaTest, cka_test
from matryo.measures.cka_prefixes import prefix_cka
from matryo.measures.intervals import Interval, mean_interval, stack
from matryo.measures.list_agreement import ListAgreement, compare_lists
from matryo.measures.matching import match_both_ways
from matryo.measures.neighbours import Different, most_different, mutual_neighbours, nearest_neighbours
from matryo.measures.regression import measure_regression, r2_interval
from matryo.measures.resample import group_numbers, resampled_means
from matryo.measures.resemblance import Resemblance, measure_resemblance
from matryo.prefix import Array, block, check_dims, cut, unit_rows

TRANSLATED = "translated"
IDENTITY = "source, zero-padded"
MEAN = "target mean"
KEEP = "keep the old model"
REENCODE = "re-encode"
_FEWEST = 12


@dataclass(frozen=True)
class TranslationSettings:
    """How to measure.

    Attributes:
        dims: prefixes of the target, in any order; its full width is always among them.
        k: neighbours of the lists.
        depths: list lengths of the table by k, those above `k` are left out.
        p: persistence of the rank-biased overlap.
        max_rows: beyond this many a random choice of rows is used for what compares rows with each other.
        n_permutations: of CKA's null.
        n_draws: bootstrap draws.
        seed: of that choice and of the draws.
    """

    dims: tuple[int, ...] = ()
    k: int = 10
    depths: tuple[int, ...] = (1, 2, 5, 10, 20, 50)
    p: float = 0.9
    max_rows: int = 2_000
    n_permutations: int = 100
    n_draws: int = 2_000
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Rows:
    """Texts in both spaces that no map was fitted on.

    Attributes:
        source: (n, p) float, unit rows.
        target: (n, q) float, unit rows of the same texts, cut to what the translator gives.
        mean: (q,) mean of the target's vectors that were fitted on; not of these, which no user has beforehand.
        ids: n ids.
        groups: n labels of rows that are drawn as a whole; None = every row by itself.
    """

    source: Array
    target: Array
    mean: Array
    ids: tuple[str, ...]
    groups: tuple[str, ...] | None = None


class Value(NamedTuple):
    """One measured number of one row of the table."""

    row: str
    measure: str
    found: Interval


@dataclass(frozen=True, eq=False)
class DimPoint:
    """One prefix of the target.

    Attributes:
        dim: its length.
        r2: of the prefix as it is, against the training mean's.
        cosine: mean, of renormalised prefixes.
        mutual: share of the k nearest neighbours within the native prefix that the translated prefix finds.
        cka: debiased, of renormalised prefixes, beside that of rows paired at random.
    """

    dim: int
    r2: Interval
    cosine: Interval
    mutual: Interval
    cka: CkaTest


@dataclass(frozen=True, eq=False)
class Translation:
    """What was measured of one translator.

    Attributes:
        n: rows.
        n_compared: of them, rows that were compared with each other.
        k: neighbours of the lists.
        p: persistence of the rank-biased overlap.
        chance: mutual neighbours of unrelated spaces at k.
        values: every number, row by row of the table.
        lists: for each row that has neighbours of its own: how its lists agree with the native ones, by k.
        dims: by prefix of the target.
        resemblance: of the translated vectors with both spaces.
        different: texts whose lists differ most between translated and native vectors, numbered as in `ids`.
        ids: of the rows compared.
    """

    n: int
    n_compared: int
    k: int
    p: float
    chance: float
    values: tuple[Value, ...]
    lists: dict[str, ListAgreement]
    dims: tuple[DimPoint, ...]
    resemblance: Resemblance
    different: Different
    ids: tuple[str, ...] = field(repr=False)


def measure_translation(fitted: Translator, rows: Rows, settings: TranslationSettings | None = None) -> Translation:
    """Measure a translator on texts that it was not fitted on.

    Args:
        fitted: the translator.
        rows: the texts in both spaces.
        settings: prefixes, neighbours, draws.

    Raises: MatryoError for fewer than 12 rows or fewer than k + 2; ShapeError if widths do not fit.
    """
    settings = settings or TranslationSettings()
    n, width = rows.target.shape
    if n < max(_FEWEST, settings.k + 2):
        raise MatryoError(
            f"a translation is measured on at least {max(_FEWEST, settings.k + 2)} rows, got {n}; "
            "give more texts, or fit on a smaller share"
        )
    if width != fitted.target.width:
        raise ShapeError(f"this translator gives {fitted.target.width} numbers, got native rows of {width}; cut them")
    dims = check_dims({*settings.dims, width}, width)
    raw = fitted.raw(rows.source)
    some = _some(n, settings)
    near = _Near(unit_rows(raw[some]), rows.source[some], rows.target[some], _part(rows.groups, some), settings)
    values = [*_errors(TRANSLATED, raw, rows, settings), *near.values(TRANSLATED, near.translated)]
    padded = widened(rows.source, width)
    values += [*_errors(IDENTITY, padded, rows, settings), *near.values(IDENTITY, unit_rows(padded[some]))]
    values += _errors(MEAN, np.broadcast_to(rows.mean.astype(np.float32), rows.target.shape), rows, settings)
    values += near.of_lists(KEEP, near.source)
    values += near.values(REENCODE, near.target)
    ids = tuple(rows.ids[row] for row in some.tolist())
    own = near.lists_of(near.translated)
    return Translation(
        n=n,
        n_compared=len(some),
        k=settings.k,
        p=settings.p,
        chance=settings.k / (len(some) - 1),
        values=tuple(values),
        lists={
            TRANSLATED: near.agreement(near.translated),
            IDENTITY: near.agreement(unit_rows(padded[some])),
            KEEP: near.agreement(near.source),
        },
        dims=_by_dim(raw, rows, dims, some, near, settings),
        resemblance=measure_resemblance(
            near.translated, near.source, near.target, near.groups,
            k=settings.k, max_rows=None, n_draws=settings.n_draws, seed=settings.seed,
        ),
        different=most_different(near.native_lists, own, n=min(10, len(some)), k=settings.k),
        ids=ids,
    )  # fmt: skip


def widened(x: Array, width: int) -> Array:
    """The first `width` numbers of every row, or the row filled up with zeros to so many: a map that does nothing.

    >>> widened(np.array([[1.0, 2.0]]), 3).tolist(), widened(np.array([[1.0, 2.0]]), 1).tolist()
    ([[1.0, 2.0, 0.0]], [[1.0]])
    """
    kept = block(x, 0, min(width, x.shape[1]))
    return np.pad(kept, ((0, 0), (0, width - kept.shape[1])))


def intervals(
    values: Sequence[NDArray[np.float64]], groups: Sequence[str] | None, *, n_draws: int, seed: int
) -> list[Interval]:
    """Means of several measures of the same rows with their intervals, all in the same draws."""
    stacked = stack([*values])
    numbers = group_numbers(groups, stacked.shape[2])
    means = resampled_means(stacked, numbers, n_draws=n_draws, seed=seed)
    return [mean_interval(stacked[i], means[:, i], numbers, 0.95) for i in range(len(values))]


def _errors(row: str, predicted: Array, rows: Rows, settings: TranslationSettings) -> list[Value]:
    """R2 and cosine of predicted vectors, over all rows."""
    found = measure_regression(predicted, rows.target, rows.mean)
    r2 = r2_interval(found, groups=rows.groups, n_draws=settings.n_draws, seed=settings.seed)
    (cosine,) = intervals([found.cosines], rows.groups, n_draws=settings.n_draws, seed=settings.seed)
    return [Value(row, "R2", r2), Value(row, "cosine", cosine)]


def _some(n: int, settings: TranslationSettings) -> NDArray[np.int64]:
    if n <= settings.max_rows:
        return np.arange(n)
    return np.sort(np.random.default_rng(settings.seed).choice(n, settings.max_rows, replace=False))


def _part(groups: tuple[str, ...] | None, rows: NDArray[np.int64]) -> tuple[str, ...] | None:
    return None if groups is None else tuple(groups[row] for row in rows.tolist())


class _Near:
    """What compares rows with each other, over the rows chosen for it."""

    def __init__(
        self, translated: Array, source: Array, target: Array, groups: tuple[str, ...] | None,
        settings: TranslationSettings,
    ) -> None:  # fmt: skip
        self.translated, self.source, self.target, self.groups = translated, source, target, groups
        self.settings = settings
        self.depths = tuple(depth for depth in settings.depths if depth < len(target)) or (settings.k,)
        self.longest = max(*self.depths, settings.k)
        self.native_lists = nearest_neighbours(target, self.longest)

    def lists_of(self, x: Array) -> NDArray[np.int64]:
        return nearest_neighbours(x, self.longest)

    def agreement(self, x: Array) -> ListAgreement:
        return compare_lists(
            self.lists_of(x), self.native_lists, self.depths, n_candidates=len(x) - 1, p=self.settings.p
        )

    def values(self, row: str, x: Array) -> list[Value]:
        """Places of the counterparts both ways, and what `of_lists` gives."""
        forth, back = match_both_ways(x, self.target, k=min(self.settings.k, len(x)))
        named = {
            "top-1": forth.plain.firsts,
            "top-1 CSLS": forth.csls.firsts,
            "mean rank": forth.plain.ranks,
            "mean rank CSLS": forth.csls.ranks,
            "top-1 back": back.plain.firsts,
            "top-1 back CSLS": back.csls.firsts,
            "mean rank back": back.plain.ranks,
            "mean rank back CSLS": back.csls.ranks,
        }
        return [*self._named(row, named), *self.of_lists(row, x)]

    def of_lists(self, row: str, x: Array) -> list[Value]:
        """Agreement of the neighbours among these texts with the native ones, and CKA."""
        k = self.settings.k
        found = compare_lists(
            block(self.lists_of(x), 0, k), block(self.native_lists, 0, k), (k,), n_candidates=len(x) - 1,
            p=self.settings.p,
        )  # fmt: skip
        named = {
            f"mutual neighbours@{k}": found.mutual[:, 0],
            f"Jaccard@{k}": found.jaccard[:, 0],
            f"edit distance@{k}": found.edit_shares[:, 0],
            f"RBO@{k}": found.rbo,
            f"rank-harmonic@{k}": found.rank_harmonic[:, 0],
        }
        if x is self.target:
            # with itself, whose value no null is needed for
            return [*self._named(row, named), Value(row, "CKA", Interval(1.0, np.nan, np.nan, len(x), len(x)))]
        test = cka_test(x, self.target, n_permutations=self.settings.n_permutations, seed=self.settings.seed)
        return [
            *self._named(row, named),
            Value(row, "CKA", Interval(test.debiased, np.nan, np.nan, test.n, test.n)),
            Value(row, "CKA of rows paired at random", Interval(
                test.null_mean, test.null_low, test.null_high, test.n, test.n)),
        ]  # fmt: skip

    def _named(self, row: str, named: dict[str, NDArray[np.float64]]) -> list[Value]:
        settings = self.settings
        found = intervals([*named.values()], self.groups, n_draws=settings.n_draws, seed=settings.seed)
        return [Value(row, name, one) for name, one in zip(named, found, strict=True)]


def _by_dim(
    raw: Array, rows: Rows, dims: tuple[int, ...], some: NDArray[np.int64], near: _Near, settings: TranslationSettings
) -> tuple[DimPoint, ...]:
    found = measure_regression(raw, rows.target, rows.mean, dims)
    draws = {"n_draws": settings.n_draws, "seed": settings.seed}
    points = []
    for dim in dims:
        ours, native = cut(raw, dim), cut(rows.target, dim)
        (cosine,) = intervals([np.einsum("ij,ij->i", ours, native, dtype=np.float64)], rows.groups, **draws)
        found_lists, native_lists = (nearest_neighbours(side[some], settings.k) for side in (ours, native))
        shares = mutual_neighbours(found_lists, native_lists, (settings.k,))[:, 0]
        (mutual,) = intervals([shares], near.groups, **draws)
        cka = prefix_cka(
            near.translated,
            near.target,
            dim,
            renormalised=True,
            n_permutations=settings.n_permutations,
            seed=settings.seed,
        ).test
        points.append(DimPoint(dim, r2_interval(found, dim, rows.groups, **draws), cosine, mutual, cka))
    return tuple(points)
