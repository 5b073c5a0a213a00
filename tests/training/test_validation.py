from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from matryo.data.toy import toy
from matryo.encoders import ModelEncoder, write_start
from matryo.errors import MatryoError, ShapeError
from matryo.evaluation import retrieval_curve
from matryo.measures.judged import judge
from matryo.measures.measure import Measure
from matryo.training.validation import CurveEvaluator

TASK = toy().dev
TEXTS = [text.text for text in TASK.documents]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_start("tiny", tmp_path_factory.mktemp("start") / "model", texts=TEXTS, projection=64)


@pytest.fixture
def model(folder: Path) -> SentenceTransformer:
    """In the middle of a training: dropout on, but one part kept still."""
    loaded = SentenceTransformer(str(folder), device="cpu").train()
    loaded[1].eval()
    return loaded


@pytest.mark.parametrize("measure", [Measure("MRR", 10), Measure("recall", 50)])
def test_values_are_those_of_the_curve(model: SentenceTransformer, folder: Path, measure: Measure) -> None:
    found = CurveEvaluator(TASK, (64, 8, 16), measure=measure, precision="fp32")(model)
    encoder = ModelEncoder(SentenceTransformer(str(folder), device="cpu"), name="same", precision="fp32", device="cpu")
    curve = retrieval_curve(
        encoder.encode([text.text for text in TASK.queries], "query"),
        encoder.encode(TEXTS),
        judge(TASK.judgements, TASK.queries.ids(), TASK.documents.ids()),
        (8, 16, 64),
        [measure],
        dataset="toy",
        model="tiny",
    )
    assert list(found) == [f"{measure}_at_8", f"{measure}_at_16", f"{measure}_at_64"]
    assert list(found.values()) == [score.value for score in curve]
    assert 0 < min(found.values()) and len(set(found.values())) > 1


def test_other_columns_are_measured_where_they_are_trained(model: SentenceTransformer, folder: Path) -> None:
    found = CurveEvaluator(TASK, (8, 64), precision="fp32", columns="strided")(model)
    encoder = ModelEncoder(SentenceTransformer(str(folder), device="cpu"), name="same", precision="fp32", device="cpu")
    asked, documents = (
        encoder.encode(list(t), r) for t, r in (([q.text for q in TASK.queries], "query"), (TEXTS, "document"))
    )
    every_eighth = list(range(0, 64, 8))
    curve = retrieval_curve(
        np.ascontiguousarray(asked[:, every_eighth]),
        np.ascontiguousarray(documents[:, every_eighth]),
        judge(TASK.judgements, TASK.queries.ids(), TASK.documents.ids()),
        (8,),
        [Measure("MRR", 10)],
        dataset="toy",
        model="tiny",
    )
    plain = CurveEvaluator(TASK, (8, 64), precision="fp32")(model)
    assert found["MRR@10_at_8"] == pytest.approx(curve[0].value) != plain["MRR@10_at_8"]
    assert found["MRR@10_at_64"] == pytest.approx(plain["MRR@10_at_64"])


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_model_and_random_states_stay_as_they_were(model: SentenceTransformer, precision: str) -> None:
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    gradients = torch.ones_like(model[2].linear.weight)
    model[2].linear.weight.grad = gradients
    states, threads = (torch.get_rng_state(), str(np.random.get_state())), torch.get_num_threads()  # noqa: NPY002
    CurveEvaluator(TASK, (8, 64), precision=precision)(model, epoch=0.5, steps=3)
    after = model.state_dict()
    assert list(after) == list(weights)
    assert all(after[k].dtype == weights[k].dtype and torch.equal(after[k], weights[k]) for k in weights)
    assert [module.training for module in model.modules()] == modes and len(set(modes)) == 2
    assert model[2].linear.weight.grad is gradients and all(p.requires_grad for p in model.parameters())
    assert torch.equal(states[0], torch.get_rng_state()) and states[1] == str(np.random.get_state())  # noqa: NPY002
    assert torch.get_num_threads() == threads


def test_a_training_step_works_afterwards(model: SentenceTransformer) -> None:
    CurveEvaluator(TASK, (8, 64), precision="fp32")(model)
    model(model.preprocess(TEXTS[:3]))["sentence_embedding"].sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in model[0].parameters() if p.grad is not None)


def test_it_follows_the_live_weights(model: SentenceTransformer) -> None:
    evaluator = CurveEvaluator(TASK, (8, 64), precision="fp32")
    before = evaluator(model)
    with torch.no_grad():
        # all but two of the first eight columns say nothing any more
        model[2].linear.weight[2:8] = 0.0
        model[2].linear.bias[2:8] = 0.0
    after = evaluator(model)
    assert after["MRR@10_at_8"] < before["MRR@10_at_8"]


def test_vectors_that_are_not_finite_stop_it(model: SentenceTransformer) -> None:
    with torch.no_grad():
        model[2].linear.bias[0] = float("nan")
    modes = [module.training for module in model.modules()]
    with pytest.raises(
        MatryoError, match=r"validation: 32 of 32 query vectors are not finite at step 7.*lower"
    ) as error:
        CurveEvaluator(TASK, (8,), precision="fp32")(model, steps=7)
    assert "\n" not in str(error.value) and [module.training for module in model.modules()] == modes


def test_the_trainer_may_ask_for_its_first_value_and_settings() -> None:
    evaluator = CurveEvaluator(TASK, (16, 8), precision="bf16")
    assert evaluator.primary_metric == "MRR@10_at_16" and evaluator.greater_is_better
    assert evaluator.get_config_dict() == {"dims": [8, 16], "measure": "MRR@10", "precision": "bf16"}


def test_dims_that_do_not_fit_are_refused(model: SentenceTransformer) -> None:
    with pytest.raises(ShapeError, match="dims"):
        CurveEvaluator(TASK, (0, 8))
    with pytest.raises(ShapeError, match="128"):
        CurveEvaluator(TASK, (8, 128), precision="fp32")(model)
