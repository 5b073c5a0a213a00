import math
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from matryo.reports.bar_drawing import draw_bars
from matryo.reports.bars import Bar, BarChart, BarPanel, BarRow
from matryo.reports.drawing import FLOOR, PALETTE
from matryo.reports.figures import svg_file, svg_inline

ROWS = (BarRow("method", 0), BarRow("other", 1), BarRow("baseline", None))
FIRST = BarPanel(
    "prefix", ((Bar(0.9, 0.8, 1.0, (0.85, 0.95)), Bar(0.5)), (Bar(0.4), None), (Bar(0.1), Bar(math.nan))), 0.5
)
SECOND = BarPanel("rest", ((Bar(-0.2), Bar(0.1)), (None, None), (Bar(0.3), Bar(0.2))))
CHART = BarChart("people", "accuracy", ROWS, (FIRST, SECOND), ("dating", "hiring"), "chance")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("narrow", [False, True])
def test_rows_panels_shades_and_the_level_are_named(narrow: bool) -> None:
    drawn = ElementTree.fromstring(svg_inline(CHART, "p", narrow=narrow))
    found = ["".join(element.itertext()) for element in drawn.iter(f"{SVG}text")]
    for wanted in ("method", "other", "baseline", "prefix", "rest", "dating", "hiring", "chance", "each seed"):
        assert wanted in found
    assert found.count("method") == 1  # the names of the rows stand at the left only


def test_bars_are_as_long_as_their_values_and_dots_stand_at_the_seeds() -> None:
    axes = draw_bars(CHART, narrow=False).axes[0]
    assert [round(patch.get_width(), 3) for patch in axes.patches] == [0.9, 0.4, 0.1, 0.5]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert list(dots[0].get_xdata()) == [0.85, 0.95]
    assert [to_hex(patch.get_facecolor()) for patch in axes.patches[:3]] == [PALETTE[0][0], PALETTE[1][0], FLOOR]


def test_scales_are_shared_unless_measures_differ() -> None:
    same, own = (draw_bars(replace(CHART, shared=shared), narrow=False).axes for shared in (True, False))
    assert same[0].get_xlim() == same[1].get_xlim() and own[0].get_xlim() != own[1].get_xlim()
    assert same[0].get_xlim()[0] <= -0.2


def test_titles_of_panels_do_not_meet_on_small_screens() -> None:
    panels = tuple(replace(FIRST, title=f"a gallery of a very long name {i}") for i in range(3))
    figure = draw_bars(replace(CHART, panels=panels), narrow=True)
    figure.canvas.draw()
    titles = [child for axes in figure.axes for child in axes.get_children() if isinstance(child, Text)]
    boxes = [title.get_window_extent() for title in titles if title.get_text()]
    assert len(boxes) == 3
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[i + 1 :])


def test_what_is_told_in_words_and_the_same_file_each_time() -> None:
    text = CHART.description()
    assert text.startswith("accuracy (dating and hiring). prefix: method 0.900 and 0.500, other 0.400, ")
    assert "chance 0.500" in text and "rest: method -0.200 and 0.100, baseline 0.300 and 0.200." in text
    assert svg_file(CHART) == svg_file(CHART) and CHART.heading == "accuracy on people"
