"""Asking an engine again when it does not answer: growing pauses, then one clear line."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from matryo.errors import MatryoError

# Seconds between attempts: long enough for a server that is being restarted, short enough to wait for at a terminal.
PAUSES = (0.5, 2.0, 8.0)

_REASON_LENGTH = 200

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """How an engine is asked.

    Attributes:
        where: the engine's address, for messages.
        failures: errors that its library raises.
        passing: whether such an error may go away by itself; others are not tried again.
        pauses: seconds before each further attempt.
    """

    where: str
    failures: tuple[type[Exception], ...]
    passing: Callable[[Exception], bool]
    pauses: tuple[float, ...] = PAUSES

    def ask(self, work: Callable[[], T]) -> T:
        """Do work, again after a pause if it fails in passing.

        Args:
            work: may be called several times, so that it must not matter whether a lost answer had been carried out.

        Raises: MatryoError if it fails for good, or each time.

        >>> answers = iter([ConnectionError("busy"), 7])
        >>> def work() -> int:
        ...     answer = next(answers)
        ...     if isinstance(answer, Exception):
        ...         raise answer
        ...     return answer
        >>> Patience("here", (ConnectionError,), lambda error: True, pauses=(0.0,)).ask(work)
        7
        """
        for pause in (*self.pauses, None):
            try:
                return work()
            except self.failures as error:
                if not self.passing(error):
                    raise MatryoError(
                        f"{self.where} refused a request: {one_line(error)}; correct what it names and run it again"
                    ) from error
                if pause is None:
                    raise MatryoError(
                        f"{self.where} does not answer, tried {len(self.pauses) + 1} times: {one_line(error)}; "
                        "check the address and that it runs, then run the same command again: what arrived is kept"
                    ) from error
                time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")


def one_line(error: Exception) -> str:
    """What an error says, in one line of bounded length."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _REASON_LENGTH else f"{text[:_REASON_LENGTH]}..."
