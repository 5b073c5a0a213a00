"""Every prefix of the source against every prefix of the target.

Toward a target prefix no fit of its own is needed: the first columns of a ridge map are the ridge map toward that
prefix. From a source prefix there is one, because the other numbers, which the map relied on, are gone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matryo.evaluation.translation_native import Rows, rows_with_neighbours
from matryo.maps.translator import Translator
from matryo.measures.neighbours import mutual_neighbours, nearest_neighbours
from matryo.measures.regression import measure_regression
from matryo.prefix import check_dims, cut

MOST_ROWS = 1_000


@dataclass(frozen=True)
class PrefixCell:
    """One source prefix toward one target prefix.

    Attributes:
        source_dim: numbers of the source that are read.
        target_dim: numbers of the target that are imitated.
        r2: of the prefix against the training mean's.
        mutual: share of the native prefix's k nearest neighbours that are found.
    """

    source_dim: int
    target_dim: int
    r2: float
    mutual: float


def prefix_grid(
    fitted: Mapping[int, Translator], rows: Rows, target_dims: Sequence[int], *, k: int = 10, seed: int = 0
) -> list[PrefixCell]:
    """Measure translators from several source prefixes at several target prefixes.

    Args:
        fitted: source dim -> translator that reads that prefix, as `fit_nested_ridge` gives them.
        rows: texts that none of them was fitted on; at most 1,000 are compared with each other.
        target_dims: prefixes of the target, in any order.
        k: neighbours.
        seed: of the choice of rows.

    Returns: cells, source dims rising, within them target dims rising.
    Raises: ShapeError for dims beyond the target's width.
    """
    dims = check_dims(target_dims, rows.target.shape[1])
    some = rows_with_neighbours(rows)
    if len(some) > MOST_ROWS:
        some = some[np.sort(np.random.default_rng(seed).choice(len(some), MOST_ROWS, replace=False))]
    native = {dim: nearest_neighbours(cut(rows.target[some], dim), k) for dim in dims}
    cells = []
    for source_dim in sorted(fitted):
        raw = fitted[source_dim].raw(rows.source)
        errors = measure_regression(raw, rows.target, rows.mean, dims)
        for dim in dims:
            found = nearest_neighbours(cut(raw[some], dim), k)
            r2 = float(errors.r2[errors.dims.index(dim)])
            cells.append(PrefixCell(source_dim, dim, r2, float(mutual_neighbours(found, native[dim], (k,)).mean())))
    return cells
