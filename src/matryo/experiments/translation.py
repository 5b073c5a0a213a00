"""A translation study: every text in every space, every translator for every ordered pair, and what they are worth."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matryo.config import write_config
from matryo.errors import MatryoError
from matryo.evaluation.results import RESULTS_FILE
from matryo.experiments.launch import Upto, config_of
from matryo.experiments.stages import Say, Stages
from matryo.experiments.study_config import StudyConfig, absolute_paths
from matryo.experiments.study_job_pair import PairFiles, SideFiles, open_pair, write_judged
from matryo.experiments.study_job_pool import Done, run_work, threads_per_worker
from matryo.experiments.study_jobs import FIT_FILE, fit_works, pair_files, read_facts, study_works
from matryo.experiments.study_result_shown import check_extras, draw, keep_in_store, summary, write_pages
from matryo.experiments.study_results import Finished, put_together
from matryo.experiments.study_space_api import Confirm
from matryo.experiments.study_spaces import MadeSpace, make_spaces
from matryo.experiments.study_texts import StudyTexts, read_study_texts
from matryo.files import only_writer, write_json

TEXTS_FILE = "texts.json"
_RESULTS_VERSION = 3
_NOT_MEASURED = frozenset({"out", "workers", "threads", "pictures", "store", "site"})
"""Keys of a study that change nothing of its results."""


def run(
    source: Path | StudyConfig,
    upto: Upto = "report",
    *,
    overrides: Sequence[str] = (),
    out: Path | None = None,
    fresh: bool = False,
    say: Say = lambda line: None,
    progress: bool = False,
    workers: int | None = None,
    confirm: Confirm | None = None,
) -> str:
    """Run the stages of a study; the same call goes on where an interrupted one was.

    Args:
        source: config file, or the config.
        upto: the last stage: data = texts, train = fits, evaluate = results, report = pictures, store, report, site.
        overrides: `key.key=value`, replace values of the file.
        out: folder of the run instead of that in the config.
        fresh: remove stages that were made with another config, and what depends on them, instead of refusing.
        say: told what is reused and when a step is finished.
        progress: show rate and time left.
        workers: processes that fit at once; None = as the config says.
        confirm: asked with the estimate before a service is paid; None = there is nobody to ask.

    Returns: what to print.
    Raises: MatryoError, FormatError, ShapeError for a config, texts, spaces or a run folder that do not fit; for a job
        that fails, after those that ran beside it: what is finished stays.
    """
    config = config_of(source, StudyConfig, overrides, out)
    if upto == "mine":
        raise MatryoError("a translation study mines nothing; use matryo train, evaluate or run instead")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise MatryoError(
            f"a translation study starts its own processes, got {os.environ['WORLD_SIZE']} from torchrun; start it "
            "once, with --workers"
        )
    if workers is not None:
        config = config.model_copy(update={"workers": workers})
    here = _Run(config, Stages(config.folder, fresh=fresh, say=say), fresh, say, progress, confirm)
    try:
        with only_writer(config.folder):
            return here.lead(upto)
    finally:
        # vectors of the last pair would stay in memory, and files of theirs open
        open_pair.cache_clear()


@dataclass(frozen=True)
class _Run:
    """One run."""

    config: StudyConfig
    stages: Stages
    fresh: bool
    say: Say
    progress: bool
    confirm: Confirm | None

    @property
    def folder(self) -> Path:
        return self.config.folder

    def lead(self, upto: Upto) -> str:
        """Run every stage."""
        config = self.config
        if upto == "report":
            check_extras(config)
        texts = self._read_texts()
        if upto == "data":
            return _told(texts)
        spaces = make_spaces(config, texts, self.stages, self.say, self.progress, confirm=self.confirm)
        write_config(self.folder / "config.yaml", absolute_paths(config))
        pairs = self._pairs(texts, spaces)
        if upto == "train":
            self._work("fits", pairs, texts)
            return "\n".join(f"{job.label}: {job.folder(self.folder) / 'map'}" for job in config.jobs())
        done = self._work("jobs", pairs, texts)
        study = self._finished(texts, spaces, pairs, done)
        self._put_together(study, done)
        if upto == "evaluate":
            return "\n".join([summary(self.folder), f"results: {self.folder / RESULTS_FILE}"])
        draw(study, done.keys, self.say, self.progress)
        keep_in_store(study, self.say, self.progress)
        pages = write_pages(config)
        return "\n".join([summary(self.folder), *pages, f"results: {self.folder / RESULTS_FILE}"])

    def _read_texts(self) -> StudyTexts:
        texts = read_study_texts(self.config)
        path = self.folder / TEXTS_FILE
        if not path.is_file():
            self.stages.remove("texts")
        # named apart from the content, so that a refusal can say which of them has changed
        settings = {"share": texts.split.share, "group_end": texts.split.group_end}
        self.stages.run("texts", 2, settings, {"content": texts.key}, lambda: write_json(path, texts.facts))
        self.say(_told(texts))
        return texts

    def _pairs(self, texts: StudyTexts, spaces: dict[str, MadeSpace]) -> dict[tuple[str, str], PairFiles]:
        write_judged(self.folder, texts.name, texts.judgements, texts.groups, texts.split)
        sides = {
            name: SideFiles(
                name, space.documents.folder, None if space.queries is None else space.queries.folder, space.key
            )
            for name, space in spaces.items()
        }
        widths = {name: space.documents.width for name, space in spaces.items()}
        return pair_files(self.config, sides, widths, texts.split)

    def _work(self, what: str, pairs: dict[tuple[str, str], PairFiles], texts: StudyTexts) -> Done:
        config = self.config
        works = fit_works(config, pairs) if what == "fits" else study_works(config, pairs, texts.key)
        done = run_work(
            works,
            self.folder,
            label=what,
            workers=config.workers,
            threads=config.threads,
            fresh=self.fresh,
            say=self.say,
            show_progress=self.progress,
        )
        if done.n_reused < len(works):
            self.say(f"{what}: {len(works) - done.n_reused} of {len(works)} done, {done.seconds:,.0f} s")
        return done

    def _finished(
        self,
        texts: StudyTexts,
        spaces: dict[str, MadeSpace],
        pairs: dict[tuple[str, str], PairFiles],
        done: Done,
    ) -> Finished:
        config = self.config
        fits = [read_facts(job.folder(self.folder) / FIT_FILE)["fit seconds"] for job in config.jobs()]
        seconds = {
            **{f"space {name}": space.facts["seconds"] for name, space in spaces.items() if space.facts["seconds"]},
            "fits, summed over jobs": round(sum(fits), 2),
            "jobs of the last call, with all workers": round(done.seconds, 2),
        }
        threads = threads_per_worker(config.workers, config.threads)
        return Finished(config, texts, spaces, pairs, config.workers, threads, seconds)

    def _put_together(self, study: Finished, done: Done) -> None:
        """Write the results, unless nothing has changed since they were written."""
        if not (self.folder / RESULTS_FILE).is_file():
            self.stages.remove("results")
        self.stages.run(
            "results",
            _RESULTS_VERSION,
            self.config.model_dump(mode="json", exclude=set(_NOT_MEASURED)),
            dict(done.keys),
            lambda: put_together(study).write(self.folder),
            derived=True,
        )


def _told(texts: StudyTexts) -> str:
    facts = texts.facts
    return (
        f"{facts['name']}: {facts['n_documents']:,} documents, {facts['n_held_out']:,} of them held out, "
        f"{facts['n_queries']:,} queries, {facts['n_judgements']:,} judgements"
    )
