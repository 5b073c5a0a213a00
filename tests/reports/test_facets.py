import math
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from matryo.reports.charts import Floor
from matryo.reports.drawing import PALETTE
from matryo.reports.facet_drawing import draw_facets
from matryo.reports.facets import Facet, FacetChart, FacetLine
from matryo.reports.figures import svg_file, svg_inline

NAN = math.nan
OWN = FacetLine("first", "solid", (32, 64, 128), (0.1, 0.6, 0.4), (0.0, 0.5, 0.3), (0.2, 0.7, 0.5), ((0.1, 0.2),) * 3)
OTHER = FacetLine("shuffled", "dashed", (32, 64, 128), (0.1, 0.2, NAN), (NAN,) * 3, (NAN,) * 3)
NULL = FacetLine("null", "band", (32, 64, 128), (0.0,) * 3, (-0.1,) * 3, (0.1,) * 3)
CHART = FacetChart(
    "people",
    "hit@1",
    (Facet("one", 0, (OWN, OTHER)), Facet("two", None, (OWN, NULL)), Facet("three", 2, (OTHER,))),
    mark=64,
    mark_label="K = 64",
    floors=(Floor("best baseline", 0.15),),
)
SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("narrow", [False, True])
def test_every_system_every_look_and_the_mark_are_named(narrow: bool) -> None:
    found = texts(svg_inline(CHART, "p", narrow=narrow))
    for wanted in ("one", "two", "three", "first", "shuffled", "null", "each seed", "K = 64", "best baseline", "hit@1"):
        assert wanted in found
    assert found.count("64") == 3 and "people" not in " ".join(found)


def test_what_is_told_in_words() -> None:
    text = CHART.description()
    assert "one, first: 0.100 at 32, 0.600 at 64, 0.400 at 128" in text
    assert "one, shuffled: 0.100 at 32, 0.200 at 64." in text and "null" not in text
    assert text.startswith("hit@1 by number of dims kept.") and "best baseline: 0.150 at every dim" in text
    assert CHART.heading == "hit@1 on people" and replace(CHART, title="").heading == "hit@1"


def test_a_page_sets_the_colours() -> None:
    text = svg_inline(CHART, "p")
    assert f"var(--line-1, {PALETTE[0][0]})" in text and "var(--floor" in text and "var(--ink" in text


def test_the_same_values_give_the_same_file() -> None:
    assert svg_file(CHART) == svg_file(CHART)


def test_dims_that_lie_close_do_not_write_over_each_other() -> None:
    dims = (32, 40, 48, 56, 64, 80, 96, 112, 128)
    none = (NAN,) * len(dims)
    line = FacetLine("first", "solid", dims, tuple(dim / 128 for dim in dims), none, none)
    chart = replace(CHART, facets=(Facet("one", 0, (line,)), *(Facet(str(n), 1, (line,)) for n in range(4))))
    figure = draw_facets(chart, narrow=True)
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels() if label.get_text()]
    assert len(boxes) >= 3 and "64" in [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[i + 1 :])


@pytest.mark.parametrize("n", [1, 4, 5, 6, 9, 10])
def test_small_plots_fill_their_rows_and_share_their_heights(n: int) -> None:
    chart = replace(CHART, facets=tuple(Facet(str(i), i, (OWN if i else OTHER,)) for i in range(n)))
    figure = draw_facets(chart, narrow=False)
    assert len(figure.axes) == n and len({axes.get_ylim() for axes in figure.axes}) == 1
    per_row = [round(axes.get_position().y0, 3) for axes in figure.axes]
    assert max(per_row.count(y) for y in per_row) <= 5 and len(set(per_row)) == math.ceil(n / 5)
