from dataclasses import replace

from matryo.evaluation.results import RunResults
from matryo.reports.answer import Question
from matryo.reports.dense_charts import dense_chart, difference_chart
from matryo.reports.panels import panels

ASKED = Question("matryoshka", "dense_baseline", "rotation", 96)


def test_arms_are_strong_and_baselines_thin(dense_results: RunResults) -> None:
    chart = dense_chart(panels(dense_results)[0])
    assert chart is not None and len(chart.lines) == 9
    assert [floor.label for floor in chart.floors] == ["BM25 (floor)"]
    how = {line.label: (line.emphasis, line.dashed, line.colour) for line in chart.lines}
    assert how["dense_baseline"] == ("strong", False, 0) and how["dense_baseline + rotation"] == ("normal", True, 0)
    assert how["matryoshka"] == ("strong", False, 1) and how["matryoshka + rotation"] == ("normal", True, 1)
    thin = {label: colour for label, (emphasis, _, colour) in how.items() if emphasis == "thin"}
    assert set(thin) == {
        "minilm",
        "minilm + random dims",
        "minilm + rotation",
        "minilm + head + rotation",
        "minilm + nested head",
    }
    assert sorted(thin.values()) == [2, 3, 4, 5, 6]


def test_differences_to_the_control_are_drawn_alone(dense_results: RunResults) -> None:
    chart = difference_chart(panels(dense_results)[0], ASKED)
    assert chart is not None and chart.signed and chart.name == "differences"
    assert [(line.label, line.emphasis, line.dashed) for line in chart.lines] == [
        ("matryoshka", "strong", False),
        ("matryoshka + rotation", "thin", True),
    ]
    assert chart.lines[0].x == (32, 64, 96, 192, 384) and chart.lines[0].colour == 1
    assert abs(chart.lines[0].values[2] - 0.003) < 1e-9
    assert chart.floors[0].value == 0.0


def test_nothing_to_draw_draws_nothing(dense_results: RunResults) -> None:
    assert difference_chart(panels(replace(dense_results, differences=()))[0], ASKED) is None
    floor = tuple(score for score in dense_results.scores if score.dim == 0)
    assert dense_chart(panels(replace(dense_results, scores=floor))[0]) is None
