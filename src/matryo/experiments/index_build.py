"""From settings to an index: the rotation fitted, sizes chosen so that sample queries find what they should."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, log2, sqrt

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError
from matryo.evaluation.index_quality import neighbour_recall
from matryo.experiments.index_settings import IndexSettings
from matryo.hits import MISSING, Hits, best, check_k
from matryo.maps import fit_rotation
from matryo.prefix import Array
from matryo.progress import progress as show_progress
from matryo.search import (
    ExactIndex,
    FaissIndex,
    FunnelIndex,
    Index,
    QuantizedIndex,
    calibrate,
    search_dim,
)
from matryo.search.funnel_rows import Rotation

MAX_SAMPLE = 2_000
_SCANS = {32: "float32", 16: "bfloat16", 8: "int8"}
_CODES = {
    "ivf": {32: "IVF{lists},Flat", 16: "IVF{lists},SQfp16", 8: "IVF{lists},SQ8"},
    "hnsw": {32: "HNSW32", 16: "HNSW32_SQfp16", 8: "HNSW32_SQ8"},
}
_ROWS_PER_LIST = 39  # FAISS warns of fewer rows to learn a list from
_LARGEST_EF = 4_096
_CLOSE = 8  # a size is searched to within this part of itself

Tell = Callable[[str], None]


def make_index(
    settings: IndexSettings,
    documents: EmbeddingSet,
    *,
    calibration: Array | None = None,
    k: int = 10,
    own_rows: NDArray[np.int64] | None = None,
    rotation: Rotation | None = None,
    progress: bool = False,
) -> Index:
    """Build an index of a set.

    A funnel keeps its recall for other queries like these at 95 % confidence (see `calibrate`); the other kinds look
    just far enough for the mean recall of these queries to reach it, which promises nothing for others.

    Args:
        settings: what to build.
        documents: at least one row.
        calibration: (n, width) float, sample queries; needed if a recall is asked for.
        k: hits per query that the recall is of.
        own_rows: (n,) the row that each sample query itself is, which is no neighbour of it; None if they are none.
        rotation: to use where the settings rotate; None = fitted on the documents.
        progress: show the steps on stderr.

    Raises: MatryoError if the set is empty, sample queries are missing or too few, or the recall cannot be reached
        with these settings; what the index's own `build` raises.
    """
    check_k(k)
    if documents.n_rows == 0:
        raise MatryoError(f"{documents.folder} is an empty set, an index needs at least one row; encode some texts")
    sample = None
    if settings.recall is not None:
        if calibration is None:
            raise MatryoError(f"recall {settings.recall} needs sample queries, got none; pass calibration")
        sample = Sample(documents, calibration, min(k, documents.n_rows), own_rows, settings.recall)
    step = ""

    def tell(doing: str) -> None:
        nonlocal step
        step = doing
        advance(0)

    with show_progress(f"index {settings.name}", None, "steps", shown=progress, note=lambda: step) as advance:
        if not settings.rotated:
            rotation = None
        elif rotation is None:
            tell("fit the rotation")
            rotation = fit_rotation(documents, documents.space)
            advance(1)
        if settings.kind == "flat":
            return ExactIndex.build(documents)
        if settings.kind == "funnel":
            return _funnel(settings, documents, rotation, sample, tell)
        if settings.kind == "quantized":
            return _quantized(settings, documents, rotation, sample, tell)
        return _faiss(settings, documents, rotation, sample, tell)


def rows_as_queries(documents: EmbeddingSet, n: int = MAX_SAMPLE, *, seed: int = 0) -> tuple[Array, NDArray[np.int64]]:
    """Rows of a set in place of queries that nobody has: a sample drawn without replacement.

    Args:
        documents: the set.
        n: rows at most.
        seed: of the draw.

    Returns: (n, width) float32, and the number of the row that each is, rising.
    """
    drawn = np.random.default_rng(seed).permutation(documents.n_rows)[:n]
    rows = np.sort(drawn).astype(np.int64)
    return documents.take(rows, 0, documents.width), rows


@dataclass(frozen=True, eq=False)
class Sample:
    """Sample queries and the recall they must have.

    Attributes:
        documents: the set.
        queries: (n, width) float.
        k: hits per query.
        own_rows: see `make_index`.
        recall: to reach.
    """

    documents: EmbeddingSet
    queries: Array
    k: int
    own_rows: NDArray[np.int64] | None
    recall: float

    def check(self) -> None:
        """Refuse so few queries that one without any hit would decide.

        Raises: MatryoError.
        """
        needed = ceil(round(1.0 / (1.0 - self.recall), 6))
        if len(self.queries) < needed:
            raise MatryoError(
                f"recall {self.recall} needs at least {needed} sample queries, got {len(self.queries)}; "
                "pass more, or ask for less"
            )

    def exact(self) -> Hits:
        """What there is to find, the queries' own rows left out."""
        return self.found(lambda queries, k: search_dim(queries, self.documents, self.documents.width, k), self.k)

    def found(self, search: Callable[[Array, int], Hits], look: int) -> Hits:
        """The best k of a search that looks at `look` rows per query, the queries' own rows left out."""
        hits = search(self.queries, max(look, self.k) + (self.own_rows is not None))
        if self.own_rows is None:
            return hits.first(self.k)
        return best(np.where(hits.rows == self.own_rows[:, None], MISSING, hits.rows), hits.scores, self.k)


def _funnel(
    settings: IndexSettings, documents: EmbeddingSet, rotation: Rotation | None, sample: Sample | None, tell: Tell
) -> Index:
    tell("read the prefixes")
    index = FunnelIndex.build(documents, dims=settings.dims, rotation=rotation, scan=_SCANS[settings.bits])
    if sample is None:
        return index
    tell(f"calibrate with {len(sample.queries):,} queries")
    return index.with_plan(calibrate(index, sample.queries, sample.k, sample.recall, own_rows=sample.own_rows))


def _quantized(
    settings: IndexSettings, documents: EmbeddingSet, rotation: Rotation | None, sample: Sample | None, tell: Tell
) -> Index:
    shortlist = settings.shortlist
    if sample is not None:
        sample.check()
        shortlist = _shortlist(settings, rotation, sample, sample.recall, tell)
    tell("quantize")
    return QuantizedIndex.build(documents, bits=settings.bits, dim=settings.dim, rotation=rotation, shortlist=shortlist)


def _faiss(
    settings: IndexSettings, documents: EmbeddingSet, rotation: Rotation | None, sample: Sample | None, tell: Tell
) -> Index:
    shortlist = settings.shortlist
    if sample is not None:
        sample.check()
        if shortlist is None and (settings.dims is not None or settings.bits < 32):
            # half of what may be missed is left to the lists or the graph
            shortlist = _shortlist(settings, rotation, sample, (1.0 + sample.recall) / 2.0, tell)
    n_lists = _n_lists(documents.n_rows)
    factory = settings.factory or _CODES[settings.kind][settings.bits].format(lists=n_lists)
    tell(f"build {factory}")
    index = FaissIndex.build(
        documents,
        factory=factory,
        dim=settings.dim,
        rotation=rotation,
        shortlist=shortlist,
        settings=settings.settings,
    )
    if sample is not None:
        _tune(index, settings, sample, n_lists, tell)
    return index


def _tune(index: FaissIndex, settings: IndexSettings, sample: Sample, n_lists: int, tell: Tell) -> None:
    """Raise nprobe or efSearch until the sample queries find enough.

    Raises: MatryoError if they never do.
    """
    name, exact = str(settings.tuned), sample.exact()
    largest = n_lists if settings.kind == "ivf" else _LARGEST_EF
    look = int(index.facts().settings["shortlist"])
    reached = 0.0

    def reaches(value: int) -> bool:
        nonlocal reached
        tell(f"try {name}={value}")
        index.configure({name: value})
        # one row more than the index's own shortlist where a query is a row, which takes a place on it
        reached = float(neighbour_recall(exact, sample.found(index.search, look)).mean())
        return reached >= sample.recall

    value = _smallest(reaches, 1, largest)
    if value is None:
        raise MatryoError(
            f"{settings.name} reaches recall {reached:.4f} with {name}={largest}, {sample.recall} was asked for; "
            "raise the shortlist or the dim, or ask for less"
        )
    index.configure({name: value})


def _shortlist(settings: IndexSettings, rotation: Rotation | None, sample: Sample, recall: float, tell: Tell) -> int:
    """Rows that must be rescored for the sample queries to find enough, if every row's codes are compared.

    Raises: MatryoError if a shortlist that was given is too short.
    """
    tell("choose the shortlist")
    bits = min(settings.bits, 16)
    coded = QuantizedIndex.build(sample.documents, bits=bits, dim=settings.dim, rotation=rotation, shortlist=1)
    exact = sample.exact()

    def reaches(size: int) -> bool:
        tell(f"try a shortlist of {size:,}")
        return bool(neighbour_recall(exact, sample.found(coded.search, size)).mean() >= recall)

    if settings.shortlist is not None:
        if not reaches(settings.shortlist):
            raise MatryoError(
                f"{settings.name}: a shortlist of {settings.shortlist} does not reach recall {recall} on the sample "
                "queries; leave it out to have it chosen, or ask for less"
            )
        return settings.shortlist
    # with all rows on the shortlist the result is the exact one
    return _smallest(reaches, sample.k, sample.documents.n_rows) or sample.documents.n_rows


def _smallest(reaches: Callable[[int], bool], low: int, high: int) -> int | None:
    """About the smallest value within low..high that reaches, if all above it do: doubled, then halved in between.

    Returns: None if not even `high` reaches.

    >>> _smallest(lambda value: value >= 37, 1, 100), _smallest(lambda value: False, 1, 100)
    (40, None)
    """
    failed, value = low - 1, low
    while not reaches(value):
        if value >= high:
            return None
        failed, value = value, min(2 * value, high)
    while value - failed > max(1, value // _CLOSE):
        middle = (failed + value) // 2
        failed, value = (failed, middle) if reaches(middle) else (middle, value)
    return value


def _n_lists(n_rows: int) -> int:
    """Lists of an inverted file: about 4 times the root of the rows, as long as each has rows to learn from.

    >>> _n_lists(1_000_000), _n_lists(100)
    (4096, 2)
    """
    usual: int = 2 ** round(log2(4.0 * sqrt(n_rows)))
    return max(1, min(usual, n_rows // _ROWS_PER_LIST))
