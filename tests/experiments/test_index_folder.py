"""Folders of indexes: built once, by one process, as a whole; searched by text; measured beside exact search."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import typer

from matryo.__main__ import main
from matryo.cli.indexing import index_app
from matryo.cli.storing import encode
from matryo.data import open_retrieval, write_beir
from matryo.data.toy import toy
from matryo.embeddings import EmbeddingSet
from matryo.experiments.encoding import noted_model
from matryo.space import Space

RECALL = ("--kind", "funnel", "--dims", "64", "--recall", "0.8")

BUILDER = """
import sys
from pathlib import Path
from matryo.experiments import index_write
from matryo.experiments.index_settings import IndexSettings
make = index_write.make_index
def waits(*given, **named):
    made = make(*given, **named)
    print("building", flush=True)
    sys.stdin.readline()
    return made
index_write.make_index = waits
index_write.build_folder(Path(sys.argv[1]), Path(sys.argv[2]), IndexSettings(kind="flat"))
"""


@pytest.fixture(autouse=True)
def commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command line of what is tested here."""
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)
    app.command("encode")(encode)
    app.add_typer(index_app, name="index")
    monkeypatch.setattr("matryo.cli.app", app)


@pytest.fixture(scope="module")
def beir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy task as a BEIR folder: 200 passages, 32 queries."""
    folder = tmp_path_factory.mktemp("data") / "toy"
    write_beir(toy().dev, folder)
    return folder


@pytest.fixture(scope="module")
def encoded(beir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its passages as a set that keeps their texts."""
    from matryo.experiments.encoding import encode_texts
    from matryo.experiments.settings import ModelSettings

    folder = tmp_path_factory.mktemp("sets") / "docs"
    encode_texts(ModelSettings("wordllama"), beir, folder, keep_texts=True)
    return folder


@pytest.fixture(scope="module")
def built(beir: Path, encoded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A funnel of it, calibrated on the task's own queries."""
    from matryo.experiments.index_settings import IndexSettings
    from matryo.experiments.index_write import build_folder

    folder = tmp_path_factory.mktemp("indexes") / "docs"
    build_folder(encoded, folder, IndexSettings(kind="funnel", dims=(64,), recall=0.8), queries=beir)
    return folder


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of one command line."""
    code = main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The one line with which a command line is refused."""
    code, out, err = run(capsys, *words)
    assert (code, out) == (2, ""), err
    (line,) = [line for line in err.splitlines() if line.startswith("matryo: error: ")]
    return line


@pytest.fixture
def building(encoded: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that is just building the flat index tmp_path / "index"; a line on stdin lets it finish."""
    words = [sys.executable, "-c", BUILDER, str(encoded), str(tmp_path / "index")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "building\n"
        yield process
        process.kill()


def test_from_texts_to_answers_and_numbers(capsys, beir: Path, tmp_path: Path) -> None:
    vectors, index = tmp_path / "sets" / "docs", tmp_path / "indexes" / "docs"
    assert run(capsys, "encode", "wordllama", beir, vectors, "--keep-texts")[0] == 0
    code, out, err = run(capsys, "index", "build", vectors, index, *RECALL, "--queries", beir)
    assert code == 0 and "funnel 64 .8, 200 rows, built in" in out and "recall@10 at least 0.8" in out, err
    passage = next(iter(open_retrieval(beir).documents))
    code, out, err = run(capsys, "index", "search", index, passage.text, "-k", 3)
    lines = [line.split("\t") for line in out.splitlines()]
    assert code == 0 and err == ""
    assert [line[0] for line in lines] == ["1", "2", "3"] and lines[0][2] == passage.id
    assert float(lines[0][1]) == pytest.approx(1.0, abs=1e-3) and passage.text.startswith(lines[0][3][:100])
    code, out, _ = run(capsys, "index", "search", index, passage.text, "-k", 500, "--dim", 8, "--json")
    found = json.loads(out)
    assert len(found) == 200 and (found[0]["id"], found[0]["text"]) == (passage.id, passage.text)
    written = tmp_path / "evaluation.json"
    code, out, _ = run(capsys, "index", "evaluate", index, beir, "--out", written)
    assert code == 0
    for words in ("recall@10 of exact", "nDCG@10, exact", "difference", "p99 ms", "in memory", "on disk", "build s"):
        assert words in out
    assert "calibrated on 32 of these 32 queries" in out and "20 to warm up" in out
    stored = json.loads(written.read_text())
    assert stored["kind"] == "funnel" and stored["n_rows"] == 200 and stored["times"][0]["threads"] == 1
    assert 0.8 <= stored["recall_low"] <= stored["recall"] <= 1.0
    difference = stored["scores"][0]["value"] - stored["exact_scores"][0]["value"]
    assert stored["differences"][0]["value"] == pytest.approx(difference)
    assert 200 * 256 * 4 < stored["disk_bytes"] < 3 * 200 * 256 * 4


@pytest.mark.parametrize(
    "words",
    [
        ("--kind", "flat"),
        ("--kind", "quantized", "--dims", 64, "--bits", 1, "--no-rotate"),
        ("--kind", "ivf", "--dims", 64, "--recall", 0.9),
        ("--kind", "hnsw", "--set", "efSearch=40"),
        ("--kind", "faiss", "--factory", "SQ8", "--shortlist", 30),
    ],
)
def test_every_kind_is_built_searched_and_measured(words, capsys, beir: Path, encoded: Path, tmp_path: Path) -> None:
    from matryo.experiments.index_evaluate import evaluate_folder

    code, _, err = run(capsys, "index", "build", encoded, tmp_path / "index", *words)
    assert code == 0, err
    assert ("stand in for queries" in err) == ("--recall" in words)
    passage = next(iter(open_retrieval(beir).documents))
    assert f"\t{passage.id}\t" in run(capsys, "index", "search", tmp_path / "index", passage.text)[1]
    evaluation = evaluate_folder(tmp_path / "index", beir, threads=())
    assert evaluation.quality.recall > 0.5 and evaluation.kind == words[1]
    if words[1] == "flat":
        assert evaluation.quality.recall == 1.0 and evaluation.differences[0].value == 0.0


def test_a_finished_index_is_kept_and_another_one_not_written_over(capsys, encoded: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    assert run(capsys, "index", "build", encoded, index, "--kind", "quantized")[0] == 0
    before = {path: path.read_bytes() for path in index.rglob("*") if path.is_file()}
    code, out, _ = run(capsys, "index", "build", encoded, index, "--kind", "quantized")
    assert code == 0 and "is there already" in out
    assert "differs in settings" in refused(capsys, "index", "build", encoded, index, "--kind", "flat")
    assert "differs in k" in refused(capsys, "index", "build", encoded, index, "--kind", "quantized", "-k", 5)
    assert {path: path.read_bytes() for path in index.rglob("*") if path.is_file()} == before
    assert "choose another folder" in refused(capsys, "index", "build", encoded, encoded)


def test_two_builders_of_one_index(capsys, encoded: Path, tmp_path: Path, building) -> None:
    words = ("index", "build", encoded, tmp_path / "index", "--kind", "flat")
    assert "is being written by another process" in refused(capsys, *words)
    assert "search.json is missing" in refused(capsys, "index", "search", tmp_path / "index", "a question")
    building.communicate("go on\n")
    assert building.returncode == 0
    code, out, _ = run(capsys, *words)
    assert code == 0 and "is there already" in out
    assert [path.name for path in tmp_path.iterdir()] == ["index"]


@pytest.mark.slow
def test_a_killed_build_leaves_nothing_that_looks_whole(capsys, encoded: Path, tmp_path: Path, building) -> None:
    os.kill(building.pid, signal.SIGKILL)
    building.wait()
    assert "search.json is missing" in refused(capsys, "index", "search", tmp_path / "index", "a question")
    (tmp_path / "index.tmp-index").mkdir(exist_ok=True)
    (tmp_path / "index.tmp-index" / "index.json").write_text("{}")
    code, out, _ = run(capsys, "index", "build", encoded, tmp_path / "index", "--kind", "flat")
    assert code == 0 and "built in" in out
    assert [path.name for path in tmp_path.iterdir()] == ["index"]


def test_a_failed_build_leaves_an_empty_folder(capsys, beir: Path, encoded: Path, tmp_path: Path) -> None:
    words = ("index", "build", encoded, tmp_path / "index", "--kind", "funnel", "--queries", beir)
    line = refused(capsys, *words, "--recall", "0.99")
    assert "needs at least 552 queries, got 32" in line
    assert list((tmp_path / "index").iterdir()) == [] and [path.name for path in tmp_path.iterdir()] == ["index"]
    assert run(capsys, *words, "--recall", "0.8")[0] == 0


def test_a_set_that_changed_since(capsys, beir: Path, encoded: Path, tmp_path: Path) -> None:
    vectors, index = tmp_path / "set", tmp_path / "index"
    shutil.copytree(encoded, vectors)
    assert run(capsys, "index", "build", vectors, index, "--kind", "flat")[0] == 0
    EmbeddingSet.open(vectors).delete([EmbeddingSet.open(vectors).ids()[-1]])
    assert "has changed since" in refused(capsys, "index", "evaluate", index, beir)
    assert "its set has changed since" in refused(capsys, "index", "build", vectors, index, "--kind", "flat")
    code, out, err = run(capsys, "index", "search", index, "a question", "-k", 1)
    assert code == 0 and len(out.splitlines()) == 1 and "has changed since" in err
    shutil.move(vectors, tmp_path / "elsewhere")
    assert "is gone" in refused(capsys, "index", "evaluate", index, beir)
    assert "has changed since" in refused(capsys, "index", "evaluate", index, beir, "--set", tmp_path / "elsewhere")
    code, _, _ = run(capsys, "index", "evaluate", index, beir, "--set", encoded)
    assert code == 0


def test_texts_of_the_set_of_a_file_or_of_nowhere(capsys, beir: Path, tmp_path: Path) -> None:
    from matryo.data import open_texts
    from matryo.search import build_passages

    vectors, index, file = tmp_path / "set", tmp_path / "index", tmp_path / "passages.sqlite"
    assert run(capsys, "encode", "wordllama", beir, vectors)[0] == 0
    assert run(capsys, "index", "build", vectors, index, "--kind", "flat")[0] == 0
    code, out, err = run(capsys, "index", "search", index, "a question", "-k", 1)
    assert code == 0 and out.endswith("\t\n") and err.count("has no texts; give --passages") == 1
    build_passages(open_texts(beir), file).close()
    code, out, err = run(capsys, "index", "search", index, "a question", "-k", 1, "--passages", file)
    assert code == 0 and len(out.split("\t")[3]) > 5 and err == ""
    noted = tmp_path / "noted"
    assert run(capsys, "index", "build", vectors, noted, "--kind", "flat", "--passages", file)[0] == 0
    assert run(capsys, "index", "search", noted, "a question", "-k", 1)[1] == out
    assert "is missing" in refused(capsys, "index", "build", vectors, tmp_path / "i", "--passages", tmp_path / "no")
    other = tmp_path / "other.sqlite"
    (tmp_path / "lines.txt").write_text("one\ntwo\n")
    build_passages(open_texts(tmp_path / "lines.txt"), other).close()
    assert "has no text for" in refused(capsys, "index", "build", vectors, tmp_path / "i", "--passages", other)


def test_the_model_is_noted_and_must_fit(capsys, encoded: Path, built: Path, tmp_path: Path) -> None:
    opened = EmbeddingSet.open(encoded)
    model = noted_model(encoded, opened.space.id)
    assert model is not None and (model.name, model.max_tokens) == ("wordllama", None)
    assert noted_model(encoded, "another space") is None
    bare = EmbeddingSet.from_numpy(tmp_path / "bare", opened.to_numpy(), opened.ids(), space=opened.space)
    index = tmp_path / "index"
    assert run(capsys, "index", "build", bare.folder, index, "--kind", "flat")[0] == 0
    assert "--model" in refused(capsys, "index", "search", index, "a question")
    assert run(capsys, "index", "search", index, "a question", "--model", "wordllama")[0] == 0
    words = ("index", "build", bare.folder, tmp_path / "i", "--recall", "0.8", "--queries")
    (tmp_path / "q.txt").write_text("how does it work\n" * 3)
    assert "--model" in refused(capsys, *words, tmp_path / "q.txt")
    foreign = EmbeddingSet.from_numpy(
        tmp_path / "foreign", opened.to_numpy(), opened.ids(), space=Space.declared("other", opened.width)
    )
    words = ("index", "build", foreign.folder, tmp_path / "f", "--kind", "flat")
    assert "one space" in refused(capsys, *words, "--model", "wordllama")
    assert run(capsys, *words)[0] == 0
    assert "one space" in refused(capsys, "index", "search", tmp_path / "f", "q", "--model", "wordllama")
    assert "one space" in refused(
        capsys, "index", "build", foreign.folder, tmp_path / "g", "--recall", "0.8", "--queries", encoded
    )


def test_sample_queries_as_vectors(capsys, encoded: Path, rng: np.random.Generator, tmp_path: Path) -> None:
    documents = EmbeddingSet.open(encoded)
    words = ("index", "build", encoded, tmp_path / "index", "--recall", "0.8", "--queries")
    assert "role query" in refused(capsys, *words, encoded)
    rows = documents.to_numpy()[:40].copy()
    rows[::2] = 0.0
    names = [f"q{row}" for row in range(40)]
    queries = EmbeddingSet.from_numpy(tmp_path / "queries", rows, names, space=documents.space, role="query")
    assert run(capsys, *words, queries.folder)[0] == 0
    few = queries.from_numpy(tmp_path / "few", rows[:3], names[:3], space=documents.space, role="query")
    words = ("index", "build", encoded, tmp_path / "other", "--recall", "0.8", "--queries")
    assert "queries, got 3" in refused(capsys, *words, few.folder)


def test_damaged_folders_are_refused(capsys, built: Path, beir: Path, tmp_path: Path) -> None:
    for number, (file, content, words) in enumerate(
        [
            ("index.json", "{", "not readable"),
            ("index.json", '{"kind": "tree"}', "'tree'"),
            ("index.json", None, "missing"),
            ("search.json", "{", "not readable"),
            ("search.json", '{"format": 9}', "format 9"),
            ("search.json", '{"format": 2}', "must have the fields"),
            ("search.json", None, "missing"),
            ("passages.sqlite", None, "missing"),
            ("passages.sqlite", "torn", "passages"),
            ("vectors/manifest.json", None, "unfinished"),
        ]
    ):
        copy = tmp_path / str(number)
        shutil.copytree(built, copy)
        (copy / file).unlink()
        if content is not None:
            (copy / file).write_text(content)
        assert words in refused(capsys, "index", "search", copy, "a question")
    mixed = tmp_path / "mixed"
    shutil.copytree(built, mixed)
    note = json.loads((mixed / "search.json").read_text())
    (mixed / "search.json").write_text(json.dumps({**note, "set_digest": "0" * 64}))
    assert "belongs to another index" in refused(capsys, "index", "evaluate", mixed, beir)


def test_bad_words_are_refused(capsys, beir: Path, encoded: Path, built: Path, tmp_path: Path) -> None:
    empty = EmbeddingSet.from_numpy(
        tmp_path / "empty", np.empty((0, 256), dtype=np.float32), [], space=EmbeddingSet.open(encoded).space
    )
    for words, said in [
        (("search", built, "q", "-k", 0), "k must be at least 1, got 0"),
        (("search", built, "  "), "question is empty"),
        (("search", built, "q", "--dim", 300), "1..256"),
        (("search", tmp_path / "none", "q"), "is missing"),
        (("evaluate", built, beir, "-k", 0), "k must be at least 1, got 0"),
        (("evaluate", built, beir, "--measure", "speed@10"), "measure must be one of"),
        (("evaluate", built, tmp_path / "none"), "missing"),
        (("build", empty.folder, tmp_path / "i"), "empty set"),
        (("build", tmp_path / "none", tmp_path / "i"), "is missing"),
        (("build", encoded, tmp_path / "i", "--kind", "tree"), "--kind"),
        (("build", encoded, tmp_path / "i", "--kind", "flat", "--bits", 8), "32 bits, got 8"),
        (("build", encoded, tmp_path / "i", "--dims", "64,x"), "whole numbers"),
        (("build", encoded, tmp_path / "i", "--dims", "300"), "1..256"),
        (("build", encoded, tmp_path / "i", "--set", "nprobe"), "NAME=NUMBER"),
        (("build", encoded, tmp_path / "i", "--kind", "ivf", "--set", "probes=3"), "no setting 'probes'"),
        (("build", encoded, tmp_path / "i", "--kind", "faiss", "--factory", "Tree"), "makes no index 'Tree'"),
        (("build", encoded, tmp_path / "i", "--kind", "flat", "--queries", beir), "give --recall"),
        (("build", encoded, tmp_path / "i", *RECALL, "-k", 0), "k must be at least 1, got 0"),
    ]:
        assert said in refused(capsys, "index", *words)
        assert not list((tmp_path / "i").glob("*"))


def test_an_index_that_lacks_judged_documents(capsys, beir: Path, encoded: Path, tmp_path: Path) -> None:
    documents = EmbeddingSet.open(encoded)
    half = EmbeddingSet.from_numpy(
        tmp_path / "half", documents.to_numpy()[:9], documents.ids()[:9], space=documents.space
    )
    assert run(capsys, "index", "build", half.folder, tmp_path / "i", "--kind", "flat", "--model", "wordllama")[0] == 0
    assert "documents that toy judges" in refused(capsys, "index", "evaluate", tmp_path / "i", beir)


@pytest.mark.slow
def test_the_standard_library_needs_no_files(capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(capsys, "encode", "wordllama", "stdlib", "set", "--keep-texts")[0] == 0
    code, out, _ = run(capsys, "index", "build", "set", "index", "--recall", "0.95", "--queries", "stdlib")
    assert code == 0
    assert "json" in run(capsys, "index", "search", "index", "serialize an object as JSON")[1].lower()
    code, out, _ = run(capsys, "index", "evaluate", "index", "stdlib")
    assert code == 0 and "calibrated on 2,000 of these" in out
