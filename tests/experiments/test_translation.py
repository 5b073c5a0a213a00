"""A translation study from its config to its results: every table, a second call, a larger config, wrong inputs."""

import json
from pathlib import Path

import numpy as np
import pytest

from matryo.errors import FormatError, MatryoError, MissingExtra
from matryo.evaluation.results import RunResults
from matryo.experiments import study_jobs, study_result_shown
from matryo.experiments.study_config import StudyConfig
from matryo.experiments.translation import run

N = 240
TABLES = [
    "spaces", "translators", "references", "before", "prediction", "dims", "lists", "prefixes", "migrations", "curve",
    "costs", "map costs", "different",
]  # fmt: skip


def write_task(folder: Path) -> Path:
    """A BEIR folder: documents of eight topics, each query made of words of its document."""
    rng = np.random.default_rng(0)
    topics = rng.integers(0, 8, N)
    words = [[f"w{topic}x{i}" for i in rng.integers(0, 30, 14)] for topic in topics]
    documents = [" ".join([*some, *(f"c{i}" for i in rng.integers(0, 40, 4))]) for some in words]
    (folder / "qrels").mkdir(parents=True)

    def lines(kind: str, texts: list[str]) -> str:
        return "".join(json.dumps({"_id": f"{kind}{i}", "text": text}) + "\n" for i, text in enumerate(texts))

    (folder / "corpus.jsonl").write_text(lines("d", documents))
    (folder / "queries.jsonl").write_text(lines("q", [" ".join(some[:8]) for some in words]))
    judged = "".join(f"q{i}\td{i}\t1\n" for i in range(N))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged)
    return folder


def study_of(folder: Path, **changes: object) -> StudyConfig:
    given = {
        "experiment": "translation",
        "name": "toy",
        "out": folder / "run",
        "texts": {"kind": "retrieval", "path": str(folder / "task")},
        "spaces": {
            "words": {"kind": "lsa", "width": 24},
            "few-words": {"kind": "lsa", "width": 16, "max_features": 90},
        },
        "translators": ["ridge", "procrustes centred"],
        "curve": {"pairs": [50], "seeds": [0, 1]},
        "measure": {"n_permutations": 20, "n_draws": 100, "dims": [8]},
        "pictures": None,
        "site": False,
    }
    return StudyConfig.model_validate(given | changes)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    write_task(folder / "task")
    said: list[str] = []
    return folder, run(study_of(folder), "evaluate", say=said.append), said


@pytest.fixture
def no_work(monkeypatch):
    """Nothing may be fitted or measured again."""

    def refuse(*args: object, **kept: object) -> None:
        raise AssertionError("done before")

    for name in ("fit_rows", "measure_before", "measure_job", "measure_curve", "measure_prefixes", "measure_return"):
        monkeypatch.setattr(study_jobs, name, refuse)


def rows_of(folder: Path, name: str) -> list[dict]:
    results = RunResults.read(folder / "run")
    table = next(table for table in results.tables if table.name == name)
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def test_every_table_is_there(finished) -> None:
    folder, told, said = finished
    results = RunResults.read(folder / "run")
    assert results.run_name == "translation_study" and [table.name for table in results.tables] == TABLES
    assert "results: " in told and any("jobs: 18 of 18 done" in line for line in said)
    facts = json.loads((folder / "run" / "texts.json").read_text())
    assert facts["n_documents"] == N and facts["n_held_out"] > 12
    notes = " ".join(results.notes)
    assert f"{N} texts, of which {facts['n_held_out']} " in notes and "that no translator was fitted on" in notes
    assert "nearest, the text itself left out; RBO is extrapolated, with persistence p = 0.9" in notes
    assert "1 process worked on it" in notes and "words: LSA, fitted on" in notes
    assert (folder / "run" / "config.yaml").is_file() and str(folder) not in json.dumps(rows_of(folder, "spaces"))


def test_rows_belong_to_their_pair(finished) -> None:
    folder, _, _ = finished
    rows = rows_of(folder, "translators")
    assert [(row["from"], row["to"], row["translator"]) for row in rows] == [
        (a, b, name)
        for a, b in (("words", "few-words"), ("few-words", "words"))
        for name in ("ridge", "procrustes centred")
    ]
    assert [row["parameters"] for row in rows[::2]] == [24 * 16 + 16, 16 * 24 + 24]
    assert all(row["R2 low"] < row["R2"] < row["R2 high"] and row["pairs"] < N for row in rows)
    assert all(0 < row["round trip"] <= 1 and row["epochs"] is None for row in rows)
    before = {row["from"]: row for row in rows_of(folder, "before")}
    best = max(rows[:2], key=lambda row: row["R2"])
    assert before["words"]["translator"] == best["translator"] and before["words"]["R2"] == best["R2"]
    assert before["words"]["CKA"] == pytest.approx(before["few-words"]["CKA"])
    moved = [row for row in rows_of(folder, "migrations") if row["translator"] == best["translator"]]
    first = next(row for row in moved if (row["from"], row["measure"]) == ("words", "nDCG@10"))
    assert first["way"] == "documents translated"
    assert before["words"]["nDCG kept"] == pytest.approx(first["translated"] / first["re-encode"])
    assert {row["vectors"] for row in rows_of(folder, "lists")} == {
        "ridge", "procrustes centred", "keep the old model", "source, zero-padded",
    }  # fmt: skip
    assert [row["pairs"] for row in rows_of(folder, "curve")[:3]] == [50, 50, rows[0]["pairs"]]
    shown = rows_of(folder, "different")[0]
    assert shown["text"].startswith("d") and " | " in shown["nearest by native"]


def test_a_second_call_does_nothing(finished, no_work) -> None:
    folder, told, _ = finished
    before = (folder / "run" / "results.json").read_bytes()
    assert run(study_of(folder), "evaluate") == told
    assert (folder / "run" / "results.json").read_bytes() == before
    (folder / "run" / "results.json").unlink()
    run(study_of(folder), "evaluate", workers=1)
    assert [table.name for table in RunResults.read(folder / "run").tables] == TABLES


def test_fits_alone_and_texts_alone(finished, no_work) -> None:
    folder, _, _ = finished
    assert run(study_of(folder), "data").startswith(f"task: {N} documents, ")
    assert run(study_of(folder), "train").splitlines()[0].startswith("words -> few-words, ridge, seed 0: ")


def test_other_texts_are_refused(finished) -> None:
    folder, _, _ = finished
    with pytest.raises(MatryoError, match="holds the stage 'texts' of another config"):
        run(study_of(folder, share=0.5), "evaluate")


def test_wrong_calls_are_refused(finished, monkeypatch) -> None:
    folder, _, _ = finished
    with pytest.raises(MatryoError, match="mines nothing"):
        run(study_of(folder), "mine")
    (folder / "bad.yaml").write_text("experiment: translation\nname: x\n")
    with pytest.raises(FormatError, match="the key texts is missing"):
        run(folder / "bad.yaml")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(MatryoError, match="got 2 from torchrun; start it once, with --workers"):
        run(study_of(folder))


def test_what_is_not_installed_is_said_first(finished, monkeypatch) -> None:
    folder, _, _ = finished
    monkeypatch.setattr(study_result_shown, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"umap-learn.*matryo\[umap\]"):
        run(study_of(folder, pictures={}))
    with pytest.raises(MissingExtra, match="chromadb"):
        run(study_of(folder, store={}))


@pytest.mark.slow
def test_a_whole_study_ends_in_pages(finished) -> None:
    pytest.importorskip("chromadb")
    folder, _, _ = finished
    pictures = {"umap": False, "n_searches": 2}
    config = study_of(folder, pictures=pictures, store={}, site=True)
    said: list[str] = []
    told = run(config, say=said.append)
    where = folder / "run"
    assert f"report: {where / 'report.html'}" in told and "site: " in told
    drawn = {path.name for path in (where / "pictures").iterdir()}
    assert {name.split("--")[0] for name in drawn} == {"kernels", "searches"} and len(drawn) == 4
    assert any(line.startswith("store: 6 collections") for line in said)
    tables = [table.name for table in RunResults.read(where).tables]
    assert tables == [*TABLES, "store"]
    # those that are not drawn any more go; what is stored is not sent again
    said.clear()
    named = config.model_copy(update={"pictures": config.pictures.model_copy(update={"translators": ("ridge",)})})
    run(named, say=said.append)
    assert all("ridge" in path.name for path in (where / "pictures").iterdir())
    assert any("0 vectors sent" in line for line in said)
