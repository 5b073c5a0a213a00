from xml.etree import ElementTree

import pytest

from matryo.errors import MatryoError
from matryo.maps.mlp import hidden_width
from matryo.reports.architecture import Architecture, architecture_svg
from matryo.reports.architecture_measured import measured_svg

SVG = "{http://www.w3.org/2000/svg}"


def texts(drawing: str) -> list[str]:
    return ["".join(one.itertext()) for one in ElementTree.fromstring(drawing).iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("name", "widths", "parameters"),
    [
        ("ridge", (), 4 * 3 + 3),
        ("linear cosine", (), 4 * 3 + 3),
        ("procrustes", (), 4 * 3 + 3),
        ("mlp1", (3,), 4 * 3 + 3 + 3 * 3 + 3),
        ("mlp1 8x", (24,), 4 * 24 + 24 + 24 * 3 + 3),
        ("mlp2 2x relational", (6, 6), 4 * 6 + 6 + 6 * 6 + 6 + 6 * 3 + 3),
    ],
)
def test_hidden_widths_and_numbers_of_every_kind(name: str, widths: tuple[int, ...], parameters: int) -> None:
    one = Architecture(name, "a", "b", 4, 3)
    assert one.hidden == widths and one.parameters == parameters


def test_hidden_layers_are_as_wide_as_those_that_are_fitted() -> None:
    for multiple in ("1x", "8x", "32x"):
        for source, target in ((384, 256), (256, 384)):
            one = Architecture(f"mlp1 {multiple}", "a", "b", source, target)
            assert one.hidden == (hidden_width(multiple, source, target),)


def test_every_layer_stands_in_the_drawing_with_its_real_width() -> None:
    drawing = architecture_svg(Architecture("mlp1 8x", "minilm", "wordllama", 384, 256), "k")
    found = texts(drawing)
    for wanted in ("mlp1 8x: 384 → 2,048 → 256", "384", "2,048, max(0, x)", "256", "matrix 384 x 2,048",
                   "and 2,048 offsets", "minilm, native", "stands in for wordllama", "1,313,024 numbers"):  # fmt: skip
        assert wanted in found


def test_a_rotation_adds_zeros_before_or_leaves_numbers_out_after() -> None:
    wider = [step.does for step in Architecture("procrustes", "a", "b", 3, 5).steps()]
    assert wider == [("2 zeros added",), ("rotation 5 x 5", "about the origin"), ("scaled to length 1",)]
    narrower = Architecture("procrustes centred", "a", "b", 5, 3).steps()
    assert [(step.does[0], step.width) for step in narrower] == [
        ("rotation 5 x 5", 5), ("first 3 kept", 3), ("scaled to length 1", 3),
    ]  # fmt: skip
    assert narrower[0].does[1] == "about the means"
    equal = [step.does[0] for step in Architecture("procrustes", "a", "b", 4, 4).steps()]
    assert equal == ["rotation 4 x 4", "scaled to length 1"]


@pytest.mark.parametrize(
    ("name", "widths", "words"),
    [("transformer", (4, 3), "transformer"), ("", (4, 3), "got ''"), ("ridge", (0, 3), "at least one number")],
)
def test_another_kind_and_no_width_are_refused(name: str, widths: tuple[int, int], words: str) -> None:
    with pytest.raises(MatryoError, match=words):
        Architecture(name, "a", "b", *widths)


def test_diagrams_are_named_described_and_without_fixed_colours() -> None:
    hostile = '<script>"&'
    for drawing in (
        architecture_svg(Architecture("ridge", hostile, "b", 4, 3), "x"),
        measured_svg(hostile, "b", "x"),
    ):
        root = ElementTree.fromstring(drawing)
        assert root.get("role") == "img" and root.get("aria-labelledby") == "x-title x-desc"
        assert root.findtext(f"{SVG}title") and hostile in (root.findtext(f"{SVG}desc") or "")
        assert "<script" not in drawing
        styled = [one.get("style", "") for one in root.iter() if one.tag in (f"{SVG}rect", f"{SVG}text", f"{SVG}path")]
        assert styled and all("var(--" in style for style in styled)


def test_what_is_measured_names_both_models_and_every_family_of_measures() -> None:
    found = " ".join(texts(measured_svg("old one", "new one")))
    for wanted in ("old one", "new one", "translated vector", "R2", "mutual", "CKA", "nDCG"):
        assert wanted in found
