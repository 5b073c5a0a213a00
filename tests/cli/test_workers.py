"""`matryo run --workers` is for runs that use it."""

from pathlib import Path

import pytest

from matryo.__main__ import main


def test_workers_are_refused_where_nobody_would_start_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("experiment: shared_prefix\nname: people\n")
    assert main(["run", str(config), "--workers", "2"]) == 2
    told = capsys.readouterr().err
    assert "--workers is for runs of many small fits" in told and "shared_prefix" in told
    assert not list(tmp_path.glob("runs"))
