"""A shared-prefix run: two views, start model, trainings of every method, measures, comparison, report."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

from matryo.config import write_config
from matryo.encoders import Encoder
from matryo.errors import MatryoError
from matryo.evaluation.identity_measures import IdentityMeasures
from matryo.evaluation.identity_results import RESULTS_FILE, IdentityResults
from matryo.experiments.identity_config import Baseline, SharedPrefixConfig, absolute_paths
from matryo.experiments.identity_data import IdentityData, make_identity_data, read_identity_data
from matryo.experiments.identity_tasks import (
    Trainings,
    compare_task,
    data_task,
    makes_people,
    measure_tasks,
    start_task,
    training_tasks,
    vector_tasks,
)
from matryo.experiments.launch import Upto, config_of, launch
from matryo.experiments.processes import Processes
from matryo.experiments.run_models import load_model
from matryo.experiments.run_tasks import START_SEED, Task
from matryo.experiments.stages import Say, Stage, Stages
from matryo.files import read_json
from matryo.prefix import check_dims
from matryo.training.identity_methods import IdentityMethod, identity_method

MEASURES = "measures"
_FEWEST_TESTED = 4


def run(
    source: Path | SharedPrefixConfig,
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
    config = config_of(source, SharedPrefixConfig, overrides, out)
    if upto == "mine":
        raise MatryoError("a shared-prefix run mines its data when it makes them; use matryo train or run instead")

    def make(stages: Stages, processes: Processes, shown: bool) -> _Run:
        return _Run(config, stages, processes, say, shown)

    return launch(config.folder, make, upto, fresh=fresh, say=say, progress=progress)


def read_measures(folder: Path, config: SharedPrefixConfig) -> dict[str, list[IdentityMeasures]]:
    """What a run has measured: system -> one entry per seed, one entry for what no method trained.

    Args:
        folder: of the run.
        config: of it.

    Raises: FormatError if a file is missing or damaged.
    """
    where = folder / MEASURES
    found = {
        method: [IdentityMeasures.load(where, measures_name(method, seed)) for seed in config.seeds]
        for method in config.methods
    }
    floors = [name for name in config.evaluate.baselines if (where / f"{measures_name(name)}.json").is_file()]
    return {name: [IdentityMeasures.load(where, measures_name(name))] for name in floors} | found


def measures_name(system: str, seed: int | None = None) -> str:
    """Name of a system's files, without a folder."""
    plain = system.replace(" ", "-")
    return plain if seed is None else f"{plain}-seed-{seed}"


@dataclass
class _Run:
    """One run in one process."""

    config: SharedPrefixConfig
    stages: Stages
    processes: Processes
    say: Say
    progress: bool

    @property
    def folder(self) -> Path:
        return self.config.folder

    @property
    def start(self) -> Path:
        return self.folder / "start"

    def training(self, method: str, seed: int) -> Path:
        return self.folder / "training" / method / f"seed-{seed}"

    def lead(self, upto: Upto) -> str:
        """Run every stage, as the process that writes."""
        data = self._make_data()
        if upto == "data":
            return _told(data)
        self._make_start(data)
        width = self._encoder(self.start).width
        dims = self._dims(width)
        methods = {name: identity_method(name) for name in self.config.methods}
        trainings = training_tasks(self.config, methods, dims, data.key)
        measured = measure_tasks(self.config, trainings, dims, data.key)
        # what does not fit is refused as a whole, before hours are spent on the first stages
        for task in trainings.values():
            self.stages.check(*task)
        self._check_methods(methods, data, dims, width)
        write_config(self.folder / "config.yaml", absolute_paths(self.config))
        self.processes.wait()
        self._train(methods, trainings, data, dims)
        if upto == "train":
            return "\n".join(f"{name}, seed {seed}: {self.training(name, seed) / 'model'}" for name, seed in trainings)
        return self._compare(self._measure(measured, trainings, data, dims), data, upto)

    def _check_methods(
        self, methods: Mapping[str, IdentityMethod], data: IdentityData, dims: tuple[int, ...], width: int
    ) -> None:
        """Refuse a method that the dims or the data do not allow."""
        # imported here: making data needs no torch
        from matryo.training.identity import check_prefix
        from matryo.training.identity_rows import identity_rows

        if len(data.test.matched) < _FEWEST_TESTED:
            raise MatryoError(
                f"{data.test.name} has {len(data.test.matched)} entities in both domains, measuring needs at least "
                f"{_FEWEST_TESTED}; give more data or a larger share of them"
            )
        for method in methods.values():
            check_prefix(dims, self.config.prefix_dim, width, method)
            identity_rows(data.train, method, self.config.train, self.config.seeds[0])

    def follow(self, upto: Upto) -> None:
        """Take part in the trainings that another process leads."""
        if upto == "data":
            return
        self.processes.wait()
        data = read_identity_data(self.config.data, self.folder / "data")
        dims = self._dims(self._encoder(self.start).width)
        methods = {name: identity_method(name) for name in self.config.methods}
        self._train(methods, training_tasks(self.config, methods, dims, data.key), data, dims)

    def _dims(self, width: int) -> tuple[int, ...]:
        return check_dims({*self.config.dims, width}, width)

    def _make_data(self) -> IdentityData:
        config, folder = self.config.data, self.folder / "data"
        make = partial(make_identity_data, config, folder, progress=self.progress)
        task = data_task(self.config)
        if self.stages.run(*task, make, folder="data" if makes_people(self.config) else "").reused:
            make()  # what is whole stays, what was damaged since is noticed
        data = read_identity_data(config, folder)
        self.say(_told(data))
        return data

    def _make_start(self, data: IdentityData) -> None:
        # imported here: making data needs no torch
        from matryo.encoders.start import write_start

        model = self.config.model

        def make() -> None:
            write_start(
                model.name,
                self.start,
                texts=(*data.train.a.texts, *data.train.b.texts),
                max_tokens=model.max_tokens,
                projection=model.projection,
                normalize=model.normalize,
                seed=START_SEED,
                trust_remote_code=model.trust_remote_code,
                allow_pickle=model.allow_pickle,
            )

        self.stages.run(*start_task(self.config, data.key), make, folder="start")

    def _encoder(self, folder: Path) -> Encoder:
        return load_model(folder, self.config.model)

    def _train(
        self, methods: Mapping[str, IdentityMethod], trainings: Trainings, data: IdentityData, dims: tuple[int, ...]
    ) -> None:
        """Every method and seed; all processes take part, the main one keeps the records."""
        # imported here: it needs the extra train
        from matryo.training.identity import train_identity

        def train_one(method: IdentityMethod, seed: int) -> None:
            if self.processes.main:
                # a match encodes outside of any stage: vectors of an earlier model must not outlive it
                shutil.rmtree(self.folder / "sets" / method.name / f"seed-{seed}", ignore_errors=True)
            # what another config left is removed before anybody looks there
            self.processes.wait()
            train_identity(
                self.start,
                data.train,
                method,
                self.training(method.name, seed),
                settings=self.config.train,
                dims=dims,
                prefix_dim=self.config.prefix_dim,
                seed=seed,
                validation=data.validation,
                device=self.config.model.device,
                trust_remote_code=self.config.model.trust_remote_code,
                progress=self.progress,
            )

        for (name, seed), task in trainings.items():
            done = self.processes.agree(partial(self.stages.finished, *task))
            make = partial(train_one, methods[name], seed)
            if self.processes.main:
                self.stages.run(*task, make, folder=str(self.training(name, seed).relative_to(self.folder)))
            elif not done:
                make()

    def _measure(
        self, tasks: Mapping[str, Task], trainings: Trainings, data: IdentityData, dims: tuple[int, ...]
    ) -> dict[str, Stage]:
        """Every system that is not measured yet."""
        # imported here: training needs no measures
        from matryo.experiments.identity_systems import measure_floors, measure_model

        where, sets = self.folder / MEASURES, self.folder / "sets"
        done: dict[str, Stage] = {}

        def floors() -> None:
            load = partial(self._encoder, self.start)
            found = measure_floors(self.config, data, load, sets / "start", dims, progress=self.progress)
            for name in get_args(Baseline):
                for suffix in (".json", ".npz"):
                    (where / f"{measures_name(name)}{suffix}").unlink(missing_ok=True)
            for name, measures in found.items():
                measures.save(where, measures_name(name))

        def model(name: str, seed: int) -> None:
            place = sets / name / f"seed-{seed}"
            encoder = self._encoder(self.training(name, seed) / "model")
            measures = measure_model(self.config, data, encoder, place, dims, progress=self.progress)
            measures.save(where, measures_name(name, seed))

        makes = {"baselines": floors}
        makes |= {f"{name} seed {seed}": partial(model, name, seed) for name, seed in trainings}
        where.mkdir(parents=True, exist_ok=True)
        # vectors of an earlier model go when it goes
        for folder, task in vector_tasks(self.config, trainings, data.key).items():
            self.stages.begin(*task, folder=folder, derived=True)
        for system, task in tasks.items():
            done[system] = self.stages.run(*task, makes[system], derived=True)
        return done

    def _compare(self, measured: Mapping[str, Stage], data: IdentityData, upto: Upto) -> str:
        """Join all measures, and write the report."""
        # imported here: training needs neither plots nor measures
        from matryo.experiments.identity_compare import compare_systems, told_of
        from matryo.reports.identity_write import write_identity_reports

        config, folder = self.config, self.folder

        def compare() -> None:
            seconds, notes = self._trained(measured)
            found = read_measures(folder, config)
            settings = config.model_dump(mode="json", exclude={"out"})
            results = compare_systems(config, data, found, seconds=seconds, settings=settings, notes=notes)
            results.write(folder)

        if not (folder / RESULTS_FILE).is_file():
            self.stages.remove("compare")
        self.stages.run(*compare_task(config, measured), compare, derived=True)
        lines = [told_of(IdentityResults.read(folder))]
        if upto == "report":
            write_identity_reports(folder)
            lines += [f"report: {folder / 'report.html'}"]
        return "\n".join(lines)

    def _trained(self, measured: Mapping[str, Stage]) -> tuple[dict[str, float], list[str]]:
        """Seconds of every step, over all its interruptions, and what the trainings noted."""
        seconds, notes = {}, []
        for method in self.config.methods:
            for seed in self.config.seeds:
                told = read_json(self.training(method, seed) / "trained.json", "a finished training")
                seconds[f"train {method}, seed {seed}"] = round(float(told["seconds"]), 2)
                notes += told["notes"]
        return seconds | {stage.name: stage.seconds for stage in measured.values()}, list(dict.fromkeys(notes))


def _told(data: IdentityData) -> str:
    return f"{data.name}: {data.notes[-1]}"
