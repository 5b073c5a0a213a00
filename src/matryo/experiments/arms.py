"""Evaluation of a dense-retrieval run: every trained model beside the untrained one, BM25 and the control."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from matryo.data.candidates import read_candidates
from matryo.data.problems import Problems
from matryo.data.retrieval import Retrieval
from matryo.errors import MatryoError
from matryo.evaluation.results import ExtraTable, RunResults
from matryo.evaluation.score import Score
from matryo.experiments.arm_comparisons import compare_arms
from matryo.experiments.arm_scores import (
    HEADS,
    Curve,
    Measuring,
    column_map,
    own_map,
    start_curves,
    trained_runs,
    validation_value,
)
from matryo.experiments.comparison import RANDOM, ROTATION, Say
from matryo.experiments.encoding import truncation_note
from matryo.experiments.floor import FLOOR, Floor, bm25_floor
from matryo.experiments.latency import Latency, latency_table, time_searches
from matryo.experiments.model_vectors import encode_sample
from matryo.experiments.rerank import Reranking, candidates_name, reranking
from matryo.experiments.run_config import RetrievalConfig
from matryo.experiments.run_data import RunData
from matryo.experiments.run_facts import choice_note, chosen_settings, run_settings, sample_notes
from matryo.experiments.run_indexes import chosen_arm, measure_indexes
from matryo.experiments.run_models import choose_seed, load_model, start_name
from matryo.experiments.run_sample import RunSample, run_sample
from matryo.experiments.run_tables import baseline_table, dense_table
from matryo.experiments.settings import cuda_available
from matryo.experiments.stopwatch import Stopwatch
from matryo.measures.judged import judge
from matryo.measures.measure import Measure
from matryo.prefix import check_dims
from matryo.training.methods import Arm, resolve_arm

Models = Mapping[tuple[str, int], Path]


def evaluate_run(
    config: RetrievalConfig,
    data: RunData,
    start: Path,
    models: Models,
    folder: Path,
    *,
    say: Say = lambda line: None,
    progress: bool = False,
) -> RunResults:
    """Measure every model of a run at every dim and say what follows; nothing but encoded sets and indexes is written.

    Args:
        config: of the run.
        data: its texts.
        start: model folder that every arm started from.
        models: (arm, seed) -> folder of the trained model.
        folder: of the run; vectors go to `sets/` below it, finished ones are read instead of encoded, and indexes to
            `indexes/`, which is made anew.
        say: told when a model is measured.
        progress: show rate and time left of the encoding.

    Returns: the results.
    Raises: MatryoError if a model is missing, names collide, or candidates do not fit; ShapeError for dims beyond the
        width.
    """
    _check_models(config, models)
    clock, name = Stopwatch(), start_name(config)
    encoder = load_model(start, config.model)
    arms = {a: resolve_arm(a, arm, config.train, config.dims, encoder.width) for a, arm in config.arms.items()}
    with clock.step("read texts"):
        sample, measuring, notes = _prepare(config, data, encoder.width)
        sets = _sets_folder(folder, sample, measuring)
    floor = _floor(config, sample, measuring, clock)
    with clock.step(f"encode with {name}"):
        vectors = encode_sample(encoder, sample, sets / "start", progress=progress)
    with clock.step(f"fit and measure {name}"):
        curves, lacking = start_curves(measuring, vectors, config.evaluate.baselines, name)
    say(f"{name} measured")
    trained = _measure_arms(config, arms, models, sample, measuring, sets, clock, say, progress)
    curves += trained.curves
    target = target_dim(config, encoder.width)
    with clock.step("compare"):
        compared = compare_arms(
            curves, arms, name, measuring.queries, measuring.dims, str(measuring.measures[0]), seed=config.seeds[0]
        )
    chosen = choose_seed(trained.validation, list(arms), config.seeds)
    indexes = None
    if config.evaluate.indexes:
        arm, kept = chosen_arm(config.evaluate.index_arm, chosen, trained.validation)
        label = name if kept is None else f"{arm}, seed {kept}"
        with clock.step(f"index the vectors of {label}"):
            if kept is not None:
                again = load_model(models[arm, kept], config.model)
                vectors = encode_sample(again, sample, sets / arm / f"seed-{kept}", progress=progress)
            indexes = measure_indexes(
                config.evaluate.every_index(), vectors, measuring, folder / "indexes", label=label,
                n_single=config.evaluate.latency_queries, say=say, progress=progress,
            )  # fmt: skip
        say(f"{len(indexes.table.rows)} indexes measured")
    pooled = [*(floor.scores if floor else []), *compared.pooled]
    every_seed = [score for c in curves if c.has_seeds and c.map != RANDOM for score in c.runs]
    told = (
        *notes,
        *truncation_note(encoder, since=encoder.truncated - vectors.n_truncated),
        *lacking,
        *compared.notes,
        *sample_notes(config, sample),
        choice_note(chosen, trained.validation, measuring.measures[0], target),
        *(indexes.notes if indexes else ()),
    )
    return RunResults(
        run_name=config.name,
        dataset=measuring.dataset,
        device=str(encoder.description["device"]),
        cuda_available=cuda_available(),
        scores=(*pooled, *every_seed),
        shares=compared.shares,
        differences=compared.differences,
        recommendations=compared.recommendations,
        tables=(
            *_tables(pooled, name, arms, measuring, trained.latency, len(sample.task.documents)),
            *((indexes.table,) if indexes else ()),
        ),
        seeds=config.seeds,
        settings={
            **run_settings(config, data, sample, arms, measuring, target),
            "encoder": {**encoder.description, "name": name},
            "bm25": dict(floor.settings) if floor else None,
            "chosen": chosen_settings(chosen, trained.validation),
            **({"indexes": indexes.settings} if indexes else {}),
        },
        seconds=clock.seconds,
        notes=tuple(dict.fromkeys(told)),
        queries={measuring.dataset: measuring.queries},
    )


@dataclass(frozen=True)
class _Trained:
    """What was measured of the trained models: curves, (arm, seed) -> validation, dim -> time of a query."""

    curves: list[Curve]
    validation: dict[tuple[str, int], float]
    latency: dict[int, Latency]


def _measure_arms(
    config: RetrievalConfig,
    arms: Mapping[str, Arm],
    models: Models,
    sample: RunSample,
    measuring: Measuring,
    sets: Path,
    clock: Stopwatch,
    say: Say,
    progress: bool,
) -> _Trained:
    """Every arm and seed, one model in memory at a time; the first one's vectors are those that are timed."""
    runs: dict[tuple[str, str], list[Score]] = {}
    validation: dict[tuple[str, int], float] = {}
    latency: dict[int, Latency] = {}
    untimed = measuring.candidates is None
    for arm, seed in ((arm, seed) for arm in arms.values() for seed in config.seeds):
        label = f"{arm.name}, seed {seed}"
        encoder = load_model(models[arm.name, seed], config.model)
        with clock.step(f"encode with {label}"):
            place = sets / arm.name / f"seed-{seed}"
            vectors = encode_sample(encoder, sample, place, progress=progress)
        with clock.step(f"measure {label}"):
            found = trained_runs(measuring, vectors, arm, seed, rotate=config.evaluate.rotate_arms)
            for name, scores in found.items():
                runs.setdefault((arm.name, name), []).extend(scores)
            if sample.search is not None:
                fitted, dim = column_map(arm, vectors.space), target_dim(config, encoder.width)
                validation[arm.name, seed] = validation_value(
                    vectors, fitted, sample.search.judged, dim, measuring.measures[0]
                )
        if untimed:
            untimed = False
            with clock.step("time searches"):
                latency = time_searches(
                    vectors.queries, vectors.documents, measuring.dims, config.evaluate.latency_queries
                )
        say(f"{label} measured")
    return _Trained([Curve(*key, tuple(scores)) for key, scores in runs.items()], validation, latency)


def target_dim(config: RetrievalConfig, width: int) -> int:
    """The dim that a run is about: as the config says, else a quarter of the width."""
    return config.evaluate.target_dim or max(1, width // 4)


def _check_models(config: RetrievalConfig, models: Models) -> None:
    lost = [f"{arm}, seed {seed}" for arm in config.arms for seed in config.seeds if (arm, seed) not in models]
    if lost:
        raise MatryoError(f"a run is evaluated with every arm and seed, {len(lost)} are missing: {lost}; train them")
    taken = {start_name(config), FLOOR} & set(config.arms)
    if taken:
        raise MatryoError(
            f"an arm needs a name that the untrained model and BM25 do not have, got {sorted(taken)}; rename it"
        )


def _prepare(config: RetrievalConfig, data: RunData, width: int) -> tuple[RunSample, Measuring, tuple[str, ...]]:
    """Texts to encode, how to measure, and what is to be known of the data."""
    asked = config.evaluate
    # one name throughout, because scores of one data set are found by it
    named = replace(data.test, name=data.name)
    ranked = _reranking(config, named)
    task = named if ranked is None else ranked.task
    fits = asked.rotate_arms or {ROTATION, *HEADS} & set(asked.baselines)
    calibrates = any(one.recall is not None for one in asked.every_index())
    sample = run_sample(
        task,
        data.train,
        data.validation,
        max_pairs=asked.max_fit_pairs if fits or calibrates else 0,
        seed=config.seeds[0],
    )
    measuring = Measuring(
        dataset=task.name,
        judged=judge(task.judgements, task.queries.ids(), task.documents.ids()),
        groups=task.groups,
        dims=check_dims({*config.dims, target_dim(config, width), width}, width),
        measures=tuple(Measure.parse(measure) for measure in asked.measures),
        seeds=config.seeds,
        candidates=None if ranked is None else ranked.candidates,
    )
    return sample, measuring, (*data.notes, *task.notes, *measuring.judged.notes)


def _sets_folder(folder: Path, sample: RunSample, measuring: Measuring) -> Path:
    """Where vectors go: those of candidates apart, because they are not all documents."""
    sets = folder / "sets"
    return sets if measuring.candidates is None else sets / f"reranked-{sample.task.documents.digest()[:12]}"


def _reranking(config: RetrievalConfig, task: Retrieval) -> Reranking | None:
    if config.evaluate.rerank is None:
        return None
    problems = Problems(config.data.skip_bad)
    found = reranking(
        task, read_candidates(config.evaluate.rerank, problems=problems), candidates_name(config.evaluate.rerank)
    )
    return replace(found, task=replace(found.task, notes=(*found.task.notes, *problems.notes)))


def _floor(config: RetrievalConfig, sample: RunSample, measuring: Measuring, clock: Stopwatch) -> Floor | None:
    if not config.evaluate.bm25 or measuring.candidates is not None:
        return None
    with clock.step("BM25"):
        return bm25_floor(sample.task, measuring.measures, seed=config.seeds[0])


def _tables(
    pooled: list[Score],
    start: str,
    arms: Mapping[str, Arm],
    measuring: Measuring,
    latency: Mapping[int, Latency],
    n_documents: int,
) -> tuple[ExtraTable, ...]:
    measures = [str(measure) for measure in measuring.measures]
    dims = measuring.dims
    own = {name: own_map(arm) for name, arm in arms.items()}
    timed = (
        latency_table(latency, dims, n_documents)
        if measuring.candidates is None
        else latency_table(latency, dims, n_documents, "candidates were reranked, nothing was searched")
    )
    return (
        baseline_table(pooled, start, measures, dims[-1]),
        dense_table(pooled, own, dims, measures, latency, n_documents),
        timed,
    )
