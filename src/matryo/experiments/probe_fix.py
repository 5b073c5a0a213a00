"""What to do about a prefix that is no good: a rotation, or a head where there are pairs; before and after."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from matryo import files
from matryo.data.pairs import Pairs
from matryo.embeddings import as_vectors
from matryo.encoders import MappedEncoder, save_model
from matryo.encoders.certificate import ProbedTexts, write_certificate
from matryo.errors import MatryoError
from matryo.evaluation.comparisons import differences, shares
from matryo.evaluation.curve import retrieval_curve
from matryo.evaluation.geometry import Geometry
from matryo.evaluation.queries import Queries
from matryo.evaluation.results import ExtraTable
from matryo.evaluation.score import PLAIN_CUT, Score
from matryo.experiments.adaptation import AdaptSettings, assemble, choice_note, keep, study_of
from matryo.experiments.paired import encode_pairs
from matryo.experiments.probe import ProbeRun, ProbeSettings, Say, measure
from matryo.experiments.probe_advice import Subject
from matryo.experiments.probe_declared import Word
from matryo.experiments.probe_inputs import Asked, Probed
from matryo.experiments.stopwatch import Stopwatch
from matryo.maps import MatrixMap, fit_rotation
from matryo.reports import write_reports
from matryo.reports.formats import number, percent, percent_range, signed, signed_range


@dataclass(frozen=True)
class Fixed:
    """What the fix made.

    Attributes:
        run: the probe of what was made.
        table: before and after at each dim.
        where: the model folder, or for vectors the folder of map and mapped vectors.
        done: what was done, one sentence each.
    """

    run: ProbeRun
    table: ExtraTable
    where: Path
    done: tuple[str, ...]


def fix_with_rotation(before: ProbeRun, out: Path, settings: ProbeSettings, *, say: Say = lambda line: None) -> Fixed:
    """Turn the space into the PCA order of the probed documents and probe it again; nothing is encoded.

    Writes `out/model` with its certificate, or for vectors `out/map`, `out/documents.npy` and the certificate.

    Args:
        before: a probe.
        out: folder for the model or the mapped vectors.
        settings: those of the probe.
        say: told when a step is finished.

    Raises: MatryoError if the folder holds something else.
    """
    probed = before.probed
    fitted = before.quality.rotation if before.quality else fit_rotation(probed.documents, probed.space)
    asked = probed.asked and replace(probed.asked, vectors=fitted.apply(probed.asked.vectors))
    mapped = replace(
        probed,
        name=f"{probed.name} + {fitted.kind}",
        space=fitted.target,
        documents=_mapped(fitted, probed),
        asked=asked,
    )
    subject = Subject(str(out / "model"), is_model=probed.encoder is not None, own=probed.own)
    run = measure(mapped, settings, Word(), subject=subject, say=say)
    if probed.encoder is None:
        where, done = _write_vectors(fitted, run, out)
    else:
        where = out / "model"
        # a folder's own dims are taken for confirmed: a rotation alone confirms none, only what was shown does
        shown = None if run.quality is None else run.certificate.passed()
        save_model(MappedEncoder(probed.encoder, fitted), where, dims=shown, curve=_curve(run), overwrite=True)
        done = (f"model: {where}", f"certificate: {write_certificate(run.certificate, folder=where)}")
    if before.quality is None or run.quality is None:
        return Fixed(run, _neighbours_table(before.geometry, run.geometry), where, done)
    plain = [score for score in before.quality.scores if score.map == PLAIN_CUT]
    return Fixed(run, _table(plain, _as_map(run, fitted.kind), before.quality.queries, settings), where, done)


def fix_with_head(
    before: ProbeRun,
    pairs: Pairs,
    out: Path,
    settings: ProbeSettings,
    *,
    say: Say = lambda line: None,
    progress: bool = False,
) -> Fixed:
    """Train heads on pairs as `matryo adapt` does, keep the best, and probe it on pairs that no head has seen.

    Writes what `adapt_model` writes: `out/model` with its certificate, `out/map`, `out/sets`, results and reports.

    Args:
        before: a probe of a model.
        pairs: query, document and group of each.
        out: folder of the run; a second call reuses the encoded sets.
        settings: those of the probe.
        say: told when a step is finished.
        progress: show rate and time left.

    Raises: MatryoError for vectors, for too few pairs or groups, or a folder of another run.
    """
    encoder = before.probed.encoder
    if encoder is None:
        raise MatryoError("a head is trained for a model, got vectors; use `matryo adapt VECTORS --queries` for these")
    adapt = AdaptSettings(dims=before.certificate.dims, seed=settings.seed)
    clock = Stopwatch()
    with clock.step("encode"):
        data, notes = encode_pairs(pairs, encoder, out / "sets", seed=settings.seed, progress=progress)
    dims = adapt.ladder(encoder.width)
    with clock.step("fit and measure"):
        found = study_of(data, encoder, dims, adapt, say)
    keep(found, encoder, dims, out)
    results = assemble(
        "adapt", {data.name: found}, encoder, adapt, clock,
        notes=(*notes, choice_note(found, adapt.target(encoder.width))),
    )  # fmt: skip
    results.write(out)
    write_reports(out)
    fitted, judged, queries = found.choice.fitted, data.judged, data.test_queries
    groups = dict(zip(queries.ids, queries.groups, strict=True))
    test = data.queries[data.asked]
    mapped = Probed(
        name=f"{encoder.name} + {found.choice.method}",
        space=fitted.target,
        documents=fitted.apply(data.documents),
        texts=ProbedTexts(data.name, files.digest_json([p.document for p in pairs.pairs]), len(data.documents)),
        own=before.probed.own,
        asked=Asked(fitted.apply(test), judged, groups, f"{data.name}, test part"),
        encoder=encoder,
        notes=notes,
    )
    run = measure(mapped, settings, Word(), subject=Subject(str(out / "model"), own=mapped.own), say=say)
    where = out / "model"
    path = write_certificate(run.certificate, folder=where)
    plain = retrieval_curve(
        test, data.documents, judged, run.certificate.dims, [settings.measure], groups=groups,
        dataset=f"{data.name}, test part", model=encoder.name, seed=settings.seed,
    )  # fmt: skip
    table = _table(plain, _as_map(run, found.choice.method), queries, settings)
    done = (
        f"model: {where}",
        f"certificate: {path}",
        f"every method beside the other: {out / 'report.html'}",
    )
    return Fixed(run, table, where, done)


def _mapped(fitted: MatrixMap, probed: Probed) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    vectors = as_vectors(probed.documents)
    mapped: np.ndarray[tuple[int, int], np.dtype[np.float32]] = fitted.apply(
        vectors.read(slice(0, vectors.n_rows), 0, vectors.width)
    )
    return mapped


def _write_vectors(fitted: MatrixMap, run: ProbeRun, out: Path) -> tuple[Path, tuple[str, ...]]:
    fitted.save(out / "map")
    path = out / "documents.npy"
    with files.atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, as_vectors(run.probed.documents).read(slice(0, run.probed.n), 0, run.probed.space.width))
    kept = write_certificate(run.certificate, folder=out)
    return out, (f"map: {out / 'map'}", f"mapped vectors: {path}", f"certificate: {kept}")


def _curve(run: ProbeRun) -> list[dict[str, object]] | None:
    """The measured curve for the model's notes; None without judgements."""
    if run.quality is None:
        return None
    return [score.to_json() for score in run.quality.scores if score.map == PLAIN_CUT]


def _as_map(run: ProbeRun, name: str) -> list[Score]:
    """The prefix's curve of what was made, as scores of a map behind the model."""
    assert run.quality is not None  # both callers have judgements
    return [replace(score, map=name) for score in run.quality.scores if score.map == PLAIN_CUT]


def _table(before: list[Score], after: list[Score], queries: Queries, settings: ProbeSettings) -> ExtraTable:
    """Both curves, their paired difference, and what of the model's own full width is kept."""
    full = before[-1]
    named = {str(new.dim): (new, old) for old, new in zip(before, after, strict=True)}
    changed = differences(named, queries, seed=settings.seed)
    kept = [shares([(score, full) for score in scores], queries, seed=settings.seed) for scores in (before, after)]
    rows = tuple(
        (
            old.dim, number(old.value), number(new.value),
            f"{signed(change.value)} [{signed_range(change.low, change.high)}]",
            percent(was.value), f"{percent(now.value)} [{percent_range(now.low, now.high)}]",
        )
        for old, new, change, was, now in zip(before, after, changed, *kept, strict=True)
    )  # fmt: skip
    columns = ("Dim", "before", "after", "difference", "share before", "share after")
    return ExtraTable(
        "fix",
        f"Before and after: {after[0].map}, {full.measure} on {full.dataset}",
        columns,
        rows,
        (f"share: of the model's own {full.measure} at {full.dim} numbers; 95 % intervals, paired by query",),
    )


def _neighbours_table(before: Geometry, after: Geometry) -> ExtraTable:
    """Neighbours found before and after, where there are no judgements."""
    rows = tuple(
        (old.dim, percent(old.agreement), percent(new.agreement), percent(old.energy), percent(new.energy))
        for old, new in zip(before.points, after.points, strict=True)
    )
    columns = ("Dim", "neighbours before", "neighbours after", "energy before", "energy after")
    note = f"neighbours: share of the full width's {before.k} nearest that the prefix finds"
    return ExtraTable("fix", "Before and after: rotation, without judgements", columns, rows, (note,))
