"""A model fine-tuned on a study's own pairs, as one more space: near the model it began with, and not the same."""

import shutil
from pathlib import Path

from matryo.experiments.run_tasks import START_SEED
from matryo.experiments.study_space_config import FinetunedSpace
from matryo.experiments.study_texts import StudyTexts

_START = "start"
_RATES = {True: 0.1, False: 2e-5}  # of a table of token vectors, of a transformer
_LOGGED = 10


def finetune_model(config: FinetunedSpace, texts: StudyTexts, folder: Path, *, progress: bool = False) -> str:
    """Train a model on the pairs of a study that ask for no held-out document, and write it to `folder/model`.

    It is the training of `matryo run` for dense retrieval, at the full width only. A call that finds it finished
    returns at once; one that was interrupted goes on from the last checkpoint.

    Args:
        config: which model, and how long.
        texts: of the study.
        folder: of the space; holds the training's log, too.
        progress: show step, time left and loss.

    Returns: what was trained on, in a sentence.
    Raises: MatryoError if there are no such pairs or the model cannot be trained; MissingExtra without the extra train.
    """
    # imported here: a study whose spaces are all made needs no training
    from matryo.encoders.start import write_start
    from matryo.training.methods import resolve_arm
    from matryo.training.rows import training_rows
    from matryo.training.settings import ArmSettings, TrainSettings
    from matryo.training.train import train

    task = texts.training_task()
    start = write_start(config.name, folder / _START, max_tokens=config.max_tokens, seed=START_SEED)
    width, static = _looked_at(start)
    rate = config.learning_rate or _RATES[static]
    settings = TrainSettings(
        batch_size=config.batch_size,
        epochs=config.epochs,
        learning_rate=rate,
        weight_decay=0.0 if static else 0.01,
        evaluations=0,
        keep_checkpoints=1,
        log_steps=_LOGGED,
        tensorboard=False,
    )
    arm = resolve_arm("finetuned", ArmSettings(method="dense_baseline"), settings, (width,), width)
    rows = training_rows(task)
    train(start, rows, arm, folder, seed=config.seed, device=config.device, progress=progress)
    shutil.rmtree(start)
    return (
        f"{config.name}, trained on {len(rows):,} pairs of query and document, none of whose documents is held out: "
        f"{config.epochs} epochs, batches of {config.batch_size}, learning rate {rate:g}, seed {config.seed}"
    )


def _looked_at(start: Path) -> tuple[int, bool]:
    """Width of a model, and whether it is a table of token vectors."""
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    from matryo.encoders import load_encoder

    encoder = load_encoder(start, device="cpu")
    return encoder.width, isinstance(encoder.model[0], StaticEmbedding)
