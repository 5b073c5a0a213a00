"""What each stage of a dense-retrieval run depends on, as data: from this alone follows what is done again."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from matryo.config import explain
from matryo.errors import MatryoError
from matryo.experiments.floor import FLOOR
from matryo.experiments.index_settings import IndexSettings
from matryo.experiments.run_config import RetrievalConfig
from matryo.experiments.run_models import start_name
from matryo.experiments.stages import stage_key
from matryo.files import digest_file, digest_json
from matryo.measures.measure import Measure
from matryo.prefix import check_dims
from matryo.training.methods import Arm, resolve_arm
from matryo.training.schedule import check_loss_dims
from matryo.training.settings import NOT_LEARNED, TrainSettings

START_SEED = 0
"""Of the random weights that every arm and seed starts from."""

Trainings = Mapping[tuple[str, int], "Task"]
"""(arm, seed) -> the stage that trains it."""


class Task(NamedTuple):
    """A stage before it is done, in the order of the arguments of `Stages.run`."""

    name: str
    version: int
    settings: dict[str, Any]
    inputs: dict[str, str]

    @property
    def key(self) -> str:
        """Key of the stage."""
        return stage_key(*self)


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


def check_config(config: RetrievalConfig, width: int | None = None) -> None:
    """Refuse what can be seen to be wrong before anything is trained.

    Args:
        config: of the run.
        width: of the model; None = not known yet, before anything is read.

    Raises: MatryoError, ShapeError.
    """
    asked, known = config.evaluate, width is not None
    if width is None:
        own = [dim for arm in config.arms.values() for dim in arm.dims or ()]
        width = config.model.projection or max((*config.dims, *own, asked.target_dim or 1))
    for name, arm in arms_of(config, width).items():
        if known:
            try:
                check_loss_dims(arm.train.loss, arm.dims)
            except MatryoError as error:
                raise type(error)(f"arm {name}: {error}") from None
        if arm.train.negatives > config.mine.n:
            raise MatryoError(
                f"arm {name} trains with {arm.train.negatives} negatives per pair, mine.n is {config.mine.n}; raise "
                "mine.n or lower train.negatives"
            )
    check_dims({*config.dims, asked.target_dim or width}, width)
    for measure in asked.measures:
        Measure.parse(measure)
    _check_indexes(asked.every_index(), width if known else None)
    if taken := {start_name(config), FLOOR} & set(config.arms):
        raise MatryoError(f"an arm must not be called like the untrained model or BM25, got {sorted(taken)}; rename it")
    if asked.rerank and content_of(asked.rerank) is None:
        raise MatryoError(f"evaluate.rerank is {asked.rerank!r}, which is missing, expected a file of candidates")


def _check_indexes(indexes: Sequence[IndexSettings], width: int | None) -> None:
    """Refuse dims beyond the width, and indexes whose library is not installed."""
    if width is not None:
        for one in indexes:
            check_dims(one.dims or (width,), width)
    if any(one.kind in ("ivf", "hnsw", "faiss") for one in indexes):
        # imported here: most runs need no FAISS
        from matryo.search.faiss_engine import faiss_module

        faiss_module()


def data_task(config: RetrievalConfig) -> Task:
    """Making and reading the texts; what they hold is known only then and is an input of its own."""
    return Task("data", 1, config.data.model_dump(mode="json"), {})


def start_task(config: RetrievalConfig, data_key: str) -> Task:
    """Writing the model that all arms start from; only the tiny one is made from the texts."""
    model = config.model
    settings = {
        "name": model.name,
        "max_tokens": model.max_tokens,
        "projection": model.projection,
        "normalize": model.normalize,
        "seed": START_SEED,
        "files": content_of(model.name),
    }
    return Task("start", 1, settings, {"data": data_key} if model.name == "tiny" else {})


def _encoding(config: RetrievalConfig) -> dict[str, str]:
    """What decides the numbers of a vector besides model and text; auto, the usual, is left out of keys."""
    return {} if config.model.precision == "auto" else {"precision": config.model.precision}


def mine_task(config: RetrievalConfig, data_key: str) -> Task:
    """Mining hard negatives."""
    settings = config.mine.model_dump(mode="json") | _encoding(config)
    inputs = {"data": data_key}
    if config.mine.model is None:
        inputs["start"] = start_task(config, data_key).key
    else:
        settings |= {"files": content_of(config.mine.model), "max_tokens": config.model.max_tokens}
    return Task("mine", 1, settings, inputs)


def training_tasks(config: RetrievalConfig, arms: Mapping[str, Arm], data_key: str) -> dict[tuple[str, int], Task]:
    """Training every arm with every seed."""
    start, mined = start_task(config, data_key).key, mine_task(config, data_key).key
    tasks = {}
    for arm in arms.values():
        inputs = {"data": data_key, "start": start, **({"mine": mined} if arm.train.negatives else {})}
        learned = arm.train.model_dump(mode="json", exclude=set(NOT_LEARNED))
        for seed in config.seeds:
            settings = {"method": arm.method.name, "dims": list(arm.dims), "seed": seed, "train": learned}
            tasks[arm.name, seed] = Task(f"train {arm.name} seed {seed}", 1, settings, inputs)
    return tasks


def vector_tasks(config: RetrievalConfig, trainings: Trainings, data_key: str, place: str = "sets") -> dict[str, Task]:
    """Encoding with every model: folder in the run -> stage. What is encoded there, the sets keep track of themselves.

    Args:
        config: of the run.
        trainings: of the run.
        data_key: of the texts.
        place: folder in the run that holds one folder per model.
    """
    models = {f"{place}/start": start_task(config, data_key)}
    models |= {f"{place}/{arm}/seed-{seed}": task for (arm, seed), task in trainings.items()}
    return {
        folder: Task(
            f"vectors {folder.replace('/', ' ')}", 1, _encoding(config), {"data": data_key, task.name: task.key}
        )
        for folder, task in models.items()
    }


def evaluate_task(config: RetrievalConfig, trainings: Trainings) -> Task:
    """Measuring and comparing all models."""
    # what is not asked for is left out of the key: it changes nothing that was measured
    left_out = set() if config.evaluate.indexes else {"indexes", "index_arm"}
    settings = {
        "name": config.name,
        "purpose": config.purpose,
        "dims": list(config.dims),
        "evaluate": config.evaluate.model_dump(mode="json", exclude=left_out),
        "rerank": content_of(config.evaluate.rerank) if config.evaluate.rerank else None,
        **_encoding(config),
    }
    return Task("evaluate", 1, settings, {task.name: task.key for task in trainings.values()})


def content_of(name: str) -> str | None:
    """Digest of a file, or of the files of a folder, so that another content under one name is noticed; else None."""
    path = Path(name)
    if path.is_file():
        return digest_file(path)
    if not path.is_dir():
        return None
    files = sorted(p for p in path.rglob("*") if p.is_file())
    return digest_json({str(p.relative_to(path)): digest_file(p) for p in files})
