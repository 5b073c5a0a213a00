"""What a study is told: short forms, jobs, shipped configs, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from matryo.config import explain, read_config, write_config
from matryo.experiments.study_config import (
    Job,
    StudyConfig,
    TranslatorConfig,
    absolute_paths,
    pair_slug,
)

CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "translation").glob("*.yaml"))
BASE: dict[str, Any] = {
    "experiment": "translation",
    "name": "x",
    "texts": {"kind": "stdlib"},
    "spaces": {"minilm": {"kind": "model", "name": "minilm"}, "lsa": {"kind": "lsa"}},
    "translators": ["ridge"],
}


def study(**changes: Any) -> StudyConfig:
    return StudyConfig.model_validate({**BASE, **changes})


def refused(**changes: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        study(**changes)
    told = explain(caught.value, StudyConfig)
    assert "\n" not in told
    return told


@pytest.mark.parametrize(
    ("short", "name", "slug"),
    [
        ("ridge", "ridge", "ridge"),
        ("procrustes centred", "procrustes centred", "procrustes-centred"),
        ("linear cosine", "linear cosine", "linear-cosine"),
        ("mlp1", "mlp1 1x", "mlp1-1x"),
        ("mlp1 8x", "mlp1 8x", "mlp1-8x"),
        ("mlp2 32x mse", "mlp2 32x", "mlp2-32x"),
        ({"kind": "mlp2", "hidden": "8x", "loss": "relational"}, "mlp2 8x relational", "mlp2-8x-relational"),
    ],
)
def test_a_translator_has_one_name_however_it_is_written(short: Any, name: str, slug: str) -> None:
    one = TranslatorConfig.model_validate(short)
    assert (one.name, one.slug) == (name, slug)
    assert TranslatorConfig.model_validate(name).name == name


def test_jobs_go_pair_by_pair_and_closed_forms_take_one_seed() -> None:
    config = study(
        seeds=[3, 4],
        translators=["ridge", "linear", {"kind": "mlp1", "seeds": [7], "pairs": [["lsa", "minilm"]]}],
    )
    assert config.ordered_pairs() == (("minilm", "lsa"), ("lsa", "minilm"))
    assert [(job.pair, job.translator.name, job.seed) for job in config.jobs()] == [
        ("minilm--lsa", "ridge", 3),
        ("minilm--lsa", "linear", 3),
        ("minilm--lsa", "linear", 4),
        ("lsa--minilm", "ridge", 3),
        ("lsa--minilm", "linear", 3),
        ("lsa--minilm", "linear", 4),
        ("lsa--minilm", "mlp1 1x", 7),
    ]


def test_a_job_knows_its_folder_and_what_it_is_called() -> None:
    job = Job("minilm", "lsa", TranslatorConfig.model_validate("mlp1 8x"), 2)
    assert job.folder(Path("run")) == Path("run/pairs/minilm--lsa/mlp1-8x/seed-2")
    assert job.label == "minilm -> lsa, mlp1 8x, seed 2" and job.pair == pair_slug("minilm", "lsa")


def test_pairs_that_no_translator_is_fitted_for_are_none() -> None:
    config = study(translators=[{"kind": "ridge", "pairs": [["lsa", "minilm"]]}])
    assert config.ordered_pairs() == (("lsa", "minilm"),)
    assert study(pairs=[["lsa", "minilm"]]).ordered_pairs() == (("lsa", "minilm"),)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"spaces": {"lsa": {"kind": "lsa"}}}, "spaces must be at least 2 long"),
        ({"spaces": {"a--b": {"kind": "lsa"}, "c": {"kind": "lsa"}}}, "spaces.a--b must be a text that matches"),
        ({"spaces": {"A": {"kind": "lsa"}, "c": {"kind": "lsa"}}}, "spaces.A must be a text that matches"),
        ({"spaces": {"a": {"kind": "lsa", "widht": 3}, "c": {"kind": "lsa"}}}, "widht (did you mean width?)"),
        ({"spaces": {"a": {"kind": "glove"}, "c": {"kind": "lsa"}}}, "'model', 'layer', 'lsa', 'api', 'finetuned'"),
        ({"pairs": [["minilm", "glove"]]}, "there is no space 'glove'; there are minilm, lsa"),
        ({"pairs": [["lsa", "lsa"]]}, "from one space to another"),
        ({"pairs": [["lsa", "minilm"], ["lsa", "minilm"]]}, "'lsa--minilm' twice"),
        ({"pairs": []}, "pairs must be at least 1 long"),
        (
            {"pairs": [["lsa", "minilm"]], "translators": [{"kind": "ridge", "pairs": [["minilm", "lsa"]]}]},
            "pairs of ridge: [minilm, lsa] is none of the study's pairs",
        ),
        ({"translators": ["mlp1", "ridge", "mlp1 1x"]}, "translators: each once, got 'mlp1 1x' twice"),
        ({"translators": []}, "translators must be at least 1 long"),
        ({"translators": ["rigde"]}, "'ridge', 'procrustes', 'linear', 'mlp1' or 'mlp2', got 'rigde'"),
        ({"translators": ["ridge 8x"]}, "hidden does not belong to kind ridge"),
        ({"translators": ["ridge cosine"]}, "loss does not belong to kind ridge"),
        ({"translators": ["mlp1 centred"]}, "centre does not belong to kind mlp1"),
        ({"translators": ["mlp1 8x 32x"]}, "got 'mlp1 8x 32x'; write it so"),
        ({"translators": [{"kind": "mlp1", "hidden": "eight"}]}, "hidden must be a text that matches"),
        ({"translators": [{"kind": "mlp1", "seeds": [1, 1]}]}, "each seed once"),
        ({"seeds": [0, 0]}, "seeds: each once"),
        ({"share": 1.0}, "share must be below 1.0"),
        ({"share": 0}, "share must be above 0"),
        ({"curve": {"translators": ["linear"]}}, "curve names the translator 'linear'"),
        ({"pictures": {"translators": ["linear"]}}, "pictures names the translator 'linear'"),
        ({"store": {"location": "milvus:x.db"}}, "must be chroma:FOLDER or chroma:http://host:port"),
        ({"texts": {"kind": "lines"}}, "kind lines needs a path"),
        ({"texts": {"kind": "stdlib", "path": "x"}}, "kind stdlib takes no path"),
        ({"texts": {"kind": "lines", "path": ["a", "b"]}}, "only hotpotqa reads several"),
        ({"texts": {"kind": "hotpotqa", "path": "a", "split": "dev"}}, "split belongs to kind retrieval"),
        ({"texts": {"kind": "hotpotqa", "path": "a", "group_end": "#"}}, "group_end belongs to kind"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes: dict[str, Any], told: str) -> None:
    assert told in refused(**changes)


def test_a_run_keeps_paths_that_hold_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    many = absolute_paths(study(texts={"kind": "hotpotqa", "path": ["a.json", "b.json"]}))
    assert many.texts.path == (str(tmp_path / "a.json"), str(tmp_path / "b.json"))
    api = {"kind": "api", "api": {"model": "m", "width": 2}, "cache": "answers"}
    one = absolute_paths(study(texts={"kind": "lines", "path": "a"}, spaces={**BASE["spaces"], "api": api}))
    assert one.texts.path == str(tmp_path / "a") and one.spaces["api"].cache == tmp_path / "answers"
    (tmp_path / "own").mkdir()
    own = absolute_paths(study(spaces={**BASE["spaces"], "own": {"kind": "model", "name": "own"}}))
    assert (own.spaces["own"].name, own.spaces["minilm"].name) == (str(tmp_path / "own"), "minilm")


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_shipped_configs_are_valid_and_say_how_they_are_run(path: Path, tmp_path: Path) -> None:
    config = read_config(path, StudyConfig)
    assert config.name == f"translation_{path.stem}" and config.jobs()
    write_config(tmp_path / "again.yaml", config)
    assert read_config(tmp_path / "again.yaml", StudyConfig) == config
    opening = path.read_text().split("\n\nexperiment")[0]
    assert opening.startswith("# ") and f"matryo run configs/translation/{path.name}" in opening


def test_the_promised_grids() -> None:
    assert {path.stem for path in CONFIGS} == {"fast", "full", "plan", "gpt", "t5", "decoder"}
    grids = {path.stem: read_config(path, StudyConfig) for path in CONFIGS}
    assert len(grids["plan"].jobs()) == 36 + 2
    fast = grids["fast"]
    assert len(fast.ordered_pairs()) == 12
    assert {one.name for one in fast.translators} == {
        "ridge", "procrustes", "linear", "mlp1 1x", "mlp1 8x", "mlp2 1x",
    }  # fmt: skip
    full = {one.name for one in grids["full"].translators}
    assert full >= {"linear", *(f"mlp{n} {width}" for n in (1, 2) for width in ("1x", "8x", "32x"))}


def test_the_ways_to_change_a_shipped_config_that_its_header_names() -> None:
    folder = CONFIGS[0].parent
    texts = "texts={kind: hotpotqa, path: [a.json, b.json], max_documents: 8000}"
    assert read_config(folder / "plan.yaml", StudyConfig, [texts]).texts.paths == ("a.json", "b.json")
    full = read_config(folder / "full.yaml", StudyConfig, ["texts.path=a.json", "spaces.t5.name=models/t5"])
    assert full.texts.paths == ("a.json",) and full.spaces["t5"].name == "models/t5"
    api = 'spaces.gpt.api={model: nomic-embed-text, base_url: "http://localhost:11434/v1", width: 768}'
    gpt = read_config(folder / "gpt.yaml", StudyConfig, [api, "spaces.gpt.yes=true"]).spaces["gpt"]
    assert gpt.api.space().width == 768 and gpt.yes
