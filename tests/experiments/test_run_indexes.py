"""Indexes of a run: built, saved, loaded and measured; what cannot be built is said."""

from pathlib import Path

import numpy as np
import pytest

from matryo.embeddings import EmbeddingSet
from matryo.evaluation.index_table import index_rows
from matryo.evaluation.queries import Queries
from matryo.experiments.arm_scores import Measuring
from matryo.experiments.index_settings import IndexSettings
from matryo.experiments.model_vectors import ModelVectors
from matryo.experiments.run_indexes import calibration_queries, chosen_arm, measure_indexes
from matryo.maps import PairVectors
from matryo.measures.judged import judge
from matryo.measures.measure import Measure
from matryo.prefix import unit_rows
from matryo.search import FunnelIndex, load_index
from matryo.space import Space

N, M, WIDTH = 30, 300, 32
SPACE = Space.declared("run indexes", WIDTH)
MEASURES = ("MRR@10", "nDCG@10", "recall@20")


@pytest.fixture
def vectors(rng: np.random.Generator, tmp_path: Path) -> ModelVectors:
    turn = np.linalg.qr(rng.standard_normal((WIDTH, WIDTH)))[0]
    made = unit_rows(((rng.standard_normal((M + 200, WIDTH)) * 0.85 ** np.arange(WIDTH)) @ turn).astype(np.float32))
    documents = EmbeddingSet.from_numpy(tmp_path / "set", made[:M], [f"d{i}" for i in range(M)], space=SPACE)
    # every training query stands there twice, as one that has two relevant documents
    asked = np.repeat(made[M:], 2, axis=0)
    train = PairVectors(asked, asked, np.arange(len(asked), dtype=np.int64))
    nothing = np.empty((0, WIDTH), dtype=np.float32)
    none = PairVectors(nothing, nothing, np.empty(0, dtype=np.int64))
    queries = unit_rows(made[:N] + 0.05 * rng.standard_normal((N, WIDTH)).astype(np.float32))
    return ModelVectors(SPACE, documents, queries, train, none, nothing, nothing)


@pytest.fixture
def measuring() -> Measuring:
    judged = judge({f"q{i}": {f"d{i}": 1} for i in range(N)}, [f"q{i}" for i in range(N)], [f"d{i}" for i in range(M)])
    groups = {f"q{i}": f"g{i % 5}" for i in range(N)}
    return Measuring("toy", judged, groups, (8, WIDTH), tuple(map(Measure.parse, MEASURES)), (0,))


def test_each_index_is_measured_as_it_lies_on_disk(vectors: ModelVectors, measuring: Measuring, tmp_path: Path) -> None:
    asked = [
        IndexSettings(kind="funnel", dims=(8, 16)),
        IndexSettings(kind="funnel", dims=(16,), recall=0.8),
        IndexSettings(kind="quantized", dims=(16,), bits=8),
        IndexSettings(kind="quantized", dims=(8,), bits=1, shortlist=10),
        IndexSettings(kind="quantized", dims=(16,), bits=8),
    ]
    left = tmp_path / "indexes" / "old"
    left.mkdir(parents=True)
    found = measure_indexes(asked, vectors, measuring, tmp_path / "indexes", label="a, seed 0", n_single=2)
    assert found.notes == () and not left.exists()
    name, rows = index_rows(found.table)
    assert name == "Recall@10"
    assert [(row.label, row.kind) for row in rows] == [
        ("exact 32", "exact"), ("funnel 8>16", "funnel"), ("funnel 16 .8", "funnel"),
        ("int8@16 rotated", "quantized"), ("binary@8 rotated shortlist 10", "quantized"),
    ]  # fmt: skip
    recalls = [row.recall for row in rows]
    assert recalls[:2] == [1.0, 1.0] and recalls[2] >= 0.8 and recalls[4] < 0.9
    assert rows[3].bytes_per_vector < rows[0].bytes_per_vector / 4
    columns = found.table.columns
    assert "MRR@10" in columns and "nDCG@10 low" in columns and "recall@20" not in columns
    disk = columns.index("Disk bytes")
    folders = sorted(path.name for path in (tmp_path / "indexes").iterdir())
    assert folders == [
        "01-funnel-8-16",
        "02-funnel-16-.8",
        "03-int8@16-rotated",
        "04-binary@8-rotated-shortlist-10",
        "exact",
    ]
    for row, folder in zip(found.table.rows[1:], folders, strict=False):
        index = load_index(tmp_path / "indexes" / folder, space=SPACE)
        assert row[disk] == index.facts().disk_bytes > 0
    plan = load_index(tmp_path / "indexes" / "02-funnel-16-.8")
    assert isinstance(plan, FunnelIndex) and plan.plan is not None and plan.plan.n == 150
    assert found.settings["vectors"] == "a, seed 0" and len(found.settings["asked"]) == 4
    assert "200 training queries" in found.table.notes[-1]
    assert Queries.of(measuring.judged.counted_ids, measuring.groups) == measuring.queries


def test_an_index_that_cannot_be_built_is_noted_and_the_others_stand(
    vectors: ModelVectors, measuring: Measuring, tmp_path: Path
) -> None:
    said: list[str] = []
    asked = [IndexSettings(kind="funnel", dims=(8,), recall=0.999), IndexSettings(kind="quantized", dims=(8,), bits=8)]
    found = measure_indexes(asked, vectors, measuring, tmp_path / "indexes", label="start", n_single=2, say=said.append)
    assert [row[0] for row in found.table.rows] == ["exact 32", "int8@8 rotated"]
    (note,) = found.notes
    assert note.startswith("index funnel 8 .999 is not measured: recall 0.999") and "got 200" in note
    assert said == [note]


def test_sample_queries_are_different_ones_and_drawn_by_the_seed(rng: np.random.Generator) -> None:
    queries = rng.standard_normal((2_500, 4)).astype(np.float32)
    twice = np.concatenate([queries, queries])
    assert len(calibration_queries(twice[:10], 0)) == 10
    drawn = calibration_queries(twice, 0)
    assert len(drawn) == len(np.unique(drawn, axis=0)) == 800
    np.testing.assert_array_equal(drawn, calibration_queries(twice, 0))
    assert not np.array_equal(drawn, calibration_queries(twice, 1))


def test_the_arm_is_the_one_asked_for_or_the_best_on_validation() -> None:
    chosen, values = {"a": 3, "b": 5}, {("a", 3): 0.4, ("b", 5): 0.3, ("b", 3): 0.9}
    assert chosen_arm(None, chosen, values) == ("a", 3)
    assert chosen_arm("b", chosen, values) == ("b", 5)
    assert chosen_arm(None, chosen, {}) == ("a", 3)
    assert chosen_arm("start", chosen, values) == ("start", None)
