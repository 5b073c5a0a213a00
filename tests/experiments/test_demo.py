"""The demo: what it saved ranks as stated, and a statement that is wrong is not let through."""

from dataclasses import replace
from pathlib import Path

import pytest

from matryo.data.stdlib import stdlib_pairs
from matryo.encoders import Encoder, MappedEncoder, load_encoder, save_model
from matryo.errors import MatryoError
from matryo.evaluation import RunResults, Score, retrieval_curve
from matryo.experiments.adaptation import MEASURE, AdaptSettings
from matryo.experiments.demo import prove, run_demo
from matryo.experiments.paired import EncodedPairs, encode_pairs
from matryo.experiments.settings import ModelSettings
from matryo.maps import MatrixMap, fit_rotation

DIM = 64


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder("wordllama")


@pytest.fixture(scope="module")
def data(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> EncodedPairs:
    pairs = stdlib_pairs()
    encoded, _ = encode_pairs(pairs.take(range(0, len(pairs), 8)), encoder, tmp_path_factory.mktemp("sets"), seed=0)
    return encoded


def measured(data: EncodedPairs, fitted: MatrixMap) -> list[Score]:
    asked, documents = fitted.apply(data.queries[data.asked]), fitted.apply(data.documents)
    return retrieval_curve(asked, documents, data.judged, [DIM], [MEASURE], dataset="d", model="wordllama", n_draws=100)


def test_the_saved_model_ranks_as_stated(encoder: Encoder, data: EncodedPairs, tmp_path: Path) -> None:
    fitted = fit_rotation(data.documents, encoder.space)
    folder = save_model(MappedEncoder(encoder, fitted), tmp_path / "model")
    stated = measured(data, fitted)
    proof = prove(folder, data, stated, DIM, encoder)
    assert proof.found == pytest.approx(proof.stated, abs=1e-3)
    assert proof.same_order > 0.99 and proof.n == len(data.asked)


def test_a_wrong_statement_is_not_let_through(encoder: Encoder, data: EncodedPairs, tmp_path: Path) -> None:
    fitted = fit_rotation(data.documents, encoder.space)
    folder = save_model(MappedEncoder(encoder, fitted), tmp_path / "model")
    (score,) = measured(data, fitted)
    with pytest.raises(MatryoError, match="does not rank as measured"):
        prove(folder, data, [replace(score, value=score.value + 0.05)], DIM, encoder)


@pytest.mark.slow
def test_the_whole_demo_on_a_static_model(tmp_path: Path) -> None:
    settings = AdaptSettings(dims=(32, 64, 256), n_seeds=2)
    printed = run_demo(tmp_path, ModelSettings("wordllama"), settings)
    assert all(words in printed for words in ("proof:", "report:", "matryo curve MODEL", "nested head", "BM25"))
    results = RunResults.read(tmp_path)
    assert {s.dataset for s in results.scores} == {"stdlib", "stdlib masked"}
    assert {s.map for s in results.scores} == {
        "bm25",
        "none",
        "random dims",
        "rotation",
        "head + rotation",
        "nested head",
    }
    again = run_demo(tmp_path, ModelSettings("wordllama"), settings)
    assert [line for line in again.splitlines() if "proof:" in line] == [
        line for line in printed.splitlines() if "proof:" in line
    ]
