"""What a translator is measured beside: all that is the same whichever translator it is, so that it is measured once.

Native neighbour lists, and the rows of the table that need no translator: the source's own numbers filled up with zeros
(identity), the target's training mean, the source's vectors compared among themselves (keep the old model) and the
native vectors themselves (re-encode).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError
from matryo.measures.cka import CkaTest, cka_test
from matryo.measures.intervals import Interval, mean_interval, ratio_interval, stack
from matryo.measures.list_agreement import ListAgreement, compare_lists
from matryo.measures.matching import match_both_ways
from matryo.measures.neighbours import nearest_neighbours
from matryo.measures.regression import Regression, measure_regression
from matryo.measures.resample import check_draws, group_numbers, resampled_means
from matryo.prefix import Array, block, check_dims, cut, unit_rows

IDENTITY = "source, zero-padded"
MEAN = "target mean"
KEEP = "keep the old model"
REENCODE = "re-encode"
_FEWEST = 12
_LEVEL = 0.95


@dataclass(frozen=True)
class TranslationSettings:
    """How to measure.

    Attributes:
        dims: prefixes of the target, in any order; its full width is always among them.
        k: neighbours of the lists.
        depths: list lengths of the table by k, those above `k` are left out.
        p: persistence of the rank-biased overlap.
        max_rows: beyond this many a random choice of rows is used for what compares rows with each other, from which
            rows without a native vector are left out in any case.
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
class Chosen:
    """The rows that are compared with each other, and what the native vectors say about them.

    Attributes:
        rows: (n,) int64 their numbers, rising.
        target: (n, q) their native vectors.
        groups: their labels.
        depths: list lengths of the table by k.
        lists: (n, longest) int64 native neighbours.
        settings: how to measure.
    """

    rows: NDArray[np.int64]
    target: Array
    groups: tuple[str, ...] | None
    depths: tuple[int, ...]
    lists: NDArray[np.int64]
    settings: TranslationSettings

    def intervals(self, values: Sequence[NDArray[np.float64]]) -> list[Interval]:
        """Means of several measures of these rows with their intervals."""
        return intervals(values, self.groups, n_draws=self.settings.n_draws, seed=self.settings.seed)


class Near(NamedTuple):
    """Some vectors of the chosen rows beside the native ones: the numbers, the lists they come from, CKA.

    `test` is None for the native vectors themselves, whose CKA is 1 and needs no null.
    """

    values: tuple[Value, ...]
    lists: NDArray[np.int64]
    agreement: ListAgreement
    test: CkaTest | None


@dataclass(frozen=True, eq=False)
class Native:
    """All that measuring a translator needs and that does not depend on it; may be kept, and pickled.

    Attributes:
        ids: of all rows, which says what it was measured on.
        dims: prefixes of the target, rising.
        chosen: rows compared with each other.
        source_lists: (n, longest) int64 neighbours in the source's space.
        lists_by_dim: dim -> (n, k) int64 neighbours within the native prefix.
        target_variance: mean squared deviation per number from the training mean.
        values: the rows of the table that need no translator.
        agreements: how the lists of the zero-padded and of the source's own vectors agree with the native ones.
        tests: CKA of the same two with the native vectors.
    """

    ids: tuple[str, ...]
    dims: tuple[int, ...]
    chosen: Chosen
    source_lists: NDArray[np.int64]
    lists_by_dim: Mapping[int, NDArray[np.int64]]
    target_variance: float
    values: tuple[Value, ...]
    agreements: Mapping[str, ListAgreement]
    tests: Mapping[str, CkaTest]


def measure_native(rows: Rows, settings: TranslationSettings | None = None) -> Native:
    """Measure what a translator is held against, once for all translators between the same two spaces.

    Args:
        rows: the texts in both spaces.
        settings: prefixes, neighbours, draws; a translator is to be measured with the same.

    Raises: MatryoError for fewer than 12 rows or fewer than k + 2, zero rows of the target not counted; ShapeError if
        dims do not fit.
    """
    settings = settings or TranslationSettings()
    width = rows.target.shape[1]
    n = len(rows_with_neighbours(rows))
    if n < max(_FEWEST, settings.k + 2):
        empty = f", and {len(rows.target) - n} zero rows" if n < len(rows.target) else ""
        raise MatryoError(
            f"a translation is measured on at least {max(_FEWEST, settings.k + 2)} rows, got {n}{empty}; "
            "give more texts, or fit on a smaller share"
        )
    check_draws(settings.n_draws, _LEVEL)
    dims = check_dims({*settings.dims, width}, width)
    chosen = _chosen(rows, settings)
    padded = widened(rows.source, width)
    mean = np.broadcast_to(rows.mean.astype(np.float32), rows.target.shape)
    identity = measure_near(IDENTITY, unit_rows(padded[chosen.rows]), chosen, matched=True)
    keep = measure_near(KEEP, rows.source[chosen.rows], chosen, matched=False)
    of_mean = errors(MEAN, mean, rows, settings)
    return Native(
        ids=rows.ids,
        dims=dims,
        chosen=chosen,
        source_lists=keep.lists,
        lists_by_dim={
            **{d: nearest_neighbours(cut(rows.target, d)[chosen.rows], settings.k) for d in dims[:-1]},
            width: block(chosen.lists, 0, settings.k),
        },
        target_variance=float(of_mean.found.spreads[:, -1].mean()) / width,
        values=(
            *errors(IDENTITY, padded, rows, settings).values,
            *identity.values,
            *of_mean.values,
            *keep.values,
            *measure_near(REENCODE, chosen.target, chosen, matched=True).values,
        ),
        agreements={IDENTITY: identity.agreement, KEEP: keep.agreement},
        tests={row: one.test for row, one in ((IDENTITY, identity), (KEEP, keep)) if one.test is not None},
    )


def check_native(native: Native, rows: Rows, settings: TranslationSettings) -> None:
    """Refuse what was measured of other rows or in another way.

    Raises: MatryoError.
    """
    if native.chosen.settings != settings:
        raise MatryoError(
            f"the native side was measured with {native.chosen.settings}, got {settings}; measure both in one way"
        )
    if native.ids != rows.ids or native.dims[-1] != rows.target.shape[1]:
        raise MatryoError(
            f"the native side was measured on {len(native.ids)} rows of {native.dims[-1]} numbers, got "
            f"{len(rows.ids)} of {rows.target.shape[1]} or other ids; call measure_native with these rows"
        )


def measure_near(row: str, x: Array, chosen: Chosen, *, matched: bool) -> Near:
    """Compare some vectors of the chosen rows with the native ones.

    Args:
        row: of the table.
        x: (n, d) float, unit rows.
        chosen: the rows.
        matched: whether the vectors may be compared with native ones one to one, so that counterparts have places.
    """
    settings = chosen.settings
    own = x is chosen.target
    lists = chosen.lists if own else nearest_neighbours(x, chosen.lists.shape[1])
    named = {**(_places(x, chosen) if matched else {}), **_of_lists(lists, chosen)}
    values = [Value(row, name, one) for name, one in zip(named, chosen.intervals([*named.values()]), strict=True)]
    test = None
    if own:
        values += [Value(row, name, _alone(1.0, len(x))) for name in ("CKA", "CKA biased")]
    else:
        test = cka_test(x, chosen.target, n_permutations=settings.n_permutations, seed=settings.seed)
        null = Interval(test.null_mean, test.null_low, test.null_high, test.n, test.n)
        values += [
            Value(row, "CKA", _alone(test.debiased, test.n)),
            Value(row, "CKA of rows paired at random", null),
            Value(row, "CKA biased", _alone(test.biased, test.n)),
        ]
    agreement = compare_lists(lists, chosen.lists, chosen.depths, n_candidates=len(x) - 1, p=settings.p)
    return Near(tuple(values), lists, agreement, test)


class Errors(NamedTuple):
    """Errors of predicted vectors over all rows: the numbers, what they come from, and R2 by prefix."""

    values: tuple[Value, ...]
    found: Regression
    r2: tuple[Interval, ...]


def errors(row: str, predicted: Array, rows: Rows, settings: TranslationSettings, dims: tuple[int, ...] = ()) -> Errors:
    """R2 and cosine of predicted vectors over all rows; the width is always among the dims of R2."""
    found = measure_regression(predicted, rows.target, rows.mean, dims)
    n_dims = len(found.dims)
    stacked = stack([*found.errors.T, *found.spreads.T, found.cosines])
    numbers = group_numbers(rows.groups, found.n)
    means = resampled_means(stacked, numbers, n_draws=settings.n_draws, seed=settings.seed)
    cosine = mean_interval(stacked[-1], means[:, -1], numbers, _LEVEL)
    left = [ratio_interval(stacked[[i, n_dims + i]], means[:, [i, n_dims + i]], numbers, _LEVEL) for i in range(n_dims)]
    r2 = tuple(Interval(1.0 - one.value, 1.0 - one.high, 1.0 - one.low, one.n, one.n_groups) for one in left)
    return Errors((Value(row, "R2", r2[-1]), Value(row, "cosine", cosine)), found, r2)


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
    return [mean_interval(stacked[i], means[:, i], numbers, _LEVEL) for i in range(len(values))]


def rows_with_neighbours(rows: Rows) -> NDArray[np.int64]:
    """Rows that can be compared with each other: those whose native vector is not zero.

    A zero row, of a text that is empty to the model, is as near to every other: its list is nothing but the order of
    the rows, in which two models agree by accident.
    """
    return np.flatnonzero(rows.target.any(axis=1))


def _chosen(rows: Rows, settings: TranslationSettings) -> Chosen:
    some = rows_with_neighbours(rows)
    if len(some) > settings.max_rows:
        rng = np.random.default_rng(settings.seed)
        some = some[np.sort(rng.choice(len(some), settings.max_rows, replace=False))]
    target = rows.target[some]
    depths = tuple(depth for depth in settings.depths if depth < len(some)) or (settings.k,)
    return Chosen(
        rows=some,
        target=target,
        groups=None if rows.groups is None else tuple(rows.groups[row] for row in some.tolist()),
        depths=depths,
        lists=nearest_neighbours(target, max(*depths, settings.k)),
        settings=settings,
    )


def _alone(value: float, n: int) -> Interval:
    """A value that has no interval."""
    return Interval(value, np.nan, np.nan, n, n)


def _places(x: Array, chosen: Chosen) -> dict[str, NDArray[np.float64]]:
    """Places of the counterparts both ways."""
    forth, back = match_both_ways(x, chosen.target, k=min(chosen.settings.k, len(x)))
    return {
        "top-1": forth.plain.firsts,
        "top-1 CSLS": forth.csls.firsts,
        "mean rank": forth.plain.ranks,
        "mean rank CSLS": forth.csls.ranks,
        "top-1 back": back.plain.firsts,
        "top-1 back CSLS": back.csls.firsts,
        "mean rank back": back.plain.ranks,
        "mean rank back CSLS": back.csls.ranks,
    }


def _of_lists(lists: NDArray[np.int64], chosen: Chosen) -> dict[str, NDArray[np.float64]]:
    """Agreement of the first k neighbours among these texts with the native ones."""
    k = chosen.settings.k
    found = compare_lists(
        block(lists, 0, k), block(chosen.lists, 0, k), (k,), n_candidates=len(lists) - 1, p=chosen.settings.p
    )
    return {
        f"mutual neighbours@{k}": found.mutual[:, 0],
        f"Jaccard@{k}": found.jaccard[:, 0],
        f"edit distance@{k}": found.edit_shares[:, 0],
        f"RBO@{k}": found.rbo,
        f"rank-harmonic@{k}": found.rank_harmonic[:, 0],
    }
