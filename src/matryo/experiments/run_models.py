"""Models of a run: how they are called and loaded, and which one of each arm is kept, with its curve and a card."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matryo import files
from matryo.encoders import Encoder, MappedEncoder, save_model
from matryo.evaluation.results import RunResults
from matryo.experiments.arm_scores import column_map, own_map
from matryo.experiments.run_config import ModelConfig, RetrievalConfig
from matryo.experiments.settings import ModelSettings
from matryo.training.methods import resolve_arm


def start_name(config: RetrievalConfig) -> str:
    """What the untrained model is called in tables: its name, of a folder the last part."""
    name = config.model.name
    return Path(name).resolve().name if Path(name).is_dir() else name


def load_model(folder: Path, settings: ModelConfig) -> Encoder:
    """A model of a run as an encoder; how many tokens it reads stands in the folder."""
    return ModelSettings(
        str(folder),
        device=settings.device,
        precision=settings.precision,
        trust_remote_code=settings.trust_remote_code,
        allow_pickle=settings.allow_pickle,
    ).load()


def choose_seed(values: Mapping[tuple[str, int], float], arms: Sequence[str], seeds: Sequence[int]) -> dict[str, int]:
    """The seed of each arm to keep: the best on the validation part; of equal ones, and without values, the first.

    Args:
        values: (arm, seed) -> mean on the validation part; empty if there is none.
        arms: names.
        seeds: of the run.

    >>> choose_seed({("a", 0): 0.1, ("a", 1): 0.3, ("a", 2): 0.3}, ["a"], [0, 1, 2])
    {'a': 1}
    """
    return {arm: max(seeds, key=lambda seed: values.get((arm, seed), 0.0)) for arm in arms}


def keep_models(
    config: RetrievalConfig, results: RunResults, models: Mapping[tuple[str, int], Path], folder: Path
) -> dict[str, Path]:
    """Save the chosen model of each arm to `folder/models/ARM`, with dims, curve and a model card.

    Args:
        config: of the run.
        results: of its evaluation, which say what was chosen.
        models: (arm, seed) -> folder of the trained model.
        folder: of the run.

    Returns: arm -> folder of its model.
    Raises: MatryoError if a folder there holds anything but a model of ours.
    """
    from matryo.reports.model_card import model_card

    kept = {}
    for name, choice in results.settings["chosen"].items():
        seed = int(choice["seed"])
        encoder = load_model(models[name, seed], config.model)
        arm = resolve_arm(name, config.arms[name], config.train, config.dims, encoder.width)
        fitted = column_map(arm, encoder.space)
        curve = [s for s in results.scores if (s.model, s.map, s.seed) == (name, own_map(arm), seed)]
        kept[name] = save_model(
            encoder if fitted is None else MappedEncoder(encoder, fitted),
            folder / "models" / name,
            dims=arm.dims,
            curve=[score.to_json() for score in curve],
            extra={"arm": name, "seed": seed},
            overwrite=True,
        )
        card = model_card(results, name, seed, arm.dims)
        with files.atomic_path(kept[name] / "README.md") as temporary:
            temporary.write_text(card, encoding="utf-8")
    return kept
