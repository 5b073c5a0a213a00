"""Processes of one run; that several of them agree is shown by the slow test of a run under torchrun."""

import pytest

from matryo.experiments.processes import joined


def test_one_process_decides_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined() as processes:
        assert processes.main and processes.n == 1
        assert processes.agree(lambda: True) is True and processes.agree(lambda: False) is False
        processes.wait()
