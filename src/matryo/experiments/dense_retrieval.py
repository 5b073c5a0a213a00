"""A dense-retrieval run: data, start model, mined negatives, trainings, evaluation, report; stages are cached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from matryo.config import explain, read_config, write_config
from matryo.encoders import Encoder, encode_to_set
from matryo.errors import MatryoError
from matryo.evaluation.results import RESULTS_FILE, RunResults
from matryo.experiments.processes import Processes, joined
from matryo.experiments.run_config import RetrievalConfig
from matryo.experiments.run_data import RunData, make_run_data, read_run_data
from matryo.experiments.settings import ModelSettings
from matryo.experiments.stages import Say, Stages, stage_key
from matryo.files import digest_file, digest_json, only_writer, read_json
from matryo.measures.measure import Measure
from matryo.prefix import check_dims
from matryo.training.methods import Arm, resolve_arm
from matryo.training.rows import TrainingRows, training_rows
from matryo.training.settings import TrainSettings

Upto = Literal["data", "mine", "train", "evaluate", "report"]

# raised when the same settings come to give something else
_DATA, _START, _MINE, _TRAIN, _EVALUATE, _MODELS = 1, 1, 1, 1, 1, 1
_START_SEED = 0
_MINED = "mined/negatives.jsonl"
# what is kept beside a training changes nothing of it
_NOT_LEARNED = {"tensorboard", "keep_checkpoints"}

Task = tuple[str, int, dict[str, Any], dict[str, str]]
"""Name, version, settings and inputs of a stage."""


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
    config = source if isinstance(source, RetrievalConfig) else read_config(source, RetrievalConfig, overrides)
    if out is not None:
        config = config.model_copy(update={"out": out})
    _check(config)
    with joined() as processes:
        here = _Run(config, Stages(config.folder, fresh=fresh, say=say), processes, say, progress and processes.main)
        if not processes.main:
            here.follow(upto)
            return ""
        with only_writer(config.folder):
            return here.lead(upto)


def arms_of(config: RetrievalConfig, width: int) -> dict[str, Arm]:
    """The arms of a config for a model of a known width.

    Raises: MatryoError for an unknown method or unknown settings; ShapeError for dims beyond the width.
    """
    arms = {}
    for name, arm in config.arms.items():
        try:
            arms[name] = resolve_arm(name, arm, config.train, config.dims, width)
        except ValidationError as error:
            raise MatryoError(explain(error, TrainSettings, f"arms.{name}.train")) from None
    return arms


def _check(config: RetrievalConfig) -> None:
    """Whatever can be seen to be wrong before anything is read."""
    own = [dim for arm in config.arms.values() for dim in arm.dims or ()]
    width = config.model.projection or max((*config.dims, *own))
    arms = arms_of(config, width)
    for measure in config.evaluate.measures:
        Measure.parse(measure)
    for name, arm in arms.items():
        if arm.train.negatives > config.mine.n:
            raise MatryoError(
                f"arm {name} trains with {arm.train.negatives} negatives per pair, mine.n is {config.mine.n}; raise "
                "mine.n or lower train.negatives"
            )


@dataclass
class _Run:
    """One run in one process; what a stage found out is kept for the next."""

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

    def lead(self, upto: Upto) -> str:
        """Run every stage, as the process that writes."""
        data = self._make_data()
        if upto == "data":
            return _told(data)
        self._make_start(data)
        encoder = self._start_encoder()
        arms = arms_of(self.config, encoder.width)
        tasks = self._tasks(arms, data.key)
        for task in tasks.values():
            self.stages.check(*task)
        write_config(self.folder / "config.yaml", self.config)
        if upto == "mine" or any(arm.train.negatives for arm in arms.values()):
            self._mine(data, encoder)
        if upto == "mine":
            return f"mined negatives: {self.folder / _MINED}"
        self.processes.wait()
        self._train(arms, tasks, data, encoder.width)
        models = {key: self._training(*key) / "model" for key in tasks}
        if upto == "train":
            return "\n".join(f"{arm}, seed {seed}: {model}" for (arm, seed), model in models.items())
        return self._measure(models, tasks, data, upto)

    def follow(self, upto: Upto) -> None:
        """Take part in the trainings that another process leads."""
        if upto in ("data", "mine"):
            return
        self.processes.wait()
        data = read_run_data(self.config.data, self.folder / "data")
        encoder = self._start_encoder()
        arms = arms_of(self.config, encoder.width)
        self._train(arms, self._tasks(arms, data.key), data, encoder.width)

    def _make_data(self) -> RunData:
        config, folder = self.config.data, self.folder / "data"
        made: tuple[str, ...] = ()

        def make() -> None:
            nonlocal made
            made = make_run_data(config, folder, progress=self.progress)

        own = config.kind in ("toy", "msmarco")
        stage = self.stages.run("data", _DATA, config.model_dump(mode="json"), {}, make, folder="data" if own else "")
        if stage.reused:
            make()  # what is whole stays; sources that have changed since are noticed
        data = read_run_data(config, folder, made=made)
        self.say(_told(data))
        return data

    def _start_task(self, data_key: str) -> Task:
        model = self.config.model
        settings = {
            "name": model.name,
            "max_tokens": model.max_tokens,
            "projection": model.projection,
            "normalize": model.normalize,
            "seed": _START_SEED,
            "files": _files(Path(model.name)),
        }
        return "start", _START, settings, {"data": data_key} if model.name == "tiny" else {}

    def _make_start(self, data: RunData) -> None:
        # imported here: reading a config and its data needs no torch
        from matryo.encoders.start import write_start

        model = self.config.model

        def make() -> None:
            texts = (text.text for part in (data.train.documents, data.train.queries) for text in part)
            write_start(
                model.name,
                self.start,
                texts=texts,
                max_tokens=model.max_tokens,
                projection=model.projection,
                normalize=model.normalize,
                seed=_START_SEED,
                trust_remote_code=model.trust_remote_code,
                allow_pickle=model.allow_pickle,
            )

        self.stages.run(*self._start_task(data.key), make, folder="start")

    def _start_encoder(self) -> Encoder:
        return self._encoder(str(self.start))

    def _encoder(self, name: str, max_tokens: int | None = None) -> Encoder:
        model = self.config.model
        return ModelSettings(
            name, model.device, model.precision, max_tokens, model.trust_remote_code, model.allow_pickle
        ).load()

    def _mine_task(self, data_key: str) -> Task:
        settings = self.config.mine.model_dump(mode="json")
        inputs = {"data": data_key}
        if self.config.mine.model is None:
            inputs["start"] = stage_key(*self._start_task(data_key))
        else:
            settings["files"] = _files(Path(self.config.mine.model))
            settings["max_tokens"] = self.config.model.max_tokens
        return "mine", _MINE, settings, inputs

    def _mine(self, data: RunData, start: Encoder) -> None:
        # imported here: most runs mine nothing
        from matryo.training.mined_file import mine_to_file

        settings, task = self.config.mine, self._mine_task(data.key)

        def make() -> None:
            encoder = start
            if settings.model is not None:
                encoder = self._encoder(settings.model, self.config.model.max_tokens)
            check_dims([settings.dim or encoder.width], encoder.width)
            own = self.folder / "mined" / "sets"
            # where the corpus that is searched at the end is that of the training, it is encoded once
            shared = settings.model is None and self.config.data.kind != "pairs"
            corpus = self.folder / "sets" / "start" / "documents" if shared else own / "documents"
            documents = encode_to_set(encoder, data.train.documents, corpus, progress=self.progress)
            queries = encode_to_set(encoder, data.train.queries, own / "queries", role="query", progress=self.progress)
            about = {"model": encoder.name, "data": data.name}
            mine_to_file(self.folder / _MINED, data.train, queries, documents, settings, about, progress=self.progress)

        self.stages.run(*task, make, folder="mined")

    def _tasks(self, arms: Mapping[str, Arm], data_key: str) -> dict[tuple[str, int], Task]:
        """The trainings: (arm, seed) -> stage."""
        start = stage_key(*self._start_task(data_key))
        mined = stage_key(*self._mine_task(data_key))
        tasks = {}
        for arm in arms.values():
            for seed in self.config.seeds:
                settings = {
                    "method": arm.method.name,
                    "dims": list(arm.dims),
                    "seed": seed,
                    "train": arm.train.model_dump(mode="json", exclude=_NOT_LEARNED),
                }
                inputs = {"data": data_key, "start": start, **({"mine": mined} if arm.train.negatives else {})}
                tasks[arm.name, seed] = (f"train {arm.name} seed {seed}", _TRAIN, settings, inputs)
        return tasks

    def _training(self, arm: str, seed: int) -> Path:
        return self.folder / "training" / arm / f"seed-{seed}"

    def _train(self, arms: Mapping[str, Arm], tasks: Mapping[tuple[str, int], Task], data: RunData, width: int) -> None:
        """Every arm and seed; all processes take part, the main one keeps the records."""
        # imported here: it needs the extra train
        from matryo.training.train import train

        dims = check_dims({*self.config.dims, width}, width)
        for (name, seed), task in tasks.items():
            arm, out = arms[name], self._training(name, seed)

            def make(arm: Arm = arm, out: Path = out, seed: int = seed) -> None:
                train(
                    self.start,
                    self._rows(data, arm.train.negatives),
                    arm,
                    out,
                    seed=seed,
                    validation=data.validation,
                    dims=dims,
                    device=self.config.model.device,
                    progress=self.progress,
                )

            done = self.processes.agree(lambda task=task: self.stages.finished(*task))  # type: ignore[misc]
            if self.processes.main:
                self.stages.run(*task, make, folder=str(out.relative_to(self.folder)))
            elif not done:
                make()

    def _rows(self, data: RunData, n_negatives: int) -> TrainingRows:
        if n_negatives not in self.rows:
            # imported here: most runs mine nothing
            from matryo.training.mined_file import read_mined

            negatives = read_mined(self.folder / _MINED) if n_negatives else None
            self.rows[n_negatives] = training_rows(data.train, negatives, n_negatives, self.config.data.seed)
        return self.rows[n_negatives]

    def _measure(
        self, models: Mapping[tuple[str, int], Path], tasks: Mapping[tuple[str, int], Task], data: RunData, upto: Upto
    ) -> str:
        # imported here: plots and measures are not needed for training
        from matryo.experiments.arms import evaluate_run
        from matryo.experiments.run_models import keep_models
        from matryo.reports import console_summary, write_reports

        config = self.config
        told = [read_json(self._training(*key) / "trained.json", "a finished training") for key in tasks]
        spent = {
            f"train {arm}, seed {seed}": round(float(t["seconds"]), 2)
            for (arm, seed), t in zip(tasks, told, strict=True)
        }
        notes = (*data.notes, *(note for one in told for note in one["notes"]))

        def make() -> None:
            known = replace(data, notes=tuple(dict.fromkeys(notes)))
            found = evaluate_run(config, known, self.start, models, self.folder, say=self.say, progress=self.progress)
            replace(found, seconds={**spent, **found.seconds}).write(self.folder)

        settings = {
            "name": config.name,
            "purpose": config.purpose,
            "dims": list(config.dims),
            "evaluate": config.evaluate.model_dump(mode="json"),
            "rerank": _files(Path(config.evaluate.rerank)) if config.evaluate.rerank else None,
        }
        inputs = {task[0]: stage_key(*task) for task in tasks.values()}
        if not (self.folder / RESULTS_FILE).is_file():
            self.stages.remove("evaluate")
        measured = self.stages.run("evaluate", _EVALUATE, settings, inputs, make, derived=True)
        results = RunResults.read(self.folder)
        if upto == "report":
            self.stages.run(
                "models",
                _MODELS,
                {},
                {"evaluate": measured.key},
                lambda: keep_models(config, results, models, self.folder),
                folder="models",
                derived=True,
            )
            write_reports(self.folder)
        lines = [console_summary(results)]
        if upto == "report":
            lines += [f"{arm}: {self.folder / 'models' / arm}" for arm in config.arms]
            lines += [f"report: {self.folder / 'report.html'}"]
        return "\n".join(lines)


def _files(path: Path) -> str | None:
    """Digest of a file, or of the files of a folder, so that another content under one name is noticed."""
    if path.is_file():
        return digest_file(path)
    if not path.is_dir():
        return None
    files = sorted(p for p in path.rglob("*") if p.is_file())
    return digest_json({str(p.relative_to(path)): digest_file(p) for p in files})


def _told(data: RunData) -> str:
    validation = "no" if data.validation is None else f"{len(data.validation.queries):,}"
    return (
        f"{data.name}: {len(data.train.queries):,} training, {validation} validation and "
        f"{len(data.test.queries):,} test queries, {len(data.test.documents):,} documents"
    )
