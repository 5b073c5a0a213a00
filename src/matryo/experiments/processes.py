"""Several processes that torchrun started for one run: one of them decides and writes, the others follow."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from matryo.errors import MatryoError

# others wait as long as the first one encodes and mines; if it dies, torchrun ends them
_PATIENCE = timedelta(days=30)


@dataclass(frozen=True)
class Processes:
    """The processes of one run.

    Attributes:
        rank: number of this one, from 0.
        n: how many there are.
        group: of torch.distributed, for words on the CPU; None with one process.
    """

    rank: int = 0
    n: int = 1
    group: Any = None

    @property
    def main(self) -> bool:
        """Whether this process decides and writes."""
        return self.rank == 0

    def agree(self, decide: Callable[[], bool]) -> bool:
        """What the main process decides, known to all; nobody goes on before everybody has asked.

        Raises: MatryoError in the others if the main process ended instead.
        """
        if self.group is None:
            return decide()
        # imported here: one process needs no torch to agree with itself
        import torch.distributed

        said = [decide() if self.main else None]
        try:
            torch.distributed.broadcast_object_list(said, src=0, group=self.group)
        except RuntimeError:
            raise MatryoError(f"process {self.rank} stops because process 0 did; its message says why") from None
        return bool(said[0])

    def wait(self) -> None:
        """Go on only when every process has come here; with the main process' work before it done."""
        self.agree(lambda: True)


@contextmanager
def joined() -> Iterator[Processes]:
    """The processes that torchrun started, or just this one."""
    n = int(os.environ.get("WORLD_SIZE", "1"))
    if n == 1:
        yield Processes()
        return
    # imported here: as above
    import torch.distributed

    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group()
    group = torch.distributed.new_group(backend="gloo", timeout=_PATIENCE)
    try:
        yield Processes(int(os.environ["RANK"]), n, group)
    finally:
        torch.distributed.destroy_process_group()
