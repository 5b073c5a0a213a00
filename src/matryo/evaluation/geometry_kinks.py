"""Kinks: dims after which the columns suddenly hold less, as they do where a loss was applied at a dim.

A nested loss asks the same of all columns between two of its dims, so their variance is level between dims and steps
down after each. Without such a loss it is level all along (a plain model) or falls smoothly (a rotation). So the
variances of the columns are described twice, by level pieces and by a smooth curve, each with the number of pieces or
terms that its description pays for, and kinks are reported only where the pieces describe them far better.
"""

import numpy as np
from numpy.typing import NDArray

from matryo.prefix import Array

MARGIN = 3.0
"""So much better in log likelihood (a factor of 20), after paying for the parameters, the pieces must be."""
SMALLEST_PIECE = 8
"""Columns between two kinks: a single column proves no step."""
SMALLEST_STEP = 0.05
"""A step down of less than 5 % of the variance is not reported."""
MOST_PIECES = 8
MOST_TERMS = 5
_CLIP = 3.0  # columns farther from the middle of their surroundings are drawn in to so many spreads
_SURROUNDINGS = 16


def find_kinks(rows: Array) -> tuple[int, ...]:
    """Dims after which the variance of the columns steps down.

    Two searches: among the dims that models are usually trained at (powers of two, simple fractions of the width), and
    among all. A place found among few costs less than one found among many, so that the usual dims are found sooner.

    Args:
        rows: (n, width) float.

    Returns: dims, rising; empty where a smooth curve or a level describes the columns about as well.
    Source: ours; description by level pieces is segmented least squares (Bellman 1961), the price of a parameter is
        that of BIC (Schwarz 1978).
    """
    variance = rows.astype(np.float64).var(axis=0)
    width = len(variance)
    if width < 4 * SMALLEST_PIECE or variance.max() == 0:
        return ()
    profile = _drawn_in(np.log(np.maximum(variance, 1e-9 * variance.mean())))
    anywhere = tuple(range(SMALLEST_PIECE, width - SMALLEST_PIECE + 1))
    cost, edges = min(_best_pieces(profile, places) for places in (usual_dims(width), anywhere))
    if cost + MARGIN > _best_curve(profile):
        return ()
    levels = [profile[a:b].mean() for a, b in zip((0, *edges), (*edges, width), strict=True)]
    return tuple(
        edge for edge, before, after in zip(edges, levels, levels[1:], strict=False) if before - after > SMALLEST_STEP
    )


def usual_dims(width: int) -> tuple[int, ...]:
    """Dims below the width at which models are usually trained.

    >>> usual_dims(384)
    (8, 16, 32, 48, 64, 96, 128, 192, 256, 288)
    """
    powers = {2**i for i in range(3, width.bit_length())}
    fractions = {width * a // b for a, b in ((1, 8), (1, 4), (1, 3), (1, 2), (2, 3), (3, 4)) if width * a % b == 0}
    return tuple(sorted(d for d in powers | fractions if SMALLEST_PIECE <= d <= width - SMALLEST_PIECE))


def _drawn_in(profile: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns far from the median of their surroundings, drawn in, so that single outliers make no step."""
    padded = np.pad(profile, _SURROUNDINGS, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * _SURROUNDINGS + 1)
    middle = np.median(windows, axis=1)
    room = _CLIP * 1.4826 * float(np.median(np.abs(profile - middle)))
    return np.clip(profile, middle - room, middle + room)


def _misfit(squares: float, width: int) -> float:
    """Negative log likelihood at the best noise level, but for a constant."""
    return 0.5 * width * float(np.log(max(squares, 1e-12) / width))


def _best_curve(profile: NDArray[np.float64]) -> float:
    """Cost of the best polynomial in the column's number or in its logarithm; a level is one of them."""
    width = len(profile)
    costs = []
    for place in (np.linspace(-1, 1, width), 2 * np.log(np.arange(1, width + 1)) / np.log(width) - 1):
        for n_terms in range(1, MOST_TERMS + 1):
            basis = np.polynomial.legendre.legvander(place, n_terms - 1)
            rest = profile - basis @ np.linalg.lstsq(basis, profile, rcond=None)[0]
            costs.append(_misfit(float(rest @ rest), width) + 0.5 * n_terms * float(np.log(width)))
    return min(costs)


def _best_pieces(profile: NDArray[np.float64], places: tuple[int, ...]) -> tuple[float, tuple[int, ...]]:
    """Cost of the best division into level pieces whose edges are among some places, and those edges."""
    width = len(profile)
    points = np.array((0, *places, width))
    sums = np.concatenate([[0.0], profile.cumsum()])[points]
    squares = np.concatenate([[0.0], (profile**2).cumsum()])[points]
    length = points[None, :] - points[:, None]
    rest = squares[None, :] - squares[:, None] - (sums[None, :] - sums[:, None]) ** 2 / np.maximum(length, 1)
    rest = np.where(length >= SMALLEST_PIECE, rest, np.inf)
    level, place = 0.5 * float(np.log(width)), float(np.log(max(len(places), 1)))
    best, origins = rest[0], []
    found: list[tuple[float, tuple[int, ...]]] = [(_misfit(float(best[-1]), width) + level, ())]
    for n_pieces in range(2, MOST_PIECES + 1):
        total = best[:, None] + rest
        origins.append(total.argmin(axis=0))
        best = total.min(axis=0)
        if not np.isfinite(best[-1]):
            break
        at, edges = len(points) - 1, []
        for origin in reversed(origins):
            at = int(origin[at])
            edges.append(int(points[at]))
        price = n_pieces * level + (n_pieces - 1) * place
        found.append((_misfit(float(best[-1]), width) + price, tuple(reversed(edges))))
    return min(found)
