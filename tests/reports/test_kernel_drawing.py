from dataclasses import replace
from xml.etree import ElementTree

import pytest

from matryo.errors import MatryoError
from matryo.evaluation.pictures import KernelMatrices, KernelPicture
from matryo.reports.figures import png, svg_file, svg_inline
from matryo.reports.kernel_drawing import KernelChart, kernel_charts

SVG = "{http://www.w3.org/2000/svg}"
N = 6


def cells(step: float) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(1.0 if a == b else 0.1 + step * abs(a - b) for b in range(N)) for a in range(N))


PICTURE = KernelPicture(
    source="old", target="new", translator="mlp1 8x", ids=tuple("abcdef"),
    texts=("asks one", "answer a", "a $\\frac{1}{2}$ text that is far too long to be written beside a matrix",
           "asks two", "answer c", "<b>&"),
    queries=(0, 3),
    matrices=(
        KernelMatrices("dot", cells(0.1), cells(0.12), cells(0.02), None, (0.98, 0.8), (0.05, 0.2), (0.91, None)),
        KernelMatrices("rbf", cells(0.1), cells(0.1), cells(0.1), (1.2, 1.1, 1.0), (1.0, 1.0), (0.0, 0.0), (1.0, 1.0)),
    ),
)  # fmt: skip


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_both_axes_carry_names_queries_are_marked_and_matrices_compared() -> None:
    dot, rbf = kernel_charts(PICTURE, "stdlib")
    assert (dot.name, rbf.name) == ("kernels-dot", "kernels-rbf")
    found = texts(svg_inline(dot, "p"))
    assert found.count("Q: asks one") == 4  # beside the first matrix, above each of the three
    assert {"new, native", "old translated, mlp1 8x", "old, native", "against native: CKA 0.91, difference 0.05",
            "against native: CKA -, difference 0.20"} <= set(found)  # fmt: skip
    narrow = texts(svg_inline(dot, "p", narrow=True))
    assert narrow.count("Q: asks one") == 4  # above the first matrix, beside each of the three


def test_one_scale_for_all_without_the_diagonals() -> None:
    found = texts(svg_inline(KernelChart("", PICTURE), "p"))
    assert "0.12" in found and "0.70" in found and "1.00" not in found


def test_the_caption_gives_bandwidths_and_what_a_block_is() -> None:
    dot, rbf = kernel_charts(PICTURE)
    assert "1.20, 1.10 and 1.00" in rbf.caption() and "s = the median" not in dot.caption()
    assert "Each block is one search" in dot.caption() and "6 texts" in dot.caption()
    assert "among texts of 2 searches" in dot.heading
    plain = replace(PICTURE, queries=())
    assert (
        KernelChart("", plain).heading == "Dot products among 6 texts"
        and "block" not in KernelChart("", plain).caption()
    )
    assert "CKA 0.91" in dot.description() and "alignment 0.980 and 0.800" in dot.description()


def test_a_kernel_that_is_not_there_is_refused() -> None:
    with pytest.raises(MatryoError, match=r"holds the kernels \['dot'\], got 'rbf'"):
        KernelChart("", replace(PICTURE, matrices=PICTURE.matrices[:1]), "rbf")


@pytest.mark.parametrize("narrow", [False, True])
def test_cells_keep_their_colour_on_a_dark_page_and_bytes_do_not_change(narrow: bool) -> None:
    chart = KernelChart("", PICTURE)
    drawing = svg_inline(chart, "p", narrow=narrow)
    # what follows the page turns pale in the dark: only text does
    assert "fill: var(--line" not in drawing and "<b>" not in drawing
    assert drawing == svg_inline(chart, "p", narrow=narrow)


def test_equal_cells_and_one_text_are_drawn() -> None:
    flat = replace(PICTURE.matrices[0], native=((1.0,),), translated=((1.0,),), source=((1.0,),))
    one = replace(PICTURE, ids=("a",), texts=("a",), queries=(), matrices=(flat,))
    assert png(KernelChart("", one), dpi=40).startswith(b"\x89PNG")
    assert "var(" not in svg_file(KernelChart("", PICTURE))
