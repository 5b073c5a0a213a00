"""Commands that take a config through its stages: run, train, mine, evaluate."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from matryo.cli.notices import say
from matryo.cli.options import Verbose

_EXPERIMENTS = {
    "dense_retrieval": "matryo.experiments.dense_retrieval",
    "shared_prefix": "matryo.experiments.shared_prefix",
    "translation": "matryo.experiments.translation",
}
"""What `experiment:` in a config may say -> module with the function `run`."""
_TRANSLATION = "translation"


class Upto(StrEnum):
    """The last stage of a run."""

    data = "data"
    mine = "mine"
    train = "train"
    evaluate = "evaluate"
    report = "report"


Config = Annotated[Path, typer.Argument(help="A config file, see configs/ for examples.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="KEY=VALUE replaces a value, e.g. train.epochs=2; may be repeated.")
]
RunOut = Annotated[Path | None, typer.Option(help="Folder of the run; default: as the config says, or runs/NAME.")]
Fresh = Annotated[
    bool, typer.Option(help="Remove stages that another config made, and what depends on them, instead of stopping.")
]


def _run_config(
    config: Path, upto: Upto, overrides: list[str] | None, out: Path | None, fresh: bool, workers: int | None = None
) -> None:
    from importlib import import_module

    from matryo.config import read_yaml
    from matryo.errors import MatryoError

    kind = read_yaml(config).get("experiment", "dense_retrieval")
    if kind not in _EXPERIMENTS:
        raise MatryoError(f"{config}: experiment must be one of {', '.join(_EXPERIMENTS)}, got {kind!r}")
    if workers is not None and kind != _TRANSLATION:
        raise MatryoError(
            f"--workers is for runs of many small fits (experiment: {_TRANSLATION}), got it with {kind}; leave it out, "
            "or start several processes with torchrun"
        )
    given: dict[str, object] = {} if workers is None else {"workers": workers}
    if kind == _TRANSLATION and sys.stdin.isatty():
        given["confirm"] = _agreed
    told = import_module(_EXPERIMENTS[kind]).run(
        config, upto.value, overrides=overrides or (), out=out, fresh=fresh, say=say, progress=True, **given
    )
    if told:
        typer.echo(told)


def _agreed(told: str) -> bool:
    """Whether whoever sits there wants to pay what the estimate says."""
    return typer.confirm(f"{told} Send it?", err=True)


def run(
    config: Config,
    upto: Annotated[Upto, typer.Option(help="The last stage to run.")] = Upto.report,
    set_: Set = None,
    out: RunOut = None,
    fresh: Fresh = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes of a translation run; default: as the config says.")
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Run a config from the data to the report: train every arm, measure, compare.

    A finished stage is never redone, and an interrupted run goes on where it was.
    """
    _run_config(config, upto, set_, out, fresh, workers)


def train(config: Config, set_: Set = None, out: RunOut = None, fresh: Fresh = False, verbose: Verbose = False) -> None:
    """Run a config up to its trained models; several GPUs with torchrun."""
    _run_config(config, Upto.train, set_, out, fresh)


def mine(config: Config, set_: Set = None, out: RunOut = None, fresh: Fresh = False, verbose: Verbose = False) -> None:
    """Run a config up to its mined hard negatives."""
    _run_config(config, Upto.mine, set_, out, fresh)


def evaluate(
    config: Config, set_: Set = None, out: RunOut = None, fresh: Fresh = False, verbose: Verbose = False
) -> None:
    """Run a config up to its measured results, and print them."""
    _run_config(config, Upto.evaluate, set_, out, fresh)
