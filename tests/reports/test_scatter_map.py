import math
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from matryo.evaluation.pictures import LayoutPicture
from matryo.reports.figures import png, svg_inline
from matryo.reports.scatter_map import LayoutChart, layout_caption, layout_svg

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '<script>alert("&")</script>'


def picture(n: int = 30, labels: int = 3) -> LayoutPicture:
    points = tuple((math.cos(at), 3.0 * math.sin(at)) for at in range(n))
    return LayoutPicture(
        source="old", target="new", translator="mlp1 8x", ids=tuple(f"id{at}" for at in range(n)),
        texts=(HOSTILE, *(f"text {at}" for at in range(1, n))), labels=tuple(f"label {at % labels}" for at in range(n)),
        label_kind="label", native=points, translated=tuple((x + 0.1, y) for x, y in points), native_trust=0.9214,
        translated_trust=0.8765, trust_neighbours=7, n_neighbours=15, min_dist=0.1, seed=3, n_fitted=n,
    )  # fmt: skip


def test_every_text_is_a_dot_and_a_ring_with_label_and_text_on_hover() -> None:
    root = ElementTree.fromstring(layout_svg(picture()))
    groups = [one for one in root.iter(f"{SVG}g") if one.find(f"{SVG}title") is not None]
    assert len(groups) == 30
    said = {one.findtext(f"{SVG}title") for one in groups}
    assert {"label 1: text 1", "label 2: text 29", f"label 0: {HOSTILE}"} <= said
    for one in groups:
        dot, ring = one.findall(f"{SVG}circle")
        assert dot.get("fill") == "currentColor" and ring.get("fill") == "none"
        # to the right by the same shift, on the same height
        assert float(str(ring.get("cx"))) > float(str(dot.get("cx"))) and ring.get("cy") == dot.get("cy")


def test_points_stay_inside_keep_their_shape_and_up_is_up() -> None:
    square = replace(picture(2), native=((0.0, 0.0), (1.0, 0.0)), translated=((0.0, 1.0), (1.0, 1.0)), n_fitted=2)
    root = ElementTree.fromstring(layout_svg(square))
    circles = [one for one in root.iter(f"{SVG}circle") if one.get("cx") != "6"]
    places = [(float(str(one.get("cx"))), float(str(one.get("cy")))) for one in circles]
    (x1, y1), (_, y2), (x3, y3), _ = sorted(places, key=lambda place: (place[0], -place[1]))
    assert y1 > y2 and y1 == y3 and x3 - x1 == pytest.approx(y1 - y2)
    assert all(0 < x < 760 and 0 < y < 560 for x, y in places)


def test_the_legend_counts_labels_the_most_frequent_first_and_the_rest_last() -> None:
    labels = ("other",) * 12 + ("rare",) * 6 + ("often",) * 12
    drawing = layout_svg(replace(picture(), labels=labels))
    root = ElementTree.fromstring(drawing)
    entries = ["".join(one.itertext()) for one in root.iter("li")]
    assert entries == ["native new", "old, translated", "one text", "often (12)", "rare (6)", "other (12)"]
    # what is left over is drawn first, or it would cover the others
    colours = re.findall(r'<g style="color: var\((--[a-z0-9-]+)', drawing)
    assert colours == ["--floor", "--line-2", "--line-1"]


def test_ten_labels_have_ten_colours() -> None:
    named = tuple("other" if at % 10 == 9 else f"label {at % 10}" for at in range(30))
    styles = re.findall(r'<g style="color: ([^;"]+)', layout_svg(replace(picture(), labels=named)))
    assert len(styles) == len(set(styles)) == 10


def test_the_caption_says_how_it_was_made_and_how_far_to_trust_it() -> None:
    caption = layout_caption(replace(picture(), label_kind="k-means cluster of the native vectors"))
    for wanted in ("30 held-out texts", "15 neighbours", "least distance 0.1", "seed 3", "0.921 native",
                   "0.876 translated", "(7 neighbours", "Colours: k-means cluster", "mlp1 8x made of old"):  # fmt: skip
        assert wanted in caption


def test_ids_are_its_own_and_nothing_hostile_is_markup() -> None:
    drawing = layout_svg(picture())
    root = ElementTree.fromstring(drawing)
    ids = {one.get("id") for one in root.iter()} - {None}
    image = next(one for one in root.iter(f"{SVG}svg") if one.get("role") == "img")
    assert set(str(image.get("aria-labelledby")).split()) <= ids and "<script" not in drawing
    other = ElementTree.fromstring(layout_svg(replace(picture(), translator="ridge")))
    assert not ids & {one.get("id") for one in other.iter()}


@pytest.mark.parametrize("narrow", [False, True])
def test_the_plot_of_a_report_names_colours_and_signs(narrow: bool) -> None:
    chart = LayoutChart("stdlib", picture())
    drawing = svg_inline(chart, "p", narrow=narrow)
    found = {"".join(one.itertext()) for one in ElementTree.fromstring(drawing).iter(f"{SVG}text")}
    assert {"dot: native new", "ring: old, translated", "label 2"} <= found and "var(--line-3" in drawing
    assert "0.921 native" in chart.description()


def test_the_same_picture_gives_the_same_bytes_and_one_place_for_all_is_drawn() -> None:
    one = picture(4)
    assert layout_svg(one) == layout_svg(one)
    flat = replace(one, native=((1.0, 1.0),) * 4, translated=((1.0, 1.0),) * 4)
    ElementTree.fromstring(layout_svg(flat))
    assert png(LayoutChart("", flat), dpi=40).startswith(b"\x89PNG")
