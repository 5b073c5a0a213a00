"""A dense-retrieval run: data, start model, mined negatives, trainings, evaluation, report; stages are cached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from matryo.config import write_config
from matryo.encoders import Encoder, encode_to_set
from matryo.evaluation.results import RESULTS_FILE, RunResults
from matryo.experiments.launch import Upto, config_of, launch
from matryo.experiments.processes import Processes
from matryo.experiments.run_config import RetrievalConfig
from matryo.experiments.run_data import RunData, make_run_data, read_run_data
from matryo.experiments.run_tasks import (
    START_SEED,
    Task,
    Trainings,
    arms_of,
    check_config,
    data_task,
    evaluate_task,
    mine_task,
    start_task,
    training_tasks,
    vector_tasks,
)
from matryo.experiments.settings import ModelSettings
from matryo.experiments.stages import Say, Stages
from matryo.files import read_json
from matryo.prefix import check_dims
from matryo.training.methods import Arm
from matryo.training.rows import TrainingRows, training_rows


def run(
    source: Path | RetrievalConfig,
    upto: Upto = "report",
    *,
    overrides: Sequence[str] = (),
    out: Path | None = None,
    fresh: bool = False,
    say: Say = lambda line: None,
    progress: bool = False,
) -> str:
    """Run the stages of a config; under torchrun every process calls this with the same arguments.

    Args:
        source: config file, or the config.
        upto: the last stage to run; what it needs runs before it.
        overrides: `key.key=value`, replace values of the file.
        out: folder of the run instead of that in the config; the same call goes on where an interrupted one was.
        fresh: remove stages that were made with another config, and what depends on them, instead of refusing.
        say: told what is reused and when a step is finished.
        progress: show rate and time left.

    Returns: what to print; "" in all processes but the first.
    Raises: MatryoError, FormatError, ShapeError for a config, data or a run folder that do not fit, before anything
        is trained.
    """
    config = config_of(source, RetrievalConfig, overrides, out)
    check_config(config)

    def make(stages: Stages, processes: Processes, shown: bool) -> _Run:
        return _Run(config, stages, processes, say, shown)

    return launch(config.folder, make, upto, fresh=fresh, say=say, progress=progress)


@dataclass
class _Run:
    """One run in one process."""

    config: RetrievalConfig
    stages: Stages
    processes: Processes
    say: Say
    progress: bool
    rows: dict[int, TrainingRows] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.config.folder

    @property
    def start(self) -> Path:
        return self.folder / "start"

    @property
    def mined(self) -> Path:
        return self.folder / "mined" / "negatives.jsonl"

    def training(self, arm: str, seed: int) -> Path:
        return self.folder / "training" / arm / f"seed-{seed}"

    def lead(self, upto: Upto) -> str:
        """Run every stage, as the process that writes."""
        data = self._make_data()
        if upto == "data":
            return _told(data)
        self._make_start(data)
        encoder = self._encoder(str(self.start))
        check_config(self.config, encoder.width)
        arms = arms_of(self.config, encoder.width)
        trainings = training_tasks(self.config, arms, data.key)
        mining = upto == "mine" or any(arm.train.negatives for arm in arms.values())
        vectors = vector_tasks(self.config, trainings, data.key) if upto in ("evaluate", "report") else {}
        # a run of another config is refused as a whole, before hours are spent on its first stages
        for task in [*([mine_task(self.config, data.key)] if mining else []), *trainings.values(), *vectors.values()]:
            self.stages.check(*task)
        write_config(self.folder / "config.yaml", self.config)
        if mining:
            self._mine(data, encoder)
        if upto == "mine":
            return f"mined negatives: {self.mined}"
        self.processes.wait()
        self._train(arms, trainings, data, encoder.width)
        if upto == "train":
            return "\n".join(f"{arm}, seed {seed}: {self.training(arm, seed) / 'model'}" for arm, seed in trainings)
        return self._measure(trainings, data, upto)

    def follow(self, upto: Upto) -> None:
        """Take part in the trainings that another process leads."""
        if upto in ("data", "mine"):
            return
        self.processes.wait()
        data = read_run_data(self.config.data, self.folder / "data")
        encoder = self._encoder(str(self.start))
        arms = arms_of(self.config, encoder.width)
        self._train(arms, training_tasks(self.config, arms, data.key), data, encoder.width)

    def _make_data(self) -> RunData:
        config, folder = self.config.data, self.folder / "data"
        made: tuple[str, ...] = ()

        def make() -> None:
            nonlocal made
            made = make_run_data(config, folder, progress=self.progress)

        own = config.kind in ("toy", "msmarco")
        if self.stages.run(*data_task(self.config), make, folder="data" if own else "").reused:
            make()  # what is whole stays; sources that have changed since are noticed
        data = read_run_data(config, folder, made=made)
        self.say(_told(data))
        return data

    def _make_start(self, data: RunData) -> None:
        # imported here: making data needs no torch
        from matryo.encoders.start import write_start

        model = self.config.model

        def make() -> None:
            write_start(
                model.name,
                self.start,
                texts=(text.text for part in (data.train.documents, data.train.queries) for text in part),
                max_tokens=model.max_tokens,
                projection=model.projection,
                normalize=model.normalize,
                seed=START_SEED,
                trust_remote_code=model.trust_remote_code,
                allow_pickle=model.allow_pickle,
            )

        self.stages.run(*start_task(self.config, data.key), make, folder="start")

    def _encoder(self, name: str, max_tokens: int | None = None) -> Encoder:
        model = self.config.model
        return ModelSettings(
            name, model.device, model.precision, max_tokens, model.trust_remote_code, model.allow_pickle
        ).load()

    def _mine(self, data: RunData, start: Encoder) -> None:
        # imported here: most runs mine nothing
        from matryo.training.mined_file import mine_to_file

        settings, own = self.config.mine, self.folder / "mined" / "sets"

        def make() -> None:
            encoder = start if settings.model is None else self._encoder(settings.model, self.config.model.max_tokens)
            check_dims([settings.dim or encoder.width], encoder.width)
            documents = encode_to_set(encoder, data.train.documents, own / "documents", progress=self.progress)
            queries = encode_to_set(encoder, data.train.queries, own / "queries", role="query", progress=self.progress)
            about = {"model": encoder.name, "data": data.name}
            mine_to_file(self.mined, data.train, queries, documents, settings, about, progress=self.progress)

        self.stages.run(*mine_task(self.config, data.key), make, folder="mined")

    def _train(self, arms: Mapping[str, Arm], trainings: Trainings, data: RunData, width: int) -> None:
        """Every arm and seed; all processes take part, the main one keeps the records."""
        # imported here: it needs the extra train
        from matryo.training.train import train

        dims = check_dims({*self.config.dims, width}, width)

        def train_one(arm: Arm, seed: int) -> None:
            # what another config left is removed before anybody looks there
            self.processes.wait()
            train(
                self.start,
                self._rows(data, arm.train.negatives),
                arm,
                self.training(arm.name, seed),
                seed=seed,
                validation=data.validation,
                dims=dims,
                device=self.config.model.device,
                trust_remote_code=self.config.model.trust_remote_code,
                progress=self.progress,
            )

        for (name, seed), task in trainings.items():
            done = self.processes.agree(partial(self.stages.finished, *task))
            make = partial(train_one, arms[name], seed)
            if self.processes.main:
                self.stages.run(*task, make, folder=str(self.training(name, seed).relative_to(self.folder)))
            elif not done:
                make()

    def _rows(self, data: RunData, n_negatives: int) -> TrainingRows:
        if n_negatives not in self.rows:
            # imported here: most runs mine nothing
            from matryo.training.mined_file import read_mined

            negatives = read_mined(self.mined) if n_negatives else None
            self.rows[n_negatives] = training_rows(data.train, negatives, n_negatives, self.config.data.seed)
        return self.rows[n_negatives]

    def _measure(self, trainings: Trainings, data: RunData, upto: Upto) -> str:
        # imported here: training needs neither plots nor measures
        from matryo.experiments.arms import evaluate_run
        from matryo.experiments.run_models import keep_models
        from matryo.reports import console_summary, write_reports

        config, folder = self.config, self.folder
        models = {key: self.training(*key) / "model" for key in trainings}

        def measure() -> None:
            self._begin_vectors(trainings, data.key)
            known, spent = self._with_trainings(data, trainings)
            found = evaluate_run(config, known, self.start, models, folder, say=self.say, progress=self.progress)
            replace(found, seconds={**spent, **found.seconds}).write(folder)
            self._begin_vectors(trainings, data.key)  # reranking has made folders of its own

        if not (folder / RESULTS_FILE).is_file():
            self.stages.remove("evaluate")
        measured = self.stages.run(*evaluate_task(config, trainings), measure, derived=True)
        results = RunResults.read(folder)
        lines = [console_summary(results)]
        if upto == "report":
            keep = partial(keep_models, config, results, models, folder)
            kept = Task("models", 1, {}, {measured.name: measured.key})
            self.stages.run(*kept, keep, folder="models", derived=True)
            write_reports(folder)
            lines += [f"{arm}: {folder / 'models' / arm}" for arm in config.arms]
            lines += [f"report: {folder / 'report.html'}"]
        return "\n".join(lines)

    def _begin_vectors(self, trainings: Trainings, data_key: str) -> None:
        """Set the folders of encoded texts aside, so that those of an earlier model go when it goes."""
        for place in ("sets", *(f"sets/{path.name}" for path in (self.folder / "sets").glob("reranked-*"))):
            for folder, task in vector_tasks(self.config, trainings, data_key, place).items():
                self.stages.begin(*task, folder=folder)

    def _with_trainings(self, data: RunData, trainings: Trainings) -> tuple[RunData, dict[str, float]]:
        """Data with what the trainings noted of it, and seconds of each training over all its interruptions."""
        notes, seconds, processes = [*data.notes], {}, {}
        for arm, seed in trainings:
            told = read_json(self.training(arm, seed) / "trained.json", "a finished training")
            notes += told["notes"]
            plan = read_json(self.training(arm, seed) / "training.json", "a training")
            processes[f"{arm}, seed {seed}"] = int(plan["processes"])
            seconds[f"train {arm}, seed {seed}"] = round(float(told["seconds"]), 2)
        if set(processes.values()) != {1}:
            told_of = ", ".join(f"{n} ({name})" for name, n in processes.items())
            notes.append(f"processes of the trainings, each with its own batch, whose negatives they share: {told_of}")
        if len(set(processes.values())) > 1:
            notes.append("trainings with different numbers of processes had different batches: arms do not compare")
        return replace(data, notes=tuple(dict.fromkeys(notes))), seconds


def _told(data: RunData) -> str:
    validation = "no" if data.validation is None else f"{len(data.validation.queries):,}"
    return (
        f"{data.name}: {len(data.train.queries):,} training, {validation} validation and "
        f"{len(data.test.queries):,} test queries, {len(data.test.documents):,} documents"
    )
