"""A made-up run: means from a prototype, intervals invented."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from matryo.evaluation.records import Difference, Recommended, Share
from matryo.evaluation.results import ExtraTable, RunResults
from matryo.evaluation.score import Arm, Score
from matryo.measures.intervals import Interval
from matryo.measures.recommend import DimTest, Recommendation

DIMS = (32, 64, 96, 192, 384)
CURVES = {
    "none": (0.230, 0.368, 0.398, 0.475, 0.495),
    "random dims": (0.214, 0.341, 0.384, 0.462, 0.495),
    "rotation": (0.269, 0.407, 0.449, 0.485, 0.495),
    "head + rotation": (0.376, 0.461, 0.491, 0.511, 0.516),
    "nested head": (0.372, 0.453, 0.485, 0.507, 0.512),
}
SEEDED = ("head + rotation", "nested head")
N, N_GROUPS = 1159, 46


def arm(name: str, dim: int) -> Arm:
    return Arm("minilm", name, dim)


def scores_of(dataset: str, lower: float, measure: str) -> list[Score]:
    floor = Score(dataset, "bm25", "bm25", 0, measure, 0.412 - lower, 0.386 - lower, 0.438 - lower, N, None, N_GROUPS)
    found = [floor]
    for name, values in CURVES.items():
        for dim, value in zip(DIMS, values, strict=True):
            mean = value - lower
            pooled = Score(dataset, "minilm", name, dim, measure, mean, mean - 0.027, mean + 0.028, N, None, N_GROUPS)
            found.append(replace(pooled, n_seeds=3) if name in SEEDED else pooled)
            if name in SEEDED:
                found += [replace(pooled, value=mean + 0.001 * seed, seed=seed) for seed in range(3)]
    return found


def shares_of(dataset: str, measure: str) -> list[Share]:
    full = DIMS[-1]
    found = []
    for base_is_plain in (True, False):
        for name, values in CURVES.items():
            for dim, value in zip(DIMS, values, strict=True):
                base, ground = ("none", 0.495) if base_is_plain else (name, values[-1])
                if (name, dim) == (base, full) or (name == "none" and not base_is_plain):
                    continue
                ratio = value / ground
                found.append(
                    Share(dataset, arm(name, dim), arm(base, full), measure, ratio, ratio - 0.021, ratio + 0.02, N, 46)
                )
    return found


def differences_of(dataset: str, measure: str) -> list[Difference]:
    found = []
    for left, right in (*((head, "rotation") for head in SEEDED), ("nested head", "head + rotation")):
        for place, dim in enumerate(DIMS):
            value = CURVES[left][place] - CURVES[right][place]
            found.append(
                Difference(
                    f"{left} - {right} at {dim}",
                    dataset,
                    arm(left, dim),
                    arm(right, dim),
                    measure,
                    value,
                    value - 0.006,
                    value + 0.007,
                    N,
                    N_GROUPS,
                )
            )
    return found


def recommended(dataset: str, name: str, dim: int, measure: str) -> Recommended:
    values = dict(zip(DIMS, CURVES[name], strict=True))
    tested = []
    for tested_dim in DIMS[-2::-1]:
        ratio = values[tested_dim] / values[384]
        passed = None if tested and not tested[-1].passed else tested_dim >= dim
        interval = Interval(ratio, ratio - 0.015, ratio + 0.014, N, N_GROUPS)
        tested.append(DimTest(tested_dim, interval, ratio - 0.012, passed, 0.021))
    return Recommended(
        dataset, "minilm", name, measure, Recommendation(dim, 384, 0.93, 0.95, N, 46, tuple(tested), 0.021)
    )


@pytest.fixture
def results() -> RunResults:
    """Two data sets in one measure, three seeds, everything filled in."""
    return RunResults(
        run_name="demo",
        dataset="stdlib",
        device="cpu",
        cuda_available=False,
        scores=(*scores_of("stdlib", 0.0, "MRR@10"), *scores_of("stdlib, names masked", 0.061, "MRR@10")),
        shares=(*shares_of("stdlib", "MRR@10"), *shares_of("stdlib, names masked", "MRR@10")),
        differences=(*differences_of("stdlib", "MRR@10"), *differences_of("stdlib, names masked", "MRR@10")),
        recommendations=tuple(
            recommended("stdlib", name, dim, "MRR@10")
            for name, dim in (("none", 192), ("rotation", 192), ("head + rotation", 96), ("nested head", 96))
        ),
        tables=(ExtraTable("model", "Saved model", ("loaded back", "MRR@10 at 96"), (("yes", 0.4912), ("no", None))),),
        seeds=(0, 1, 2),
        settings={"model": "minilm", "encoder": {"precision": "bf16", "max_tokens": 128}, "dims": list(DIMS)},
        seconds={"encode": 38.24, "rotation": 0.031, "nested head, one seed": 1.62},
        notes=("12 texts are longer than 128 tokens; the rest of each was ignored",),
        timestamp="2025-01-31T12:00:00Z",
        versions={"python": "3.11.2", "numpy": "2.1.0", "torch": "2.13.0"},
        machine={"cpu": "some processor", "cores": 2, "platform": "Linux", "memory_bytes": 8589934592},
    )


@pytest.fixture
def only_map(results: RunResults) -> Callable[[str], RunResults]:
    """Makes a run with a single map of the first data set and nothing derived from it."""

    def make(name: str) -> RunResults:
        kept = tuple(s for s in results.scores if s.dataset == "stdlib" and s.map == name and s.seed is None)
        return replace(
            results, scores=kept, shares=(), differences=(), recommendations=(), tables=(), notes=(), seconds={}
        )

    return make
