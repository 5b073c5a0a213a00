import csv
import json
import math
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from matryo.errors import FormatError
from matryo.evaluation.results import RunResults
from matryo.reports import run_summary, write_reports
from matryo.reports.identity_read import IdentityRun, read_identity_run
from matryo.reports.identity_write import write_identity_reports

FIGURES = ("dims", "shuffled", "columns", "cka", "collapse", "probes-linear", "probes-mlp", "galleries", "open-set")


def test_scores_as_text_are_exactly_those_of_the_results(identity_written: Path, identity_run: IdentityRun) -> None:
    with (identity_written / "tables" / "scores.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    stored = identity_run.results.scores
    assert len(rows) == len(stored) > 100
    for row, score in zip(rows, stored, strict=True):
        named = (row["system"], row["measure"], row["column"], row["gallery"], row["direction"])
        assert named == (score.system, score.measure, score.column, score.gallery, score.direction)
        for name in ("value", "low", "high", "size"):
            value = getattr(score, name)
            assert row[name] == "" if math.isnan(value) else float(row[name]) == value
        assert [float(value) for value in row["by_seed"].split()] == list(score.by_seed)


def test_every_table_is_written_in_three_forms(identity_written: Path) -> None:
    stems = {path.stem for path in (identity_written / "tables").iterdir()} - {"scores"}
    assert {"main", "galleries", "dims", "columns", "cka", "collapse", "probes", "open-set"} <= stems
    for stem in stems:
        for ending in ("tex", "md", "csv"):
            assert (identity_written / "tables" / f"{stem}.{ending}").stat().st_size > 50
    with (identity_written / "tables" / "main.csv").open(encoding="utf-8", newline="") as stream:
        lines = list(csv.reader(stream))
    assert lines[0][:4] == ["system", "kind", "hit@1", "hit@1 detail"]
    assert {len(line) for line in lines} == {len(lines[0])}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_a_file_that_parses(identity_written: Path, name: str) -> None:
    image, drawing = (identity_written / "figures" / f"{name}.{ending}" for ending in ("png", "svg"))
    assert image.read_bytes().startswith(b"\x89PNG") and image.stat().st_size > 10_000
    root = ElementTree.fromstring(drawing.read_text(encoding="utf-8"))
    assert root.tag.endswith("svg") and len(root.findtext("{http://www.w3.org/2000/svg}desc") or "") > 80


def test_markdown_shows_figures_that_are_there(identity_written: Path) -> None:
    text = (identity_written / "report.md").read_text(encoding="utf-8")
    for name in FIGURES:
        assert f"](figures/{name}.png)" in text
    assert "toy\\_run" in text and "v3\\_contrastive" in text


def test_a_folder_of_another_run_is_refused(results: RunResults, tmp_path: Path) -> None:
    results.write(tmp_path)
    with pytest.raises(FormatError, match="no results of a shared-prefix run; name the folder of one") as caught:
        write_identity_reports(tmp_path)
    assert "\n" not in str(caught.value)
    with pytest.raises(FormatError, match=r"results\.json is missing"):
        write_reports(tmp_path / "nothing")


def test_measures_that_are_missing_or_damaged_are_named(identity_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(identity_folder, folder)
    (folder / "measures" / "v3_mse-seed-1.json").write_text("{", encoding="utf-8")
    with pytest.raises(FormatError, match=r"v3_mse-seed-1\.json is not readable as measures"):
        read_identity_run(folder)
    (folder / "measures" / "v3_mse-seed-1.json").unlink()
    with pytest.raises(FormatError, match=r"v3_mse-seed-1\.json is missing") as caught:
        write_identity_reports(folder)
    assert "\n" not in str(caught.value) and not (folder / "report.html").exists()


def test_the_console_ends_with_the_verdicts(identity_folder: Path) -> None:
    text = run_summary(identity_folder)
    assert max(map(len, text.splitlines())) <= 120
    assert "v3_contrastive finds the partner first among 40" in text and "MSE collapses: " in text
    assert "note: 40 of 100 % & more_entities\nnote: baselines" in text and not text.endswith("\n")


def test_results_without_scores_of_the_methods_are_refused(identity_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(identity_folder, folder)
    stored = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    (folder / "results.json").write_text(json.dumps({**stored, "scores": []}), encoding="utf-8")
    with pytest.raises(FormatError, match="lacks scores of trained methods in the gallery 'random 2000'"):
        write_identity_reports(folder)
