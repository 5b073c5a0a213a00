"""A diagram of what a study measures: one text, two models, a translator, and what is compared with what."""

from typing import Final

from matryo.reports.architecture_shapes import Box, Canvas, Role, svg

_SIZE: Final = (460.0, 548.0)
_LEFT: Final = 112.0
_RIGHT: Final = 348.0
_WIDTH: Final = 184.0
_MEASURES: Final = (
    "the vector itself: R2, MSE, cosine, top-1, mean rank",
    "its neighbours: mutual, Jaccard, edit distance, RBO",
    "the whole space: CKA, kernel matrices",
    "a search: nDCG kept, beside keep and re-encode",
)


def measured_svg(source: str = "model A", target: str = "model B", key: str = "measured") -> str:
    """Draw what is measured: a held-out text through both models, the translator's vector against the native one.

    Args:
        source: name of the space to translate from.
        target: name of the space to translate toward.
        key: prefix of every id, different for each diagram of a page.

    Returns: one `<svg>` element with title and description.
    """
    canvas, middle = Canvas(), _SIZE[0] / 2
    canvas.box(Box(middle - 110, 12, 220, 52, ("one held-out text", "no translator has seen it"), "plain"), bold=True)
    canvas.arrow(middle - 60, 68, _LEFT, 102)
    canvas.arrow(middle + 60, 68, _RIGHT, 102)
    canvas.box(_centred(_LEFT, 106, 48, (source, "the old model"), "source"), bold=True)
    canvas.box(_centred(_RIGHT, 106, 48, (target, "the new model"), "target"), bold=True)
    canvas.arrow(_LEFT, 158, _LEFT, 186)
    canvas.box(_centred(_LEFT, 190, 32, ("native vector of the old",), "source"))
    canvas.arrow(_LEFT, 226, _LEFT, 254)
    canvas.box(_centred(_LEFT, 258, 48, ("translator", "fitted on other texts"), "hidden"), bold=True)
    canvas.arrow(_LEFT, 310, _LEFT, 338)
    canvas.arrow(_RIGHT, 158, _RIGHT, 338)
    canvas.box(_centred(_LEFT, 342, 32, ("translated vector",), "target"))
    canvas.box(_centred(_RIGHT, 342, 32, ("native vector of the new",), "target"))
    canvas.arrow(_LEFT, 378, _LEFT, 402)
    canvas.arrow(_RIGHT, 378, _RIGHT, 402)
    lines = ("how close are the two?", *_MEASURES)
    canvas.box(Box(20, 406, _SIZE[0] - 40, 30 + 18 * len(lines), lines, "plain"), bold=True)
    return svg(
        canvas,
        _SIZE,
        f"What is measured, from {source} to {target}",
        f"A held-out text is encoded by {source} and by {target}. A translator that was fitted on other texts turns "
        f"the vector of {source} into one that stands in for {target}. It is compared with the native vector "
        f"of {target}: {'; '.join(_MEASURES)}.",
        key,
    )


def _centred(x: float, y: float, height: float, lines: tuple[str, ...], role: Role) -> Box:
    return Box(x - _WIDTH / 2, y, _WIDTH, height, lines, role)
