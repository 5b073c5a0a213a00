"""The page of one study: its findings with figures and tables, its ordered pairs, and every stored number."""

from matryo.reports.document import Section
from matryo.reports.formats import number
from matryo.reports.html import html_text
from matryo.reports.site_page import Link, Page, Raw
from matryo.reports.site_pair import pair_path
from matryo.reports.study_csv import stored_csv
from matryo.reports.study_data import Study, named, slug
from matryo.reports.study_findings import headline
from matryo.reports.study_report import facts, study_sections, subtitle


def study_path(key: str) -> str:
    """Path of the page of a study, inside the site."""
    return f"{key}/index.html"


def study_page(study: Study, key: str) -> Page:
    """The page of a study.

    Args:
        study: as stored.
        key: of it in paths.
    """
    sections = study_sections(study)
    return Page(
        path=study_path(key),
        title=f"{study.name}: translation study",
        heading=f"{headline(study)}.",
        lead=subtitle(study),
        blocks=(pair_cards(study, "pairs/"), *sections, Section("Notes", bullets=study.results.notes), _stored(study)),
        facts=facts(study),
        trail=(Link("index.html", "Start"),),
    )


def pair_cards(study: Study, where: str) -> Raw:
    """Links to the pages of all ordered pairs, each with its best translator.

    Args:
        study: as stored.
        where: folder of those pages, as a link from the page that shows the cards.
    """
    cards = []
    for pair in study.pairs:
        best = study.best(pair)
        told = html_text(f"{best.translator}, R2 {number(best.value('R2'))}")
        link = html_text(f"{where}{slug(pair)}.html")
        cards.append(f'<li><a href="{link}">{html_text(named(pair))}<small>{told}</small></a></li>')
    return Raw("Ordered pairs", f'<ul class="cards">{"".join(cards)}</ul>')


def pair_paths(study: Study, key: str) -> list[str]:
    """Paths of the pages of all ordered pairs."""
    return [pair_path(key, pair) for pair in study.pairs]


def _stored(study: Study) -> Raw:
    """Every stored table with all its digits."""
    data = {table.name: stored_csv(table) for table in study.results.tables}
    return Raw("Every stored number", "<p>The tables of the study as stored, with all their digits.</p>", data)
