"""Curves of a run: of the untrained model with every map that is asked for, and of each trained model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import Vectors
from matryo.evaluation.curve import curve_of_hits, search_depth
from matryo.evaluation.queries import Queries
from matryo.evaluation.score import PLAIN_CUT, Score
from matryo.experiments.comparison import CONTROL, N_RANDOM_DRAWS, NESTED, RANDOM, ROTATION
from matryo.experiments.model_vectors import ModelVectors
from matryo.experiments.rerank import rerank_prefixes
from matryo.hits import Hits
from matryo.maps import (
    HeadSettings,
    Map,
    MappedVectors,
    MatrixMap,
    fit_full_head,
    fit_nested_head,
    fit_rotation,
    random_dims,
)
from matryo.measures.judged import Judged
from matryo.measures.measure import Measure
from matryo.measures.ranking import evaluate
from matryo.prefix import Array
from matryo.search import search_dim, search_prefixes
from matryo.space import Space
from matryo.training.methods import Arm

HEADS = (CONTROL, NESTED)
_SEARCH_BYTES = 1 << 30
_BYTES_PER_HIT = 36


@dataclass(frozen=True)
class Measuring:
    """How every model of a run is measured.

    Attributes:
        dataset: name for the scores.
        judged: what is relevant.
        groups: query id -> group that the bootstrap draws as a whole; {} = every query is its own.
        dims: strictly rising, the last one the width.
        measures: the first one decides.
        seeds: of the trainings; the first also seeds draws and bootstrap.
        candidates: rows to rerank per query; None = search everything.
    """

    dataset: str
    judged: Judged
    groups: dict[str, str]
    dims: tuple[int, ...]
    measures: tuple[Measure, ...]
    seeds: tuple[int, ...]
    candidates: tuple[NDArray[np.int64], ...] | None = None

    @property
    def queries(self) -> Queries:
        """The counted queries."""
        return Queries.of(self.judged.counted_ids, self.groups)

    def curve(
        self, vectors: ModelVectors, fitted: Map | None, *, model: str, map: str, trained_seed: int | None
    ) -> list[Score]:
        """One score per dim and measure, from one search."""
        asked = vectors.queries if fitted is None else fitted.apply(vectors.queries)
        documents: Vectors = vectors.documents if fitted is None else MappedVectors(vectors.documents, fitted)
        return curve_of_hits(
            self._hits(asked, documents),
            self.judged,
            self.measures,
            groups=self.groups,
            dataset=self.dataset,
            model=model,
            map=map,
            trained_seed=trained_seed,
            seed=self.seeds[0],
        )

    def _hits(self, asked: Array, documents: Vectors) -> dict[int, Hits]:
        k = search_depth(self.measures)
        if self.candidates is not None:
            return rerank_prefixes(asked, documents, self.candidates, self.dims, k)
        return search_in_parts(asked, documents, self.dims, k)


@dataclass(frozen=True)
class Curve:
    """One row of a run: a model with a map, at every dim and in every measure.

    Attributes:
        model: arm, or the untrained model.
        map: as in `Score.map`.
        runs: scores of every seed or draw; one run without a seed for what is neither trained nor drawn.
    """

    model: str
    map: str
    runs: tuple[Score, ...]

    @property
    def label(self) -> str:
        """Name of the row in comparisons, e.g. "dense_baseline + rotation"."""
        return self.model if self.map == PLAIN_CUT else f"{self.model} + {self.map}"

    @property
    def has_seeds(self) -> bool:
        """Whether it is a mean over seeds or draws."""
        return self.runs[0].seed is not None

    def at(self, dim: int, measure: str) -> list[Score]:
        """Scores of every run at one dim in one measure."""
        return [score for score in self.runs if (score.dim, score.measure) == (dim, measure)]


def search_in_parts(queries: Array, documents: Vectors, dims: tuple[int, ...], k: int) -> dict[int, Hits]:
    """`search_prefixes` for as many queries at a time as keep its memory within a gibibyte."""
    at_once = max(1, _SEARCH_BYTES // (_BYTES_PER_HIT * min(k, documents.n_rows) * len(dims)))
    parts = [
        search_prefixes(queries[first : first + at_once], documents, dims, k)
        for first in range(0, len(queries), at_once)
    ]
    if len(parts) == 1:
        return parts[0]
    return {
        dim: Hits(np.concatenate([p[dim].rows for p in parts]), np.concatenate([p[dim].scores for p in parts]))
        for dim in dims
    }


def start_curves(
    measuring: Measuring, vectors: ModelVectors, baselines: Sequence[str], model: str
) -> tuple[list[Curve], list[str]]:
    """Measure the untrained model in every way to shorten it that was asked for.

    Args:
        measuring: how.
        vectors: of the untrained model.
        baselines: plain, random, rotation, "head + rotation", "nested head".
        model: its name.

    Returns: one curve per baseline, and what a reader must know.
    """
    curves, notes = [], []
    for baseline in baselines:
        name = {"plain": PLAIN_CUT, "random": RANDOM}.get(baseline, baseline)
        lacking = _lacking(name, vectors)
        if lacking:
            notes.append(f"{model} + {name} is not measured: {lacking}")
            continue
        runs = [
            score
            for seed, fitted in _fits(name, vectors, measuring)
            for score in measuring.curve(vectors, fitted, model=model, map=name, trained_seed=seed)
        ]
        curves.append(Curve(model, name, tuple(runs)))
    return curves, notes


def own_map(arm: Arm) -> str:
    """Name of the map under which the dims an arm trained are prefixes: the plain cut, but for other columns."""
    columns = arm.train.loss.columns
    return PLAIN_CUT if columns == "prefix" else f"{columns} columns"


def column_map(arm: Arm, space: Space) -> MatrixMap | None:
    """The permutation that brings the columns an arm trained at a dim to its front; None for prefixes."""
    from matryo.losses.columns import column_order

    order = column_order(space.width, arm.train.loss.columns)
    if order is None:
        return None
    unchanged = np.eye(space.width, dtype=np.float32)
    return MatrixMap(np.ascontiguousarray(unchanged[order.numpy()].T), space, own_map(arm))


def trained_runs(
    measuring: Measuring, vectors: ModelVectors, arm: Arm, seed: int, *, rotate: bool
) -> dict[str, list[Score]]:
    """Measure one trained model: map -> its scores, its own prefixes and, if asked for, rotated on its own sample."""
    maps: dict[str, MatrixMap | None] = {own_map(arm): column_map(arm, vectors.space)}
    if rotate:
        maps[ROTATION] = _rotation(vectors)
    return {
        name: measuring.curve(vectors, fitted, model=arm.name, map=name, trained_seed=seed)
        for name, fitted in maps.items()
    }


def validation_value(vectors: ModelVectors, fitted: Map | None, judged: Judged, dim: int, measure: Measure) -> float:
    """Mean of a measure at one dim on the validation part, by search of its own documents."""
    sides = vectors.validation_queries, vectors.validation_documents
    asked, documents = sides if fitted is None else (fitted.apply(sides[0]), fitted.apply(sides[1]))
    hits = search_dim(asked, documents, dim, search_depth([measure]))
    return float(evaluate(hits, judged, [measure])[measure][judged.has_relevant].mean())


def _lacking(name: str, vectors: ModelVectors) -> str:
    """Why a head cannot be trained on this sample; "" if it can, and for everything else."""
    if name not in HEADS:
        return ""
    needed, got = HeadSettings().loop.batch_size, len(vectors.train.queries)
    if got < needed:
        return f"a head needs at least {needed} training pairs, got {got}"
    return "" if len(vectors.validation.queries) else "a head needs validation pairs to stop on, there are none"


def _fits(name: str, vectors: ModelVectors, measuring: Measuring) -> Iterator[tuple[int | None, MatrixMap | None]]:
    """The maps behind one baseline, one after the other, each with its seed if it has one."""
    seeds = measuring.seeds
    if name == PLAIN_CUT:
        yield None, None
    elif name == ROTATION:
        yield None, _rotation(vectors)
    elif name == RANDOM:
        for seed in range(seeds[0], seeds[0] + N_RANDOM_DRAWS):
            yield seed, random_dims(vectors.space, seed)
    elif name == CONTROL:
        for seed in seeds:
            yield seed, fit_full_head(vectors.train, vectors.validation, vectors.space, seed=seed)
    else:
        for seed in seeds:
            yield seed, fit_nested_head(vectors.train, vectors.validation, vectors.space, measuring.dims, seed=seed)


def _rotation(vectors: ModelVectors) -> MatrixMap:
    return fit_rotation(vectors.train.documents, vectors.space, more=vectors.train.queries)
