import math
import struct
import warnings
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from matryo.reports.charts import Chart, Floor, Line
from matryo.reports.drawing import PALETTE
from matryo.reports.figures import png, svg_file, svg_inline

NAN = math.nan
PLAIN = Line("plain cut", (32, 96, 384), (0.23, 0.40, 0.50), (0.20, 0.37, 0.47), (0.26, 0.43, 0.53))
TURNED = Line("rotation", (384, 96, 32), (0.50, 0.45, 0.27), (0.47, 0.42, 0.24), (0.53, 0.48, 0.30))
CHART = Chart("stdlib", "MRR@10", (PLAIN, TURNED), (Floor("BM25", 0.41),))
SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


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


def test_a_course_over_steps_has_a_plain_axis_and_no_markers_when_long() -> None:
    steps = tuple(range(1, 2001, 50))
    chart = Chart("", "loss", (Line.exact("96 dims", steps, tuple(2.0 / s**0.2 for s in steps)),), across="steps")
    drawing = svg_inline(chart, "p")
    assert {"steps", "500", "1,500", "96 dims", "loss"} <= set(texts(drawing))
    assert "dims kept (log scale)" not in texts(drawing)
    few = svg_inline(replace(chart, lines=(Line.exact("96 dims", steps[:5], (1.0,) * 5),)), "p")
    assert few.count("fill: var(--line-1") > drawing.count("fill: var(--line-1")  # markers are filled


def test_emphasis_changes_the_drawing_and_a_trace_has_no_name() -> None:
    def drawn(line: Line, *, narrow: bool = False) -> str:
        return svg_inline(Chart("d", "m", (line,)), "p", narrow=narrow)

    strong, thin, dashed = (
        drawn(replace(PLAIN, **how)) for how in ({"emphasis": "strong"}, {"emphasis": "thin"}, {"dashed": True})
    )
    assert "stroke-width: 2.5" in strong and "stroke-width: 2.5" not in thin
    assert ["opacity: 0.11" in drawing for drawing in (strong, thin, dashed)] == [True, False, False]
    assert "stroke-dasharray" in dashed and "stroke-dasharray" not in strong
    trace = Line.exact("", (32, 96), (0.1, 0.2), "trace")
    for narrow in (False, True):
        assert not {"", "_nolegend_", "_child0"} & set(texts(drawn(trace, narrow=narrow)))


def test_a_line_may_share_the_colour_of_another() -> None:
    drawing = svg_inline(Chart("d", "m", (PLAIN, replace(TURNED, colour=0))), "p")
    assert "var(--line-1," in drawing and "var(--line-2," not in drawing


def test_differences_are_printed_with_their_sign() -> None:
    line = Line("gain", (32, 96), (-0.01, 0.02), (-0.02, 0.01), (0.0, 0.03))
    found = texts(svg_inline(Chart("d", "m", (line,), signed=True), "p"))
    assert (
        "+0.02" in found and "0" in found and "+0.00" not in found and any("0.01" in t and t[0] != "+" for t in found)
    )


def test_close_values_get_a_third_digit() -> None:
    line = Line.exact("a", (32, 96), (0.411, 0.419))
    found = texts(svg_inline(Chart("d", "m", (line,)), "p"))
    assert len({text for text in found if text.startswith("0.41")}) >= 3
