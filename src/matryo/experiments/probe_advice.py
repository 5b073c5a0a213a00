"""From what was measured to what to do: what a cut saves, whether that is worth anything, and what helps instead."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from matryo.embeddings import Vectors, as_vectors
from matryo.evaluation.geometry_result import Geometry
from matryo.evaluation.probe_quality import QualityProbe
from matryo.evaluation.probe_quality_enough import queries_needed
from matryo.experiments.latency import time_searches
from matryo.prefix import Array
from matryo.search.exact import check_queries

BYTES_PER_NUMBER = 4
WORTH_BYTES = 100_000_000
WORTH_MS = 5.0
_TIMED = 50
_TIMED_NUMBERS = 400_000_000
_MILLION = 1_000_000


@dataclass(frozen=True)
class Savings:
    """What a cut wins on a collection.

    Attributes:
        dim: numbers kept.
        width: numbers of the whole vector.
        n: vectors in the collection.
        full_ms: median time of one exact search at full width; None if it was not timed.
        cut_ms: the same at the dim.
    """

    dim: int
    width: int
    n: int
    full_ms: float | None
    cut_ms: float | None

    @property
    def bytes_per_vector(self) -> int:
        """Bytes that one vector takes less, as float32."""
        return BYTES_PER_NUMBER * (self.width - self.dim)

    @property
    def saved_ms(self) -> float:
        """Milliseconds that one search takes less, 0 if that was not timed."""
        return 0.0 if self.full_ms is None or self.cut_ms is None else self.full_ms - self.cut_ms

    @property
    def worth(self) -> bool:
        """Whether anybody would notice: 100 MB of memory, or 5 ms of a query."""
        return self.n * self.bytes_per_vector >= WORTH_BYTES or self.saved_ms >= WORTH_MS

    @property
    def n_worth(self) -> int:
        """Vectors from which on the memory saved is worth it."""
        return -(-WORTH_BYTES // self.bytes_per_vector)


@dataclass(frozen=True)
class Subject:
    """What is advised on, as a user types it.

    Attributes:
        name: of the model or the vectors.
        data: what they are judged by, "" = nothing was named.
        is_model: whether it is a model, which can be exported and trained.
        own: whether the texts are the user's, not the standard library's.
    """

    name: str
    data: str = ""
    is_model: bool = True
    own: bool = True

    @property
    def command(self) -> str:
        """The command that probes it again.

        >>> Subject("my model", "beir").command
        "matryo probe 'my model' beir"
        """
        return " ".join(["matryo probe", *(shlex.quote(word) for word in (self.name, self.data) if word)])


def measure_savings(queries: Array, documents: Array | Vectors, dim: int) -> Savings:
    """Time exact searches of single queries at full width and at a dim below it, over this very collection.

    Args:
        queries: (q, width) float, q >= 1.
        documents: the collection.
        dim: below the width.
    """
    vectors = as_vectors(documents)
    width, n = vectors.width, vectors.n_rows
    check_queries(queries, width)
    n_timed = max(10, min(_TIMED, _TIMED_NUMBERS // max(1, n * width)))
    timed = time_searches(queries, vectors, (dim, width), n_timed)
    both = dim in timed and width in timed
    return Savings(dim, width, n, timed[width].p50_ms if both else None, timed[dim].p50_ms if both else None)


def advise(
    subject: Subject,
    savings: Savings,
    geometry: Geometry,
    quality: QualityProbe | None,
    share: float,
    declared: str | None = None,
) -> tuple[str, ...]:
    """What to do, in sentences.

    Args:
        subject: the model or vectors.
        savings: at the recommended dim, or at one as an example.
        geometry: what needs no judgements.
        quality: None if there were no judgements.
        share: of the full width's quality that must be kept.
        declared: who says that the model was trained for prefixes; named here where no judgements say more.
    """
    if quality is None:
        said = () if declared is None else (f"Not measured here, but {declared}.",)
        return (
            *said,
            *_without_judgements(subject, geometry),
            *_saved(savings, "A cut to"),
            *_small(savings, subject.own, cut=True),
        )
    found = quality.recommendations[share].result
    kept = f"{100 * share:g} %"
    if found.dim == found.full_dim:
        return (*_nothing_passed(subject, quality, share, kept), *_small(savings, subject.own, cut=False))
    how = (
        f"`matryo export {shlex.quote(subject.name)} OUT --dim {found.dim}` writes a model that does both"
        if subject.is_model
        else f"`matryo.cut(vectors, {found.dim})` does both"
    )
    keep = f"Keep {found.dim} numbers and scale what is left to length 1 again: {how}."
    return (
        keep,
        *_saved(savings, "This saves"),
        *_small(savings, subject.own, cut=True),
        *_rotation(subject, quality, kept),
    )


def _without_judgements(subject: Subject, geometry: Geometry) -> tuple[str, ...]:
    typed = shlex.quote(subject.name)
    judge = f"The geometry cannot say how much quality a cut costs: judge it with `matryo probe {typed} FOLDER`"
    if subject.is_model:
        order = f"{judge} (queries with judgements), or without a folder on the standard library's texts."
    elif subject.name.endswith(".npy"):
        order = (
            "The geometry cannot say how much quality a cut costs: that takes queries with judgements, and these need "
            "ids; make a set of the file with EmbeddingSet.from_numpy(folder, vectors, ids, space=...)."
        )
    else:
        order = f"{judge}, the folder that holds the texts of these vectors with queries and judgements."
    if geometry.variance_ordered is False and geometry.privileged is False:
        return (order, f"These numbers are in no useful order; `{subject.command} --fix OUT` turns them into one.")
    return (order,)


def _saved(savings: Savings, start: str) -> tuple[str, ...]:
    dim, width, per = savings.dim, savings.width, savings.bytes_per_vector
    said = f"{start} {dim} numbers saves" if start == "A cut to" else start
    per_million = (
        f"{said} {_megabytes(per * _MILLION)} of {_megabytes(BYTES_PER_NUMBER * width * _MILLION)} per million vectors "
        f"(float32), {_megabytes(per * savings.n)} of these {savings.n:,}"
    )
    if savings.full_ms is None or savings.cut_ms is None:
        return (f"{per_million}; queries were not timed, the vectors need too much memory.",)
    return (
        f"{per_million}; an exact search of them takes {savings.cut_ms:.2f} ms, at full width {savings.full_ms:.2f} "
        "(median of single queries on this machine, encoding the query apart).",
    )


def _small(savings: Savings, own: bool, *, cut: bool) -> tuple[str, ...]:
    if savings.worth:
        return ()
    limits = f"less than {_megabytes(WORTH_BYTES)} and less than {WORTH_MS:g} ms a query"
    pays = f"to {savings.dim} numbers begins to pay from about {_rounded(savings.n_worth):,} vectors on"
    if own:
        return (f"Do not cut for these {savings.n:,} vectors alone: {limits} is not worth it; a cut {pays}.",)
    return (f"Do not cut a small collection: {limits} is not worth it; a cut {pays}.",) if cut else ()


def _nothing_passed(subject: Subject, quality: QualityProbe, share: float, kept: str) -> tuple[str, ...]:
    found = quality.recommendations[share].result
    said = [f"Do not cut: no dim below {found.full_dim} was shown to keep {kept}."]
    needed = queries_needed(found)
    if needed is not None:
        widest = found.tested[0]
        said.append(
            f"At {widest.dim} numbers the mean keeps {100 * widest.ratio.value:.1f} %, {found.n:,} queries are too few "
            f"to be sure of {kept}: about {needed:,} would be needed."
        )
    return (*said, *_rotation(subject, quality, kept))


def _rotation(subject: Subject, quality: QualityProbe, kept: str) -> tuple[str, ...]:
    """What a rotation would allow, where that is less than the model allows as it is."""
    plain = quality.recommendations[quality.rotated.result.share].result.dim
    rotated = quality.rotated.result.dim
    full = quality.rotated.result.full_dim
    head = f"`{subject.command} --fix OUT --pairs FILE`"
    if rotated < plain:
        more = f"; with pairs of query and document a trained head may do better: {head}" if subject.is_model else ""
        return (
            f"Turned into PCA order, {rotated} of {full} numbers keep {kept}: `{subject.command} --fix OUT`{more}.",
        )
    if plain < full or not subject.is_model:
        return ()
    return (f"A rotation alone does not help enough here; with pairs of query and document try a head: {head}.",)


def _megabytes(n_bytes: int) -> str:
    """Bytes as people say them.

    >>> _megabytes(768_000_000), _megabytes(3_680_256), _megabytes(81_920)
    ('768 MB', '3.7 MB', '0.08 MB')
    """
    megabytes = n_bytes / 1e6
    digits = 0 if megabytes >= 100 else 1 if megabytes >= 1 else 2
    return f"{megabytes:,.{digits}f} MB"


def _rounded(n: int) -> int:
    """A count to two digits, upwards.

    >>> _rounded(195_313), _rounded(97)
    (200000, 97)
    """
    step: int = 10 ** max(0, len(str(n)) - 2)
    return -(-n // step) * step


def example_dim(dims: Sequence[int]) -> int:
    """A dim to show savings at where none is recommended: the one nearest to half the width.

    >>> example_dim((32, 64, 128, 192, 256, 384))
    192
    """
    return min(dims[:-1], key=lambda dim: abs(2 * dim - dims[-1]))
