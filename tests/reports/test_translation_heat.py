"""Heat maps carry names on both axes, and every value."""

import math
import re

import pytest

from matryo.errors import MatryoError
from matryo.reports.figures import png, svg_inline
from matryo.reports.translation_heat import HeatChart


def heat(**changed: object) -> HeatChart:
    given = {
        "title": "texts", "measure": "R2", "row_axis": "old: numbers read", "column_axis": "new: numbers imitated",
        "rows": ("a", "b"), "columns": ("x", "y", "z"), "values": ((0.1, 0.2, 0.3), (0.4, math.nan, 0.6)),
    }  # fmt: skip
    return HeatChart(**{**given, **changed})


def test_names_and_values_are_drawn() -> None:
    drawn = svg_inline(heat(), "plot")
    for text in ("old: numbers read", "new: numbers imitated", "0.10", "0.60", ">a<", ">z<"):
        assert text in drawn
    assert heat().description() == (
        "R2, old: numbers read by new: numbers imitated. a: 0.100 at x, 0.200 at y, 0.300 at z. b: 0.400 at x, "
        "0.600 at z."
    )
    assert heat().heading == "R2 on texts"


def test_a_name_moves_with_its_values() -> None:
    turned = heat(rows=("b", "a"), values=((0.4, math.nan, 0.6), (0.1, 0.2, 0.3)))
    assert set(turned.description().split(". ")[1:]) == {
        "b: 0.400 at x, 0.600 at z",
        "a: 0.100 at x, 0.200 at y, 0.300 at z.",
    }


def test_files_are_made_the_same_again_and_odd_ones_too() -> None:
    assert png(heat(), dpi=40) == png(heat(), dpi=40)
    many = tuple(str(i) for i in range(20))
    assert svg_inline(heat(rows=many, columns=many, values=((0.5,) * 20,) * 20), "p", narrow=True)
    assert svg_inline(heat(values=((math.nan,) * 3,) * 2), "p")


@pytest.mark.parametrize(
    "changed", [{"rows": ("a",)}, {"values": ((1.0,), (1.0,))}, {"columns": (), "values": ((), ())}]
)
def test_values_must_fit_the_names(changed: dict[str, object]) -> None:
    with pytest.raises(MatryoError, match="give one value per name"):
        heat(**changed)


def test_cells_keep_their_colour_on_a_dark_page() -> None:
    drawn = svg_inline(heat(values=((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))), "p")
    # white numbers stand on the darkest cells: as a line's colour these would turn pale
    assert not re.findall(r"var\(--line-\d", drawn)
