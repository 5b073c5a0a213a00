"""Made-up runs: means from a prototype, the rest invented."""

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from matryo.data.views import Mined, View, Views
from matryo.evaluation.identity import IdentityMeasures, Part, measure_identity
from matryo.evaluation.identity_baselines import measure_baselines
from matryo.evaluation.records import Difference, Recommended, Share
from matryo.evaluation.results import ExtraTable, RunResults
from matryo.evaluation.score import Arm, Score
from matryo.experiments.identity_compare import compare_systems
from matryo.experiments.identity_config import SharedPrefixConfig
from matryo.experiments.identity_data import IdentityData
from matryo.measures.intervals import Interval
from matryo.measures.recommend import DimTest, Recommendation
from matryo.prefix import Array
from matryo.reports.identity_read import IdentityRun, measure_files, read_identity_run
from matryo.reports.write import write_reports

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


ARM_CURVES = {
    ("minilm", "none"): (0.230, 0.368, 0.398, 0.475, 0.495),
    ("minilm", "random dims"): (0.214, 0.341, 0.384, 0.462, 0.495),
    ("minilm", "rotation"): (0.269, 0.407, 0.449, 0.485, 0.495),
    ("minilm", "head + rotation"): (0.376, 0.461, 0.491, 0.511, 0.516),
    ("minilm", "nested head"): (0.372, 0.453, 0.485, 0.507, 0.512),
    ("dense_baseline", "none"): (0.331, 0.452, 0.487, 0.531, 0.546),
    ("dense_baseline", "rotation"): (0.398, 0.489, 0.517, 0.541, 0.546),
    ("matryoshka", "none"): (0.421, 0.501, 0.520, 0.540, 0.544),
    ("matryoshka", "rotation"): (0.424, 0.503, 0.521, 0.541, 0.544),
}
ARM_PAIRS = (
    (("matryoshka", "none"), ("dense_baseline", "rotation")),
    (("matryoshka", "rotation"), ("dense_baseline", "rotation")),
    (("matryoshka", "none"), ("dense_baseline", "none")),
    (("matryoshka", "none"), ("minilm", "none")),
)


def arm_label(model: str, name: str) -> str:
    return model if name == "none" else f"{model} + {name}"


def arm_difference(left: tuple[str, str], right: tuple[str, str], dim: int, name: str = "") -> Difference:
    value = ARM_CURVES[left][DIMS.index(dim)] - ARM_CURVES[right][DIMS.index(dim)]
    name = name or f"{arm_label(*left)} vs {arm_label(*right)} at {dim}"
    sides = (Arm(*left, dim), Arm(*right, dim))
    return Difference(name, "stdlib", *sides, "MRR@10", value, value - 0.0101, value + 0.0096, N, N_GROUPS)


def arm_scores(measure: str, lower: float) -> list[Score]:
    found = [
        Score("stdlib", "bm25", "bm25", 0, measure, 0.412 - lower, 0.386 - lower, 0.438 - lower, N, None, N_GROUPS)
    ]
    single = []
    for (model, name), values in ARM_CURVES.items():
        seeds = 1 if model == "minilm" and name in ("none", "rotation") else 3
        for dim, value in zip(DIMS, values, strict=True):
            mean = value - lower
            pooled = Score("stdlib", model, name, dim, measure, mean, mean - 0.027, mean + 0.028, N, None, N_GROUPS)
            found.append(replace(pooled, n_seeds=seeds) if seeds > 1 else pooled)
            if seeds > 1 and name != "random dims":
                single += [replace(pooled, value=mean + 0.004 * (seed - 1), seed=seed) for seed in range(seeds)]
    return found + single


@pytest.fixture
def dense_results() -> RunResults:
    """A run of a config: two arms, three seeds, two measures, the control that nesting must beat."""
    rows = tuple(
        (arm, dim, ARM_CURVES[arm, "none"][DIMS.index(dim)], 0.05, 4 * dim * 4636)
        for arm in ("dense_baseline", "matryoshka")
        for dim in reversed(DIMS)
    )
    train = {"batch_size": 64, "learning_rate": 2e-5, "loss": {"temperature": 0.05, "symmetric": False}}
    return RunResults(
        run_name="stdlib",
        dataset="stdlib",
        device="cpu",
        cuda_available=False,
        scores=(*arm_scores("MRR@10", 0.0), *arm_scores("recall@50", -0.3)),
        differences=(
            *(
                arm_difference(left, right, dim)
                for left, right in ARM_PAIRS
                for dim in DIMS[: 4 + (right[1] != "none")]
            ),
            arm_difference(
                ("matryoshka", "none"), ("dense_baseline", "none"), 384, "full widths: matryoshka vs dense_baseline"
            ),
        ),
        tables=(
            ExtraTable("baseline", "Baseline", ("Method", "MRR@10"), (("BM25", 0.412), ("minilm", 0.495))),
            ExtraTable("dense_retrieval", "Arms", ("Model", "Dim", "MRR@10", "Search ms/query", "Passage bytes"), rows),
            ExtraTable("latency", "Time", ("Dim", "p50 ms/query"), ((96, 0.05),), ("not for capacity planning",)),
            ExtraTable("other", "Something else", ("what", "value"), (("this", 1),)),
        ),
        seeds=(0, 1, 2),
        settings={
            "experiment": "dense_retrieval",
            "purpose": None,
            "methods": {
                "dense_baseline": "trained at the full width only",
                "matryoshka": "trained at all dims at once",
            },
            "control": {"arm": "matryoshka", "control": "dense_baseline", "map": "rotation", "dim": 96},
            "target_dim": 96,
            "dims": list(DIMS),
            "arms": {
                "dense_baseline": {"method": "dense_baseline", "dims": [384], "train": train},
                "matryoshka": {"method": "matryoshka", "dims": list(DIMS), "train": train},
            },
            "data": {"documents": 4636, "test_queries": 1159, "train_rows": 2781, "validation_queries": 500},
            "encoder": {"name": "minilm", "precision": "bf16", "max_tokens": 128},
            "chosen": {"matryoshka": {"seed": 1, "validation": {"0": 0.51, "1": 0.53, "2": 0.52}}},
        },
        seconds={"train matryoshka, seed 0": 512.3},
        notes=("12 texts are longer than 128 tokens; the rest of each was ignored",),
        timestamp="2025-01-31T12:00:00Z",
        versions={"python": "3.11.2", "matryo": "0.1.0", "torch": "2.13.0", "sentence-transformers": "6.2.0"},
        machine={"cpu": "some processor", "cores": 2, "platform": "Linux", "memory_bytes": 8589934592},
    )


@pytest.fixture
def write_logs() -> Callable[[Path, int], Path]:
    """Writes the logs of both arms and three seeds as a training does; gives the folder that holds them."""

    def write(run: Path, n_steps: int) -> Path:
        for arm_name, dims in (("dense_baseline", (384,)), ("matryoshka", DIMS)):
            for seed in range(3):
                lines = []
                for step in range(1, n_steps + 1):
                    losses = {
                        f"loss_at_{dim}": 2.0 / step**0.3 + 8 / dim + 0.05 * math.sin(7 * step + seed) for dim in dims
                    }
                    lines.append({"step": step, "epoch": step / n_steps, "loss": 1.0, "learning_rate": 2e-5, **losses})
                    if step % (n_steps // 4) == 0:
                        measured = {f"eval_MRR@10_at_{dim}": 0.5 - 3 / dim + 0.02 * step / n_steps for dim in DIMS}
                        lines.append({"step": step, "eval_runtime": 1.5, **measured})
                path = run / "training" / arm_name / f"seed-{seed}" / "log.jsonl"
                path.parent.mkdir(parents=True)
                path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        return run / "training"

    return write


IDENTITY_METHODS = ("v3_contrastive", "v3_mse", "v3_no_prefix")
IDENTITY_DIMS = (4, 8, 16, 32)
_CITIES, _CAREERS = ("Oslo", "Rome", "Lima"), ("nurse", "baker", "pilot")


def _identity_view(domain: str, seed: int, n: int, at: int, *, labelled: bool, ids: str = "") -> View:
    rng = np.random.default_rng(seed + at)
    people = np.random.default_rng(seed)
    cities, careers = people.choice(_CITIES, n).tolist(), people.choice(_CAREERS, n).tolist()
    shared = [" ".join(f"w{word}" for word in np.random.default_rng(i).choice(90, 2)) for i in range(n)]
    noise = [" ".join(f"w{word}" for word in rng.choice(90, 9)) for _ in range(n)]
    texts = tuple(f"{domain} {own} {other}" for own, other in zip(shared, noise, strict=True))
    labels = {"city": tuple(cities), "career": tuple(careers)} if labelled else {}
    return View(domain, tuple(f"{seed}-{i}{ids}" for i in range(n)), texts, np.arange(n), labels)


def _identity_views(seed: int, n: int, *, real: bool) -> Views:
    domains = ("docstring", "source") if real else ("dating", "hiring")
    a, b = (_identity_view(name, seed, n, at, labelled=not real) for at, name in enumerate(domains))
    ids = tuple(f"{seed}-{i}" for i in range(n))
    if real:
        return Views("toy", a, b, ids)
    rng = np.random.default_rng(seed + 5)
    first, second = (np.stack([rng.choice(n, 3, replace=False) for _ in range(25)]) for _ in range(2))
    altered, other = (
        _identity_view(name, seed, n, 7 + at, labelled=True, ids="-twin") for at, name in enumerate(domains)
    )
    return Views("toy", a, b, ids, Mined((first, second), np.empty((0, 2), np.int64)), (altered, other))


def _identity_vectors(views: Views, noise: float, seed: int, *, flat: bool = False) -> tuple[Array, Array]:
    """Vectors whose first 8 of 32 numbers say who it is; flat: all of that on one direction."""
    rng = np.random.default_rng(seed)
    who = np.random.default_rng(views.n_entities).normal(size=(views.n_entities, 8))
    found = []
    for at, view in enumerate((views.a, views.b)):
        prefix = who[view.entities] + noise * rng.normal(size=(len(view), 8))
        prefix = prefix * [1.0, *[0.05] * 7] if flat else prefix
        rest = rng.normal(size=(len(view), 24)) + (0.7 if at else -0.7)
        found.append(np.hstack([prefix, rest]).astype(np.float32))
    return found[0], found[1]


def write_identity_run(folder: Path, *, real: bool = False, purpose: str | None = None) -> Path:
    """A small run written by the real classes; real = one seed, fewer methods, no triplets, labels and twins."""
    methods, seeds = (IDENTITY_METHODS[:2], (0,)) if real else (IDENTITY_METHODS, (0, 1))
    test, fit = _identity_views(0, 40, real=real), _identity_views(50, 30, real=real)

    def measured(noise: float, seed: int, *, flat: bool = False) -> IdentityMeasures:
        twins = None if real else _identity_vectors(test, noise, seed + 1, flat=flat)
        return measure_identity(
            test,
            *_identity_vectors(test, noise, seed, flat=flat),
            dims=IDENTITY_DIMS,
            prefix_dim=8,
            twins=twins,
            seed=0,
            fit=Part(fit, *_identity_vectors(fit, noise, seed, flat=flat)),
            probe_labels=() if real else ("city",),
            sizes=(20, 2000),
            n_random=2,
            n_permutations=20,
        )

    names = ("chance", "TF-IDF") if real else ("chance", "TF-IDF", "attribute oracle")
    floors = measure_baselines(test, training=fit, seed=0, names=names, sizes=(20, 2000))
    found = {name: [one] for name, one in floors.items()} | {"frozen": [measured(1.5, 9)]}
    for place, name in enumerate(methods):
        found[name] = [measured(0.6 + 0.4 * place, 10 * place + seed, flat=name == "v3_mse") for seed in seeds]
    config = SharedPrefixConfig.model_validate(
        {"experiment": "shared_prefix", "name": "toy_run", "purpose": purpose, "data": {"kind": "stdlib"},
         "dims": IDENTITY_DIMS, "prefix_dim": 8, "methods": methods, "seeds": seeds}
    )  # fmt: skip
    data = IdentityData("stdlib" if real else "people", test, fit, test, ("40 of 100 % & more_entities",), "key")
    settings = config.model_dump(mode="json", exclude={"out"})
    results = compare_systems(config, data, found, seconds={"train v3_mse, seed 0": 1.5}, settings=settings)
    for name, runs in found.items():
        for file, one in zip(measure_files(name, results.systems[name], seeds), runs, strict=True):
            one.save(folder / "measures", file)
    results.write(folder)
    return folder


@pytest.fixture(scope="session")
def identity_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on made-up people without reports; not to be changed."""
    return write_identity_run(tmp_path_factory.mktemp("identity"))


@pytest.fixture(scope="session")
def real_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on real views without reports: no triplets, no labels, no twins, one seed; not to be changed."""
    return write_identity_run(tmp_path_factory.mktemp("real"), real=True)


@pytest.fixture(scope="session")
def identity_written(identity_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run with all its reports; not to be changed."""
    folder = tmp_path_factory.mktemp("written") / "run"
    shutil.copytree(identity_folder, folder)
    assert all(path.is_file() for path in write_reports(folder))  # any run goes through this one
    return folder


@pytest.fixture(scope="session")
def identity_run(identity_folder: Path) -> IdentityRun:
    """The run on people as reports read it."""
    return read_identity_run(identity_folder)


@pytest.fixture(scope="session")
def real_run(real_folder: Path) -> IdentityRun:
    """The run on real views as reports read it."""
    return read_identity_run(real_folder)
