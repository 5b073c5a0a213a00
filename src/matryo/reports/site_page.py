"""One page of the site: its parts as values, and how they become HTML with a CSV behind every figure and table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from string import Template

from matryo.reports.document import Fact, Section, chart_stems
from matryo.reports.html import html_facts, html_figure, html_list, html_prose, html_table, html_text
from matryo.reports.identity_write import table_csv
from matryo.reports.study_csv import chart_csv
from matryo.reports.table import Table, printable

DATA = "data"
CSV_LINK = "data (CSV)"


@dataclass(frozen=True, slots=True)
class Raw:
    """A part of a page that is HTML already.

    Attributes:
        title: heading.
        html: the part, every text in it escaped.
        data: name of the file without its ending -> CSV behind it.
    """

    title: str
    html: str
    data: dict[str, str] = field(default_factory=dict)


Block = Section | Raw


@dataclass(frozen=True, slots=True)
class Link:
    """A place to go, by the path of its page inside the site."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes:
        path: inside the site, with slashes, e.g. "study/index.html".
        title: of the window.
        heading: the one sentence that it opens with.
        lead: below it; "" = nothing.
        blocks: its parts, in reading order.
        facts: numbers of the first screen.
        trail: pages above it.
    """

    path: str
    title: str
    heading: str
    lead: str
    blocks: tuple[Block, ...]
    facts: tuple[Fact, ...] = ()
    trail: tuple[Link, ...] = ()


@dataclass(slots=True)
class _Data:
    """CSV files of one page, each under a name of its own."""

    folder: str
    root: str
    texts: dict[str, str] = field(default_factory=dict)

    def link(self, name: str, text: str, label: str = CSV_LINK) -> str:
        """Keep a CSV and give the line that links to it."""
        stem, number = file_stem(name), 1
        while (path := f"{self.folder}/{stem if number == 1 else f'{stem}-{number}'}.csv") in self.texts:
            number += 1
        self.texts[path] = text
        return f'<p class="data"><a href="{escape(self.root + path)}">{html_text(label)}</a></p>'


def page_files(page: Page, navigation: Sequence[Link], footer: str) -> dict[str, str]:
    """A page as files: itself and the CSVs behind its figures and tables.

    Args:
        page: what it shows.
        navigation: links of every page.
        footer: its last line.

    Returns: path inside the site -> text, the page first.
    """
    root = "../" * page.path.count("/")
    stem = page.path.removesuffix(".html").removesuffix("/index")
    data = _Data(f"{DATA}/{stem}", root)
    bodies, n_charts = [], 0
    shown = [block for block in page.blocks if isinstance(block, Raw) or not block.empty]
    for number, block in enumerate(shown, start=1):
        bodies.append(_block(block, f"section-{number}", n_charts, data))
        n_charts += len(block.charts) if isinstance(block, Section) else 0
    trail = " / ".join(f'<a href="{escape(root + link.path)}">{html_text(link.text)}</a>' for link in page.trail)
    template = Template(files("matryo.reports").joinpath("site.html").read_text(encoding="utf-8"))
    text = template.substitute(
        title=html_text(page.title),
        root=root,
        navigation="".join(_navigation(link, page, root) for link in navigation),
        trail=f'<p class="trail">{trail}</p>' if trail else "",
        heading=html_text(page.heading),
        lead=f'<p class="lead">{html_prose(page.lead)}</p>' if page.lead else "",
        facts=html_facts(page.facts),
        blocks="\n".join(bodies),
        footer=html_text(footer),
    )
    return {page.path: text, **data.texts}


def file_stem(name: str) -> str:
    """A name that every file system takes.

    >>> file_stem("MSE toward a/b (%)")
    'mse-toward-a-b'
    """
    letters = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in name.lower())
    return "-".join(letters.split())[:80] or "table"


def _navigation(link: Link, page: Page, root: str) -> str:
    here = ' aria-current="page"' if link.path == page.path else ""
    return f'<li><a href="{escape(root + link.path)}"{here}>{html_text(link.text)}</a></li>'


def _block(block: Block, key: str, n_charts: int, data: _Data) -> str:
    heading = f'<h2 id="{key}">{html_text(block.title)}</h2>'
    if isinstance(block, Raw):
        several = len(block.data) > 1
        links = "".join(
            data.link(name, text, f"{name} (CSV)" if several else CSV_LINK) for name, text in block.data.items()
        )
        body = block.html + links
    else:
        body = _section_body(block, n_charts, data)
    if isinstance(block, Section) and block.folded:
        return f'<details class="section"><summary>{heading}</summary>\n{body}\n</details>'
    return f'<section class="section" aria-labelledby="{key}">{heading}\n{body}\n</section>'


def _section_body(section: Section, n_charts: int, data: _Data) -> str:
    parts = [f"<p>{html_prose(paragraph)}</p>" for paragraph in section.text]
    parts += html_list(section.findings)
    stems = chart_stems(section.charts)
    for number, (stem, chart) in enumerate(zip(stems, section.charts, strict=True), start=n_charts + 1):
        parts += [html_figure(chart, number), data.link(stem, chart_csv(chart))]
    parts += [_table(table, section.title, data) for table in section.tables]
    parts += html_list(section.bullets)
    if section.commands:
        lines = escape("\n".join(printable(line) for line in section.commands))
        parts.append(f'<pre tabindex="0" aria-label="commands"><code>{lines}</code></pre>')
    return "\n".join(parts)


def _table(table: Table, section: str, data: _Data) -> str:
    return html_table(table) + "\n" + data.link(f"table {table.title or section}", table_csv(table))
