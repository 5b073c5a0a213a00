"""Adapt bare vectors, for those who only have an API's output or a database dump: a map, no model."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matryo import files
from matryo.data.split import split_groups
from matryo.embeddings import EmbeddingSet
from matryo.errors import FormatError, MatryoError
from matryo.evaluation.comparisons import pool_seeds, shares
from matryo.evaluation.curve import curve_of_hits
from matryo.evaluation.queries import Queries
from matryo.evaluation.results import RunResults
from matryo.evaluation.score import PLAIN_CUT, Score
from matryo.experiments.adaptation import MEASURE, AdaptSettings
from matryo.experiments.comparison import N_RANDOM_DRAWS, RANDOM, ROTATION, Say
from matryo.experiments.paired import SHARES, EncodedPairs
from matryo.experiments.stopwatch import Stopwatch
from matryo.experiments.study import HEADS, study
from matryo.hits import Hits
from matryo.maps import MatrixMap, fit_rotation, random_dims
from matryo.measures.judged import judge
from matryo.measures.measure import Measure
from matryo.prefix import Array, check_matrix, unit_rows
from matryo.reports import console_summary, write_reports
from matryo.search.exact import search_prefixes
from matryo.space import Space, same_space

N_NEIGHBOURS = 10
_MAX_SAMPLE = 1_000


@dataclass(frozen=True)
class Given:
    """Vectors as they were handed over.

    Attributes:
        vectors: (n, d) float32, rows of length 1.
        space: the set's space; for a .npy file one that its content stands for.
        name: of the file or folder.
        known: whether the space was stored with the vectors; a bare file's is the caller's word.
    """

    vectors: Array
    space: Space
    name: str
    known: bool


def read_vectors(path: Path) -> Given:
    """Vectors of a .npy file or of an embedding set's folder.

    Raises: FormatError if it is neither; ShapeError if the matrix holds anything but finite floats.
    """
    if path.is_dir():
        stored = EmbeddingSet.open(path)
        return Given(stored.to_numpy(), stored.space, path.name, known=True)
    try:
        matrix = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise FormatError(f"{path} does not exist; give a .npy file or the folder of an embedding set") from None
    except (ValueError, EOFError) as error:
        raise FormatError(f"{path} is no .npy file of numbers ({error}); write it with numpy.save") from None
    check_matrix(matrix, name=str(path))
    return Given(
        unit_rows(matrix.astype(np.float32)), Space(files.digest_file(path), matrix.shape[1]), path.stem, known=False
    )


def adapt_vectors(
    documents: Path,
    queries: Path | None,
    out: Path,
    settings: AdaptSettings | None = None,
    *,
    say: Say = lambda line: None,
) -> str:
    """Fit maps on vectors and write to `out`: `map/`, the mapped vectors as .npy, results and reports.

    Without queries only a rotation can be fitted; it is judged by how many of the full width's nearest neighbours a
    prefix finds. With queries (row i belongs to row i of the documents) heads are trained and judged on held-out pairs.

    Args:
        documents: .npy file or folder of an embedding set.
        queries: the same for the queries, aligned row by row; None if there are none.
        out: folder of the run.
        settings: dims, seeds, heads.
        say: told when a step is finished.

    Returns: the results as a table in plain text.
    Raises: MatryoError, ShapeError, FormatError, SpaceError for vectors that do not fit.
    """
    settings = settings or AdaptSettings()
    clock = Stopwatch()
    with clock.step("read"):
        given = read_vectors(documents)
        asked = None if queries is None else read_vectors(queries)
    with clock.step("fit and measure"):
        if asked is None:
            fitted, results = _neighbours(given, settings, clock)
        else:
            fitted, results = _pairs(given, asked, settings, clock, say)
    fitted.save(out / "map")
    written = [f"map: {out / 'map'}"]
    for name, side in (("documents", given), ("queries", asked)):
        if side is not None:
            with files.atomic_path(out / f"{name}.npy") as temporary, temporary.open("wb") as stream:
                np.save(stream, fitted.apply(side.vectors))
            written.append(f"mapped {name}: {out / f'{name}.npy'}, cut them to any of the dims above and renormalise")
    results.write(out)
    write_reports(out)
    return "\n".join([console_summary(results), *written, f"report: {out / 'report.html'}"])


def _pairs(
    given: Given, asked: Given, settings: AdaptSettings, clock: Stopwatch, say: Say
) -> tuple[MatrixMap, RunResults]:
    if asked.vectors.shape != given.vectors.shape:
        raise MatryoError(
            f"row i of the queries must belong to row i of the documents, got shapes {asked.vectors.shape} and "
            f"{given.vectors.shape}; align the files row by row"
        )
    if given.known and asked.known:
        same_space(asked.space, given.space, "queries and documents")
    n, width = given.vectors.shape
    rows = np.arange(n, dtype=np.int64)
    names = [str(i) for i in rows]
    data = EncodedPairs(
        name=given.name,
        space=given.space,
        queries=asked.vectors,
        documents=given.vectors,
        document_of=rows,
        parts=split_groups(names, SHARES, settings.seed),
        groups=tuple(names),
    )
    dims = settings.ladder(width)
    found = study(
        data, dims, MEASURE, model=given.name, seeds=settings.seeds, target_dim=settings.target(width),
        settings=settings.head, say=say,
    )  # fmt: skip
    results = RunResults(
        run_name="adapt vectors",
        dataset=data.name,
        device="cpu",
        cuda_available=None,
        scores=tuple(found.scores),
        shares=tuple(found.shares),
        differences=tuple(found.differences),
        recommendations=tuple(found.recommendations),
        seeds=settings.seeds,
        settings={"adapt": asdict(settings), "heads": list(HEADS)},
        seconds=clock.seconds,
        notes=(
            f"the map kept is {found.choice.method}, seed {found.choice.seed}, chosen on the validation part",
            "equal documents in different rows count as different ones; the split is by row",
        ),
        queries={data.name: found.queries},
    )
    return found.choice.fitted, results


def _neighbours(given: Given, settings: AdaptSettings, clock: Stopwatch) -> tuple[MatrixMap, RunResults]:
    """Judge a rotation by the full width's own neighbours, on rows that it was not fitted on."""
    n, width = given.vectors.shape
    if n <= 2 * N_NEIGHBOURS:
        raise MatryoError(
            f"a rotation needs more than {2 * N_NEIGHBOURS} rows to be judged, got {n}; give more vectors"
        )
    dims = settings.ladder(width)
    sample = np.sort(np.random.default_rng(settings.seed).permutation(n)[: min(_MAX_SAMPLE, n // 4)])
    rest = np.delete(np.arange(n), sample)
    held_out = fit_rotation(given.vectors[rest], given.space)
    truth = _others(search_prefixes(given.vectors[sample], given.vectors, (width,), N_NEIGHBOURS + 1)[width], sample)
    ids = [str(row) for row in sample]
    answers = {i: {str(row): 1 for row in rows} for i, rows in zip(ids, truth.rows, strict=True)}
    judged = judge(answers, ids, [str(row) for row in range(n)])
    measure, queries = Measure("recall", N_NEIGHBOURS), Queries(tuple(ids))
    arms: list[tuple[str, MatrixMap | None, int | None]] = [
        (PLAIN_CUT, None, None),
        *((RANDOM, random_dims(given.space, s), s) for s in range(settings.seed, settings.seed + N_RANDOM_DRAWS)),
        (ROTATION, held_out, None),
    ]
    runs: list[Score] = []
    for name, fitted, seed in arms:
        vectors = given.vectors if fitted is None else fitted.apply(given.vectors)
        hits = search_prefixes(vectors[sample], vectors, dims, N_NEIGHBOURS + 1)
        runs += curve_of_hits(
            {dim: _others(found, sample) for dim, found in hits.items()}, judged, [measure], dataset=given.name,
            model=given.name, map=name, trained_seed=seed, seed=settings.seed,
        )  # fmt: skip
    drawn = [score for score in runs if score.seed is not None]
    single = [score for score in runs if score.seed is None]
    plain, rotated = single[: len(dims)], single[len(dims) :]
    results = RunResults(
        run_name="adapt vectors",
        dataset=given.name,
        device="cpu",
        cuda_available=None,
        scores=tuple([*plain, *pool_seeds(drawn, queries, seed=settings.seed), *rotated]),
        shares=tuple(shares([(s, plain[-1]) for s in [*plain[:-1], *rotated]], queries, seed=settings.seed)),
        seeds=(settings.seed,),
        settings={"adapt": asdict(settings)},
        seconds=clock.seconds,
        notes=(
            f"truth here is the full width's own {N_NEIGHBOURS} nearest neighbours of {len(sample):,} rows: it says "
            "how well a prefix stands in for the full width, not how good the full width is",
            f"measured with a rotation fitted on the other {len(rest):,} rows; the one that is saved is fitted on all",
        ),
        queries={given.name: queries},
    )
    return fit_rotation(given.vectors, given.space), results


def _others(hits: Hits, asked: NDArray[np.int64]) -> Hits:
    """Hits without the row that asked, one place shorter."""
    keep = hits.rows != asked[:, None]
    # an equal vector may push the asking row out of the list: then the last place goes instead
    keep[keep.all(axis=1), -1] = False
    shape = (len(hits), hits.k - 1)
    return Hits(hits.rows[keep].reshape(shape), hits.scores[keep].reshape(shape))


def is_vectors(source: str) -> bool:
    """Whether a command's source names vectors rather than a model: a .npy file, or the folder of a set."""
    return source.endswith(".npy") or (Path(source) / "plan.json").is_file()
