"""Batches side by side on a CPU: each on one core of its own instead of all cores on one batch after the other.

A small batch split over cores waits at the end of every layer's operation for the slowest core; whole batches wait for
nobody. And since one core computes a batch, its bytes do not depend on how many cores there are.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import torch

T = TypeVar("T")


class Submit(Protocol):
    """Starts a call and returns its future."""

    def __call__(self, work: Callable[..., T], /, *arguments: Any) -> "Future[T]":
        """Start `work(*arguments)`."""


@contextmanager
def lanes(device: torch.device) -> Iterator[Submit]:
    """Give a function that runs calls side by side, as many as torch has threads; on a GPU one after the other.

    Meanwhile torch's number of threads is 1 for the calls and, for the linear algebra library, for the whole process;
    it is put back at the end.
    """
    n_threads = torch.get_num_threads()
    if device.type != "cpu":
        yield _now
        return
    pool = ThreadPoolExecutor(n_threads, "matryo-encode", torch.set_num_threads, (1,))
    try:
        yield pool.submit
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(n_threads)


def _now(work: Callable[..., T], /, *arguments: Any) -> "Future[T]":
    done: Future[T] = Future()
    done.set_result(work(*arguments))
    return done
