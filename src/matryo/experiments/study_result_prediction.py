"""Does what two spaces have in common before any training tell how well translation between them goes?"""

import math
from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matryo.evaluation.results import ExtraTable
from matryo.experiments.study_measures import Row, Stored
from matryo.measures.similarity import spearman, spearman_intervals

PREDICTORS: Final = ("CKA", "mutual")
OUTCOMES: Final = ("R2", "mutual after", "nDCG kept")
_N_DRAWS = 2_000
_N_PERMUTATIONS = 2_000
_FEWEST = 3


def prediction_table(before: Sequence[Row]) -> ExtraTable:
    """Correlation of ranks between each predictor and each outcome, over ordered pairs.

    Both directions of a pair of spaces share their predictors, so that pairs of spaces are drawn as a whole, and the
    permutations of the test exchange the predictors of pairs of spaces.

    Args:
        before: rows of the table `before`.
    """
    rows = [
        (predictor, outcome, *correlation([row for row in before if _measured(row, predictor, outcome)], names))
        for predictor in PREDICTORS
        for outcome in OUTCOMES
        for names in ((predictor, outcome),)
    ]
    n_spaces = len({row["from"] for row in before} | {row["to"] for row in before})
    n_groups = len({_group(row) for row in before})
    return ExtraTable(
        "prediction",
        "Does what two spaces share before training predict how well they translate?",
        ("predictor", "outcome", "n", "Spearman", "low", "high", "p"),
        tuple(rows),
        (
            f"{len(before)} ordered pairs are {n_groups} pairs of {n_spaces} spaces: they are few, every space is part "
            "of several of them, and both directions share their predictor. The intervals draw pairs of spaces as a "
            "whole, the permutations exchange predictors between pairs of spaces; neither knows of the shared spaces, "
            "so that both promise more than the data hold.",
            "Predictors are measured on held-out native vectors, outcomes are those of each pair's best translator by "
            "R2.",
        ),
    )


def correlation(
    rows: Sequence[Row], names: tuple[str, str]
) -> tuple[int, float | None, float | None, float | None, float | None]:
    """Spearman correlation of two columns over ordered pairs.

    Args:
        rows: with "from", "to" and both columns.
        names: predictor and outcome.

    Returns: number of rows, correlation, both ends of its interval, two-sided p of the permutation test; None where
        there are fewer than 3 pairs of spaces or one column does not vary.
    """
    x, y = (np.array([float(row[name] or 0.0) for row in rows]) for name in names)
    groups = [_group(row) for row in rows]
    if len(set(groups)) < _FEWEST or np.ptp(x) == 0.0 or np.ptp(y) == 0.0:
        return len(rows), None, None, None, None
    found = spearman_intervals(x, y, np.array(groups), n_draws=_N_DRAWS, seed=0)[0]
    return len(rows), found.value, _known(found.low), _known(found.high), permutation_p(x, y, groups)


def permutation_p(x: NDArray[np.float64], y: NDArray[np.float64], groups: Sequence[str]) -> float | None:
    """Share of the permutations of x between groups whose correlation is at least as far from 0, itself among them.

    Args:
        x: (n,) equal, but for rounding, within each group: their mean is taken.
        y: (n,).
        groups: n labels.

    Returns: None if the means do not vary. Every permutation is tried where there are at most 2,000, else as many are
        drawn.
    """
    labels, numbers = np.unique(np.asarray(groups), return_inverse=True)
    means = np.bincount(numbers, x) / np.bincount(numbers)
    if np.ptp(means) == 0.0:
        return None
    reached = abs(spearman(means[numbers], y)) - 1e-12
    if math.factorial(len(labels)) <= _N_PERMUTATIONS:
        drawn = [abs(spearman(means[list(order)][numbers], y)) for order in permutations(range(len(labels)))]
        return float(np.mean(np.array(drawn) >= reached))
    rng = np.random.default_rng(0)
    drawn = [abs(spearman(rng.permutation(means)[numbers], y)) for _ in range(_N_PERMUTATIONS)]
    return float((1 + np.sum(np.array(drawn) >= reached)) / (1 + _N_PERMUTATIONS))


def _measured(row: Mapping[str, Stored], *names: str) -> bool:
    return all(row.get(name) is not None for name in names)


def _group(row: Mapping[str, Stored]) -> str:
    """A pair of spaces whatever its direction."""
    return " ".join(sorted((str(row["from"]), str(row["to"]))))


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
