"""Adapt a model on one's own pairs: compare every map, keep the best, save it as an ordinary model folder."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from matryo.data.pair_files import read_pairs
from matryo.data.pairs import Pairs
from matryo.data.split import split_groups
from matryo.data.stdlib import stdlib_pairs
from matryo.encoders import Encoder, MappedEncoder, save_model
from matryo.errors import MatryoError
from matryo.evaluation.results import ExtraTable, RunResults
from matryo.evaluation.score import Score
from matryo.experiments.comparison import Say
from matryo.experiments.encoding import truncation_note
from matryo.experiments.paired import SHARES, EncodedPairs, encode_pairs
from matryo.experiments.settings import ModelSettings, cuda_available, default_dims
from matryo.experiments.stopwatch import Stopwatch
from matryo.experiments.study import HEADS, Study, study
from matryo.maps import HeadSettings
from matryo.maps.matrices import check_enough
from matryo.measures.measure import Measure
from matryo.prefix import check_dims
from matryo.reports import console_summary, write_reports

MEASURE = Measure("MRR", 10)


@dataclass(frozen=True)
class AdaptSettings:
    """How to adapt.

    Attributes:
        dims: prefix lengths in any order; None = a ladder up to the width.
        target_dim: the dim at which the map to keep is chosen; None = a quarter of the width.
        n_seeds: trainings of each head.
        seed: of the split, the first training and the bootstrap.
        head: settings of the heads.
    """

    dims: tuple[int, ...] | None = None
    target_dim: int | None = None
    n_seeds: int = 3
    seed: int = 0
    head: HeadSettings = field(default_factory=HeadSettings)

    def ladder(self, width: int) -> tuple[int, ...]:
        """Strictly rising dims that end with the width and hold the target.

        Raises: ShapeError if one is beyond the width.
        """
        asked = self.dims or default_dims(width)
        return check_dims({*asked, self.target(width), width}, width)

    def target(self, width: int) -> int:
        """The dim to choose for."""
        return self.target_dim or max(1, width // 4)

    @property
    def seeds(self) -> tuple[int, ...]:
        """One per training."""
        return tuple(range(self.seed, self.seed + self.n_seeds))


def adapt_model(
    model: ModelSettings,
    pairs: Pairs,
    out: Path,
    settings: AdaptSettings | None = None,
    *,
    say: Say = lambda line: None,
    progress: bool = False,
) -> str:
    """Adapt a model on pairs and write to `out`: `model/`, `map/`, `sets/`, results and reports.

    Args:
        model: the model as it is.
        pairs: query, document and group of each.
        out: folder of the run; a second call with the same arguments reuses the encoded sets.
        settings: how to adapt.
        say: told when a step is finished.
        progress: show rate and time left of the encoding.

    Returns: the results as a table in plain text.
    Raises: MatryoError for too few pairs or groups, or a folder of another run.
    """
    settings = settings or AdaptSettings()
    clock = Stopwatch()
    # refused by the training loop too, but only after everything has been encoded
    check_enough(len(split_groups(pairs.groups, SHARES, settings.seed)["train"]), settings.head.loop)
    with clock.step("load model"):
        encoder = model.load()
    dims = settings.ladder(encoder.width)
    with clock.step("encode"):
        data, notes = encode_pairs(pairs, encoder, out / "sets", seed=settings.seed, progress=progress)
    with clock.step("fit and measure"):
        found = study_of(data, encoder, dims, settings, say)
    with clock.step("save model"):
        keep(found, encoder, dims, out)
    results = assemble(
        "adapt",
        {data.name: found},
        encoder,
        settings,
        clock,
        notes=(*notes, *truncation_note(encoder), choice_note(found, settings.target(encoder.width))),
    )
    results.write(out)
    write_reports(out)
    return f"{console_summary(results)}\nadapted model: {out / 'model'}\nreport: {out / 'report.html'}"


def study_of(data: EncodedPairs, encoder: Encoder, dims: tuple[int, ...], settings: AdaptSettings, say: Say) -> Study:
    """Compare every method on encoded pairs."""
    return study(
        data,
        dims,
        MEASURE,
        model=encoder.name,
        seeds=settings.seeds,
        target_dim=settings.target(encoder.width),
        settings=settings.head,
        say=say,
    )


def keep(found: Study, encoder: Encoder, dims: tuple[int, ...], out: Path) -> list[Score]:
    """Save the chosen map, and the model with it, with the curve measured for just this map.

    Returns: the curve.
    """
    choice = found.choice
    runs = [score for score in found.found[choice.method].runs if score.seed == choice.seed]
    choice.fitted.save(out / "map")
    save_model(
        MappedEncoder(encoder, choice.fitted),
        out / "model",
        dims=dims,
        curve=[s.to_json() for s in runs],
        overwrite=True,
    )
    return runs


def choice_note(found: Study, dim: int) -> str:
    """One sentence on how the map was chosen."""
    choice = found.choice
    return (
        f"the adapted model holds {choice.method}, seed {choice.seed}, the best of {len(choice.values)} candidates on "
        f"the validation part at {dim} numbers ({MEASURE} {choice.values[choice.method, choice.seed]:.3f} there)"
    )


def assemble(
    run_name: str,
    studies: Mapping[str, Study],
    encoder: Encoder,
    settings: AdaptSettings,
    clock: Stopwatch,
    *,
    notes: tuple[str, ...],
    tables: tuple[ExtraTable, ...] = (),
) -> RunResults:
    """Everything that a report needs, from one study per data set; the first data set is the main one."""
    fits = {
        f"fit {name}, {fitted.method.name}, one run": round(fitted.fit_s, 2)
        for name, found in studies.items()
        for fitted in found.found.values()
        if fitted.maps
    }
    return RunResults(
        run_name=run_name,
        dataset=next(iter(studies)),
        device=str(encoder.description["device"]),
        cuda_available=cuda_available(),
        scores=tuple(score for found in studies.values() for score in found.scores),
        shares=tuple(share for found in studies.values() for share in found.shares),
        differences=tuple(difference for found in studies.values() for difference in found.differences),
        recommendations=tuple(item for found in studies.values() for item in found.recommendations),
        tables=tables,
        seeds=settings.seeds,
        settings={
            "encoder": dict(encoder.description),
            "adapt": asdict(settings),
            "heads": list(HEADS),
            "bm25": {name: dict(found.floor.settings) for name, found in studies.items() if found.floor},
        },
        seconds={**clock.seconds, **fits},
        notes=notes,
        queries={name: found.queries for name, found in studies.items()},
    )


def open_pairs(source: str, *, columns: str | None = None, group: str | None = None, skip_bad: bool = False) -> Pairs:
    """Pairs of a file, or the standard library's own for the word "stdlib".

    Args:
        source: path of a jsonl, tsv, csv or parquet file, or "stdlib".
        columns: "query,document", names of the columns; None = as the reader finds them.
        group: name of the column whose equal values stay on one side of a split.
        skip_bad: leave out malformed lines and count them.

    Raises: MatryoError, FormatError for anything that cannot be read.
    """
    if source == "stdlib":
        return stdlib_pairs()
    return read_pairs(source, columns=_two(columns), group=group, skip_bad=skip_bad)


def _two(columns: str | None) -> tuple[str, str] | None:
    if columns is None:
        return None
    names = [name.strip() for name in columns.split(",")]
    if len(names) != 2 or not all(names):
        raise MatryoError(f"columns must be two names with a comma between, got {columns!r}; give query,document")
    return names[0], names[1]
