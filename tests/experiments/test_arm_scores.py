"""Curves of one model: heads where there is enough to fit them on, the columns that an ablation trained."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from matryo.embeddings import EmbeddingSet
from matryo.errors import ShapeError
from matryo.experiments import arm_scores
from matryo.experiments.arm_scores import Measuring, column_map, own_map, search_in_parts, start_curves, trained_runs
from matryo.experiments.model_vectors import ModelVectors
from matryo.losses.columns import column_order
from matryo.maps import PairVectors, fit_nested_head
from matryo.measures.judged import judge
from matryo.measures.measure import Measure
from matryo.prefix import cut, unit_rows
from matryo.search import search_prefixes
from matryo.space import Space
from matryo.training.methods import METHODS, Arm
from matryo.training.settings import LossSettings, TrainSettings

WIDTH, DIMS, N = 8, (2, 8), 40
SPACE = Space.declared("made", WIDTH)
MEASURING = Measuring(
    "made",
    judge({str(i): {str(i): 1} for i in range(N)}, [str(i) for i in range(N)], [str(i) for i in range(N)]),
    {},
    DIMS,
    (Measure("MRR", 10),),
    seeds=(4, 9),
)


def arm(columns: str = "prefix") -> Arm:
    train = TrainSettings(loss=LossSettings.model_validate({"columns": columns}))
    return Arm("nested", METHODS["matryoshka"], DIMS, train)


@pytest.fixture
def vectors(rng: np.random.Generator, tmp_path: Path) -> ModelVectors:
    def near(n: int) -> PairVectors:
        documents = unit_rows(rng.standard_normal((n, WIDTH)).astype(np.float32))
        queries = unit_rows(documents + 0.4 * rng.standard_normal((n, WIDTH)).astype(np.float32))
        return PairVectors(queries, documents)

    test, validation = near(N), near(30)
    stored = EmbeddingSet.from_numpy(tmp_path / "set", test.documents, [str(i) for i in range(N)], space=SPACE)
    return ModelVectors(SPACE, stored, test.queries, near(520), validation, validation.queries, validation.documents)


def test_heads_are_fitted_once_per_seed(vectors: ModelVectors) -> None:
    curves, notes = start_curves(MEASURING, vectors, ("plain", "head + rotation", "nested head"), "m")
    assert notes == [] and [curve.label for curve in curves] == ["m", "m + head + rotation", "m + nested head"]
    assert [score.seed for score in curves[1].runs] == [4, 4, 9, 9] and not curves[0].has_seeds
    fitted = fit_nested_head(vectors.train, vectors.validation, SPACE, DIMS, seed=9)
    hits = search_prefixes(fitted.apply(vectors.queries), fitted.apply(vectors.documents.to_numpy()), (2,), 10)[2]
    ranks = [np.flatnonzero(hits.rows[i] == i) for i in range(N)]
    by_hand = np.mean([1 / (rank[0] + 1) if len(rank) else 0.0 for rank in ranks])
    (found,) = [score for score in curves[2].runs if (score.seed, score.dim) == (9, 2)]
    assert found.value == pytest.approx(by_hand)


def test_a_head_without_validation_is_left_out_and_said_so(vectors: ModelVectors) -> None:
    nothing = np.empty((0, WIDTH), dtype=np.float32)
    curves, notes = start_curves(
        MEASURING, replace(vectors, validation=PairVectors(nothing, nothing)), ("plain", "nested head"), "m"
    )
    assert len(curves) == 1 and "needs validation pairs" in notes[0]


def test_prefixes_need_no_map() -> None:
    assert own_map(arm()) == "none" and column_map(arm(), SPACE) is None


@pytest.mark.parametrize("columns", ["random", "strided"])
def test_the_columns_that_were_trained_come_first(vectors: ModelVectors, columns: str) -> None:
    order = column_order(WIDTH, columns)
    fitted = column_map(arm(columns), SPACE)
    assert fitted is not None and order is not None
    np.testing.assert_allclose(fitted.apply(vectors.queries), vectors.queries[:, order.numpy()], atol=1e-6)
    runs = trained_runs(MEASURING, vectors, arm(columns), 4, rotate=False)
    assert list(runs) == [f"{columns} columns"]
    chosen = order.numpy()[:2]
    cosines = cut(vectors.queries[:, chosen], 2) @ cut(vectors.documents.to_numpy()[:, chosen], 2).T
    ranks = (cosines > np.diag(cosines)[:, None]).sum(axis=1) + 1
    found = runs[f"{columns} columns"][0]
    assert found.dim == 2 and found.value == pytest.approx(np.where(ranks <= 10, 1 / ranks, 0.0).mean(), abs=1e-6)


def test_a_search_in_parts_is_the_search(vectors: ModelVectors, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = search_prefixes(vectors.queries, vectors.documents, DIMS, 5)
    monkeypatch.setattr(arm_scores, "_SEARCH_BYTES", 36 * 5 * len(DIMS) * 7)
    parts = search_in_parts(vectors.queries, vectors.documents, DIMS, 5)
    for dim in DIMS:
        assert (parts[dim].rows == whole[dim].rows).all()


def test_queries_of_another_width_are_refused(vectors: ModelVectors) -> None:
    with pytest.raises(ShapeError, match="as wide as the documents"):
        search_in_parts(vectors.queries[:, :4], vectors.documents, (2,), 5)
