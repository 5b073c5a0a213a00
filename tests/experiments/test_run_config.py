"""The config of a run: arms in every spelling, keys of another kind of data refused, the shipped configs valid."""

from pathlib import Path

import pytest

from matryo.config import read_config, write_config
from matryo.errors import FormatError
from matryo.experiments.run_config import RetrievalConfig
from matryo.training.settings import ArmSettings

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))
BASE = "name: x\ndims: [8, 4]\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "x.yaml"


def read(file: Path, text: str) -> RetrievalConfig:
    file.write_text(BASE + text)
    return read_config(file, RetrievalConfig)


def refused(file: Path, text: str) -> str:
    with pytest.raises(FormatError) as caught:
        read(file, text)
    return str(caught.value)


def test_arms_in_every_spelling(file: Path) -> None:
    data = "data: {kind: toy}\n"
    for arms in ("[matryoshka]", "{matryoshka: }", "{matryoshka: {}}", "{matryoshka: {method: matryoshka}}"):
        assert read(file, f"{data}arms: {arms}").arms == {"matryoshka": ArmSettings(method="matryoshka")}
    own = read(file, data + "arms: {mine: {method: matryoshka, dims: [4], train: {epochs: 2}}}").arms["mine"]
    assert (own.method, own.dims, own.train) == ("matryoshka", (4,), {"epochs": 2})


def test_misspelt_keys_are_named(file: Path) -> None:
    data = "data: {kind: toy}\narms: [matryoshka]\n"
    assert "unknown key train.batch_sise (did you mean batch_size?)" in refused(file, f"{data}train: {{batch_sise: 3}}")
    assert "unknown key evaluate.bm_25 (did you mean bm25?)" in refused(file, f"{data}evaluate: {{bm_25: true}}")
    assert "unknown key seed (did you mean seeds?)" in refused(file, f"{data}seed: 3")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("{kind: toy, path: x}", "kind toy takes no path"),
        ("{kind: pairs}", "kind pairs needs a path"),
        ("{kind: toy, columns: 'a,b'}", "columns is a key of kind pairs"),
        ("{kind: msmarco, path: x, test_split: test}", "test_split is a key of kind retrieval"),
        ("{kind: pairs, path: x, validation_share: 0.2}", "validation_share is a key of kind toy and retrieval"),
        ("{kind: pairs, path: x.jsonl, mask_names: true}", "mask_names is for path stdlib"),
        ("{kind: beir, path: x}", "data.kind must be 'toy', 'pairs', 'retrieval' or 'msmarco'"),
    ],
)
def test_keys_of_another_kind_of_data_are_refused(file: Path, data: str, told: str) -> None:
    assert told in refused(file, f"data: {data}\narms: [matryoshka]")


def test_values_that_would_fail_after_hours_of_training(file: Path) -> None:
    data = "data: {kind: toy}\narms: [matryoshka]\n"
    assert "evaluate.measures must be at least 1 long" in refused(file, f"{data}evaluate: {{measures: []}}")
    assert "train.loss.margin must be at most 2" in refused(file, f"{data}train: {{loss: {{margin: 3}}}}")
    assert "data.seed must be at least 0" in refused(file, "data: {kind: toy, seed: -1}\narms: [matryoshka]")


def test_seeds_once_and_names_that_are_folders(file: Path) -> None:
    rest = "data: {kind: toy}\narms: [matryoshka]\n"
    assert "each seed once, got [1, 1]" in refused(file, f"{rest}seeds: [1, 1]")
    assert read(file, rest).folder == Path("runs/x")
    assert read(file, f"{rest}out: elsewhere").folder == Path("elsewhere")


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_shipped_configs_are_valid_and_say_what_they_do(path: Path, file: Path) -> None:
    config = read_config(path, RetrievalConfig)
    assert config.name == path.stem and set(config.arms) >= {"dense_baseline", "matryoshka"}
    write_config(file, config)
    assert read_config(file, RetrievalConfig) == config
    opening = path.read_text().split("\n\n")[0]
    assert opening.startswith("# ") and f"matryo run configs/{path.name}" in opening


def test_all_promised_configs_are_there() -> None:
    assert {path.stem for path in CONFIGS} >= {"smoke", "stdlib", "pairs", "msmarco"}


def test_indexes_are_multiplied_out_and_checked_when_the_config_is_read(file: Path) -> None:
    data = "data: {kind: toy}\narms: [matryoshka]\nevaluate:\n  indexes:\n    - "
    found = read(file, data + "{kind: quantized, dims: [4, 8], bits: [8, 1]}\n    - {kind: funnel, dims: [4, 8]}")
    assert [one.name for one in found.evaluate.every_index()] == [
        "int8@4 rotated", "binary@4 rotated", "int8@8 rotated", "binary@8 rotated", "funnel 4>8",
    ]  # fmt: skip
    written = file.with_name("again.yaml")
    write_config(written, found)
    assert read_config(written, RetrievalConfig) == found
    assert "takes no recall" in refused(file, data + "{kind: flat, recall: 0.9}")
    assert "rerank ranks given candidates only" in refused(file, data + "{kind: flat}\n  rerank: top.dev")
    assert "start or one of matryoshka, got other" in refused(file, data + "{kind: flat}\n  index_arm: other")
    alone = "data: {kind: toy}\narms: [matryoshka]\nevaluate: {index_arm: start}"
    assert "there are no indexes" in refused(file, alone)
