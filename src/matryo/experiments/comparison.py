"""Every way to make short prefixes good, side by side on one encode, each with its floor and its control."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from matryo.evaluation.comparisons import pool_seeds
from matryo.evaluation.curve import retrieval_curve
from matryo.evaluation.score import PLAIN_CUT, Score
from matryo.experiments.paired import EncodedPairs
from matryo.maps import HeadSettings, MatrixMap, fit_full_head, fit_nested_head, fit_rotation, random_dims
from matryo.measures.measure import Measure

N_RANDOM_DRAWS = 5
RANDOM, ROTATION, CONTROL, NESTED = "random dims", "rotation", "head + rotation", "nested head"

Fit = Callable[[EncodedPairs, tuple[int, ...], HeadSettings, int], MatrixMap | None]
Say = Callable[[str], None]


def _plain_cut(data: EncodedPairs, dims: tuple[int, ...], settings: HeadSettings, seed: int) -> None:
    return None


def _random_dims(data: EncodedPairs, dims: tuple[int, ...], settings: HeadSettings, seed: int) -> MatrixMap:
    return random_dims(data.space, seed)


def _rotation(data: EncodedPairs, dims: tuple[int, ...], settings: HeadSettings, seed: int) -> MatrixMap:
    train = data.vectors("train")
    return fit_rotation(train.documents, data.space, more=train.queries)


def _control(data: EncodedPairs, dims: tuple[int, ...], settings: HeadSettings, seed: int) -> MatrixMap:
    train, validation = data.vectors("train"), data.vectors("validation")
    return fit_full_head(train, validation, data.space, settings=settings, seed=seed)


def _nested(data: EncodedPairs, dims: tuple[int, ...], settings: HeadSettings, seed: int) -> MatrixMap:
    train, validation = data.vectors("train"), data.vectors("validation")
    return fit_nested_head(train, validation, data.space, dims, settings=settings, seed=seed)


@dataclass(frozen=True)
class Method:
    """One row of the comparison.

    Attributes:
        name: of the map, as reports print it.
        fit: makes the map from the training part; None = the plain cut.
        runs: how often it is made: once, for several random draws, or for each training seed.
    """

    name: str
    fit: Fit
    runs: Literal["once", "draws", "seeds"]


METHODS = (
    Method(PLAIN_CUT, _plain_cut, "once"),
    Method(RANDOM, _random_dims, "draws"),
    Method(ROTATION, _rotation, "once"),
    Method(CONTROL, _control, "seeds"),
    Method(NESTED, _nested, "seeds"),
)


@dataclass(frozen=True)
class Fitted:
    """One method after all its runs.

    Attributes:
        method: the row of the table.
        maps: one per run; empty for the plain cut.
        runs: scores of each run at every dim, each with its seed if there are several runs.
        pooled: one score per dim, the mean over the runs.
        fit_s: seconds of one fit, median over the runs.
    """

    method: Method
    maps: tuple[MatrixMap, ...]
    runs: tuple[Score, ...]
    pooled: tuple[Score, ...]
    fit_s: float

    def at(self, dim: int) -> list[Score]:
        """Scores of every run at one dim."""
        return [score for score in self.runs if score.dim == dim]


def compare(
    data: EncodedPairs,
    dims: tuple[int, ...],
    measure: Measure,
    *,
    model: str,
    seeds: Sequence[int],
    settings: HeadSettings | None = None,
    say: Say = lambda line: None,
) -> dict[str, Fitted]:
    """Fit every method on the training part and measure all dims on the test part.

    Args:
        data: encoded pairs.
        dims: strictly rising prefix lengths, the last one the width.
        measure: e.g. MRR@10.
        model: name of the encoder, for the scores.
        seeds: one training of each head per seed; the first also seeds the random draws and the bootstrap.
        settings: of the heads.
        say: told when a method is finished.

    Returns: name of the method -> what came of it, in the order of the table.
    """
    settings = settings or HeadSettings()
    asked, judged = data.queries[data.asked], data.judged
    queries = data.test_queries
    groups = dict(zip(queries.ids, queries.groups, strict=True))
    seeds_of = {"once": seeds[:1], "draws": range(seeds[0], seeds[0] + N_RANDOM_DRAWS), "seeds": seeds}
    found: dict[str, Fitted] = {}
    for method in METHODS:
        maps: list[MatrixMap] = []
        runs: list[Score] = []
        seconds: list[float] = []
        for seed in seeds_of[method.runs]:
            started = time.perf_counter()
            fitted = method.fit(data, dims, settings, seed)
            seconds.append(time.perf_counter() - started)
            maps += [] if fitted is None else [fitted]
            mapped = (asked, data.documents) if fitted is None else (fitted.apply(asked), fitted.apply(data.documents))
            runs += retrieval_curve(
                *mapped,
                judged,
                dims,
                [measure],
                groups=groups,
                dataset=data.name,
                model=model,
                map=method.name,
                trained_seed=None if method.runs == "once" else seed,
                seed=seeds[0],
            )
        pooled = runs if method.runs == "once" else pool_seeds(runs, queries, seed=seeds[0])
        found[method.name] = Fitted(method, tuple(maps), tuple(runs), tuple(pooled), median(seconds))
        say(f"{data.name}: {method.name} done, {found[method.name].fit_s:.1f} s a fit")
    return found
