import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from matryo.config import read_config, write_config
from matryo.encoders import load_encoder
from matryo.errors import FormatError, MatryoError, ShapeError
from matryo.evaluation.identity_results import IdentityResults
from matryo.experiments.identity_config import SharedPrefixConfig
from matryo.experiments.identity_match import MatchSettings, match
from matryo.experiments.shared_prefix import read_measures, run

CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "shared_prefix").glob("*.yaml"))
METHODS = ("v3_contrastive", "v3_mse", "projection_heads")
SEEDS = (0, 3)


def config(**changes: object) -> SharedPrefixConfig:
    return SharedPrefixConfig.model_validate(
        {
            "experiment": "shared_prefix",
            "name": "small",
            "model": {"name": "tiny", "projection": 32, "max_tokens": 24, "precision": "fp32"},
            "data": {"kind": "people", "train": 40, "validation": 20, "test": 24, "triplets": 24, "level": "plain"},
            "dims": [8, 16, 32],
            "prefix_dim": 16,
            "methods": METHODS,
            "seeds": SEEDS,
            "train": {"batch_size": 8, "max_steps": 3, "learning_rate": 1e-3, "precision": "fp32"},
            "evaluate": {"galleries": [10, 20], "permutations": 100, "probe_labels": ["seniority"]},
            **changes,
        }
    )


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("shared") / "run"
    told = run(config(), out=out)
    assert "report:" in told and "v3_mse" in told
    return out


def test_every_system_is_measured_and_compared(done: Path) -> None:
    results = IdentityResults.read(done)
    assert results.systems == {
        **dict.fromkeys(("chance", "TF-IDF", "BM25", "character n-grams", "co-occurrence"), "baseline"),
        **dict.fromkeys(("frozen", "rotation", "head"), "baseline"),
        "template": "baseline",
        "attribute oracle": "ceiling",
        **dict.fromkeys(METHODS, "method"),
    }
    assert (results.width, results.dims, results.prefix_dim, results.seeds) == (32, (8, 16, 32), 16, SEEDS)
    for system, kind in results.systems.items():
        found = results.score(system, gallery="random 20")
        assert found is not None and 0.0 <= found.value <= 1.0 and found.n == 48
        assert len(found.by_seed) == (len(SEEDS) if kind == "method" else 1)
        assert found.low <= found.value <= found.high
    oracle, chance = (
        results.score("attribute oracle", gallery="random 20"),
        results.score("chance", gallery="random 20"),
    )
    assert oracle is not None and chance is not None
    assert oracle.value > 0.9 and chance.value == pytest.approx(1 / 20)
    assert {verdict.outcome for verdict in results.verdicts} <= {"holds", "does not hold", "undecided"}
    assert any(one.name == f"v3_contrastive - {results.best_baseline}" for one in results.family)
    assert any("no entity lies in two parts" in note for note in results.notes)
    assert {one.name for one in results.full_width} == {
        f"{method} - {floor} by 32" for method in METHODS for floor in ("frozen", "head")
    }


def test_scores_are_those_of_the_measures(done: Path) -> None:
    results, measured = IdentityResults.read(done), read_measures(done, config())
    for system, runs in measured.items():
        score = results.score(system, "MRR", gallery="random 20")
        assert score is not None
        assert score.value == pytest.approx(np.mean([one.mean("MRR", gallery="random 20") for one in runs]))
    hits = results.score("v3_mse", "triplets", "prefix 32", gallery="", direction="dating")
    assert hits is not None and hits.n == 24


def test_results_are_read_back_exactly(done: Path, tmp_path: Path) -> None:
    results = IdentityResults.read(done)
    results.write(tmp_path)
    assert (tmp_path / "results.json").read_text() == (done / "results.json").read_text()
    stored = json.loads((tmp_path / "results.json").read_text())
    del stored["verdicts"]
    (tmp_path / "results.json").write_text(json.dumps(stored))
    with pytest.raises(FormatError, match="lacks or garbles a field"):
        IdentityResults.read(tmp_path)


def test_what_is_done_is_not_done_again(done: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in done.rglob("*.safetensors")}
    said: list[str] = []
    run(config(), out=done, say=said.append)
    assert {path: path.stat().st_mtime_ns for path in done.rglob("*.safetensors")} == before
    assert sum("done before" in line for line in said) == 4 + 2 * len(METHODS) * len(SEEDS)


def test_another_config_in_the_same_folder_is_refused(done: Path) -> None:
    changed = config(train={"batch_size": 8, "max_steps": 4, "learning_rate": 1e-3, "precision": "fp32"})
    with pytest.raises(MatryoError, match=r"of another config: train.max_steps 3 -> 4"):
        run(changed, out=done)


def test_a_trained_model_is_an_ordinary_one(done: Path) -> None:
    from sentence_transformers import SentenceTransformer

    folder = done / "training" / "projection_heads" / "seed-3" / "model"
    vectors = SentenceTransformer(str(folder), device="cpu").encode(["a pilot who sings"])
    assert vectors.shape == (1, 32)
    assert np.allclose(vectors, load_encoder(folder, precision="fp32").encode(["a pilot who sings"]), atol=1e-5)


def test_a_text_is_matched_in_the_other_domain(done: Path) -> None:
    from matryo.experiments.identity_data import read_identity_data

    test = read_identity_data(config().data, done / "data").test
    found = match(done, test.a.texts[0], 24)
    assert sorted(one.id for one in found.answers) == sorted(test.b.ids)
    assert [one.score for one in found.answers] == sorted((one.score for one in found.answers), reverse=True)
    assert "16 numbers" in found.notes[0] and "a text of dating" in found.notes[0]
    back = match(done, test.b.texts[0], 2, MatchSettings("hiring", "v3_mse", 3, 8, "validation"))
    assert len(back.answers) == 2 and "v3_mse seed 3, 8 numbers" in back.notes[0]
    texts = dict(zip(test.b.ids, test.b.texts, strict=True))
    assert all(one.text == texts[one.id] for one in found.answers)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (MatchSettings(domain="cooking"), "domain must be dating or hiring"),
        (MatchSettings(method="adversarial"), "has no model of adversarial seed 0"),
        (MatchSettings(seed=1), "has no model of v3_contrastive seed 1"),
        (MatchSettings(part="dev"), "part must be one of train, validation, test"),
    ],
)
def test_matches_that_cannot_be(done: Path, asked: MatchSettings, words: str) -> None:
    with pytest.raises(MatryoError, match=words):
        match(done, "a pilot", 3, asked)


def test_an_empty_text_and_a_dim_beyond_the_width(done: Path) -> None:
    with pytest.raises(MatryoError, match="the text is empty"):
        match(done, "  ")
    with pytest.raises(ShapeError, match="32"):
        match(done, "a pilot", 3, MatchSettings(dim=64))


def test_one_method_alone_is_set_beside_the_best_baseline(tmp_path: Path) -> None:
    alone = config(
        methods=["single_dating"],
        seeds=[0],
        evaluate={
            "galleries": [10],
            "permutations": 100,
            "probes": False,
            "baselines": ["chance", "TF-IDF"],
        },
    )
    run(alone, "evaluate", out=tmp_path / "run")
    results = IdentityResults.read(tmp_path / "run")
    assert [one.name for one in results.family] == ["single_dating - TF-IDF"] and results.verdicts == ()
    assert not (tmp_path / "run" / "report.html").exists()


def test_real_data_have_no_triplets_and_no_labels(tmp_path: Path) -> None:
    rows = [f"{n}\t{'red green blue'.split()[n % 3]} thing number {n}\tthe {n}th object" for n in range(40)]
    (tmp_path / "pairs.tsv").write_text("\n".join(["id\tlong\tshort", *rows]) + "\n")
    real = config(
        data={"kind": "file", "path": str(tmp_path / "pairs.tsv"), "columns": ["long", "short"], "id": "id"},
        methods=["v3_contrastive"],
        seeds=[0],
    )
    told = run(real, out=tmp_path / "run")
    results = IdentityResults.read(tmp_path / "run")
    assert "report:" in told and (tmp_path / "run" / "report.html").is_file()
    assert set(results.systems) == {
        "chance", "TF-IDF", "BM25", "character n-grams", "co-occurrence", "frozen", "rotation", "head",
        "v3_contrastive",
    }  # fmt: skip
    assert any("left out: template, attribute oracle" in note for note in results.notes)
    assert all(score.measure != "triplets" for score in results.scores)


def test_a_method_without_a_term_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    rows = [f"{n}\tthing {n}\tobject {n}" for n in range(40)]
    (tmp_path / "pairs.tsv").write_text("\n".join(["id\tlong\tshort", *rows]) + "\n")
    data = {"kind": "file", "path": str(tmp_path / "pairs.tsv"), "columns": ["long", "short"], "id": "id"}
    with pytest.raises(MatryoError, match="v3_no_prefix"):
        run(config(data=data, methods=["v3_contrastive", "v3_no_prefix"], seeds=[0]), "train", out=tmp_path / "run")
    assert not list((tmp_path / "run").rglob("trained.json"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_is_valid(path: Path) -> None:
    assert read_config(path, SharedPrefixConfig, ()).prefix_dim == 64


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prefix_dim": 24}, "prefix_dim 24 must be one of the dims"),
        ({"methods": ["v3_contrastiv"]}, "the nearest is v3_contrastive"),
        ({"seeds": [1, 1]}, "each once"),
        ({"data": {"kind": "stdlib", "shares": {"train": 0.9, "validation": 0.1, "test": 0.3}}}, "sum to 1"),
    ],
)
def test_bad_configs_say_what_is_accepted(change: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        config(**change)


def test_dims_beyond_the_width_name_it(tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match="32"):
        run(config(dims=[16, 64]), "train", out=tmp_path / "run")


def test_a_run_that_mines_is_another_kind(tmp_path: Path) -> None:
    with pytest.raises(MatryoError, match="matryo train or run"):
        run(config(), "mine", out=tmp_path / "run")


def test_vectors_of_a_removed_model_are_not_taken_for_those_of_the_next(done: Path, tmp_path: Path) -> None:
    run_again = tmp_path / "run"
    shutil.copytree(done, run_again)
    changed = config(
        methods=["v3_contrastive"],
        seeds=[0],
        train={"batch_size": 8, "max_steps": 2, "learning_rate": 1e-2, "precision": "fp32"},
    )
    before = read_measures(done, config())["v3_contrastive"][0]
    run(changed, "evaluate", out=run_again, fresh=True)
    after = read_measures(run_again, changed)["v3_contrastive"][0]
    assert not np.array_equal(
        before.values("margin", gallery="random 20").values, after.values("margin", gallery="random 20").values
    )
    assert IdentityResults.read(run_again).seeds == (0,)


def pairs_config(folder: Path, n: int = 40, n_test: int = 16, **changes: object) -> SharedPrefixConfig:
    rows = [f"{i}\tthing number {i} here\tthe object {i}\t{'test' if i < n_test else 'train'}" for i in range(n)]
    (folder / "pairs.tsv").write_text("\n".join(["id\tlong\tshort\tpart", *rows]) + "\n")
    data = {"kind": "file", "path": "pairs.tsv", "columns": ["long", "short"], "id": "id", "part": "part"}
    return config(data=data, methods=["v3_contrastive"], seeds=[0], **changes)


def test_a_run_is_asked_from_any_folder_and_matches_before_it_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = pairs_config(tmp_path)
    run(asked, "train", out=tmp_path / "run")
    monkeypatch.chdir("/")
    first = match(tmp_path / "run", "thing number 4 here", 3)
    assert len(first.answers) == 3 and all(one.text.startswith("the object") for one in first.answers)
    (tmp_path / "pairs.tsv").unlink()  # texts stand beside the vectors
    assert match(tmp_path / "run", "thing number 4 here", 3) == first
    monkeypatch.chdir(tmp_path)
    again = pairs_config(tmp_path, train={"batch_size": 4, "max_steps": 2, "learning_rate": 1e-2, "precision": "fp32"})
    told = run(again, "evaluate", out=tmp_path / "run", fresh=True)
    assert "attribute oracle" not in told and "v3_contrastive" in told


def test_baselines_of_other_data_do_not_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    few = {"galleries": [10], "permutations": 100, "probes": False}
    people = config(methods=["v3_contrastive"], seeds=[0], evaluate={**few, "baselines": ["template", "TF-IDF"]})
    run(people, "evaluate", out=tmp_path / "run")
    run(
        pairs_config(tmp_path, evaluate={**few, "baselines": ["template", "TF-IDF"]}),
        "evaluate",
        out=tmp_path / "run",
        fresh=True,
    )
    assert set(IdentityResults.read(tmp_path / "run").systems) == {"TF-IDF", "v3_contrastive"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"test": 1}, "at least 3"),
        ({"train": 1}, "at least 3"),
    ],
)
def test_a_part_with_one_person_is_refused(change: dict[str, int], words: str, tmp_path: Path) -> None:
    data = {"kind": "people", "train": 40, "validation": 20, "test": 24, "triplets": 24, **change}
    with pytest.raises(MatryoError, match=words):
        run(config(data=data), "data", out=tmp_path / "run")


def test_too_few_to_be_measured_is_said_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MatryoError, match="test has 3 entities in both domains, measuring needs at least 4"):
        run(pairs_config(tmp_path, n_test=3), "train", out=tmp_path / "run")
    assert not list(tmp_path.rglob("trained.json"))


def test_a_domain_without_texts_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, lines in (("left", ["id,text", "1,a"]), ("right", ["id,text"]), ("matches", ["left,right"])):
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n")
    sides = {side: {"path": f"{name}.csv", "domain": name} for side, name in (("a", "left"), ("b", "right"))}
    data = {"kind": "tables", "name": "t", **sides, "matches": "matches.csv"}
    with pytest.raises(FormatError, match=r"right\.csv has no row that can be used"):
        run(config(data=data), "data", out=tmp_path / "run")


def test_a_floor_of_vectors_is_taken_at_its_best(done: Path) -> None:
    results = IdentityResults.read(done)
    for floor in ("frozen", "rotation", "head"):
        narrow, wide = results.score(floor), results.score(f"{floor} by 32")
        assert narrow is not None and wide is not None and wide.column == "prefix 32"
    assert results.best_baseline not in ("frozen", "rotation", "head")


@pytest.mark.slow
def test_two_processes_train_and_one_measures(tmp_path: Path) -> None:
    write_config(tmp_path / "small.yaml", config(methods=["v3_contrastive", "adversarial"], seeds=[0]))
    words = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "matryo", "run"]
    ended = subprocess.run(
        [sys.executable, *words, "small.yaml", "--out", "run"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("report:") == 1 and ended.stderr.count("train adversarial seed 0: ") == 1
    assert set(IdentityResults.read(tmp_path / "run").systems) >= {"v3_contrastive", "adversarial", "frozen"}
