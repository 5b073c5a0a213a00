"""Kernel matrices of the same sample in two spaces, to be looked at side by side, and how alike they are."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError, ShapeError
from matryo.prefix import Array, check_matrix, row_norms

Kernel = Literal["dot", "rbf"]


@dataclass(frozen=True, eq=False)
class KernelPair:
    """One kernel in two spaces.

    Attributes:
        kernel: "dot" or "rbf".
        a: (n, m) float64 in the first space.
        b: (n, m) float64 in the second.
        bandwidth_a: width of the RBF kernel in the first space; NaN for "dot".
        bandwidth_b: the same in the second.
    """

    kernel: Kernel
    a: NDArray[np.float64]
    b: NDArray[np.float64]
    bandwidth_a: float
    bandwidth_b: float

    @property
    def alignment(self) -> float:
        """Dot product of the two matrices over their norms, not centred: 1 = proportional; high for any positive pair.

        Source: Cristianini et al. 2001, On kernel-target alignment. CKA is the same of centred matrices.
        """
        return float((self.a * self.b).sum() / (np.linalg.norm(self.a) * np.linalg.norm(self.b)))

    @property
    def difference(self) -> float:
        """Root mean square of the differences of their cells; 0 = equal."""
        return float(np.sqrt(((self.a - self.b) ** 2).mean()))


def kernel_pair(
    a: Array, b: Array, kernel: Kernel = "dot", *, others_a: Array | None = None, others_b: Array | None = None
) -> KernelPair:
    """The kernel matrix of a sample in two spaces; the spaces may differ in width.

    Args:
        a: (n, p) float, rows as they are to be compared, e.g. a sample of queries.
        b: (n, q) float, the same texts in the other space.
        kernel: "dot": products of rows; of unit rows the cosines. "rbf": exp(-|x - y|^2 / (2 s^2)), s = the median
            distance of two different rows of the space at hand, so that spaces of unlike scale compare.
        others_a: (m, p) float, e.g. documents, for a matrix of the sample against them; None = against itself.
        others_b: (m, q) float, the same texts in the other space.

    Raises: ShapeError if rows do not pair; MatryoError if a bandwidth would be 0 because most rows are equal.
    Source: median bandwidth: Gretton et al. 2012, A kernel two-sample test, section 8.

    >>> pair = kernel_pair(np.eye(2), np.array([[2.0], [0.0]]))
    >>> pair.a.tolist(), pair.b.tolist(), round(pair.alignment, 4)
    ([[1.0, 0.0], [0.0, 1.0]], [[4.0, 0.0], [0.0, 0.0]], 0.7071)
    """
    if (others_a is None) != (others_b is None):
        raise ShapeError("others_a and others_b must be given both or neither, got one; encode them in both spaces")
    right_a, right_b = a if others_a is None else others_a, b if others_b is None else others_b
    if len(a) != len(b) or len(right_a) != len(right_b):
        raise ShapeError(
            f"both spaces must hold the same texts, got {len(a)} and {len(b)} rows against {len(right_a)} and "
            f"{len(right_b)}; pair them row by row"
        )
    width_a, width_b = (median_distance(x) if kernel == "rbf" else np.nan for x in (right_a, right_b))
    return KernelPair(
        kernel, kernel_matrix(a, right_a, kernel, width_a), kernel_matrix(b, right_b, kernel, width_b), width_a, width_b
    )


def kernel_matrix(x: Array, y: Array, kernel: Kernel, bandwidth: float = np.nan) -> NDArray[np.float64]:
    """Kernel of every row of x with every row of y, (n, d) and (m, d) -> (n, m) float64.

    Args:
        x: (n, d) float.
        y: (m, d) float.
        kernel: "dot" or "rbf".
        bandwidth: of "rbf", above 0.

    Raises: ShapeError if the widths differ; MatryoError for another kernel or a bandwidth that is not above 0.
    """
    check_matrix(x, name="x")
    check_matrix(y, name="y")
    if x.shape[1] != y.shape[1]:
        raise ShapeError(f"x and y must be equally wide, got {x.shape[1]} and {y.shape[1]}; give rows of one space")
    if kernel == "dot":
        return np.asarray(x.astype(np.float64) @ y.astype(np.float64).T)
    if kernel != "rbf":
        raise MatryoError(f"kernel must be 'dot' or 'rbf', got {kernel!r}")
    if not bandwidth > 0:
        raise MatryoError(f"bandwidth must be above 0, got {bandwidth:g}; take the median distance of rows that differ")
    return np.asarray(np.exp(_squared_distances(x, y) / (-2.0 * bandwidth**2)))


def median_distance(x: Array) -> float:
    """Median Euclidean distance of two different rows, by index; the bandwidth of `kernel_pair`.

    Raises: MatryoError if there are fewer than 2 rows or more than half of the distances are 0.

    >>> median_distance(np.array([[0.0], [3.0], [4.0]]))
    3.0
    """
    check_matrix(x, name="x")
    if len(x) < 2:
        raise MatryoError(f"a median distance needs at least 2 rows, got {len(x)}")
    squares = _squared_distances(x, x)[np.triu_indices(len(x), 1)]
    median = float(np.sqrt(np.median(squares)) if len(squares) % 2 else np.median(np.sqrt(squares)))
    if median == 0.0:
        raise MatryoError(
            "the median distance is 0: most pairs of rows are equal, expected different ones; drop repeated texts"
        )
    return median


def _squared_distances(x: Array, y: Array) -> NDArray[np.float64]:
    # around a common centre, where the squares that cancel are smallest
    centre = y.astype(np.float64).mean(axis=0)
    left, right = x - centre, y - centre
    squares = row_norms(left)[:, None] ** 2 + row_norms(right) ** 2 - 2.0 * left @ right.T
    scale = np.maximum(row_norms(left)[:, None], row_norms(right)) ** 2
    squares[squares <= 1e-13 * scale] = 0.0  # equal rows but for rounding
    return np.asarray(squares)
