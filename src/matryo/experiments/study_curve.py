"""How good a translator is after fewer pairs: the learning curve of one translator on one ordered pair of spaces."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from matryo.evaluation.translation_retrieval import MEASURES, stored_translated
from matryo.experiments.study_job_pair import Pair
from matryo.experiments.study_measures import Row
from matryo.experiments.translate_fit import Fitted, TranslatorSettings, fit_rows
from matryo.measures.matching import match
from matryo.measures.neighbours import mutual_neighbours, nearest_neighbours
from matryo.measures.ranking import evaluate
from matryo.measures.regression import measure_regression
from matryo.prefix import block, unit_rows

_FEWEST_TO_TRAIN = 300  # a batch of 256 and what is held out to stop on
_TRAINED = ("linear", "mlp1", "mlp2")


def curve_sizes(sizes: Sequence[int], n_fitted: int, kind: str = "ridge") -> tuple[int, ...]:
    """Numbers of pairs to fit on, rising: those below all that there are, and all.

    Args:
        sizes: asked for.
        n_fitted: pairs that there are.
        kind: of the translator; one that is trained by gradients takes no fewer than 300.

    >>> curve_sizes((3_000, 100, 10_000), 4_000), curve_sizes((3_000, 100, 10_000), 4_000, "mlp1")
    ((100, 3000, 4000), (3000, 4000))
    """
    fewest = _FEWEST_TO_TRAIN if kind in _TRAINED else 1
    return (*sorted({size for size in sizes if fewest <= size < n_fitted}), n_fitted)


def measure_curve(
    pair: Pair, settings: TranslatorSettings, sizes: Sequence[int], seeds: Sequence[int], *, fit_seed: int
) -> list[Row]:
    """Fit a translator on some of the pairs, and measure it on the held-out texts.

    Fewer rows than columns are taken here, because how a translator does with few pairs is the question. The smaller
    choices of one seed lie within the larger ones.

    Args:
        pair: the rows.
        settings: which translator.
        sizes: numbers of pairs; those above what there is are left out, all are always fitted on.
        seeds: of the choice of pairs; all pairs are fitted on once, with the first.
        fit_seed: of the fits themselves.

    Returns: one row per number of pairs and seed.
    Raises: as `fit_rows`.
    """
    chosen = replace(settings, seed=fit_seed, allow_degenerate=True)
    measured = _Measured(pair)
    rows: list[Row] = []
    for size, seed, some in _choices(pair.fitted, curve_sizes(sizes, len(pair.fitted), settings.kind), seeds):
        groups = chosen.split.groups([pair.ids[row] for row in some.tolist()])
        fitted = fit_rows(pair.a.chosen(some), pair.b.chosen(some), chosen, groups=groups)
        facts = {"pairs": size, "share of corpus": size / pair.n_documents, "seed": seed}
        rows.append({**facts, **measured.row(fitted)})
    return rows


def _choices(
    fitted: NDArray[np.int64], sizes: Sequence[int], seeds: Sequence[int]
) -> Iterator[tuple[int, int, NDArray[np.int64]]]:
    """Number of pairs, seed, rows in their order."""
    orders = {seed: np.random.default_rng(seed).permutation(fitted) for seed in seeds}
    for size in sizes:
        for seed in seeds if size < len(fitted) else seeds[:1]:
            yield size, seed, np.sort(orders[seed][:size])


class _Measured:
    """The few measures of the curve, with what they need of the native side."""

    def __init__(self, pair: Pair) -> None:
        self._pair, self._native = pair, pair.native
        self._k = pair.files.settings.k

    def row(self, fitted: Fitted) -> Row:
        rows, native, k = self._pair.rows, self._native.chosen, self._k
        raw = fitted.raw(rows.source)
        ours = unit_rows(raw[native.rows])
        r2 = float(measure_regression(raw, rows.target, rows.mean).r2[-1])
        lists = nearest_neighbours(ours, k)
        return {
            "R2": r2 if math.isfinite(r2) else None,
            "top-1": match(ours, native.target, k=1).plain.top1,
            "mutual": float(mutual_neighbours(lists, block(native.lists, 0, k), (k,)).mean()),
            str(MEASURES[0]): self._quality(fitted),
        }

    def _quality(self, fitted: Fitted) -> float | None:
        """Mean of the deciding measure with documents translated, None without judgements."""
        task, measure = self._pair.task, MEASURES[0]
        if task is None:
            return None
        width = fitted.target.width
        hits = stored_translated(fitted, task.a, task.b, (width,), measure.k or 10)[width]
        return float(evaluate(hits, task.judged, (measure,))[measure][task.judged.has_relevant].mean())
