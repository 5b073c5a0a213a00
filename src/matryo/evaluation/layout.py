"""Vectors laid out in the plane by UMAP: fitted on native vectors, into which translated ones are placed.

Placed, not fitted along: a joint layout would bend the native points toward the translated ones, and two layouts could
not be compared at all. The first layout of a process compiles code, 20 s of one core: lay out all pairs in one process,
with one fit per target for all its sources.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError, MissingExtra, ShapeError
from matryo.prefix import Array, check_matrix

FEWEST: Final = 20
_METRIC: Final = "cosine"
# known, and no sign of a wrong layout: a part of the library that is not used here; separate groups of points; a
# faster threading layer, where threads are off for the sake of the seed
_HARMLESS: Final = ("Tensorflow not installed", "Embedding a total of", "The TBB threading layer")


@final
class Layout:
    """Native vectors in the plane; more vectors of the same width can be placed among them."""

    def __init__(self, fitted: Any, width: int) -> None:
        """Keep a fitted UMAP; use `fit_layout`."""
        self._fitted, self._width = fitted, width

    @property
    def native(self) -> NDArray[np.float64]:
        """(n, 2) points of the vectors that were fitted on, in their order."""
        return np.asarray(self._fitted.embedding_, dtype=np.float64)

    def place(self, vectors: Array) -> NDArray[np.float64]:
        """Place vectors among the native ones.

        All that are to be shown should be placed in one call: neighbours also push each other while they settle.

        Args:
            vectors: (m, d) float, as wide as the native ones.

        Returns: (m, 2) points; the same for the same vectors at every call.
        Raises: ShapeError if vectors is no finite float matrix of that width.
        """
        check_matrix(vectors)
        if vectors.shape[1] != self._width:
            raise ShapeError(
                f"this layout holds vectors of {self._width} numbers, got {vectors.shape[1]}; translate them first"
            )
        with _without_harmless_warnings():
            return np.asarray(self._fitted.transform(np.ascontiguousarray(vectors, np.float32)), dtype=np.float64)


def fit_layout(native: Array, *, n_neighbours: int = 15, min_dist: float = 0.1, seed: int = 0) -> Layout:
    """Lay native vectors out in the plane, near points for vectors of high cosine.

    Args:
        native: (n, d) float, n >= 20; about a thousand rows can be looked at.
        n_neighbours: that each point is to stay near to, 2 .. n - 1.
        min_dist: how near two points may come, in units of the plane, 0 to 1.
        seed: same seed, same points.

    Raises: MissingExtra without umap-learn; ShapeError if native is no finite float matrix; MatryoError if a number
        does not fit.
    Source: McInnes, Healy and Melville 2018, UMAP.
    """
    check_matrix(native, name="native")
    if len(native) < FEWEST:
        raise MatryoError(f"a layout needs at least {FEWEST} vectors, got {len(native)}; give more texts")
    if not 2 <= n_neighbours < len(native):
        raise MatryoError(f"n_neighbours must lie within 2..{len(native) - 1}, got {n_neighbours}; 15 is usual")
    if not 0.0 <= min_dist <= 1.0:
        raise MatryoError(f"min_dist must lie within 0..1, got {min_dist}; 0.1 is usual")
    with _without_harmless_warnings():
        try:
            from umap import UMAP  # here, because the import alone compiles for seconds
        except ImportError as error:
            raise MissingExtra("umap-learn", "umap", "a layout of vectors in the plane") from error
        # one job and both seeds: what makes it the same every time
        fitted = UMAP(
            n_neighbors=n_neighbours,
            min_dist=min_dist,
            metric=_METRIC,
            random_state=seed,
            transform_seed=seed,
            n_jobs=1,
        ).fit(np.ascontiguousarray(native, np.float32))
    return Layout(fitted, native.shape[1])


def trustworthiness(vectors: Array, points: Array, n_neighbours: int = 15) -> float:
    """Whether near points are near vectors: 1 = every neighbour in the plane is one in the space, 0.5 or so by chance.

    Args:
        vectors: (n, d) float, compared by cosine.
        points: (n, 2) float, the same rows in the plane.
        n_neighbours: that are looked at, below n / 2.

    Raises: ShapeError if rows do not pair; MatryoError if n_neighbours does not fit.
    Source: Venna and Kaski 2001, Neighborhood preservation in nonlinear projection methods.

    >>> circle = np.exp(1j * np.linspace(0.0, 1.0, 9) ** 2)
    >>> plane = np.stack([circle.real, circle.imag], axis=1)
    >>> trustworthiness(plane, plane, n_neighbours=3)
    1.0
    """
    from sklearn.manifold import trustworthiness as measured

    check_matrix(vectors)
    check_matrix(points, name="points")
    if len(vectors) != len(points):
        raise ShapeError(f"every vector has a point, got {len(vectors)} and {len(points)} rows; pair them row by row")
    if not 1 <= n_neighbours < len(points) / 2:
        raise MatryoError(
            f"n_neighbours must be at least 1 and below half of the {len(points)} points, got {n_neighbours}; "
            "look at fewer neighbours"
        )
    return float(measured(vectors, points, n_neighbors=n_neighbours, metric=_METRIC))


@contextmanager
def _without_harmless_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        for message in _HARMLESS:
            warnings.filterwarnings("ignore", message=message)
        yield
