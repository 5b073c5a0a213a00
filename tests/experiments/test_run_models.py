"""What is kept of a run: an ordinary model folder per arm with dims, curve and card."""

import json
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from matryo.encoders import load_encoder, read_matryoshka
from matryo.evaluation import Queries, RunResults, Score
from matryo.experiments.run_config import RetrievalConfig
from matryo.experiments.run_models import keep_models, start_name
from matryo.losses.columns import column_order

DIMS = (8, 16, 32)


def config(name: str = "minilm", columns: str = "prefix") -> RetrievalConfig:
    return RetrievalConfig.model_validate(
        {
            "name": "check",
            "model": {"name": name, "precision": "fp32", "device": "cpu"},
            "data": {"kind": "toy"},
            "dims": DIMS,
            "arms": {"matryoshka": {"train": {"loss": {"columns": columns}}}},
            "seeds": [0, 1],
        }
    )


def results(map: str = "none") -> RunResults:
    values = np.array([0.25, 0.75])

    def score(dim: int, seed: int | None) -> Score:
        value = float(values.mean()) if seed is None else 0.1 * (seed + 1)
        return Score(
            "toy", "matryoshka", map, dim, "MRR@10", value, 0.0, 1.0, 2, seed, n_seeds=None if seed is not None else 2
        )

    return RunResults(
        run_name="check",
        dataset="toy",
        device="cpu",
        cuda_available=False,
        scores=tuple(score(dim, seed) for seed in (None, 0, 1) for dim in DIMS),
        seeds=(0, 1),
        settings={
            "experiment": "dense_retrieval",
            "methods": {"matryoshka": "all dims"},
            "control": None,
            "target_dim": 8,
            "dims": list(DIMS),
            "arms": {"matryoshka": {"method": "matryoshka", "dims": list(DIMS), "train": {}}},
            "encoder": {"name": "untrained"},
            "data": {"documents": 200, "test_queries": 2},
            "chosen": {"matryoshka": {"seed": 1, "validation": {"0": 0.1, "1": 0.2}}},
        },
        queries={"toy": Queries(("a", "b"))},
    )


def test_the_chosen_model_is_an_ordinary_folder_with_its_curve_and_card(
    tiny_model_folder: Path, tmp_path: Path
) -> None:
    models = {("matryoshka", 0): tmp_path / "missing", ("matryoshka", 1): tiny_model_folder}
    kept = keep_models(config(), results(), models, tmp_path)
    assert kept == {"matryoshka": tmp_path / "models" / "matryoshka"}
    known = read_matryoshka(kept["matryoshka"])
    assert known.dims == DIMS
    assert known.curve is not None and [p["dim"] for p in known.curve] == list(DIMS)
    assert {point["value"] for point in known.curve} == {0.2}, "the curve is that of the seed, not the mean"
    stored = json.loads((kept["matryoshka"] / "config.json").read_text(encoding="utf-8"))
    assert stored["is_matryoshka"] is True and stored["matryoshka_dimensions"] == list(DIMS)
    card = (kept["matryoshka"] / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\n") and "matryoshka" in card
    plain = SentenceTransformer(str(kept["matryoshka"]), device="cpu").encode(["the cat runs"])
    np.testing.assert_allclose(
        plain, load_encoder(tiny_model_folder, precision="fp32").encode(["the cat runs"]), atol=1e-5
    )


def test_keeping_again_replaces_the_model(tiny_model_folder: Path, tmp_path: Path) -> None:
    models = {("matryoshka", 1): tiny_model_folder}
    keep_models(config(), results(), models, tmp_path)
    (kept,) = keep_models(config(), results(), models, tmp_path).values()
    assert (kept / "README.md").is_file() and not list(kept.parent.glob("*.tmp-*"))


def test_other_columns_become_the_prefix_of_the_kept_model(tiny_model_folder: Path, tmp_path: Path) -> None:
    models = {("matryoshka", 1): tiny_model_folder}
    (kept,) = keep_models(config(columns="strided"), results("strided columns"), models, tmp_path).values()
    order = column_order(32, "strided")
    assert order is not None
    whole = load_encoder(tiny_model_folder, precision="fp32").encode(["the cat runs"])
    np.testing.assert_allclose(
        load_encoder(kept, precision="fp32").encode(["the cat runs"]), whole[:, order.numpy()], atol=1e-5
    )


@pytest.mark.parametrize("name", ["minilm", "org/model"])
def test_a_model_is_called_as_it_was_asked_for(name: str) -> None:
    assert start_name(config(name)) == name


def test_a_folder_is_called_by_its_last_part(tmp_path: Path) -> None:
    assert start_name(config(str(tmp_path))) == tmp_path.name
