"""`matryo translate evaluate`: what a translator is worth, beside keeping the old model and encoding anew."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matryo.embeddings.plan import read_plan
from matryo.errors import MatryoError
from matryo.evaluation.results import ExtraTable, RunResults
from matryo.evaluation.translation import Rows, TranslationSettings, measure_translation
from matryo.evaluation.translation_prefixes import PrefixCell, prefix_grid
from matryo.evaluation.translation_retrieval import (
    MEASURES,
    TranslatedRetrieval,
    measure_migrations,
    stored_translated,
)
from matryo.evaluation.translation_verdict import RULE
from matryo.experiments.settings import default_dims
from matryo.experiments.stopwatch import Stopwatch
from matryo.experiments.translate_inputs import Inputs, open_inputs, read_translator
from matryo.experiments.translate_results import (
    costs_table,
    grid_table,
    ids_shown,
    migrations_table,
    translation_tables,
)
from matryo.experiments.translate_task import Task, open_translated_task
from matryo.maps import AffineMap, fit_nested_ridge, translated
from matryo.measures.ranking import evaluate
from matryo.prefix import check_dims
from matryo.reports.translation_report import translation_summary, write_translation_reports

Say = Callable[[str], None]
RUN_NAME = "translation"
_BLOCK_ROWS = 4096
_MOST_TIMED = 16_384


@dataclass(frozen=True)
class EvaluationSettings:
    """How to evaluate a translator.

    Attributes:
        dims: prefixes of the target in any order; None = a ladder up to its width.
        source_dims: prefixes of the source for the table of prefixes, in any order; None = a ladder, () = no table.
        all_rows: evaluate every row, for sets of other texts than those of the fit.
        search_all: with a task: search the documents that were fitted on too.
        split: which judgements; None = test, else dev.
        skip_bad: leave out malformed lines of the task and count them.
        k: neighbours.
        max_rows: most rows that are compared with each other.
        n_draws: bootstrap draws.
        seed: of samples and draws.
    """

    dims: tuple[int, ...] | None = None
    source_dims: tuple[int, ...] | None = None
    all_rows: bool = False
    search_all: bool = False
    split: str | None = None
    skip_bad: bool = False
    k: int = 10
    max_rows: int = 2_000
    n_draws: int = 2_000
    seed: int = 0


@dataclass(frozen=True)
class Told:
    """What the command prints.

    Attributes:
        results: everything measured.
        summary: verdicts and tables in plain text.
        written: files, one line each.
    """

    results: RunResults
    summary: str
    written: tuple[str, ...]


def evaluate_map(
    folder: Path,
    source: Path,
    target: Path,
    settings: EvaluationSettings | None = None,
    *,
    data: Path | None = None,
    queries: tuple[Path | None, Path | None] = (None, None),
    back: Path | None = None,
    out: Path | None = None,
    say: Say = lambda line: None,
    progress: bool = False,
) -> Told:
    """Evaluate a stored map on rows that it was not fitted on, with judgements if a task is given.

    Args:
        folder: of the map.
        source: set in the space that it reads.
        target: set of the same texts in the space that it imitates.
        settings: prefixes, rows, draws.
        data: folder of a retrieval task whose documents the sets hold, or the word stdlib; None = no judgements.
        queries: sets of the task's queries for source and target; None = encoded by the noted models.
        back: map of the other direction, for the other way of each migration.
        out: folder for results and reports; None writes none.
        say: told when a step is finished.
        progress: show rate and time left of the encoding.

    Raises: SpaceError, MatryoError, FormatError for a map, sets or a task that do not belong together.
    """
    settings, clock = settings or EvaluationSettings(), Stopwatch()
    if data is None and (back is not None or any(queries)):
        raise MatryoError("queries and a map back are for a retrieval task, got none; name one with --dataset")
    with clock.step("open and join"):
        inputs = open_inputs(folder, source, target, all_rows=settings.all_rows)
    task = found = None
    if data is not None:
        with clock.step("queries"):
            task = open_translated_task(
                inputs,
                data,
                queries,
                split=settings.split,
                search_all=settings.search_all,
                skip_bad=settings.skip_bad,
                progress=progress,
            )
    dims = check_dims({*(settings.dims or default_dims(inputs.width)), inputs.width}, inputs.width)
    chosen = TranslationSettings(
        dims=dims, k=settings.k, max_rows=settings.max_rows, n_draws=settings.n_draws, seed=settings.seed
    )
    with clock.step("compare vectors"):
        rows = inputs.rows(settings.seed)
        measured = measure_translation(inputs.fitted, rows, chosen)
    say(f"{measured.n:,} held-out rows measured: {clock.seconds['compare vectors']:.0f} s")
    tables, notes = translation_tables(measured, _texts(inputs, ids_shown(measured))), [*inputs.notes]
    if task is not None:
        with clock.step("retrieval"):
            found = measure_migrations(
                inputs.fitted, task.a, task.b, task.judged, back=None if back is None else read_translator(back),
                groups=task.groups, dataset=task.name, seed=settings.seed, n_draws=settings.n_draws,
            )  # fmt: skip
        say(f"{len(found.queries):,} queries judged: {clock.seconds['retrieval']:.0f} s")
        notes += task.notes
        tables.append(migrations_table(found.migrations))
    n_pairs = int(inputs.fitted.settings.get("n_rows", 0))
    with clock.step("time of a translation"):
        tables.append(costs_table(n_pairs, len(inputs.ids), _seconds_to_translate(inputs), inputs.width))
    with clock.step("prefixes"):
        grid, told = _grid(inputs, rows, task, dims, settings)
    tables += grid
    notes += told
    results = _results(inputs, settings, dims, tables, notes, found, clock, folder)
    written: list[str] = []
    if out is not None:
        results.write(out)
        written = [f"report: {write_translation_reports(out)[0]}", f"results: {out / 'results.json'}"]
    return Told(results, translation_summary(results), tuple(written))


def _seconds_to_translate(inputs: Inputs) -> float:
    """Seconds for all rows, from those that the first rows take."""
    vectors = translated(inputs.fitted, inputs.a)
    n = min(vectors.n_rows, _MOST_TIMED)
    vectors.read(slice(0, min(n, 16)), 0, vectors.width)  # what only the first call pays
    started = time.perf_counter()
    for start in range(0, n, _BLOCK_ROWS):
        vectors.read(slice(start, min(start + _BLOCK_ROWS, n)), 0, vectors.width)
    return round((time.perf_counter() - started) * vectors.n_rows / n, 3)


def _grid(
    inputs: Inputs, rows: Rows, task: Task | None, dims: tuple[int, ...], settings: EvaluationSettings
) -> tuple[list[ExtraTable], list[str]]:
    """Every source prefix toward every target prefix, by ridge maps fitted on the rows of the split."""
    asked = settings.source_dims
    if asked == ():
        return [], []
    if inputs.split is None:
        return [], ["no table of source prefixes: it takes fits of its own, and none of these rows is to fit on"]
    source_dims = check_dims(asked or default_dims(inputs.a.width), inputs.a.width)
    ids = [inputs.ids[row] for row in inputs.fitted_rows.tolist()]
    try:
        nested = fit_nested_ridge(
            inputs.a.chosen(inputs.fitted_rows), inputs.b.chosen(inputs.fitted_rows), source_dims,
            groups=inputs.split.groups(ids),
        )  # fmt: skip
    except MatryoError as error:
        return [], [f"no table of source prefixes: {error}"]
    fitted = {dim: one.to_prefix(inputs.width) for dim, one in nested.items()}
    cells = prefix_grid(fitted, rows, dims, k=settings.k, seed=settings.seed)
    measure = MEASURES[0]
    quality = {} if task is None else _grid_quality(fitted, task, cells, dims)
    return [grid_table(cells, quality, str(measure))], []


def _grid_quality(
    fitted: dict[int, AffineMap], task: Task, cells: list[PrefixCell], dims: tuple[int, ...]
) -> dict[tuple[int, int], float]:
    """Mean of the deciding measure with documents translated, at every source and target prefix."""
    measure, counted, quality = MEASURES[0], task.judged.has_relevant, {}
    for source_dim, one in fitted.items():
        hits = stored_translated(one, task.a, task.b, dims, measure.k or 10)
        for dim in dims:
            quality[source_dim, dim] = float(evaluate(hits[dim], task.judged, (measure,))[measure][counted].mean())
    return quality


def _texts(inputs: Inputs, wanted: set[str]) -> dict[str, str]:
    """Texts of some ids, from the first set that keeps its texts."""
    for one in inputs.sets:
        if read_plan(one.folder).keep_texts:
            return {name: text for name, text in one.id_texts() if name in wanted}
    return {}


def _results(
    inputs: Inputs,
    settings: EvaluationSettings,
    dims: tuple[int, ...],
    tables: list[ExtraTable],
    notes: list[str],
    found: TranslatedRetrieval | None,
    clock: Stopwatch,
    folder: Path,
) -> RunResults:
    fitted = inputs.fitted
    kept = {name: value for name, value in fitted.settings.items() if name not in ("sets", "split")}
    dataset = found.scores[0].dataset if found else inputs.sets[0].folder.name
    return RunResults(
        run_name=RUN_NAME,
        dataset=dataset,
        device="cpu",
        cuda_available=None,
        scores=found.scores if found else (),
        tables=tuple(tables),
        seeds=(settings.seed,),
        settings={
            "source": inputs.names[0],
            "target": inputs.names[1],
            "map": {
                "folder": str(folder), "kind": fitted.kind, "source_space": fitted.source.id,
                "toward_space": fitted.toward.id, "space": fitted.target.id, **kept,
            },
            "split": inputs.split.to_json() if inputs.split else None,
            "dims": list(dims),
            "k": settings.k,
            "search": "all" if settings.search_all else "held-out",
            "n_draws": settings.n_draws,
            "n_rows": len(inputs.ids),
            "n_held_out": len(inputs.held_rows),
            "rule": RULE,
        },
        seconds=clock.seconds,
        notes=tuple(notes),
        queries={dataset: found.queries} if found else {},
    )  # fmt: skip
