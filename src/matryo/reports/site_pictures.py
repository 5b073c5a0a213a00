"""Pictures of one ordered pair on its page: the map of texts, kernel matrices, what both searches fetched."""

from collections.abc import Sequence
from typing import Final

from matryo.evaluation.pictures import Found, LayoutPicture, SampleSearch, SearchPicture
from matryo.reports.document import Section
from matryo.reports.formats import number
from matryo.reports.html import html_prose, html_text
from matryo.reports.kernel_drawing import KernelChart
from matryo.reports.scatter_map import layout_caption, layout_heading, layout_svg
from matryo.reports.site_page import Block, Raw
from matryo.reports.study_csv import layout_csv, search_csv
from matryo.reports.study_data import Pair, Study, named
from matryo.reports.study_relations import kernel_findings

_BOTH: Final = ' class="both"'
_REASONS: Final = {
    "agree most": "where native and translated vectors agree most",
    "differ most": "where they differ most",
    "at random": "drawn at random",
}


def picture_blocks(study: Study, pair: Pair) -> tuple[Block, ...]:
    """Everything that was drawn of an ordered pair; none if no pictures were made."""
    maps = enumerate(study.layouts.get(pair, ()), start=1)
    blocks: list[Block] = [layout_block(one, f"map-{number}") for number, one in maps]
    kernels = tuple(
        KernelChart("", picture, matrices.kernel)
        for picture in study.kernels.get(pair, ())
        for matrices in picture.matrices
    )
    if kernels:
        found = kernel_findings(study, pair)
        blocks.append(Section("Kernel matrices side by side", findings=found, charts=kernels))
    return (*blocks, *(searches_block(one) for one in study.searches.get(pair, ())))


def layout_block(picture: LayoutPicture, key: str) -> Raw:
    """The map of the texts, every text on hover.

    Args:
        picture: what to draw.
        key: prefix of its ids, different for each map of a page.
    """
    caption = f"{layout_caption(picture)} A text shows when the pointer rests on its point."
    html = f"<figure>{layout_svg(picture, key)}<figcaption>{html_prose(caption)}</figcaption></figure>"
    title = f"Map of the texts: {layout_heading(picture)}"
    return Raw(title, html, {"umap": layout_csv(picture)})


def searches_block(picture: SearchPicture, *, few: bool = False) -> Raw:
    """What both searches fetched, query by query.

    Args:
        picture: what to show.
        few: only the first query of each reason.
    """
    shown = picture.searches
    if few:
        shown = tuple({one.reason: one for one in reversed(shown)}.values())[::-1]
    asked = "queries" if picture.asked == "queries" else "texts, which ask for their neighbours, themselves left out"
    text = (
        f"Of {picture.n_asked:,} {asked}, {len(shown)} are shown: what the first {picture.k} of "
        f"{picture.n_documents:,} documents are for native vectors of {picture.target}, for those that "
        f"{picture.translator} made of {picture.source}, and for {picture.source} alone. Over all of them, native and "
        f"translated lists share a Jaccard of {number(picture.mean_jaccard)}, native and {picture.source}'s "
        f"{number(picture.mean_jaccard_keep)}. A bar marks a document that native and translated vectors both fetch."
    )
    parts = [f"<p>{html_prose(text)}</p>", *(_search(one, picture) for one in shown)]
    return Raw(
        f"What both searches fetched: {named((picture.source, picture.target))}",
        "\n".join(parts),
        {"searches": search_csv(picture)},
    )


def _search(search: SampleSearch, picture: SearchPicture) -> str:
    both = {one.id for one in search.native} & {one.id for one in search.translated}
    told = (
        f"{_REASONS[search.reason]}; {search.shared} of {len(search.native)} in both lists, Jaccard "
        f"{number(search.jaccard)}, edit distance {number(search.edit_distance)}"
    )
    lists = (
        (f"{picture.target}, native", search.native),
        (f"{picture.source} translated", search.translated),
        (f"{picture.source}, the old model", search.keep),
    )
    columns = "".join(_list(title, found, both) for title, found in lists)
    question = f'<p class="question"><strong>{html_text(search.text)}</strong><small>{html_text(told)}</small></p>'
    return f'{question}\n<div class="lists">{columns}</div>'


def _list(title: str, found: Sequence[Found], both: set[str]) -> str:
    items = "".join(
        f'<li{_BOTH if one.id in both else ""} title="{html_text(one.id)}">{html_text(one.text)} '
        f"<small>{number(one.score)}{_relevance(one)}</small></li>"
        for one in found
    )
    return f"<div><h4>{html_text(title)}</h4><ol>{items}</ol></div>"


def _relevance(one: Found) -> str:
    return ' · <span class="mark">✓ relevant</span>' if one.relevant else ""
