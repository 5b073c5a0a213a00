import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matryo.evaluation.results import ExtraTable
from matryo.reports.figures import png, svg_file, svg_inline
from matryo.reports.pareto import ParetoChart, ParetoPoint, frontier, pareto_chart, pareto_tables
from matryo.reports.pareto_drawing import draw_pareto

COLUMNS = (
    "Index", "Kind", "Dim", "Bits", "Recall@10", "Recall@10 low", "Recall@10 high", "MRR@10", "MRR@10 low",
    "MRR@10 high", "Bytes per vector", "Disk bytes", "Build s", "p50 ms, 1 thread", "p99 ms, 1 thread",
    "Batch queries/s, 1 thread",
)  # fmt: skip
ROWS = (
    ("exact 384", "exact", 384, 32, 1.0, 1.0, 1.0, 0.5, 0.45, 0.55, 1540.0, 9_000, 0.0, 2.0, 3.0, 4000.0),
    ("int8@96 rotated", "quantized", 96, 8, 0.97, 0.96, None, 0.49, 0.44, 0.54, 100.0, 12_000, 0.5, 0.5, 0.9, 9000.0),
)


@pytest.fixture
def stored() -> ExtraTable:
    return ExtraTable("indexes", "Indexes", COLUMNS, ROWS, ("recall is", "bytes are", "times: 3", "vectors of"))


@pytest.fixture
def crowded() -> ParetoChart:
    """Forty points, most of them on top of each other."""
    points = tuple(
        ParetoPoint(
            f"int8@{dim} rotated {number}", f"{bits} bits", 1 - 1 / (dim * bits), 0.5, 1.0, dim * bits / (8 - number),
            1e5 / (dim + number), chosen=(dim, bits, number) == (96, 8, 0),
        )
        for dim in (32, 64, 96, 192, 384)
        for bits in (1, 8, 16, 32)
        for number in range(2)
    )  # fmt: skip
    return ParetoChart("a corpus", "Recall@10", points)


def test_frontier_by_hand():
    assert frontier([4, 2, 2, 8, 1], [0.9, 0.5, 0.6, 0.8, 0.6]) == [4, 0]
    assert frontier([1, math.nan], [0.1, 0.9]) == [0]
    assert frontier([], []) == []


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_nothing_beats_the_frontier_and_all_else_is_beaten(points):
    costs, gains = [c for c, _ in points], [g for _, g in points]
    kept = frontier(costs, gains)

    def beaten(i, j):
        return costs[j] <= costs[i] and gains[j] >= gains[i] and (costs[j], gains[j]) != (costs[i], gains[i])

    assert not any(beaten(i, j) for i in kept for j in range(len(points)))
    assert all(any(costs[j] <= c and gains[j] >= g for j in kept) for c, g in points)


def test_a_stored_table_becomes_points_and_two_tables(stored):
    chart = pareto_chart(stored, "stdlib")
    assert chart.heading == "Recall@10 against memory and speed on stdlib"
    assert chart.points[1] == ParetoPoint(
        "int8@96 rotated", "quantized", 0.97, 0.96, chart.points[1].high, 100.0, 2000.0
    )
    assert math.isnan(chart.points[1].high) and chart.timed
    assert "int8@96 rotated: 0.970 at 100 bytes per vector, 2,000 queries/s" in chart.description()
    found, times = pareto_tables(stored)
    assert [c.name for c in found.columns] == [
        "Index", "Kind", "Dim", "Bits", "Recall@10", "MRR@10", "Bytes per vector", "Disk bytes", "Build s",
    ]  # fmt: skip
    assert (found.rows[0][4].text, found.rows[0][4].detail) == ("1.000", "1.000–1.000")  # noqa: RUF001
    assert (found.rows[1][4].detail, found.rows[1][7].text) == ("", "12,000")
    assert [cell.text for cell in times.rows[1]] == ["int8@96 rotated", "0.50", "0.90", "9,000"]
    assert (found.notes, times.notes) == (("recall is", "bytes are", "vectors of"), ("times: 3",))


def test_a_table_without_times_is_one_table_and_one_panel(stored):
    bare = ExtraTable("indexes", "Indexes", COLUMNS[:13], tuple(row[:13] for row in ROWS), stored.notes)
    assert [table.notes for table in pareto_tables(bare)] == [("recall is", "bytes are", "vectors of")]
    chart = pareto_chart(bare, "stdlib")
    assert not chart.timed
    assert len(draw_pareto(chart, narrow=False).axes) == 1


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("up", ["recall", "speed"])
def test_names_overlap_neither_each_other_nor_the_edge(crowded, narrow, up):
    chart = ParetoChart(crowded.title, crowded.measure, crowded.points, up=up)
    figure = draw_pareto(chart, narrow=narrow)
    assert len(figure.axes) == (2 if up == "recall" else 1)
    figure.draw_without_rendering()
    for axes in figure.axes:
        boxes = [text.get_window_extent() for text in axes.texts]
        assert boxes and "int8@96 rotated 0" in {text.get_text() for text in axes.texts}
        for number, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[:number])
            assert box.x0 >= 0 and box.x1 <= figure.bbox.x1
    ticks = [label.get_window_extent() for label in figure.axes[0].get_xticklabels() if label.get_text()]
    inside = [box for box in ticks if figure.axes[0].bbox.x0 <= (box.x0 + box.x1) / 2 <= figure.axes[0].bbox.x1]
    assert not any(a.overlaps(b) for n, a in enumerate(inside) for b in inside[:n])


def test_it_is_drawn_like_every_other_plot(crowded):
    assert png(crowded).startswith(b"\x89PNG") and png(crowded) == png(crowded)
    assert "Recall@10 against memory" in svg_file(crowded)
    inline = svg_inline(crowded, "plot-1", narrow=True)
    assert "var(--line-1" in inline and 'aria-labelledby="plot-1-title plot-1-desc"' in inline
    assert "bytes per vector in memory" in inline
