"""Storage, speed and quality of several models at every dim: one resumable run, one page."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from matryo.data import Retrieval
from matryo.embeddings import EmbeddingSet
from matryo.encoders import Encoder
from matryo.errors import MatryoError
from matryo.evaluation.results import RunResults
from matryo.evaluation.score import PLAIN_CUT
from matryo.experiments.comparison import ROTATION
from matryo.experiments.encoding import STDLIB, open_task
from matryo.experiments.model_table_speed import time_dims, time_encoding
from matryo.experiments.retrieval import measure_curve
from matryo.experiments.settings import ModelSettings, default_dims
from matryo.experiments.stages import Say, Stage, Stages
from matryo.files import digest_json, only_writer, read_json, write_json
from matryo.measures.measure import Measure
from matryo.prefix import check_dims
from matryo.reports.model_table import write_model_table
from matryo.reports.model_table_values import (
    DimSpeed,
    EncodeSpeed,
    Kept,
    KeptFrom,
    MeasuredModel,
    ModelTable,
    SearchSpeed,
)

MAPS = (PLAIN_CUT, ROTATION)
_QUALITY_VERSION = _ENCODING_VERSION = _SEARCH_VERSION = 1
_SPEED_FILE = "speed.json"
_NOTES = (
    "rotated: an orthogonal map keeps every full-width score and moves what the prefixes hold; it costs one product of "
    "a vector with a square matrix, which is in none of the times",
    "times are of one machine, whatever else ran beside: not for capacity planning",
)


@dataclass(frozen=True)
class SpeedSettings:
    """How speed is measured.

    Attributes:
        n_texts: documents encoded in a round.
        n_encode_rounds: rounds of encoding.
        n_rows: vectors searched; the documents are repeated with noise up to so many.
        n_batch: queries at once.
        n_single: queries one after the other.
        n_rounds: rounds of searching.
        k: hits per query.
    """

    n_texts: int = 256
    n_encode_rounds: int = 3
    n_rows: int = 100_000
    n_batch: int = 256
    n_single: int = 20
    n_rounds: int = 5
    k: int = 10


def measure_models(
    models: Sequence[ModelSettings],
    out: Path,
    *,
    data: Sequence[str | Path] = (STDLIB,),
    dims: Sequence[int] | None = None,
    measure: Measure | None = None,
    share: float = 0.95,
    speed: SpeedSettings | None = None,
    seed: int = 0,
    fresh: bool = False,
    progress: bool = False,
    say: Say = lambda line: None,
) -> ModelTable:
    """Measure models at every dim and write models.json, models.md, models.html and the plots.

    The same call goes on where an interrupted one was: encoded sets, curves and times that are finished stay.

    Args:
        models: at least one, each with a name of its own.
        out: folder of the run.
        data: retrieval folders, files of pairs or the word stdlib; the first gives the texts of the times, too.
        dims: prefix lengths in any order, for all models; the full width of each is added. None = a ladder per model.
        measure: of the quality; None = nDCG@10.
        share: of the full width's quality that a recommended dim must keep.
        speed: how times are measured.
        seed: of the bootstrap and of the repeated vectors.
        fresh: measure again what was measured with other settings, instead of refusing.
        progress: show rate and time left.
        say: told what is reused and what is finished.

    Returns: what was measured, as stored.
    Raises: MatryoError, ShapeError, FormatError for models, data or numbers that do not fit, and for a folder that
        holds a run with other settings.
    """
    chosen, judged_by = speed or SpeedSettings(), measure or Measure("nDCG", 10)
    if not models or not data:
        raise MatryoError(f"models and data must be one or more, got {len(models)} and {len(data)}; name some")
    if not 0.0 < share < 1.0:  # said before anything is encoded for it
        raise MatryoError(f"share must lie between 0 and 1, got {share}; 0.95 keeps 95 % of the full width")
    with only_writer(out):
        stages = Stages(out, fresh=fresh, say=say)
        tasks = [(Path(one), open_task(Path(one))) for one in data]
        _refuse_twice("data sets", [task.name for _, task in tasks])
        encoders = [one.load() for one in models]
        _refuse_twice("models", [encoder.name for encoder in encoders])
        measured, notes = [], []
        for settings, encoder in zip(models, encoders, strict=True):
            below = [dim for dim in dims if dim <= encoder.width] if dims else default_dims(encoder.width)
            ladder = check_dims({*below, encoder.width}, encoder.width)
            run = _Run(stages, settings, encoder, ladder, judged_by, share, chosen, seed, progress)
            measured.append(run.measure(tasks))
            notes += run.notes
            if dims and len(below) < len(dims):
                notes.append(f"{encoder.name} has {encoder.width} numbers; wider dims were left out for it")
        told: dict[str, Any] = {"dims": list(dims) if dims else None, "data": [str(one) for one in data], "seed": seed}
        told |= {"models": [asdict(one) for one in models], "speed": asdict(chosen)}
        table = ModelTable(tuple(measured), str(judged_by), share, told, (*dict.fromkeys(notes), *_NOTES))
        table.write(out)
        write_model_table(table, out)
    return table


@dataclass(frozen=True)
class _Run:
    """The stages of one model."""

    stages: Stages
    settings: ModelSettings
    encoder: Encoder
    dims: tuple[int, ...]
    measured_by: Measure
    share: float
    speed: SpeedSettings
    seed: int
    progress: bool

    @property
    def notes(self) -> list[str]:
        """What was left out in the curves of this model."""
        folder = self.stages.folder / "curves" / self._safe
        curves = [RunResults.read(one.parent, with_per_query=False) for one in sorted(folder.glob("*/results.json"))]
        return [note for curve in curves for note in curve.notes]

    def measure(self, tasks: Sequence[tuple[Path, Retrieval]]) -> MeasuredModel:
        """Quality on every data set, then the times on the texts of the first."""
        curves = [self._curve(path, task) for path, task in tasks]
        results = [RunResults.read(curve.folder, with_per_query=False) for curve in curves]
        return MeasuredModel(
            name=self.encoder.name,
            width=self.encoder.width,
            space_id=self.encoder.space.id,
            encode=self._encoding(tasks[0][1]),
            search=self._search(curves[0]),
            quality=tuple(kept for one in results for kept in kept_of(one)),
            recommended=tuple(
                KeptFrom(found.dataset, found.map, found.result.dim) for one in results for found in one.recommendations
            ),
        )

    def _curve(self, path: Path, task: Retrieval) -> Stage:
        folder = f"curves/{self._safe}/{_safe(task.name)}"

        def make() -> None:
            measure_curve(
                self.settings,
                path,
                dims=self.dims,
                maps=MAPS,
                measures=(self.measured_by,),
                share=self.share,
                out=self.stages.folder / folder,
                seed=self.seed,
                progress=self.progress,
            )

        asked = {
            "data": str(path),
            "texts": [task.documents.digest(), task.queries.digest(), digest_json(task.judgements)],
            "space": self.encoder.space.id,
            "dims": list(self.dims),
            "measure": str(self.measured_by),
            "share": self.share,
            "seed": self.seed,
        }
        name = f"quality {self._safe} {_safe(task.name)}"
        return self.stages.run(name, _QUALITY_VERSION, asked, {}, make, folder=folder)

    def _encoding(self, task: Retrieval) -> EncodeSpeed:
        speed = self.speed
        asked = {
            "space": self.encoder.space.id,
            "n_texts": speed.n_texts,
            "n_rounds": speed.n_encode_rounds,
            **_where(self.encoder),
        }

        def make() -> dict[str, Any]:
            texts = [text.text for text in task.documents]
            step = max(1.0, len(texts) / speed.n_texts)
            some = [texts[int(place * step)] for place in range(min(speed.n_texts, len(texts)))]
            return asdict(time_encoding(self.encoder, some, speed.n_encode_rounds))

        return EncodeSpeed(**self._timed("encoding", _ENCODING_VERSION, asked, {}, make))

    def _search(self, curve: Stage) -> SearchSpeed:
        speed = self.speed
        sizes = {name: value for name, value in asdict(speed).items() if name not in ("n_texts", "n_encode_rounds")}
        asked = {"dims": list(self.dims), "seed": self.seed, **sizes, **_where(self.encoder)}

        def make() -> dict[str, Any]:
            sets = curve.folder / "sets"
            documents, queries = (EmbeddingSet.open(sets / role).to_numpy() for role in ("documents", "queries"))
            return asdict(time_dims(queries, documents, self.dims, seed=self.seed, **sizes))

        stored = self._timed("search", _SEARCH_VERSION, asked, {curve.name: curve.key}, make)
        return SearchSpeed(**{**stored, "points": tuple(DimSpeed(**point) for point in stored["points"])})

    def _timed(
        self, what: str, version: int, asked: dict[str, Any], inputs: dict[str, str], make: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """Measure once and keep what was measured."""
        folder = f"speed/{self._safe}/{what}"
        path = self.stages.folder / folder / _SPEED_FILE
        name = f"{what} {self._safe}"
        self.stages.run(name, version, asked, inputs, lambda: write_json(path, make()), folder=folder)
        stored: dict[str, Any] = read_json(path, "the times of a model")
        return stored

    @property
    def _safe(self) -> str:
        return _safe(self.encoder.name)


def kept_of(results: RunResults) -> list[Kept]:
    """Every dim of a stored curve beside its share of the plain full width."""
    (full,) = [max((s for s in results.scores if s.map == PLAIN_CUT), key=lambda s: s.dim)]
    shares = {share.of: share for share in results.shares if share.base == full.arm}
    found = []
    for score in results.scores:
        share = shares.get(score.arm)
        ends = (share.value, share.low, share.high) if share else (1.0, 1.0, 1.0)
        assert share or score.arm == full.arm  # only the base itself has no share of the base
        found.append(Kept(score.dataset, score.map, score.dim, score.value, score.low, score.high, score.n, *ends))
    return found


def _where(encoder: Encoder) -> dict[str, Any]:
    """What times depend on beside the settings."""
    return {name: encoder.description[name] for name in ("device", "precision", "threads")}


def _refuse_twice(what: str, names: Sequence[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated or len({_safe(name) for name in names}) < len(names):
        raise MatryoError(f"{what} need names of their own, got {list(names)}; drop the repetition or rename a folder")


def _safe(name: str) -> str:
    """A name as one word that a folder and a stage may be called."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)
