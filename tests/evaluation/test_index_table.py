import math
from dataclasses import replace

import numpy as np
import pytest

from matryo.evaluation.index_quality import measure_index
from matryo.evaluation.index_table import NAME, IndexRow, MeasuredIndex, index_rows, index_table
from matryo.evaluation.results import ExtraTable
from matryo.measures.judged import judge
from matryo.measures.measure import Measure
from matryo.search import ExactIndex, QuantizedIndex, search_dim
from matryo.space import Space

N, M, WIDTH = 12, 60, 8
SPACE = Space.declared("index table", WIDTH)


@pytest.fixture
def found(rng):
    documents = rng.normal(size=(M, WIDTH)).astype(np.float32)
    queries = documents[:N]
    judged = judge({str(i): {str(i): 1} for i in range(N)}, [str(i) for i in range(N)], [str(i) for i in range(M)])
    exact = search_dim(queries, documents, WIDTH, 5)
    indexes = {"exact": ExactIndex.build(documents, space=SPACE), "few": QuantizedIndex.build(documents, space=SPACE)}
    return [
        MeasuredIndex(
            kind,
            measure_index(
                index, f"{kind} 8", queries, exact, judged=judged, measures=[Measure("MRR", 5)], threads=(1, 2),
                n_single=2, batch=4,
            ),
            0.25,
        )
        for kind, index in indexes.items()
    ]  # fmt: skip


def test_the_table_holds_what_was_measured_and_is_read_again(found):
    table = index_table(found, "a title", ["a note"])
    assert ExtraTable.from_json(table.to_json()) == table
    assert (table.name, table.title, table.notes[-1]) == (NAME, "a title", "a note")
    assert table.columns[:7] == ("Index", "Kind", "Dim", "Bits", "Recall@5", "Recall@5 low", "Recall@5 high")
    exact = dict(zip(table.columns, table.rows[0], strict=True))
    assert (exact["Index"], exact["Kind"], exact["Bits"], exact["Build s"]) == ("exact 8", "exact", 32, 0.25)
    assert (exact["Recall@5"], exact["MRR@5"], exact["MRR@5 low"]) == (1.0, 1.0, 1.0)
    name, rows = index_rows(table)
    quality = found[1].quality
    assert name == "Recall@5"
    assert rows[1] == IndexRow(
        "few 8", "few", quality.recall, quality.recall_low, quality.recall_high, quality.bytes_per_vector,
        1e3 / quality.times[-1].p50_ms,
    )  # fmt: skip
    assert "2 single queries after 20" in table.notes[2] and "batch of 4" in table.notes[2]


def test_without_times_and_intervals_there_are_none(found):
    untimed = [replace(one, quality=replace(one.quality, times=(), recall_low=math.nan)) for one in found]
    table = index_table(untimed, "a title")
    assert not any("ms" in column for column in table.columns)
    assert table.rows[0][5] is None
    _, rows = index_rows(table)
    assert math.isnan(rows[0].queries_per_s) and math.isnan(rows[0].low)
