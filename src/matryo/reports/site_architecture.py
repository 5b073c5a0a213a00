"""Diagrams of what the studies of a site fitted and of what was measured."""

from collections.abc import Sequence

from matryo.reports.architecture import Architecture, architecture_svg
from matryo.reports.architecture_measured import measured_svg
from matryo.reports.html import html_text
from matryo.reports.site_page import Raw
from matryo.reports.study_data import Study, named, number_of


def measured_block(study: Study) -> Raw:
    """What is measured of an ordered pair, drawn for the first one of a study."""
    source, target = study.pairs[0]
    return Raw("What is measured", f'<figure class="drawing">{measured_svg(source, target)}</figure>')


def architecture_blocks(studies: Sequence[Study]) -> tuple[Raw, ...]:
    """One diagram for each translator of the studies, for the first ordered pair that it was fitted for."""
    drawn: dict[str, str] = {}
    for study in studies:
        widths = {str(row["space"]): int(number_of(row, "width")) for row in study.rows("spaces")}
        for (source, target), name in study.trained:
            if name not in drawn:
                one = Architecture(name, source, target, widths[source], widths[target])
                caption = html_text(f"{name}, drawn for {named((source, target))}.")
                drawn[name] = (
                    f'<figure class="drawing">{architecture_svg(one, f"architecture-{len(drawn) + 1}")}'
                    f"<figcaption>{caption}</figcaption></figure>"
                )
    return (Raw("The translators", f'<div class="drawings">{"".join(drawn.values())}</div>'),)
