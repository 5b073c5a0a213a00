"""Holm's correction: what is left of p values when several claims are tested at once."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matryo.errors import MatryoError


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Adjusted p values: rejecting those below a level errs anywhere in the family with at most that probability.

    The smallest of m values is multiplied by m, the next one by m - 1 and so on; none falls below the one before it,
    none exceeds 1. No independence is assumed.

    Args:
        p: (m,) p values of one family.

    Returns: (m,) float64 in the order given.
    Raises: MatryoError if a value is not within 0..1.
    Source: Holm 1979, A simple sequentially rejective multiple test procedure.

    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    values = np.asarray(p, dtype=np.float64)
    if values.ndim != 1 or not ((values >= 0.0) & (values <= 1.0)).all():
        raise MatryoError(f"p values must be a list of numbers within 0..1, got {p!r}; leave out what was not tested")
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
