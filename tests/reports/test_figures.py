import math
import struct
import warnings
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matryo.errors import MatryoError
from matryo.reports.charts import Chart, Floor, Line
from matryo.reports.drawing import PALETTE, spread
from matryo.reports.figures import png, svg_file, svg_inline

NAN = math.nan
PLAIN = Line("plain cut", (32, 96, 384), (0.23, 0.40, 0.50), (0.20, 0.37, 0.47), (0.26, 0.43, 0.53))
TURNED = Line("rotation", (384, 96, 32), (0.50, 0.45, 0.27), (0.47, 0.42, 0.24), (0.53, 0.48, 0.30))
CHART = Chart("stdlib", "MRR@10", (PLAIN, TURNED), (Floor("BM25", 0.41),))
SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_a_line_with_columns_of_different_lengths_is_refused() -> None:
    with pytest.raises(MatryoError, match="2 dims, 1 values"):
        Line("x", (1, 2), (0.5,), (0.4, 0.4), (0.6, 0.6))
    with pytest.raises(MatryoError, match="at least one dim"):
        Line("x", (), (), (), ())


def test_the_plot_names_dims_lines_floor_and_measure() -> None:
    found = texts(svg_inline(CHART, "p"))
    for wanted in ("32", "96", "384", "plain cut", "rotation", "BM25", "MRR@10"):
        assert wanted in found
    assert "64" not in found  # only dims that were measured are ticks


@pytest.mark.parametrize("narrow", [False, True])
def test_the_same_chart_gives_the_same_bytes(narrow: bool) -> None:
    assert svg_inline(CHART, "p", narrow=narrow) == svg_inline(CHART, "p", narrow=narrow)
    assert svg_file(CHART) == svg_file(CHART)
    assert png(CHART, dpi=40) == png(CHART, dpi=40)


def test_two_plots_on_one_page_share_no_id() -> None:
    ids = [
        {element.get("id") for element in ElementTree.fromstring(svg_inline(CHART, key)).iter()} - {None}
        for key in ("plot-1", "plot-2")
    ]
    assert ids[0] and not ids[0] & ids[1]


@pytest.mark.parametrize("drawing", [svg_inline(CHART, "p"), svg_file(CHART)])
def test_references_inside_point_to_ids_that_exist(drawing: str) -> None:
    root = ElementTree.fromstring(drawing)
    ids = {element.get("id") for element in root.iter()}
    references = [
        value.removeprefix("url(").rstrip(")").removeprefix("#")
        for element in root.iter()
        for name, value in element.attrib.items()
        if name.endswith("href") or name == "clip-path"
    ]
    assert references and set(references) <= ids
    assert root.get("aria-labelledby") is not None and set(str(root.get("aria-labelledby")).split()) <= ids


def test_the_plot_is_described_in_words() -> None:
    root = ElementTree.fromstring(svg_inline(CHART, "p"))
    description = root.findtext(f"{SVG}desc") or ""
    assert root.get("role") == "img" and root.findtext(f"{SVG}title") == "MRR@10 on stdlib"
    assert "plain cut: 0.230 at 32, 0.400 at 96, 0.500 at 384" in description
    assert "rotation: 0.270 at 32" in description and "BM25: 0.410 at every dim" in description


def test_a_page_sets_the_colours_and_a_file_has_its_own() -> None:
    inline, alone = svg_inline(CHART, "p"), svg_file(CHART)
    assert f"var(--line-1, {PALETTE[0][0]})" in inline and "var(--ink" in inline and "<style" not in inline
    assert "var(" not in alone and "<text" not in alone and PALETTE[0][0] in alone
    assert "<metadata" not in inline + alone


def test_values_and_bounds_may_be_missing() -> None:
    no_interval = Line("a", (32, 64), (0.2, 0.3), (NAN, NAN), (NAN, NAN))
    no_value = Line("b", (32, 64), (NAN, NAN), (NAN, NAN), (NAN, NAN))
    chart = Chart("d", "m", (no_interval, no_value))
    assert "a" in texts(svg_inline(chart, "p"))
    assert "b: " in chart.description()
    assert png(chart, dpi=40).startswith(b"\x89PNG")


def test_one_dim_and_many_lines_are_drawn() -> None:
    one = Chart("d", "m", (Line("only", (96,), (0.5,), (0.4,), (0.6,)),))
    assert "96" in texts(svg_inline(one, "p"))
    lines = tuple(Line(f"map {i}", (8, 16), (0.1, 0.2), (0.0, 0.1), (0.2, 0.3)) for i in range(20))
    assert {f"map {i}" for i in range(20)} <= set(texts(svg_inline(Chart("d", "m", lines), "p")))


def test_hostile_names_are_only_text() -> None:
    name = '<script>"&$\\frac{'
    steering = Chart("\x00\x1b", "\ud800", (Line("\x07", (8,), (0.1,), (0.0,), (0.2,)),))
    ElementTree.fromstring(svg_inline(steering, "p"))
    ElementTree.fromstring(svg_file(steering))
    chart = Chart(name, name, (Line(name, (8,), (0.1,), (0.0,), (0.2,)),), (Floor(name, 0.1),))
    for drawing in (svg_inline(chart, "p"), svg_inline(chart, "p", narrow=True), svg_file(chart)):
        assert "<script" not in drawing
        ElementTree.fromstring(drawing)
    assert name in texts(svg_inline(chart, "p"))


def test_a_script_that_the_font_lacks_warns_nobody() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        png(Chart("日本語", "m", (Line("日本語", (8,), (0.1,), (0.0,), (0.2,)),)), dpi=40)


def test_settings_of_the_caller_stay_as_they_were() -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    svg_inline(CHART, "p")
    assert dict(mpl.rcParams) == before


def test_png_has_the_size_asked() -> None:
    width, _ = struct.unpack(">II", png(CHART, dpi=50)[16:24])
    assert width == 9 * 50


@given(st.lists(st.floats(0, 300), max_size=12))
def test_names_are_spread_without_overlap_and_in_order(places: list[float]) -> None:
    gap, height = 11.5, 300.0
    wanted = sorted(places)
    moved = spread(wanted, gap, height)
    assert len(moved) == len(wanted)
    assert all(b - a >= gap - 1e-6 for a, b in pairwise(moved))
    assert all(-1e-6 <= place <= height + 1e-6 for place in moved)
    if all(b - a >= gap for a, b in pairwise(wanted)):
        assert moved == wanted
