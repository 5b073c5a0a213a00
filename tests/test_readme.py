"""The README keeps its word: its Python runs, its commands run as typed, its targets and links exist."""

import csv
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from matryo.__main__ import main
from matryo.data.beir import write_beir
from matryo.data.pair_lines import write_pairs
from matryo.data.pairs import Pairs
from matryo.data.stdlib import stdlib_pairs
from matryo.data.toy import toy

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)( no-run)?\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
PYTHON = [code for language, skipped, code in BLOCKS if language == "python" and not skipped]
SHOWN_ONLY = [code for language, skipped, code in BLOCKS if language == "python" and skipped]
COMMANDS = [
    line.partition("#")[0].strip() for language, _, code in BLOCKS if language == "bash" for line in code.splitlines()
]
LONG = (
    "probe minilm",
    "models measure",
    "adapt minilm",
    "matryo export",
    "configs/pairs.yaml",
    "encode minilm stdlib sets/stdlib",
    "encode wordllama stdlib",
    "encode minilm stdlib sets/new",
    "translate fit",
    "translate evaluate",
    "translate apply",
    "translation/fast.yaml",
    "matryo site",
    "build sets/stdlib",
    "search indexes/stdlib",
    "evaluate indexes/stdlib",
    "plan sets/stdlib",
    "shared_prefix/fast.yaml",
    "--out runs/mine-two",
    "match runs/mine-two",
)


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    return stdlib_pairs()


@pytest.fixture
def desk(tmp_path: Path, pairs: Pairs, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the README's reader is said to have."""
    write_beir(toy().dev, tmp_path / "my-texts")
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    for folder, text in (("recipes", "Boil the rice."), ("letters", "Dear aunt, the rice was good.")):
        (tmp_path / "my-folders" / folder).mkdir(parents=True)
        (tmp_path / "my-folders" / folder / "first.md").write_text(text)
    write_pairs(pairs.take(range(0, len(pairs), 5)), tmp_path / "pairs.jsonl")
    chosen = pairs.pairs[::20]
    for name, texts in (("left", [p.query for p in chosen]), ("right", [p.document for p in chosen])):
        with (tmp_path / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([("id", "text"), *enumerate(texts)])
    (tmp_path / "matches.csv").write_text("left,right\n" + "".join(f"{i},{i}\n" for i in range(len(chosen))))
    rng = np.random.default_rng(0)
    for name in ("documents", "queries"):
        np.save(tmp_path / f"{name}.npy", rng.normal(size=(1000, 64)).astype(np.float32))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MATRYO_HOME", str(tmp_path / "home"))  # certificates stay here
    return tmp_path


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_python_runs_and_prints_what_it_says(number: int, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = PYTHON[number]
    exec(compile(code, f"README block {number}", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    stated = re.findall(r"^print\(.*?#\s(.+)$", code, flags=re.MULTILINE)
    assert [line for line in printed if line in stated] == stated


def run_in_order(lines: list[str]) -> None:
    for line in lines:
        assert main(shlex.split(line)[1:]) == 0, line


def test_quick_commands_run_as_typed(desk: Path) -> None:
    typed = [c for c in COMMANDS if c.startswith("matryo ") and not any(word in c for word in LONG)]
    assert len(typed) >= 4
    run_in_order(typed)
    for code in SHOWN_ONLY:
        if "sets/my-texts" in code:
            exec(compile(code, "README, shown only", "exec"), {})


@pytest.mark.slow
def test_long_commands_run_as_typed(desk: Path) -> None:
    typed = [c for c in COMMANDS if any(word in c for word in LONG)]
    assert len(typed) == len(LONG)
    run_in_order(typed)
    for code in SHOWN_ONLY:
        if "small-model" in code:
            exec(compile(code, "README, shown only", "exec"), {})


def test_every_block_is_tested() -> None:
    assert all(c.startswith(("matryo ", "make ")) for c in COMMANDS if c)
    assert PYTHON and len(SHOWN_ONLY) == 2


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z][a-z-]+)", README, flags=re.MULTILINE))
    assert {"demo", "test", "test-slow", "setup"} <= named
    for target in named:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert links and all((ROOT / link).exists() for link in links)


def test_no_command_is_undocumented() -> None:
    from matryo.cli import app, data_app

    names = {c.name or c.callback.__name__ for c in app.registered_commands if c.callback}
    assert len(names) >= 7 and data_app.registered_commands
    assert {name for name in names if f"matryo {name}" not in README} == set()
