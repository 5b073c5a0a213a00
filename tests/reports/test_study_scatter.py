"""Scatter plots name their points and leave out what was not measured."""

import math

from matryo.reports.figures import png, svg_inline
from matryo.reports.study_scatter import ScatterChart, ScatterPoint, draw_scatter


def chart(*points: ScatterPoint) -> ScatterChart:
    return ScatterChart("texts", "R2 against CKA", "CKA", "R2", points, "Spearman +0.50.")


A = ScatterPoint("old → new", "toward new", 0.25, 0.5)
B = ScatterPoint("new → old", "toward old", 0.75, 0.125)
NONE = ScatterPoint("lost → new", "toward new", math.nan, 0.5)


def test_the_words_hold_every_measured_point() -> None:
    told = chart(A, B, NONE).description()
    assert told == "R2 by CKA. old → new: 0.500 at 0.250. new → old: 0.125 at 0.750. Spearman +0.50."
    assert chart(NONE).description().startswith("R2 by CKA. none.")
    assert chart(A).heading == "R2 against CKA on texts"


def test_names_are_drawn_wide_and_narrow() -> None:
    for narrow in (False, True):
        drawn = svg_inline(chart(A, B, NONE), "p", narrow=narrow)
        assert ">old → new<" in drawn and ">toward old<" in drawn and ">lost → new<" not in drawn


def test_names_stay_inside_and_apart() -> None:
    """Names at the right edge and beside each other, read from the drawing itself."""
    long = "a model of a long name → another one"
    points = [ScatterPoint(long, "b", 0.9, 0.9), ScatterPoint(long, "b", 0.1, 0.1), ScatterPoint(long, "b", 0.11, 0.1)]
    figure = draw_scatter(chart(*points), narrow=False)
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    area = figure.axes[0].get_window_extent()
    assert len(boxes) == 3 and all(area.x0 <= box.x0 and box.x1 <= area.x1 for box in boxes)
    assert not any(a.overlaps(b) for at, a in enumerate(boxes) for b in boxes[:at])


def test_many_points_at_one_place_lose_names_but_not_points() -> None:
    crowd = [ScatterPoint(f"pair number {i}", "toward new", 0.5, 0.5) for i in range(60)]
    drawn = svg_inline(chart(*crowd), "p")
    assert 1 <= drawn.count(">pair number ") < 60 and "pair number 59" in chart(*crowd).description()


def test_files_are_made_the_same_again() -> None:
    assert png(chart(A, B), dpi=30) == png(chart(A, B), dpi=30)
    assert png(chart(), dpi=30)
