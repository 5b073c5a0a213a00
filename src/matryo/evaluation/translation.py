"""How well translated vectors stand in for native ones, beside what one gets without a translator.

Every row of the table is some vectors held against the target's native vectors of the same texts: the translator's and
the references of `translation_native`, which do not depend on it.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from matryo.errors import ShapeError
from matryo.evaluation.translation_native import (
    IDENTITY,
    KEEP,
    MEAN,
    REENCODE,
    Chosen,
    Errors,
    Native,
    Near,
    Rows,
    TranslationSettings,
    Value,
    check_native,
    errors,
    intervals,
    measure_native,
    measure_near,
    widened,
)
from matryo.maps.translator import Translator
from matryo.measures.cka import CkaTest
from matryo.measures.cka_prefixes import prefix_cka
from matryo.measures.intervals import Interval
from matryo.measures.list_agreement import ListAgreement
from matryo.measures.neighbours import Different, most_different, mutual_neighbours, nearest_neighbours
from matryo.measures.resemblance import Resemblance, measure_resemblance
from matryo.prefix import Array, block, cut, unit_rows

__all__ = [
    "IDENTITY",
    "KEEP",
    "MEAN",
    "REENCODE",
    "TRANSLATED",
    "DimPoint",
    "Native",
    "Rows",
    "Translation",
    "TranslationSettings",
    "Value",
    "measure_native",
    "measure_translation",
    "widened",
]

TRANSLATED = "translated"


@dataclass(frozen=True, eq=False)
class DimPoint:
    """One prefix of the target.

    Attributes:
        dim: its length.
        mse: mean squared error per number of the prefix as it is.
        r2: of the prefix as it is, against the training mean's.
        cosine: mean, of renormalised prefixes.
        mutual: share of the k nearest neighbours within the native prefix that the translated prefix finds.
        cka: debiased, of renormalised prefixes, beside that of rows paired at random.
    """

    dim: int
    mse: float
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
        mse: mean squared error per number; not comparable between targets.
        target_variance: mean squared deviation per number of the target from its training mean, R2's opponent.
        values: every number, row by row of the table.
        cka: of the translated with the native vectors.
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
    mse: float
    target_variance: float
    values: tuple[Value, ...]
    cka: CkaTest
    lists: dict[str, ListAgreement]
    dims: tuple[DimPoint, ...]
    resemblance: Resemblance
    different: Different
    ids: tuple[str, ...] = field(repr=False)


def measure_translation(
    fitted: Translator, rows: Rows, settings: TranslationSettings | None = None, native: Native | None = None
) -> Translation:
    """Measure a translator on texts that it was not fitted on.

    Args:
        fitted: the translator.
        rows: the texts in both spaces.
        settings: prefixes, neighbours, draws.
        native: `measure_native` of the same rows and settings, where several translators are measured; None = measured
            here, with the same numbers.

    Raises: MatryoError for fewer than 12 rows or fewer than k + 2, or a native side of other rows or settings;
        ShapeError if widths do not fit.
    """
    settings = settings or TranslationSettings()
    if rows.target.shape[1] != fitted.target.width:
        raise ShapeError(
            f"this translator gives {fitted.target.width} numbers, got native rows of {rows.target.shape[1]}; cut them"
        )
    native = native or measure_native(rows, settings)
    check_native(native, rows, settings)
    chosen, k = native.chosen, settings.k
    raw = fitted.raw(rows.source)
    ours = unit_rows(raw[chosen.rows])
    whole = errors(TRANSLATED, raw, rows, settings, native.dims)
    near = measure_near(TRANSLATED, ours, chosen, matched=True)
    assert near.test is not None
    n = len(ours)
    return Translation(
        n=len(raw),
        n_compared=n,
        k=k,
        p=settings.p,
        chance=k / (n - 1),
        mse=float(whole.found.mse[-1]),
        target_variance=native.target_variance,
        values=(*whole.values, *near.values, *native.values),
        cka=near.test,
        lists={TRANSLATED: near.agreement, **native.agreements},
        dims=_by_dim(raw, ours, rows, whole, near, near.test, native),
        resemblance=measure_resemblance(
            ours, rows.source[chosen.rows], chosen.target, chosen.groups,
            k=k, max_rows=None, n_draws=settings.n_draws, seed=settings.seed,
            lists=(near.lists, native.source_lists, chosen.lists),
        ),
        different=most_different(chosen.lists, near.lists, n=min(10, n), k=k),
        ids=tuple(rows.ids[row] for row in chosen.rows.tolist()),
    )  # fmt: skip


def _by_dim(
    raw: Array, ours: Array, rows: Rows, whole: Errors, near: Near, test: CkaTest, native: Native
) -> tuple[DimPoint, ...]:
    chosen, settings = native.chosen, native.chosen.settings
    cosines, shares, tests = [], [], []
    for dim in native.dims:
        prefix = cut(raw, dim)
        cosines.append(np.einsum("ij,ij->i", prefix, cut(rows.target, dim), dtype=np.float64))
        last = dim == native.dims[-1]
        lists = block(near.lists, 0, settings.k) if last else nearest_neighbours(prefix[chosen.rows], settings.k)
        shares.append(mutual_neighbours(lists, native.lists_by_dim[dim], (settings.k,))[:, 0])
        tests.append(test if last else _prefix_test(ours, dim, chosen))
    cosine = intervals(cosines, rows.groups, n_draws=settings.n_draws, seed=settings.seed)
    mutual = chosen.intervals(shares)
    return tuple(
        DimPoint(dim, float(whole.found.mse[i]), whole.r2[i], cosine[i], mutual[i], tests[i])
        for i, dim in enumerate(native.dims)
    )


def _prefix_test(ours: NDArray[np.floating], dim: int, chosen: Chosen) -> CkaTest:
    settings = chosen.settings
    return prefix_cka(
        ours, chosen.target, dim, renormalised=True, n_permutations=settings.n_permutations, seed=settings.seed
    ).test
