"""Work of a study in this process or in several: each piece is a stage, so that a killed run goes on where it was.

Workers write their files, each whole or not at all; this process alone keeps the records of the stages, after a worker
has returned. Workers end when this process does, also by kill -9.
"""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from matryo.errors import MatryoError, MissingExtra
from matryo.experiments.stages import Say, Stages, stage_key
from matryo.progress import progress

_THREAD_SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Work:
    """One piece of work, a stage of the run.

    Attributes:
        name: of the stage.
        label: what it is called in messages.
        call: does it; picklable, and writes all files itself.
        version: raised when the same settings come to mean something else.
        settings: all that it reads, as JSON.
        needs: names of other pieces that must be done before; their keys are inputs.
        inputs: name -> key of what else it works on.
        made: files that it leaves; one that is missing makes it be done again.
        folder: inside the run, belongs to it alone; "" = none.
        derived: made anew without asking where settings or inputs have changed.
    """

    name: str
    label: str
    call: Callable[[], object]
    version: int
    settings: Mapping[str, Any]
    needs: tuple[str, ...]
    inputs: Mapping[str, str]
    made: tuple[Path, ...]
    folder: str = ""
    derived: bool = True


@dataclass(frozen=True)
class Done:
    """What came of all work.

    Attributes:
        keys: name of each piece -> key of its content.
        n_reused: pieces that had been done before.
        seconds: wall-clock time.
    """

    keys: Mapping[str, str]
    n_reused: int
    seconds: float


@dataclass(frozen=True)
class _Outcome:
    """What a worker says: nothing, or what is wrong; errors themselves do not all survive the way back."""

    wrong: str | None = None


@dataclass
class _Records:
    """Keys of all pieces, and which of them are done."""

    stages: Stages
    keys: dict[str, str] = field(default_factory=dict)
    tasks: dict[str, tuple[str, int, Mapping[str, Any], Mapping[str, str]]] = field(default_factory=dict)

    def add(self, work: Work) -> None:
        inputs = {**{name: self.keys[name] for name in work.needs}, **work.inputs}
        self.tasks[work.name] = (work.name, work.version, work.settings, inputs)
        self.keys[work.name] = stage_key(*self.tasks[work.name])
        if not work.derived:
            self.stages.check(*self.tasks[work.name])

    def finished(self, work: Work) -> bool:
        return self.stages.finished(*self.tasks[work.name])

    def begin(self, work: Work) -> None:
        if work.folder or not work.derived:
            self.stages.begin(*self.tasks[work.name], folder=work.folder, derived=work.derived)
        else:
            # files are replaced whole, so that it is enough that no record speaks for what was there before
            self.stages.remove(work.name)

    def finish(self, work: Work) -> None:
        self.stages.run(*self.tasks[work.name], lambda: None, folder=work.folder, derived=work.derived)


def run_work(
    works: Sequence[Work],
    folder: Path,
    *,
    label: str,
    workers: int = 1,
    threads: int | None = None,
    fresh: bool = False,
    say: Say = lambda line: None,
    show_progress: bool = False,
) -> Done:
    """Do all pieces that are not done yet.

    Args:
        works: in an order in which each comes after what it needs; pieces that share data next to each other.
        folder: of the run.
        label: of the progress bar.
        workers: processes; 1 = this one.
        threads: of each process; None = the cores divided by the workers, in this process as it is.
        fresh: remove stages of another config instead of refusing.
        say: told how much was done before.
        show_progress: show a bar over the pieces, with the time left.

    Raises: MatryoError with the label of the piece that failed, after those that ran beside it; for stages of another
        config before anything is done.
    """
    started = time.perf_counter()
    # one line per piece would drown the others, the bar tells of them
    records = _Records(Stages(folder, fresh=fresh))
    for work in works:
        records.add(work)
    for work in works:
        if records.finished(work) and not all(path.is_file() for path in work.made):
            records.stages.remove(work.name)
    waiting = [work for work in works if not records.finished(work)]
    n_reused = len(works) - len(waiting)
    if n_reused:
        say(f"{label}: {n_reused} of {len(works)} done before")
    with progress(label, len(works), "jobs", shown=show_progress and bool(waiting), done=n_reused) as advance:
        with _executor(min(workers, len(waiting)), workers, threads) as executor:
            _drain(waiting, records, executor, advance)
    return Done(records.keys, n_reused, time.perf_counter() - started)


def threads_per_worker(workers: int, threads: int | None) -> int | None:
    """Threads of each process: as asked, else the cores divided by the processes; None = leave one process alone."""
    if threads is not None or workers == 1:
        return threads
    return max(1, _cores() // workers)


class _Executor(Protocol):
    """Where calls are made, and how many at once."""

    @property
    def n(self) -> int: ...

    def submit(self, call: Callable[[], object]) -> "Future[_Outcome]": ...


def _drain(waiting: list[Work], records: _Records, executor: _Executor, advance: Callable[[int], None]) -> None:
    """Give out pieces in order as soon as what they need is done; keep no more on the way than there are workers."""
    missing, running = {work.name for work in waiting}, dict[Future[_Outcome], Work]()
    wrong: str | None = None
    while waiting or running:
        while wrong is None and len(running) < executor.n:
            work = next((one for one in waiting if not missing.intersection(one.needs)), None)
            if work is None:
                break
            waiting.remove(work)
            records.begin(work)
            running[_given_out(executor, work)] = work
        if not running:
            break
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            work = running.pop(future)
            found = _result(future, work)
            if found.wrong is not None:
                # what runs beside it is let finish, so that it is not lost
                wrong = wrong or f"{work.label}: {found.wrong}"
                continue
            records.finish(work)
            missing.discard(work.name)
            advance(1)
    if wrong is not None:
        raise MatryoError(wrong)


def _given_out(executor: _Executor, work: Work) -> "Future[_Outcome]":
    try:
        return executor.submit(work.call)
    except BrokenProcessPool:
        raise _worker_ended(work) from None


def _result(future: "Future[_Outcome]", work: Work) -> _Outcome:
    try:
        return future.result()
    except BrokenProcessPool:
        raise _worker_ended(work) from None


def _worker_ended(work: Work) -> MatryoError:
    return MatryoError(
        f"{work.label}: a worker was ended from outside, most likely for want of memory; what is finished stays, "
        "run the same command again with fewer --workers"
    )


def _outcome(call: Callable[[], object]) -> _Outcome:
    """Do a piece of work; what a user can repair comes back as words."""
    try:
        call()
    except (MatryoError, MissingExtra) as error:
        return _Outcome(str(error))
    return _Outcome()


class _Here:
    """The process itself, one call at a time."""

    n = 1

    def submit(self, call: Callable[[], object]) -> "Future[_Outcome]":
        future: Future[_Outcome] = Future()
        future.set_result(_outcome(call))
        return future


@dataclass(frozen=True)
class _Pool:
    """Processes of their own."""

    pool: ProcessPoolExecutor
    n: int

    def submit(self, call: Callable[[], object]) -> "Future[_Outcome]":
        return self.pool.submit(_outcome, call)


@contextmanager
def _executor(n: int, workers: int, threads: int | None) -> Iterator[_Executor]:
    if n <= 1:
        with _threads_here(threads):
            yield _Here()
        return
    each = threads_per_worker(workers, threads) or 1
    with _environment(dict.fromkeys(_THREAD_SETTINGS, str(each))):
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(n, mp_context=context, initializer=_start_worker, initargs=(each,))
        try:
            yield _Pool(pool, n)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _start_worker(threads: int) -> None:
    """Settle a new process: its threads, and that it ends when the one that started it is gone."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # imported here: a run in one process may need no torch
    import torch

    torch.set_num_threads(threads)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    # nobody is left to take a result; files are whole or not there
    os._exit(1)


@contextmanager
def _threads_here(threads: int | None) -> Iterator[None]:
    if threads is None:
        yield
        return
    # imported here: as above
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Variables that new processes inherit: libraries read their numbers of threads when they are loaded."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
