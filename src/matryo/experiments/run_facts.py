"""What the results of a run say about it besides figures: settings and notes."""

from collections.abc import Mapping
from typing import Any

from matryo.experiments.arm_comparisons import control_of, nested_arms
from matryo.experiments.arm_scores import Measuring
from matryo.experiments.comparison import N_RANDOM_DRAWS, ROTATION
from matryo.experiments.run_config import RetrievalConfig
from matryo.experiments.run_data import RunData
from matryo.experiments.run_sample import RunSample
from matryo.measures.measure import Measure
from matryo.training.methods import Arm

Values = Mapping[tuple[str, int], float]


def run_settings(
    config: RetrievalConfig,
    data: RunData,
    sample: RunSample,
    arms: Mapping[str, Arm],
    measuring: Measuring,
    target: int,
) -> dict[str, Any]:
    """What the run was asked to do and on how much, as JSON values.

    Args:
        config: of the run.
        data: its texts.
        sample: what of them was encoded.
        arms: name -> what was trained.
        measuring: how it was measured.
        target: the dim that the run is about.
    """
    control, nested = control_of(arms), nested_arms(arms)
    asked = control is not None and nested and config.evaluate.rotate_arms
    validation = data.validation
    return {
        "experiment": config.experiment,
        "purpose": config.purpose,
        "methods": {name: arm.method.meaning for name, arm in arms.items()},
        "control": {"arm": nested[0], "control": control, "map": ROTATION, "dim": target} if asked else None,
        "target_dim": target,
        "dims": list(measuring.dims),
        "arms": {
            name: {"method": arm.method.name, "dims": list(arm.dims), "train": arm.train.model_dump(mode="json")}
            for name, arm in arms.items()
        },
        "data": {
            "documents": len(sample.task.documents),
            "test_queries": len(sample.task.queries),
            "train_queries": len(data.train.queries),
            "train_rows": data.train.n_relevant,
            "validation_queries": 0 if validation is None else len(validation.queries),
            "validation_rows": 0 if validation is None else validation.n_relevant,
            "pairs_to_fit_on": len(sample.train),
        },
    }


def chosen_settings(chosen: Mapping[str, int], values: Values) -> dict[str, Any]:
    """The seed that is kept of each arm, with the values of all seeds that it was chosen by."""
    return {
        arm: {"seed": seed, "validation": {str(s): value for (a, s), value in values.items() if a == arm}}
        for arm, seed in chosen.items()
    }


def sample_notes(config: RetrievalConfig, sample: RunSample) -> tuple[str, ...]:
    """What maps were fitted on, and what was not measured."""
    notes = []
    if len(sample.train):
        notes.append(
            f"rotations and heads are fitted on {len(sample.train):,} training pairs as each model encodes them, "
            "never on a query that is measured"
        )
    if "random" in config.evaluate.baselines:
        notes.append(f"random dims is the mean of {N_RANDOM_DRAWS} draws")
    if config.evaluate.bm25 and config.evaluate.rerank is not None:
        notes.append("BM25 is not measured, because it would search everything while the models rerank candidates")
    return tuple(notes)


def choice_note(chosen: Mapping[str, int], values: Values, measure: Measure, target: int) -> str:
    """One sentence on how the models to keep were chosen."""
    if not values:
        return "the model kept of each arm is that of the first seed, because there is no validation part to choose by"
    kept = ", ".join(f"{arm} seed {seed} ({values[arm, seed]:.3f})" for arm, seed in chosen.items())
    return f"the model kept of each arm is the seed with the best {measure} at {target} on the validation part: {kept}"
