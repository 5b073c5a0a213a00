"""The command line as a user meets it: results on stdout, one readable line and exit code 2 for bad input."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from matryo.__main__ import main
from matryo.data import write_beir
from matryo.data.pair_lines import write_pairs
from matryo.data.stdlib import stdlib_pairs
from matryo.data.toy import toy
from matryo.prefix import unit_rows

DIMS = "32,64,128,256"


@pytest.fixture(scope="module")
def beir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy task as a BEIR folder."""
    folder = tmp_path_factory.mktemp("data") / "toy"
    write_beir(toy().dev, folder)
    return folder


@pytest.fixture(scope="module")
def pairs_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A third of the standard library's pairs."""
    pairs = stdlib_pairs()
    path = tmp_path_factory.mktemp("data") / "pairs.jsonl"
    write_pairs(pairs.take(range(0, len(pairs), 3)), path)
    return path


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of one command line."""
    code = main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The one line with which a command line is refused."""
    code, out, err = run(capsys, *words)
    assert (code, out) == (2, "")
    (line,) = [line for line in err.splitlines() if line.startswith("matryo: error: ")]
    return line


def test_curve_prints_a_table_and_writes_reports(capsys, beir: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = (
        "curve",
        "wordllama",
        beir,
        "--dims",
        DIMS,
        "--map",
        "none",
        "--map",
        "rotation",
        "--map",
        "random",
        "--bm25",
    )
    code, printed, _ = run(capsys, *words, "--out", out)
    assert code == 0
    assert all(word in printed for word in ("plain cut", "rotation", "random dims", "BM25", "nDCG@10", "256"))
    assert {"results.json", "per_query.parquet", "report.html", "report.md"} <= {p.name for p in out.iterdir()}
    again = out / "report.html"
    before = again.read_bytes()
    again.unlink()
    code, printed, _ = run(capsys, "report", out)
    assert code == 0 and "plain cut" in printed
    assert again.read_bytes() == before


def test_curve_json_is_one_list_of_objects_in_any_order_of_dims(capsys, beir: Path) -> None:
    words = ("curve", "wordllama", beir, "--dims", "256,32", "--measure", "MRR@10", "--measure", "recall@100", "--json")
    code, printed, _ = run(capsys, *words)
    assert code == 0
    scores = json.loads(printed)
    assert [(s["dim"], s["measure"]) for s in scores] == [
        (32, "MRR@10"), (32, "recall@100"), (256, "MRR@10"), (256, "recall@100"),
    ]  # fmt: skip
    for score in scores:
        assert set(score) >= {"dataset", "model", "map", "dim", "measure", "value", "low", "high", "n"}
        assert (score["model"], score["map"], score["n"]) == ("wordllama", "none", 32)
        assert 0 <= score["low"] <= score["value"] <= score["high"] <= 1


def test_adapt_a_model_on_pairs_then_export_it(capsys, pairs_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ("adapt", "wordllama", pairs_file, "--out", out, "--group", "group", "--dims", DIMS, "--seeds", 2)
    code, printed, _ = run(capsys, *words, "--batch-size", 256)
    assert code == 0
    assert all(name in printed for name in ("nested head", "head + rotation", "rotation", "random dims", "BM25"))
    scores = {(s["map"], s["dim"]): s["value"] for s in json.loads((out / "results.json").read_text())["scores"]}
    assert scores["nested head", 64] > scores["none", 64]

    from sentence_transformers import SentenceTransformer

    small = tmp_path / "small"
    assert run(capsys, "export", out / "model", small, "--dim", 64)[0] == 0
    texts = ["Return the absolute value.", "def f(x):\n    return abs(x)"]
    adapted = SentenceTransformer(str(out / "model")).encode(texts)
    assert adapted.shape == (2, 256)
    assert np.allclose(SentenceTransformer(str(small)).encode(texts), unit_rows(adapted[:, :64]), atol=1e-5)


def test_adapt_vectors_with_and_without_queries(capsys, tmp_path: Path, rng: np.random.Generator) -> None:
    shared = rng.normal(size=(900, 12))
    sides = [
        np.concatenate([shared + 0.3 * rng.normal(size=(900, 12)), 2 * rng.normal(size=(900, 20))], axis=1)
        for _ in range(2)
    ]
    for name, side in zip(("documents", "queries"), sides, strict=True):
        np.save(tmp_path / f"{name}.npy", side[:, ::-1].astype(np.float32))
    alone = tmp_path / "alone"
    words = ("adapt", tmp_path / "documents.npy", "--out", alone, "--dims", "8,16,32")
    code, printed, _ = run(capsys, *words)
    assert code == 0 and "recall@10" in printed
    paired = tmp_path / "paired"
    words = ("adapt", tmp_path / "documents.npy", "--queries", tmp_path / "queries.npy", "--out", paired)
    code, printed, _ = run(capsys, *words, "--dims", "8,16,32", "--seeds", 1, "--batch-size", 128)
    assert code == 0 and "nested head" in printed
    for folder in (alone, paired):
        mapped = np.load(folder / "documents.npy")
        assert mapped.shape == (900, 32) and np.allclose(np.linalg.norm(mapped, axis=1), 1, atol=1e-5)


def test_encode_check_and_a_flipped_byte(capsys, beir: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    code, printed, _ = run(capsys, "encode", "wordllama", beir, out)
    assert code == 0 and "200 rows of 256 float32" in printed
    assert run(capsys, "encode", "wordllama", beir, out)[0] == 0  # finished: nothing to do
    assert "whole" in run(capsys, "check", out)[1]
    shard = out / "shard-00000.safetensors"
    content = bytearray(shard.read_bytes())
    content[-5] ^= 1
    shard.write_bytes(content)
    assert "shard-00000.safetensors" in refused(capsys, "check", out)


def test_data_commands(capsys, beir: Path, tmp_path: Path) -> None:
    assert "200 documents, 32 queries" in run(capsys, "data", "show", beir)[1]
    assert run(capsys, "data", "convert", beir, tmp_path / "p", "--to", "processed")[0] == 0
    assert "200 documents, 32 queries" in run(capsys, "data", "show", tmp_path / "p")[1]
    assert run(capsys, "data", "toy", tmp_path / "toy")[0] == 0
    assert (tmp_path / "toy" / "passages.jsonl").exists()
    code, printed, _ = run(capsys, "data", "stdlib", tmp_path / "s.jsonl", "--mask-names")
    assert code == 0 and "pairs in" in printed


def test_bad_input_is_one_line_and_exit_code_2(capsys, beir: Path, pairs_file: Path, tmp_path: Path) -> None:
    assert "1..256" in refused(capsys, "curve", "wordllama", beir, "--dims", "64,512")
    assert "more than once" in refused(capsys, "curve", "wordllama", beir, "--dims", "64,64")
    assert "'a,b'" in refused(capsys, "curve", "wordllama", beir, "--dims", "a,b")
    assert "at least 1" in refused(capsys, "curve", "wordllama", beir, "--dims", "0,64")
    assert "BEIR" in refused(capsys, "curve", "wordllama", tmp_path)
    assert "nowhere" in refused(capsys, "curve", tmp_path / "nowhere", beir)
    assert "none, rotation, random" in refused(capsys, "curve", "wordllama", beir, "--map", "spin")
    assert "nDCG" in refused(capsys, "curve", "wordllama", beir, "--measure", "F1@3")
    assert "--dims" in refused(capsys, "curve", "wordllama", beir, "--dim", "3")
    assert "No such command" in refused(capsys, "cruve")
    few = tmp_path / "few.jsonl"
    few.write_text("".join(pairs_file.read_text().splitlines(keepends=True)[:300]))
    assert "at least one batch of 512 pairs" in refused(capsys, "adapt", "wordllama", few, "--out", tmp_path / "few")
    assert not (tmp_path / "few").exists()  # refused before anything was encoded
    (tmp_path / "empty.jsonl").touch()
    assert "empty.jsonl" in refused(capsys, "adapt", "wordllama", tmp_path / "empty.jsonl", "--out", tmp_path / "e")
    (tmp_path / "text.npy").write_text("no numbers")
    assert "numpy.save" in refused(capsys, "adapt", tmp_path / "text.npy", "--out", tmp_path / "e")
    assert "results.json" in refused(capsys, "report", tmp_path)
    assert "dim" in refused(capsys, "export", "wordllama", tmp_path / "x", "--dim", 512)


def test_a_set_of_another_model_is_not_continued(capsys, beir: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert run(capsys, "encode", "wordllama", beir, out)[0] == 0
    copied = tmp_path / "copy"
    shutil.copytree(out, copied)
    line = refused(capsys, "encode", "wordllama", beir, copied, "--dtype", "float16")
    assert "dtype" in line


SMALL = """
name: small
model: {name: tiny, projection: 24}
data: {kind: toy}
dims: [24, 8]
arms: [dense_baseline, matryoshka]
train: {max_steps: 1, batch_size: 16, evaluations: 0, tensorboard: false}
evaluate: {baselines: [plain], measures: [MRR@10], bm25: false}
"""


def test_run_config_stage_by_stage(capsys, tmp_path: Path) -> None:
    config, out = tmp_path / "small.yaml", tmp_path / "run"
    config.write_text(SMALL)
    assert "58 training" in run(capsys, "run", config, "--out", out, "--upto", "data")[1]
    code, printed, _ = run(capsys, "mine", config, "--out", out, "--set", "mine.n=2")
    assert code == 0 and (out / "mined" / "negatives.jsonl").exists() and "negatives.jsonl" in printed
    code, printed, told = run(capsys, "train", config, "--out", out)
    assert code == 0 and "matryoshka, seed 0" in printed and "start: done before" in told
    code, printed, told = run(capsys, "evaluate", config, "--out", out)
    assert code == 0 and "MRR@10" in printed and "train matryoshka seed 0: done before" in told
    assert not (out / "report.html").exists()
    assert run(capsys, "run", config, "--out", out)[0] == 0
    assert (out / "report.html").exists() and (out / "models" / "matryoshka" / "README.md").exists()
    line = refused(capsys, "run", config, "--out", out, "--set", "train.learning_rate=0.1")
    assert "train.learning_rate 2e-05 -> 0.1" in line and "--fresh" in line


def test_bad_configs_are_one_line_and_exit_code_2(capsys, tmp_path: Path) -> None:
    config = tmp_path / "small.yaml"
    assert "missing" in refused(capsys, "run", config)
    config.write_text(SMALL.replace("batch_size", "batch_sise"))
    line = refused(capsys, "run", config)
    assert line.endswith(f"{config}: unknown key train.batch_sise (did you mean batch_size?)")
    config.write_text(SMALL)
    assert "1..24" in refused(capsys, "run", config, "--set", "dims=[48]", "--out", tmp_path / "run")
    assert "KEY=VALUE" in refused(capsys, "run", config, "--set", "dims")
    assert "dense_retrieval" in refused(capsys, "run", config, "--set", "experiment=dense")
    config.write_text(f"experiment: sparse\n{SMALL}")
    assert "must be one of dense_retrieval, shared_prefix, translation, got 'sparse'" in refused(capsys, "run", config)
    assert not (tmp_path / "run").exists()


def test_data_passages_are_found_by_id(capsys, beir: Path, tmp_path: Path) -> None:
    from matryo.search import Passages

    assert run(capsys, "data", "convert", beir, tmp_path / "p", "--to", "processed")[0] == 0
    (tmp_path / "lines.txt").write_text("first\nsecond\n")
    toy_texts = {t.id: t.text for t in toy().dev.documents}
    sources = {"folder": beir, "jsonl": tmp_path / "p" / "passages.jsonl", "lines": tmp_path / "lines.txt"}
    for name, source in sources.items():
        out = tmp_path / f"{name}.sqlite"
        code, printed, _ = run(capsys, "data", "passages", source, out)
        with Passages.open(out) as passages:
            n = 2 if name == "lines" else 200
            assert (code, printed) == (0, f"{out}: {n} passages, digest {passages.digest}\n")
            assert passages.text("1") == ("first" if name == "lines" else toy_texts["1"])
    assert run(capsys, "data", "passages", tmp_path / "lines.txt", tmp_path / "lines.sqlite")[0] == 0
    assert "other texts" in refused(capsys, "data", "passages", beir, tmp_path / "lines.sqlite")
    assert "lines.txt" in refused(capsys, "data", "passages", beir, tmp_path / "lines.txt")
    (tmp_path / "bad.jsonl").write_text('{"id": "a", "text": "x\\u0000y"}\n')
    assert "NUL" in refused(capsys, "data", "passages", tmp_path / "bad.jsonl", tmp_path / "bad.sqlite")
    assert "missing" in refused(capsys, "data", "passages", tmp_path / "none.jsonl", tmp_path / "bad.sqlite")
    assert not (tmp_path / "bad.sqlite").exists()


def test_data_msmarco_converts_and_asks_for_the_terms(capsys, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    assert "--accept-terms" in refused(capsys, "data", "msmarco", raw, tmp_path / "out", "--download")
    raw.mkdir()
    assert "collection.tsv" in refused(capsys, "data", "msmarco", raw, tmp_path / "out")
    (raw / "collection.tsv").write_text("1\tone\n2\ttwo\n")
    for split in ("train", "dev"):
        (raw / f"queries.{split}.tsv").write_text("7\twhat\n")
        (raw / f"qrels.{split}.tsv").write_text("7\t0\t2\t1\n")
    assert run(capsys, "data", "msmarco", raw, tmp_path / "out")[0] == 0
    assert "2 documents, 1 queries" in run(capsys, "data", "show", tmp_path / "out")[1]
