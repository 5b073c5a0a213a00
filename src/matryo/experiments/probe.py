"""May this model be cut? Geometry, quality, what is won, and the certificate that says so."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from matryo.encoders.certificate import Certificate, find_certificate, write_certificate
from matryo.errors import MatryoError
from matryo.evaluation.geometry import MOST_ROWS, Geometry, measure_geometry
from matryo.evaluation.probe_quality import N_RANDOM, QualityProbe, measure_quality
from matryo.evaluation.results import RunResults
from matryo.experiments.probe_advice import Subject, advise, example_dim, measure_savings
from matryo.experiments.probe_declared import Word, declared_for
from matryo.experiments.probe_inputs import Probed, probed_model, probed_vectors
from matryo.experiments.settings import ModelSettings, cuda_available, default_dims
from matryo.experiments.stopwatch import Stopwatch
from matryo.experiments.vectors import is_vectors
from matryo.measures.measure import Measure
from matryo.prefix import check_dims

Say = Callable[[str], None]
MEASURE = Measure("nDCG", 10)


@dataclass(frozen=True)
class ProbeSettings:
    """How to probe.

    Attributes:
        dims: prefix lengths in any order; None = a ladder up to the width, with the dims that the model names.
        measure: what judges.
        share: of the full width's quality that the recommended dim must keep.
        split: which judgements; None = test, else dev.
        skip_bad: leave out malformed lines and count them.
        cards: the user's card file, None for the usual places.
        seed: of samples, random dims and bootstrap.
    """

    dims: tuple[int, ...] | None = None
    measure: Measure = MEASURE
    share: float = 0.95
    split: str | None = None
    skip_bad: bool = False
    cards: Path | None = None
    seed: int = 0


@dataclass(frozen=True)
class ProbeRun:
    """What a probe found.

    Attributes:
        certificate: what is kept.
        results: what the report is written from.
        probed: what was measured.
        geometry: the verdicts without judgements.
        quality: those with them, None if there were none.
    """

    certificate: Certificate
    results: RunResults
    probed: Probed
    geometry: Geometry
    quality: QualityProbe | None


def probe(
    model: ModelSettings,
    texts: str | None = None,
    settings: ProbeSettings | None = None,
    *,
    queries: Path | None = None,
    folder: Path,
    say: Say = lambda line: None,
    progress: bool = False,
) -> ProbeRun:
    """Probe a model, or vectors if the name is that of a .npy file or of an embedding set.

    Args:
        model: the model; of vectors only the name is read.
        texts: a file of texts, a folder of a retrieval task, or the word stdlib; None = stdlib for a model, nothing
            for vectors.
        settings: how to probe.
        queries: with vectors and a task: the set of its queries.
        folder: where sets are kept; a second call does not encode again.
        say: told when a step is finished.
        progress: show rate and time left of the encoding.

    Raises: MatryoError, ShapeError, FormatError for input that does not fit.
    """
    settings = settings or ProbeSettings()
    if not 0.0 < settings.share < 1.0:
        raise MatryoError(f"share must lie between 0 and 1, got {settings.share}; 0.95 keeps 95 % of the full width")
    clock = Stopwatch()
    with clock.step("read and encode"):
        if is_vectors(model.name):
            probed = probed_vectors(
                Path(model.name), texts, folder, queries=queries, split=settings.split, skip_bad=settings.skip_bad,
                progress=progress,
            )  # fmt: skip
            word = Word()
        else:
            if queries is not None:
                raise MatryoError(f"--queries {queries} goes with vectors; a model encodes the queries itself")
            word = declared_for(model.name, settings.cards)
            probed = probed_model(
                model, texts, folder, split=settings.split, skip_bad=settings.skip_bad, seed=settings.seed,
                progress=progress,
            )  # fmt: skip
    subject = Subject(model.name, texts or "", probed.encoder is not None, probed.own)
    return measure(probed, settings, word, subject=subject, clock=clock, say=say)


def measure(
    probed: Probed,
    settings: ProbeSettings,
    word: Word,
    *,
    clock: Stopwatch | None = None,
    subject: Subject | None = None,
    say: Say = lambda line: None,
) -> ProbeRun:
    """Probe vectors that are there.

    Args:
        probed: what to measure.
        settings: how.
        word: who says that the model was trained for prefixes.
        clock: with what ran before.
        subject: what the advice is on, as a user names it; None = by its name.
        say: told when a step is finished.

    Raises: as `probe`.
    """
    clock = clock or Stopwatch()
    dims = dims_to_probe(settings.dims, word, probed.space.width)
    with clock.step("geometry"):
        geometry = measure_geometry(probed.sample(MOST_ROWS, settings.seed), dims, seed=settings.seed)
    say(f"geometry: {clock.seconds['geometry']:.0f} s")
    quality = None
    if probed.asked is not None:
        with clock.step("quality"):
            quality = measure_quality(
                probed.asked.vectors, probed.documents, probed.asked.judged, dims, settings.measure,
                space=probed.space, groups=probed.asked.groups, dataset=probed.asked.dataset, model=probed.name,
                declared=word.says, share=settings.share, seed=settings.seed,
            )  # fmt: skip
        say(f"quality: {clock.seconds['quality']:.0f} s")
    chosen = quality.recommendations[settings.share].result.dim if quality else dims[-1]
    with clock.step("time of a search"):
        asking = probed.asked.vectors if probed.asked else probed.sample(200, settings.seed)
        savings = measure_savings(asking, probed.documents, chosen if chosen < dims[-1] else example_dim(dims))
    named = subject or Subject(probed.name, is_model=probed.encoder is not None, own=probed.own)
    advice = advise(named, savings, geometry, quality, settings.share, word.says)
    results = _results(probed, settings, quality, clock, dims)
    certificate = Certificate(
        model=probed.name,
        space=probed.space,
        texts=probed.texts,
        date=results.timestamp[:10],
        version=results.versions["matryo"],
        dims=dims,
        geometry=geometry.to_json(),
        quality=None if quality is None else quality.to_certificate(),
        advice=advice,
    )
    return ProbeRun(certificate, results, probed, geometry, quality)


def dims_to_probe(asked: Sequence[int] | None, word: Word, width: int) -> tuple[int, ...]:
    """Rising dims that end with the width, at least one below it.

    Raises: ShapeError if one is beyond the width; MatryoError if there is none below it.
    """
    named = [dim for dim in word.dims if dim < width]
    dims = check_dims({*(check_dims(asked, width) if asked else (*default_dims(width), *named)), width}, width)
    if len(dims) == 1:
        raise MatryoError(f"a probe needs a dim below the width {width}, got none; give for example {width // 2}")
    return dims


def keep_certificate(run: ProbeRun) -> tuple[Path | None, str]:
    """Write a certificate where `encode`, `export` and `models show` look for it.

    One that judgements stand behind is not replaced by one without.

    Returns: the file, None if nothing was written; and what was done, in words.
    Raises: MatryoError if the folder cannot be written to.
    """
    probed, certificate = run.probed, run.certificate
    if not probed.findable:
        return None, "no certificate is kept: a bare file names no model it could be found by again"
    if certificate.quality is None and _judged_before(probed):
        return None, "the certificate that is there was judged by queries; this one, without any, does not replace it"
    path = write_certificate(certificate, folder=probed.folder)
    return path, f"certificate: {path}"


def _judged_before(probed: Probed) -> bool:
    try:
        before = find_certificate(probed.space, folder=probed.folder)
    except MatryoError:
        # of another revision, or no certificate at all: nothing worth keeping
        return False
    return before is not None and before.quality is not None


def _results(
    probed: Probed, settings: ProbeSettings, quality: QualityProbe | None, clock: Stopwatch, dims: tuple[int, ...]
) -> RunResults:
    notes = probed.notes
    if quality is not None:
        spread = ", ".join(f"{value:.3f} at {dim}" for dim, value in quality.random_spread.items())
        notes = (
            *notes,
            f"random dims is the mean of {N_RANDOM} draws; standard deviation between the draws: {spread}",
            "the rotation was fitted on these documents, without their judgements",
        )
    encoder = probed.encoder
    return RunResults(
        run_name="probe",
        dataset=probed.asked.dataset if probed.asked else probed.texts.name,
        device=str(encoder.description["device"]) if encoder else "cpu",
        cuda_available=cuda_available(),
        scores=quality.scores if quality else (),
        shares=quality.shares if quality else (),
        differences=quality.differences if quality else (),
        recommendations=(*quality.recommendations.values(), quality.rotated) if quality else (),
        seeds=(settings.seed,),
        settings={
            "share": settings.share,
            "measure": str(settings.measure),
            "dims": list(dims),
            "split": settings.split,
            **({"encoder": dict(encoder.description)} if encoder else {}),
        },
        seconds=clock.seconds,
        notes=notes,
        queries={quality.scores[0].dataset: quality.queries} if quality else {},
    )


@contextmanager
def working_folder(out: Path | None) -> Iterator[Path]:
    """The folder that was asked for, or one that vanishes afterwards."""
    if out is not None:
        yield out
        return
    with TemporaryDirectory(prefix="matryo-") as temporary:
        yield Path(temporary)
