import math

import pytest

from matryo.errors import MatryoError
from matryo.reports.charts import Chart, Floor, Line


def test_a_line_with_columns_of_different_lengths_is_refused() -> None:
    with pytest.raises(MatryoError, match="2 dims, 1 values"):
        Line("x", (1, 2), (0.5,), (0.4, 0.4), (0.6, 0.6))
    with pytest.raises(MatryoError, match="at least one dim"):
        Line("x", (), (), (), ())


def test_a_line_without_intervals_leaves_out_what_has_no_value() -> None:
    line = Line.exact("a", (20, 10, 30), (0.2, 0.1, math.nan), "thin", 3)
    assert line.points() == [(10, 0.1), (20, 0.2)] and (line.emphasis, line.colour) == ("thin", 3)
    assert all(math.isnan(bound) for bound in line.lows + line.highs)


def test_a_course_is_described_by_its_ends_and_without_traces() -> None:
    lines = (Line.exact("96 dims", (1, 5, 9), (2.0, 1.5, 1.0)), Line.exact("", (1, 9), (7.0, 7.0), "trace"))
    text = Chart("", "loss", lines, across="steps").description()
    assert text == "loss by number of steps. 96 dims: 2.000 at step 1, 1.000 at step 9."


def test_differences_are_described_with_their_sign() -> None:
    chart = Chart("d", "gain", (Line.exact("a", (8,), (0.01,)),), (Floor("none", 0.0),), signed=True)
    assert chart.description() == "gain by number of dims kept. a: +0.010 at 8. none: 0.000 at every dim."
    assert chart.heading == "gain on d" and Chart("", "gain", ()).heading == "gain"
    assert chart.labels() == ["a", "none"]
