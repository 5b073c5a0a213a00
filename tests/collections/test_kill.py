"""Runs killed with SIGKILL end, run again, with the bytes of a run that nobody disturbed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matryo.embeddings import EmbeddingSet, verify_set
from matryo.files import digest_file

SCRIPT = Path(__file__).with_name("slow_encode.py")


def content(out: Path) -> dict[str, str]:
    """Digest of every file of the sets, the summaries apart, which hold times."""
    found = (p for p in out.rglob("*") if p.is_file() and p.name not in ("summary.json", "collections.json"))
    return {str(p.relative_to(out)): digest_file(p) for p in found}


def write_tree(root: Path, n: int, changed: int = 0) -> Path:
    """Three collections of n texts, of which a third repeat; `changed` texts of each are others, some ids are new."""
    for name in ("a", "b", "c"):
        (root / name).mkdir(parents=True, exist_ok=True)
        texts = [f"text {name if i % 3 else 'shared'} {i % (n // 2)}" for i in range(n)]
        lines = [{"id": f"n{i}", "text": text} for i, text in enumerate(texts)]
        for i in range(changed):
            lines[7 * i]["text"] = f"changed {name if i % 2 else ''} {i}"
            lines[7 * i + 1]["id"] = f"new {i}"
        (root / name / "lines.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return root


def killed(tree: Path, out: Path, seconds: float, shard_rows: int, until: Callable[[], bool]) -> bool:
    """Start a run in a process of its own and kill it; whether it was still at work."""
    command = [sys.executable, str(SCRIPT), str(tree), str(out), str(seconds), str(shard_rows)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        while process.poll() is None and not until():
            time.sleep(0.0005)
        process.send_signal(signal.SIGKILL)
        return process.wait() == -signal.SIGKILL


@pytest.fixture
def states(tmp_path: Path, script: dict[str, Any]) -> Callable[[int, int], tuple[Path, Path, dict[str, str], Any]]:
    """Makes a tree before and after a change, and what undisturbed runs make of them."""

    def make(n: int, shard_rows: int) -> tuple[Path, Path, dict[str, str], dict[str, str]]:
        tree, after = write_tree(tmp_path / "tree", n), write_tree(tmp_path / "after", n, changed=n // 10)
        script["encode"](tree, tmp_path / "whole", script["Hashing"](), shard_rows)
        first = content(tmp_path / "whole")
        shutil.copytree(tmp_path / "whole", tmp_path / "updated")
        script["encode"](after, tmp_path / "updated", script["Hashing"](), shard_rows)
        return tree, after, first, content(tmp_path / "updated")

    return make


def test_a_killed_run_and_a_killed_update_go_on_to_the_same_bytes(
    tmp_path: Path, script: dict[str, Any], states: Callable[..., Any]
) -> None:
    tree, after, first, second = states(60, 10)
    out = tmp_path / "out"
    assert killed(tree, out, 0.02, 10, lambda: (out / "b" / "shard-00001.parquet").exists())
    assert not (out / "collections.json").exists() and "unfinished" in verify_set(out / "b")[0]
    script["encode"](tree, out, encoder := script["Hashing"](), 10)
    assert 0 < sum(map(len, encoder.seen)) < 60 and content(out) == first
    assert killed(after, out, 0.05, 10, lambda: (out / "b" / "change.json").exists())
    assert EmbeddingSet.open(out / "b").generation == 1 and verify_set(out / "b") == []
    script["encode"](after, out, script["Hashing"](), 10)
    assert content(out) == second and all(verify_set(out / name) == [] for name in "abc")


@pytest.mark.parametrize("place", ["manifest.json", "summary.json", "collections.json"])
def test_a_run_that_dies_around_its_last_files_leaves_no_trace(
    tmp_path: Path, script: dict[str, Any], states: Callable[..., Any], place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, after, _, second = states(20, 10)
    out, replace = tmp_path / "out", os.replace
    script["encode"](tmp_path / "tree", out, script["Hashing"](), 10)

    def die(source: Path, target: Path) -> None:
        replace(source, target)
        if target.name == place:
            # what kill -9 leaves: no handler runs, so the names that would be cleared are put back
            Path(f"{target}.tmp-1").write_text("half")
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", die)
    with pytest.raises(KeyboardInterrupt):
        script["encode"](after, out, script["Hashing"](), 10)
    monkeypatch.setattr(os, "replace", replace)
    script["encode"](after, out, script["Hashing"](), 10)
    assert content(out) == second


@pytest.mark.slow
@pytest.mark.parametrize("update", [False, True])
def test_whenever_a_run_is_killed_it_goes_on_to_the_same_bytes(
    tmp_path: Path, script: dict[str, Any], states: Callable[..., Any], rng: np.random.Generator, update: bool
) -> None:
    tree, after, first, second = states(900, 10)
    wanted, source, n_in_time = second if update else first, after if update else tree, 0
    for attempt, delay in enumerate(rng.uniform(0.0, 1.5, size=20)):
        out = tmp_path / str(attempt)
        if update:
            shutil.copytree(tmp_path / "whole", out)
        # killed twice: the second run stands on what the first one left
        for _ in range(2):
            end = time.monotonic() + float(delay)
            n_in_time += killed(source, out, 0.003, 10, lambda end=end: time.monotonic() > end)  # type: ignore[misc]
        script["encode"](source, out, script["Hashing"](), 10)
        assert content(out) == wanted, f"killed after {delay:.3f} s"
        shutil.rmtree(out)
    assert n_in_time >= 20
