"""Starting a run of any kind: its config, its processes, and who of them writes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from matryo.config import read_config
from matryo.experiments.processes import Processes, joined
from matryo.experiments.stages import Say, Stages
from matryo.files import only_writer
from matryo.training.settings import Settings

Upto = Literal["data", "mine", "train", "evaluate", "report"]


class Run(Protocol):
    """One run in one process."""

    def lead(self, upto: Upto) -> str:
        """Run every stage, as the process that writes; what to print."""

    def follow(self, upto: Upto) -> None:
        """Take part in what another process leads."""


_Config = TypeVar("_Config", bound=Settings)


def config_of(source: Path | _Config, kind: type[_Config], overrides: Sequence[str], out: Path | None) -> _Config:
    """The config of a run.

    Args:
        source: config file, or the config.
        kind: what a file is read as.
        overrides: `key.key=value`, replace values of a file.
        out: folder of the run instead of that in the config.

    Raises: FormatError, MatryoError for a file that is no such config.
    """
    config = read_config(source, kind, overrides) if isinstance(source, Path) else source
    return config if out is None else config.model_copy(update={"out": out})


def launch(
    folder: Path,
    make: Callable[[Stages, Processes, bool], Run],
    upto: Upto,
    *,
    fresh: bool,
    say: Say,
    progress: bool,
) -> str:
    """Lead a run, or follow it, as torchrun says.

    Args:
        folder: of the run.
        make: gives the run of this process from its stages, all processes, and whether to show progress.
        upto: the last stage.
        fresh: remove stages of another config instead of refusing.
        say: told what is reused and when a step is finished.
        progress: show rate and time left, in the main process.

    Returns: what to print; "" in all processes but the first.
    """
    with joined() as processes:
        here = make(Stages(folder, fresh=fresh, say=say), processes, progress and processes.main)
        if not processes.main:
            here.follow(upto)
            return ""
        with only_writer(folder):
            return here.lead(upto)
