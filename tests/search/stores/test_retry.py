"""Asking again: how often, how long, and what is said at last."""

import pytest

from matryo.errors import MatryoError
from matryo.search.stores import retry
from matryo.search.stores.retry import PAUSES, Patience, one_line


def test_pauses_grow() -> None:
    assert list(PAUSES) == sorted(set(PAUSES)) and sum(PAUSES) < 30


def test_it_pauses_as_told_and_stops_at_the_first_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(retry.time, "sleep", slept.append)
    answers: list[Exception | str] = [ConnectionError("a"), ConnectionError("b"), "there"]

    def work() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert Patience("it", (ConnectionError,), lambda error: True, (1.0, 3.0, 9.0)).ask(work) == "there"
    assert slept == [1.0, 3.0]


def test_at_last_it_says_so_in_one_line() -> None:
    tried = []

    def work() -> None:
        tried.append(1)
        raise ConnectionError("line one\n  line two " + "x" * 500)

    with pytest.raises(MatryoError) as caught:
        Patience("the engine", (ConnectionError,), lambda error: True, (0.0, 0.0)).ask(work)
    said = str(caught.value)
    assert len(tried) == 3 and "\n" not in said and len(said) < 420
    assert said.startswith("the engine does not answer, tried 3 times: line one line two")
    assert "what arrived is kept" in said and isinstance(caught.value.__cause__, ConnectionError)


def test_what_cannot_pass_is_not_tried_again_and_others_are_not_caught() -> None:
    tried = []

    def work() -> None:
        tried.append(1)
        raise KeyError("name")

    with pytest.raises(MatryoError, match="the engine refused a request: 'name'"):
        Patience("the engine", (KeyError,), lambda error: False).ask(work)
    with pytest.raises(KeyError):
        Patience("the engine", (ConnectionError,), lambda error: True).ask(work)
    assert len(tried) == 2


def test_an_error_without_words_is_named() -> None:
    assert one_line(TimeoutError()) == "TimeoutError"
