import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from matryo.errors import FormatError
from matryo.reports.figures import pdf
from matryo.reports.identity_charts import column_chart
from matryo.reports.identity_paper import macros, narrow_tables, number_of_minutes, write_paper_parts
from matryo.reports.identity_read import IdentityRun
from matryo.reports.table import Table

PAPER = Path(__file__).parents[2] / "paper"
needs_paper = pytest.mark.skipif(not PAPER.is_dir(), reason="the paper belongs to the repository, not to the package")


@pytest.fixture(scope="module")
def parts(identity_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("paper")
    assert all(path.stat().st_size > 0 for path in write_paper_parts(identity_folder, out))
    return out


def balanced(text: str) -> bool:
    bare = re.sub(r"\\[{}\\]|(?<!\\)%.*", "", text)
    depth = 0
    for character in re.findall("[{}]", bare):
        depth += 1 if character == "{" else -1
        if depth < 0:
            return False
    return depth == 0


def source() -> str:
    return (PAPER / "main.tex").read_text(encoding="utf-8")


@needs_paper
def test_every_number_of_the_paper_comes_from_the_run(parts: Path) -> None:
    defined = set(re.findall(r"\\newcommand\{\\(\w+)\}", (parts / "numbers.tex").read_text(encoding="utf-8")))
    defined |= set(re.findall(r"\\newcommand\{\\(\w+)\}", source()))
    used = set(re.findall(r"\\((?:run|hit|verdict)[A-Za-z]*)", source()))
    assert used <= defined and len(used) > 30
    body = source()[source().index(r"\begin{document}") :]
    assert not re.search(r"\d\.\d{2}", body)


@needs_paper
def test_every_part_that_the_paper_asks_for_is_written(parts: Path) -> None:
    for kind, ending in (("table", "tex"), ("figure", "pdf")):
        names = re.findall(rf"^\\run{kind}\{{([\w-]+)\}}", source(), re.MULTILINE)
        assert len(names) >= 6
        for name in names:
            assert (parts / f"{kind}s" / f"{name}.{ending}").stat().st_size > 500
    for name in re.findall(r"\\input\{generated/(\w+)\}", source()):
        assert (parts / f"{name}.tex").is_file()


@needs_paper
def test_sources_are_balanced_and_cite_what_is_listed(parts: Path) -> None:
    assert balanced(source()) and balanced((PAPER / "references.bib").read_text(encoding="utf-8"))
    for begun in re.findall(r"\\begin\{(\w+)\}", source()):
        assert source().count(rf"\begin{{{begun}}}") == source().count(rf"\end{{{begun}}}")
    listed = re.findall(r"@\w+\{(\w+),", (PAPER / "references.bib").read_text(encoding="utf-8"))
    cited = {key for keys in re.findall(r"\\cite\{([^}]*)\}", source()) for key in keys.split(",")}
    assert cited == set(listed) and len(listed) == len(set(listed))
    for path in parts.rglob("*.tex"):
        assert balanced(path.read_text(encoding="utf-8")), path.name


def test_figures_are_pdf_and_the_same_each_time(parts: Path, identity_run: IdentityRun) -> None:
    chart = column_chart(identity_run)
    assert chart is not None
    assert (parts / "figures" / "columns.pdf").read_bytes() == pdf(chart)
    assert pdf(chart).startswith(b"%PDF")


def test_numbers_are_those_of_the_run_and_names_are_escaped(identity_run: IdentityRun) -> None:
    found = macros(identity_run)
    own = identity_run.score("v3_mse")
    one = identity_run.comparison(f"v3_contrastive - {identity_run.results.best_baseline}")
    assert own is not None and found["hitVThreeMse"] == f"{own.value:.3f}"
    assert found["hitTFIDF"] == f"{identity_run.score('TF-IDF').value:.3f}"
    assert one is not None and found["runDifference"] == f"{one.difference:+.3f}"
    assert found["runName"] == r"toy\_run" and found["runPrefixDim"] == "8" and found["runSeeds"] == "2"
    assert found["runTemperature"] == "0.07" and found["runTrain"] == "--"
    assert all(re.fullmatch("[A-Za-z]+", name) for name in found)
    hostile = replace(identity_run, results=replace(identity_run.results, run_name=r"50 % \input{x} & a_b #1"))
    assert macros(hostile)["runName"] == r"50 \% \textbackslash{}input\{x\} \& a\_b \#1"


def test_a_run_that_knows_less_still_defines_every_number(identity_run: IdentityRun, real_run: IdentityRun) -> None:
    known, less = macros(identity_run), macros(real_run)
    assert {name for name in known if name.startswith("run")} == {name for name in less if name.startswith("run")}
    assert less["runCeilingHit"] == less["runMainHardHit"] == "--"


def test_a_folder_of_another_run_writes_nothing(identity_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    stored = json.loads((identity_folder / "results.json").read_text(encoding="utf-8"))
    (folder / "results.json").write_text(json.dumps({**stored, "experiment": "other"}), encoding="utf-8")
    with pytest.raises(FormatError, match="no results of a shared-prefix run"):
        write_paper_parts(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_wide_tables_are_divided_evenly_and_keep_every_cell() -> None:
    names = [f"c{i}" for i in range(9)]
    table = Table.of("t", ["system", *names], [["x", *names], ["y", *names]], ["note"])
    parts = narrow_tables(table, most=7)
    assert [len(part.columns) for part in parts] == [6, 5] and [part.notes for part in parts] == [(), ("note",)]
    assert [cell.text for part in parts for cell in part.rows[1][1:]] == names
    assert narrow_tables(table, most=9) == [table]


def test_minutes_of_nothing_are_a_dash() -> None:
    assert number_of_minutes({}) == "--" and number_of_minutes({"a": 90.0, "b": 30.0}) == "2.0"
