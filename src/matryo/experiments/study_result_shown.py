"""What a finished study shows and keeps beside its results: pictures, collections in a store, reports, a site."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MissingExtra
from matryo.evaluation.results import ExtraTable, RunResults
from matryo.experiments.stages import Say, Stages
from matryo.experiments.study_config import Job, StudyConfig
from matryo.experiments.study_jobs import fit_name, read_job
from matryo.experiments.study_results import Finished, best_translator, translator_rows
from matryo.experiments.study_spaces import MadeSpace
from matryo.progress import progress

_PICTURES_VERSION: Final = 2
_PICTURES_FOLDER: Final = "pictures"
_SITE_FOLDER: Final = "site"


def check_extras(config: StudyConfig) -> None:
    """Refuse a study whose pictures or store need what is not installed, before hours of fits.

    Raises: MissingExtra.
    """
    if config.pictures is not None and config.pictures.umap and find_spec("umap") is None:
        raise MissingExtra("umap-learn", "umap", "a map of the texts (pictures.umap)")
    if config.store is not None and find_spec("chromadb") is None:
        raise MissingExtra("chromadb", "chroma", "a store of translated vectors (store)")


def drawn_jobs(study: Finished) -> list[Job]:
    """The fits that are drawn: of each ordered pair the best translator, or those named, with their first seeds."""
    asked = "best" if study.config.pictures is None else study.config.pictures.translators
    rows = translator_rows(study)
    found = []
    for source, target in study.pairs:
        own = [row for row in rows if (row["from"], row["to"]) == (source, target)]
        for name in (best_translator(own),) if asked == "best" else asked:
            jobs = [job for job in study.config.jobs() if (job.source, job.target) == (source, target)]
            found += [job for job in jobs if job.translator.name == name][:1]
    return found


def draw(study: Finished, keys: Mapping[str, str], say: Say, show_progress: bool) -> None:
    """Work out the pictures that are not there yet; those of translators that are not drawn any more go.

    All in this process, which compiles the code of layouts once and keeps a target's layout for its next source.

    Args:
        study: finished.
        keys: of its jobs, by name of the stage.
        say: told what was left out.
        show_progress: show a bar over pictures.
    """
    config, wanted = study.config.pictures, set[Path]()
    if config is None:
        _remove_but(study.config.folder, wanted)
        return
    # imported here: a study without pictures needs none of it
    from matryo.experiments.study_pictures import KERNELS, LAYOUT, SEARCHES, make_pictures, picture_path

    folder, jobs = study.config.folder, drawn_jobs(study)
    settings = config.model_dump(mode="json", exclude={"translators"})
    quiet = Stages(folder)
    with progress("pictures", len(jobs), "pairs", shown=show_progress) as advance:
        for job in jobs:
            name = f"picture {job.pair} {job.translator.slug}"
            wanted |= {picture_path(folder, kind, job) for kind in (LAYOUT, KERNELS, SEARCHES)}
            asked = (KERNELS, *([LAYOUT] if config.umap else []), *([SEARCHES] if config.n_searches else []))
            if not all(picture_path(folder, kind, job).is_file() for kind in asked):
                quiet.remove(name)
            source, target = study.spaces[job.source], study.spaces[job.target]

            def make(job: Job = job, source: MadeSpace = source, target: MadeSpace = target) -> None:
                pair = (job.source, job.target)
                rows = _held_rows(study, source, target)
                fitted = read_job(folder, job)
                for note in make_pictures(folder, pair, job, source, target, study.texts, fitted, rows, config):
                    say(note)

            inputs = {fit_name(job): keys[fit_name(job)], "texts": study.texts.key}
            quiet.run(name, _PICTURES_VERSION, settings, inputs, make, derived=True)
            advance(1)
    _remove_but(folder, wanted)


def _remove_but(folder: Path, wanted: set[Path]) -> None:
    """Remove pictures that an earlier config asked for."""
    for path in (folder / _PICTURES_FOLDER).glob("*.json"):
        if path not in wanted:
            path.unlink()


def keep_in_store(study: Finished, say: Say, show_progress: bool) -> None:
    """Push native and translated vectors to the study's store, and add what it answers to the results.

    Args:
        study: finished, its results written.
        say: told where the collections are.
        show_progress: show a bar over collections.
    """
    folder = study.config.folder
    if study.config.store is None:
        _with_store_table(folder, None)
        return
    # imported here: a study without a store needs none of it
    from matryo.experiments.study_store import store_study

    ids = [name for name in study.texts.documents.ids() if name not in study.texts.fitted_ids]
    found = store_study(
        study.config,
        study.spaces,
        study.config.jobs(),
        folder,
        held_ids=ids,
        texts_name=study.texts.name,
        progress=show_progress,
    )
    say(f"store: {found.n_collections} collections at {found.location}, {found.n_sent:,} vectors sent")
    _with_store_table(folder, found.table)


def _with_store_table(folder: Path, found: ExtraTable | None) -> None:
    """Put what the store answers in the place of what an earlier config's did."""
    # imported here: as above
    from matryo.experiments.study_store import TABLE

    results = RunResults.read(folder)
    kept = tuple(table for table in results.tables if table.name != TABLE)
    tables = kept if found is None else (*kept, found)
    if tables != results.tables:
        replace(results, tables=tables).write(folder)


def write_pages(config: StudyConfig) -> list[str]:
    """Write reports and site from what is stored.

    Returns: one line per thing written.
    """
    # imported here: they need the extra for plots
    from matryo.reports.study_report import write_study_reports

    written = [f"report: {write_study_reports(config.folder)[0]}"]
    if config.site:
        from matryo.reports.site import write_site

        written.append(f"site: {write_site(config.folder / _SITE_FOLDER, [config.folder])[0]}")
    return written


def summary(folder: Path) -> str:
    """The stored results of a study for a terminal."""
    # imported here: as above
    from matryo.reports.study_report import study_summary

    return study_summary(RunResults.read(folder, with_per_query=False))


def _held_rows(study: Finished, source: MadeSpace, target: MadeSpace) -> NDArray[np.int64]:
    """Rows of the source's held-out documents that the target has, too."""
    ids: Sequence[str] = source.documents.ids()
    known = set(target.documents.ids())
    held = ~study.texts.split.fitted(ids)
    found: NDArray[np.int64] = np.flatnonzero(held & np.array([name in known for name in ids], dtype=np.bool_))
    return found
