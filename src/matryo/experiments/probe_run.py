"""The whole of `matryo probe`: measure, fix if asked, keep the certificate, write the report."""

from dataclasses import dataclass, replace
from pathlib import Path

from matryo.encoders.certificate import CERTIFICATE_FILE, Certificate, write_certificate
from matryo.errors import MatryoError
from matryo.experiments.adaptation import open_pairs
from matryo.experiments.probe import ProbeSettings, Say, keep_certificate, probe, working_folder
from matryo.experiments.probe_fix import Fixed, fix_with_head, fix_with_rotation
from matryo.experiments.settings import ModelSettings
from matryo.experiments.vectors import is_vectors
from matryo.reports.probe_report import probe_summary, write_probe_reports
from matryo.reports.probe_verdict import may_be_cut
from matryo.reports.table import wrapped

_WIDTH = 120


@dataclass(frozen=True)
class Told:
    """What the command prints.

    Attributes:
        certificate: of what was probed, before any fix.
        summary: verdict, tables and advice in plain text.
        written: files that were written, one line each.
        failure: why the certificate could not be written; None if it was, or if there was none to write.
    """

    certificate: Certificate
    summary: str
    written: tuple[str, ...]
    failure: MatryoError | None = None


def run_probe(
    model: ModelSettings,
    texts: str | None = None,
    settings: ProbeSettings | None = None,
    *,
    queries: Path | None = None,
    out: Path | None = None,
    fix: Path | None = None,
    pairs: str | None = None,
    say: Say = lambda line: None,
    progress: bool = False,
) -> Told:
    """Probe a model or vectors, keep the certificate, and with `fix` make something that can be cut.

    Args:
        model: the model; of vectors only the name is read.
        texts: as for `probe`.
        settings: how to probe.
        queries: as for `probe`.
        out: folder for results, report, a copy of the certificate and cached sets; None keeps none of them.
        fix: folder for what is made; None = nothing is.
        pairs: file of pairs, or the word stdlib, to train a head on; None = a rotation.
        say: told when a step is finished.
        progress: show rate and time left.

    Raises: MatryoError, ShapeError, FormatError for input that does not fit.
    """
    settings = settings or ProbeSettings()
    _check_places(out, fix)
    if pairs is not None and is_vectors(model.name):
        raise MatryoError(f"a head is trained for a model, got the vectors {model.name}; leave --pairs out")
    # read before anything is encoded, so that a wrong path does not cost the encoding
    read = None if pairs is None else open_pairs(pairs, skip_bad=settings.skip_bad)
    with working_folder(out) as folder:
        run = probe(model, texts, settings, queries=queries, folder=folder, say=say, progress=progress)
        fixed: Fixed | None = None
        if fix is not None and read is not None:
            fixed = fix_with_head(run, read, fix, settings, say=say, progress=progress)
        elif fix is not None:
            fixed = fix_with_rotation(run, fix, settings, say=say)
        results = run.results if fixed is None else replace(run.results, tables=(*run.results.tables, fixed.table))
        written, failure = [], None
        try:
            written.append(keep_certificate(run)[1])
        except MatryoError as error:
            # what was measured is shown all the same; the caller raises this afterwards
            failure = error
        if out is not None:
            write_certificate(run.certificate, folder=out)
            results.write(out)
            write_probe_reports(out)
            written += [f"copy of it: {out / CERTIFICATE_FILE}", f"report: {out / 'report.html'}"]
    summary = probe_summary(run.certificate, results, _WIDTH)
    if fixed is not None:
        after = may_be_cut(fixed.run.certificate, settings.share)
        summary = f"{summary}\n\n{wrapped(f'After the fix: {after}.', _WIDTH)}"
        written += fixed.done
    return Told(run.certificate, summary, tuple(written), failure)


def _check_places(*folders: Path | None) -> None:
    """Refuse a file where a folder is to go before anything is measured for it."""
    for folder in folders:
        if folder is not None and folder.exists() and not folder.is_dir():
            raise MatryoError(f"{folder} must be a folder, a file is in the way; choose another name")
