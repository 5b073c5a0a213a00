"""The curve of a model on a retrieval task: quality at every dim from one encode, for one or several maps."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from matryo.embeddings import EmbeddingSet
from matryo.encoders import Encoder, encode_to_set
from matryo.errors import MatryoError
from matryo.evaluation.comparisons import differences, pool_seeds, recommend, shares
from matryo.evaluation.curve import retrieval_curve
from matryo.evaluation.queries import Queries
from matryo.evaluation.results import RunResults
from matryo.evaluation.score import PLAIN_CUT, Score
from matryo.experiments.comparison import N_RANDOM_DRAWS, RANDOM, ROTATION
from matryo.experiments.encoding import open_task, truncation_note
from matryo.experiments.floor import bm25_floor
from matryo.experiments.settings import ModelSettings, cuda_available, default_dims
from matryo.experiments.stopwatch import Stopwatch
from matryo.maps import Map, MappedVectors, fit_rotation, load_map, random_dims
from matryo.measures.judged import judge
from matryo.measures.measure import Measure
from matryo.prefix import check_dims
from matryo.reports import write_reports
from matryo.space import same_space


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    """The run's folder, or one that vanishes afterwards."""
    if out is not None:
        yield out
        return
    with TemporaryDirectory(prefix="matryo-") as temporary:
        yield Path(temporary)


def measure_curve(
    model: ModelSettings,
    data: Path,
    *,
    dims: Sequence[int] | None = None,
    maps: Sequence[str] = (PLAIN_CUT,),
    measures: Sequence[Measure] = (Measure("nDCG", 10),),
    split: str | None = None,
    bm25: bool = False,
    share: float = 0.95,
    out: Path | None = None,
    skip_bad: bool = False,
    seed: int = 0,
    progress: bool = False,
) -> RunResults:
    """Measure a model at every dim on a retrieval task.

    Args:
        model: the model.
        data: folder in any layout that `open_retrieval` knows, or the word stdlib.
        dims: prefix lengths in any order; None = a ladder up to the width.
        maps: "none" (plain cut), "rotation" (fitted on these documents), "random" (mean of several draws), or the
            folder of a saved map; each once.
        measures: at least one; the first decides the recommended dim.
        split: which judgements; None = test if there are such, else dev.
        bm25: add BM25 as a floor.
        share: of its own full width that a recommended dim must keep.
        out: folder for vectors, results and reports; the same call goes on where an interrupted one was. None keeps
            nothing.
        skip_bad: leave out malformed lines and count them.
        seed: of random draws and bootstrap.
        progress: show rate and time left.

    Returns: the results; with `out` they are stored there too.
    Raises: MatryoError, ShapeError, FormatError, SpaceError for input that does not fit.
    """
    clock = Stopwatch()
    if len(set(maps)) < len(maps) or not maps:
        raise MatryoError(f"maps must be one or more, each once, got {list(maps)}; drop the repetition")
    with clock.step("read"):
        task = open_task(data, split, skip_bad=skip_bad)
    with clock.step("load model"):
        encoder = model.load()
    rising = check_dims(dims or default_dims(encoder.width), encoder.width)
    with _folder(out) as folder:
        with clock.step("encode"):
            documents = encode_to_set(encoder, task.documents, folder / "sets" / "documents", progress=progress)
            asked = encode_to_set(
                encoder, task.queries, folder / "sets" / "queries", role="query", progress=progress
            ).to_numpy()
        judged = judge(task.judgements, task.queries.ids(), documents.ids())
        queries = Queries.of(judged.counted_ids, task.groups)
        runs: list[Score] = []
        with clock.step("search and measure"):
            for name in maps:
                for fitted, trained_seed in _maps(name, documents, encoder, seed):
                    source = documents if fitted is None else MappedVectors(documents, fitted)
                    runs += retrieval_curve(
                        asked if fitted is None else fitted.apply(asked),
                        source,
                        judged,
                        rising,
                        measures,
                        groups=task.groups,
                        dataset=task.name,
                        model=encoder.name,
                        map=RANDOM if name == "random" else name,
                        trained_seed=trained_seed,
                        seed=seed,
                    )
        floor = bm25_floor(task, measures, seed=seed) if bm25 else None
        drawn = [score for score in runs if score.seed is not None]
        single = [score for score in runs if score.seed is None]
        first = str(measures[0])
        curves = {
            name: [s for s in single if s.map == name and s.measure == first] for name in maps if name != "random"
        }
        results = RunResults(
            run_name="curve",
            dataset=task.name,
            device=str(encoder.description["device"]),
            cuda_available=cuda_available(),
            scores=tuple(
                [*(floor.scores if floor else []), *single, *(pool_seeds(drawn, queries, seed=seed) if drawn else [])]
            ),
            shares=tuple(shares(_kept(curves), queries, seed=seed)),
            differences=tuple(differences(_against_plain(curves), queries, seed=seed)),
            recommendations=tuple(recommend(c, queries, share=share, seed=seed) for c in curves.values() if len(c) > 1),
            seeds=(seed,),
            settings={
                "encoder": dict(encoder.description),
                "model": asdict(model),
                "split": split,
                "maps": list(maps),
                **({"bm25": dict(floor.settings)} if floor else {}),
            },
            seconds=clock.seconds,
            notes=(*task.notes, *judged.notes, *truncation_note(encoder), *_map_notes(maps)),
            queries={task.name: queries},
        )
        if out is not None:
            results.write(out)
            write_reports(out)
    return results


def _kept(curves: Mapping[str, list[Score]]) -> list[tuple[Score, Score]]:
    """Pairs whose ratio says what is kept: of the plain full width, if it was measured, and of the own full width."""
    plain = curves.get(PLAIN_CUT, [])[-1:]
    of_plain = [(s, base) for name, curve in curves.items() if name != PLAIN_CUT for s in curve for base in plain]
    return [*of_plain, *((s, curve[-1]) for curve in curves.values() for s in curve[:-1])]


def _against_plain(curves: Mapping[str, list[Score]]) -> dict[str, tuple[Score, Score]]:
    """Pairs whose difference says what a map gains over the plain cut at the same dim."""
    plain = {score.dim: score for score in curves.get(PLAIN_CUT, [])}
    return {
        f"{name} vs plain cut at {s.dim}": (s, plain[s.dim])
        for name, curve in curves.items()
        if name != PLAIN_CUT and plain
        for s in curve
    }


def _maps(name: str, documents: EmbeddingSet, encoder: Encoder, seed: int) -> list[tuple[Map | None, int | None]]:
    """What `--map NAME` stands for: maps with the seeds of random draws."""
    if name == PLAIN_CUT:
        return [(None, None)]
    if name == ROTATION:
        return [(fit_rotation(documents, encoder.space), None)]
    if name == "random":
        return [(random_dims(encoder.space, s), s) for s in range(seed, seed + N_RANDOM_DRAWS)]
    if not Path(name).is_dir():
        raise MatryoError(f"map must be none, rotation, random or the folder of a saved map, got {name!r}")
    fitted = load_map(name)
    same_space(encoder.space, fitted.source, f"the model and the map in {name}")
    return [(fitted, None)]


def _map_notes(maps: Sequence[str]) -> tuple[str, ...]:
    notes = []
    if ROTATION in maps:
        notes.append("the rotation was fitted on these documents, without their judgements")
    if "random" in maps:
        notes.append(f"random dims is the mean of {N_RANDOM_DRAWS} draws")
    return tuple(notes)
