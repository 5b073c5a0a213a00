"""What each stage of a shared-prefix run depends on, as data."""

from collections.abc import Mapping

from matryo.experiments.identity_config import PeopleData, SharedPrefixConfig
from matryo.experiments.run_tasks import START_SEED, Task, content_of
from matryo.experiments.stages import Stage
from matryo.training.identity_methods import IdentityMethod

NOT_LEARNED = frozenset({"tensorboard", "keep_checkpoints"})
"""Keys of the training settings that change what is kept beside a training and nothing of the model."""

Trainings = Mapping[tuple[str, int], Task]
"""(method, seed) -> the stage that trains it."""


def data_task(config: SharedPrefixConfig) -> Task:
    """Making and reading the texts; what they hold is known only then and is an input of its own."""
    data = config.data.model_dump(mode="json")
    if not isinstance(config.data, PeopleData):
        # where they lie does not matter: what they hold is an input of everything that follows
        data = {key: value for key, value in data.items() if key not in ("path", "a", "b", "matches")}
    return Task("data", 1, data, {})


def makes_people(config: SharedPrefixConfig) -> bool:
    """Whether the run writes people into a folder of its own."""
    return isinstance(config.data, PeopleData) and config.data.path is None


def start_task(config: SharedPrefixConfig, data_key: str) -> Task:
    """Writing the model that all methods start from; only the tiny one is made from the texts."""
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


def training_tasks(
    config: SharedPrefixConfig, methods: Mapping[str, IdentityMethod], dims: tuple[int, ...], data_key: str
) -> dict[tuple[str, int], Task]:
    """Training every method with every seed."""
    inputs = {"data": data_key, "start": start_task(config, data_key).key}
    learned = config.train.model_dump(mode="json", exclude=set(NOT_LEARNED))
    return {
        (name, seed): Task(
            f"train {name} seed {seed}",
            2,
            {
                "method": name,
                "dims": list(dims),
                "prefix_dim": config.prefix_dim,
                "seed": seed,
                "train": learned,
            },
            inputs,
        )
        for name in methods
        for seed in config.seeds
    }


def vector_tasks(config: SharedPrefixConfig, trainings: Trainings, data_key: str) -> dict[str, Task]:
    """Encoding with every model: folder in the run -> stage. The sets keep track of what is encoded there."""
    start = start_task(config, data_key)
    models = {"sets/start": start} | {f"sets/{name}/seed-{seed}": task for (name, seed), task in trainings.items()}
    settings = {"precision": config.model.precision}
    return {
        folder: Task(f"vectors {folder.replace('/', ' ')}", 1, settings, {"data": data_key, task.name: task.key})
        for folder, task in models.items()
    }


def measure_tasks(
    config: SharedPrefixConfig, trainings: Trainings, dims: tuple[int, ...], data_key: str
) -> dict[str, Task]:
    """Measuring every system: name of the system -> stage. What it encodes, the sets keep track of themselves."""
    asked = config.evaluate.model_dump(mode="json")
    settings = {
        **{key: asked[key] for key in ("galleries", "random_draws", "permutations", "probes", "probe_labels")},
        "dims": list(dims),
        "prefix_dim": config.prefix_dim,
        "precision": config.model.precision,
    }
    untrained = {"baselines": asked["baselines"], "fit_pairs": asked["fit_pairs"]}
    start = start_task(config, data_key)
    tasks = {"baselines": Task("measure baselines", 2, settings | untrained, {"data": data_key, "start": start.key})}
    for (name, seed), task in trainings.items():
        system = f"{name} seed {seed}"
        tasks[system] = Task(f"measure {system}", 1, settings, {"data": data_key, task.name: task.key})
    return tasks


def compare_task(config: SharedPrefixConfig, measured: Mapping[str, Stage]) -> Task:
    """Comparing all systems that were measured."""
    settings = {"name": config.name, "purpose": config.purpose}
    return Task("compare", 2, settings, {task.name: task.key for task in measured.values()})
