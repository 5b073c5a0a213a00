import json
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest

from matryo.errors import FormatError, MatryoError
from matryo.evaluation.comparisons import differences, pool_seeds, recommend, shares
from matryo.evaluation.queries import Queries
from matryo.evaluation.results import ExtraTable, RunResults
from matryo.evaluation.score import Score

N = 30
GROUPED = Queries(tuple(f"q{number}" for number in range(N)), tuple(f"g{number % 6}" for number in range(N)))
ALONE = Queries(tuple(f"Frage „{number}“" for number in range(N // 2)))


def score(rng, dataset, map, dim, seed=None, measure="MRR@10", n=N):
    values = rng.random(n) * (0.5 + dim / 800)
    return Score(dataset, "m", map, dim, measure, float(values.mean()), 0.1, 0.9, n, seed, None, None, values)


@pytest.fixture
def results(rng):
    plain = [score(rng, "d", "none", dim) for dim in (96, 384)]
    heads = [score(rng, "d", "head", 96, seed) for seed in (0, 1)]
    others = [score(rng, "other", "none", dim, n=N // 2) for dim in (96, 384)]
    sts = Score("stsb", "m", "none", 96, "spearman", 0.8, float("nan"), 0.9, 1379)
    return RunResults(
        run_name="first",
        dataset="d",
        device="cpu",
        cuda_available=None,
        scores=(*plain, sts, *heads, *pool_seeds(heads, GROUPED), *others),
        shares=tuple(shares([(plain[0], plain[1]), (heads, plain[1])], GROUPED)),
        differences=tuple(differences({"head - plain at 96": (heads, plain[0])}, GROUPED)),
        recommendations=(recommend(plain, GROUPED), recommend(others, ALONE)),
        tables=(ExtraTable("bytes", "Bytes per vector", ("dim", "bytes"), (("96", 384), ("?", None)), ("float32",)),),
        seeds=(0, 1),
        settings={"dims": [96, 384], "bm25": {"k1": 1.2}},
        seconds={"encode": 1.5, "search": 0.25},
        notes=("2 of 32 queries have no judged document and are left out",),
        queries={"d": GROUPED, "other": ALONE},
    )


def test_what_is_written_is_read(results, tmp_path):
    results.write(tmp_path / "run")
    again = RunResults.read(tmp_path / "run")
    assert again.to_json() == results.to_json()
    assert again.queries == results.queries
    for stored, original in zip(again.scores, results.scores, strict=True):
        assert (stored.per_query is None) == (original.per_query is None)
        if original.per_query is not None:
            np.testing.assert_array_equal(stored.per_query, original.per_query)


def test_comparisons_can_be_made_anew_from_what_is_stored(results, tmp_path):
    results.write(tmp_path)
    again = RunResults.read(tmp_path)
    full, short = again.scores[1], again.scores[0]
    (share,) = shares([(short, full)], again.queries["d"])
    stored = results.shares[0]
    assert (share.value, share.low, share.high) == pytest.approx((stored.value, stored.low, stored.high), abs=1e-12)


def test_writing_again_gives_the_same_bytes(results, tmp_path):
    results.write(tmp_path / "a")
    RunResults.read(tmp_path / "a").write(tmp_path / "b")
    for name in ("results.json", "per_query.parquet"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["per_query.parquet", "results.json"]


def test_fields_of_the_json(results, tmp_path):
    results.write(tmp_path)
    stored = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert list(stored) == [
        *("format", "run_name", "dataset", "timestamp", "versions", "machine", "device", "cuda_available", "seeds"),
        *("settings", "seconds", "notes", "scores", "shares", "differences", "recommendations", "tables", "per_query"),
    ]
    assert stored["scores"][2]["low"] is None
    assert stored["shares"][1]["of"] == {"model": "m", "map": "head", "dim": 96}
    assert stored["recommendations"][0]["tested"][0]["dim"] == 96
    assert stored["per_query"]["n_rows"] == 5 * N + 2 * (N // 2)


def test_parquet_is_readable_without_us(results, tmp_path):
    results.write(tmp_path)
    table = pq.read_table(tmp_path / "per_query.parquet")
    assert table.column_names == ["dataset", "model", "map", "seed", "dim", "measure", "query_id", "group", "value"]
    frame = table.to_pylist()
    heads = [row for row in frame if row["map"] == "head" and row["seed"] == 1]
    assert [row["query_id"] for row in heads] == list(GROUPED.ids)
    assert [row["group"] for row in heads] == list(GROUPED.groups)
    assert [row["value"] for row in heads] == results.scores[4].per_query.tolist()
    assert {row["group"] for row in frame if row["dataset"] == "other"} == {None}
    assert {row["seed"] for row in frame if row["map"] == "none"} == {None}


def test_without_per_query_values(results, tmp_path):
    results.write(tmp_path)
    (tmp_path / "per_query.parquet").unlink()
    again = RunResults.read(tmp_path, with_per_query=False)
    assert again.to_json() == results.to_json()
    assert again.queries == {}
    with pytest.raises(FormatError, match=r"per_query\.parquet is missing"):
        RunResults.read(tmp_path)


def test_a_run_without_any_score(tmp_path):
    RunResults("empty", "d", "cpu", False, ()).write(tmp_path)
    assert RunResults.read(tmp_path).scores == ()


def test_damage_is_told(results, tmp_path):
    with pytest.raises(FormatError, match="missing, expected the results of a run"):
        RunResults.read(tmp_path)
    results.write(tmp_path)
    parquet, whole = tmp_path / "per_query.parquet", (tmp_path / "per_query.parquet").read_bytes()
    parquet.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(FormatError, match="is not the file"):
        RunResults.read(tmp_path)
    parquet.write_bytes(whole)
    path = tmp_path / "results.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    for broken, words in [
        ({**stored, "format": 2}, "has format 2, this version reads 1"),
        ([], "holds a list"),
        ({key: value for key, value in stored.items() if key != "shares"}, "garbles a field.*shares"),
        ({**stored, "scores": [{}]}, "a stored score is not readable"),
        ({**stored, "shares": [{}]}, "garbles a field"),
        ({**stored, "scores": stored["scores"][:3]}, "rows, its scores account for"),
    ]:
        path.write_text(json.dumps(broken), encoding="utf-8")
        with pytest.raises(FormatError, match=words):
            RunResults.read(tmp_path)
    path.write_text(json.dumps(stored)[:100], encoding="utf-8")
    with pytest.raises(FormatError, match="not readable as the results of a run"):
        RunResults.read(tmp_path)


def test_results_that_cannot_be_stored(rng, tmp_path):
    one = score(rng, "d", "none", 96)
    with pytest.raises(MatryoError, match="two scores are of the same arm"):
        RunResults("r", "d", "cpu", False, (one, one), queries={"d": GROUPED}).write(tmp_path)
    with pytest.raises(MatryoError, match="for no queries"):
        RunResults("r", "d", "cpu", False, (one,)).write(tmp_path)
    with pytest.raises(MatryoError, match="for 15 queries"):
        RunResults("r", "d", "cpu", False, (one,), queries={"d": ALONE}).write(tmp_path)
    assert not (tmp_path / "results.json").exists()


def test_reading_results_needs_no_torch():
    code = (
        "import sys; from matryo.evaluation import RunResults; sys.exit(bool({'torch', 'pyarrow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
