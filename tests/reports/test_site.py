"""The site: whole or not there, every link resolves, every number has its CSV, nothing is loaded from elsewhere."""

import csv
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from matryo.errors import FormatError, MatryoError
from matryo.evaluation.results import ExtraTable, RunResults
from matryo.reports import site
from matryo.reports.document import Section
from matryo.reports.site import find_studies, write_site
from matryo.reports.site_index import Placed, index_page
from matryo.reports.site_page import Page, Raw, file_stem, page_files
from matryo.reports.study_data import Study, read_study

MADE = Path(__file__).parent / "made_study"
VOID = {"meta", "link", "br", "img", "hr", "input", "wbr"}
CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
PAIR = "two-spaces/pairs/old--new.html"


def keep_two_spaces(results: RunResults) -> RunResults:
    """Without the third space, and without what is drawn once more for each: so that a test draws few figures."""
    two = {"old", "new"}

    def kept(table: ExtraTable, row: tuple[object, ...]) -> bool:
        named = [value for name, value in zip(table.columns, row, strict=True) if name in ("from", "to", "space")]
        return set(named) <= two and (table.name != "dims" or named == ["old", "new"])

    tables = [
        replace(table, rows=tuple(row for row in table.rows if kept(table, row)))
        for table in results.tables
        if table.name not in ("prefixes", "curve")
    ]
    return replace(results, tables=tuple(tables))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "two spaces"
    keep_two_spaces(RunResults.read(MADE, with_per_query=False)).write(folder)
    shutil.copytree(MADE / "pictures", folder / "pictures")
    return folder


@pytest.fixture(scope="module")
def made(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site") / "out"
    written = write_site(out, [run])
    assert written[0] == out / "index.html" and set(written) == {path for path in out.rglob("*") if path.is_file()}
    return out


class Reader(HTMLParser):
    """Tags in balance, ids once, and every address."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.title = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids += [given["id"]] if given.get("id") else []
        self.links += [value for name in ("href", "src", "xlink:href") if (value := given.get(name))]
        assert tag not in ("script", "iframe", "object", "base"), tag
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["title"] and "svg" not in self.open:
            self.title += data


def read(path: Path) -> Reader:
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    assert reader.open == []
    return reader


def test_pages_are_well_formed_and_every_link_resolves(made: Path) -> None:
    pages = sorted(made.rglob("*.html"))
    assert [str(page.relative_to(made)) for page in pages] == [
        "index.html", "method.html", "two-spaces/index.html", "two-spaces/pairs/new--old.html", PAIR,
    ]  # fmt: skip
    linked, titles = set(), []
    for page in pages:
        found = read(page)
        titles.append(found.title)
        assert len(found.ids) == len(set(found.ids)), page
        for link in found.links:
            if link.startswith("#"):
                assert link[1:] in found.ids, link
                continue
            assert not re.match(r"[a-z]+:|/", link), link
            target = (page.parent / unquote(link.split("#")[0])).resolve()
            assert target.is_file() and target.is_relative_to(made.resolve()), link
            linked.add(target)
    assert all(titles) and len(set(titles)) == len(pages)
    data = {path.resolve() for path in made.rglob("*.csv")}
    assert data and data <= linked, "a CSV that no page links to"


def test_nothing_is_loaded_from_elsewhere(made: Path) -> None:
    for path in [*made.rglob("*.html"), *made.rglob("*.css")]:
        text = path.read_text(encoding="utf-8")
        addresses = {one for one in re.findall(r"https?://[^\"'\s<)]+", text) if "w3.org" not in one}
        assert not addresses and "@import" not in text and not re.search(r"url\((?!#)", text), path


def test_every_figure_and_table_has_its_csv(made: Path) -> None:
    for page in made.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        n_shown = text.count("<figure>") + text.count("<table")
        assert text.count("data (CSV)") >= n_shown, page  # sample searches have one too, which are no figure
    assert (made / PAIR).read_text(encoding="utf-8").count("data (CSV)") > 8


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_numbers_of_a_csv_are_those_of_the_study(made: Path, run: Path) -> None:
    study, data = read_study(run), made / "data" / "two-spaces"
    for pair in (("old", "new"), ("new", "old")):
        heat = {(row["from"], row["to"]): row for row in rows_of(data / "heat-r2.csv")}
        assert float(heat[pair]["R2, best translator"]) == study.best(pair).value("R2")
    assert heat["old", "old"]["R2, best translator"] == ""
    stored = rows_of(data / "translators.csv")
    assert len(stored) == 6 and [float(row["R2"]) for row in stored] == [row["R2"] for row in study.rows("translators")]
    dims = {(row["line"], row["dims"]): row["R2"] for row in rows_of(data / "pairs" / "old--new" / "r2-old-new.csv")}
    for row in study.rows("dims", ("old", "new")):
        assert float(dims[row["translator"], str(row["dim"])]) == row["R2"]
    bars = rows_of(data / "pairs" / "old--new" / "migration-documents-translated-old-new.csv")
    assert [bar["value"] for bar in bars if bar["panel"] == "nDCG@10"][:3] == ["0.4", "0.01", "0.44"]


def test_pictures_are_on_the_page_of_their_pair(made: Path, run: Path) -> None:
    text, study = (made / PAIR).read_text(encoding="utf-8"), read_study(run)
    assert text.count("text 3 &lt;tag&gt; &amp; more") >= 1 and "<tag>" not in text
    assert "✓ relevant" in text and "question 1?" in text and "where they differ most" in text
    data = made / "data" / "two-spaces" / "pairs" / "old--new"
    points = rows_of(data / "umap.csv")
    picture = study.layouts["old", "new"][0]
    assert [float(point["native x"]) for point in points] == [x for x, _ in picture.native]
    assert len(rows_of(data / "searches.csv")) == 3 * 3 * 3
    cells = rows_of(data / "kernels.csv")
    assert len(cells) == 64 and float(cells[1]["source"]) == study.kernels["old", "new"][0].matrices[0].source[0][1]
    assert "Map of the texts" not in (made / "two-spaces/pairs/new--old.html").read_text(encoding="utf-8")


def test_a_site_is_replaced_as_a_whole(made: Path, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (made / "index.html").read_bytes()
    (made / "old-page.html").write_text("from before", encoding="utf-8")
    pages = site._pages

    def few(placed: object) -> list[Page]:
        return pages(placed)[:1]

    def killed(*_: object) -> dict[str, str]:
        raise KeyboardInterrupt

    monkeypatch.setattr(site, "_pages", few)
    monkeypatch.setattr(site, "page_files", killed)
    with pytest.raises(KeyboardInterrupt):
        write_site(made, [run])
    assert (made / "index.html").read_bytes() == before and (made / PAIR).is_file(), "the site before must stay"
    copy = made.with_name("copy")
    shutil.copytree(made, copy)
    monkeypatch.setattr(site, "page_files", lambda *_: {"index.html": "new"})
    write_site(copy, [run])
    assert sorted(path.name for path in copy.iterdir()) == ["index.html", "site.css", "site.json"]
    assert not [path for path in copy.parent.iterdir() if path.name.startswith(".copy")]
    (made / "old-page.html").unlink()
    shutil.rmtree(copy)


def test_what_is_no_site_is_not_written_over(run: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(MatryoError, match="holds something that is no site of this program; choose a new or an empty"):
        write_site(tmp_path / "thesis", [run])
    (tmp_path / "thesis" / "site.json").write_text("[]", encoding="utf-8")
    with pytest.raises(MatryoError, match="no site of this program"):
        write_site(tmp_path / "thesis", [run])
    with pytest.raises(MatryoError, match="must be a folder, a file is in the way"):
        write_site(tmp_path / "thesis" / "chapter.txt", [run])
    assert (tmp_path / "thesis" / "chapter.txt").read_text(encoding="utf-8") == "years of work"
    with pytest.raises(MatryoError, match="needs at least one translation study, got none"):
        write_site(tmp_path / "new", [])
    with pytest.raises(FormatError, match=r"results\.json is missing"):
        write_site(tmp_path / "new", [tmp_path])
    assert not (tmp_path / "new").exists()


def test_studies_are_found_among_other_runs(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "b-study")
    (tmp_path / "a-demo").mkdir()
    (tmp_path / "a-demo" / "results.json").write_text(json.dumps({"run_name": "demo"}), encoding="utf-8")
    (tmp_path / "unfinished").mkdir()
    assert find_studies(tmp_path) == [tmp_path / "b-study"]
    assert find_studies(tmp_path / "nowhere") == []


def test_names_become_files_of_their_own() -> None:
    assert file_stem("../../etc/passwd") == "etc-passwd" and file_stem("→") == "table"
    page = Page("a/b/p.html", "t", "h", "", (Raw("one", "<p>x</p>", {"R2": "a\n"}), Raw("two", "", {"r2": "b\n"})))
    files = page_files(page, (), "end")
    assert list(files) == ["a/b/p.html", "data/a/b/p/r2.csv", "data/a/b/p/r2-2.csv"]
    assert 'href="../../data/a/b/p/r2-2.csv"' in files["a/b/p.html"] and 'href="../../site.css"' in files["a/b/p.html"]


def test_the_first_page_shows_the_pair_that_translates_worst_and_concludes_by_its_numbers() -> None:
    study = read_study(MADE)

    def titles_and_end(study: Study) -> tuple[list[str], tuple[str, ...]]:
        blocks = index_page([Placed(study, "made")]).blocks
        end = blocks[-1]
        assert isinstance(end, Section) and end.title == "Conclusion"
        return [block.title for block in blocks if isinstance(block, Raw) or not block.empty], end.findings

    titles, end = titles_and_end(study)
    assert "Kernel matrices of one pair" not in titles, "no picture of the pair that translates worst"
    assert end[1] == (
        "A linear map is the best translator by R2 on 4 of 6 and by the documents that searches find on 6 of 6 ordered "
        "pairs; try one before anything deeper."
    )
    assert end[3] == "CKA before training goes with a better translation; compare the spaces first."

    def edited(table: ExtraTable) -> ExtraTable:
        rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
        for row in rows:
            if table.name == "translators" and (row["from"], row["to"]) == ("old", "new"):
                row["R2"] = 0.01
            if table.name == "translators" and row["translator"] != "ridge":
                row["R2"] += 0.001 if row["R2"] == 0.01 else 0.2
            row |= {"p": 0.5} if table.name == "prediction" else {}
            row |= {"verdict": "do not bridge"} if table.name == "migrations" else {}
        return replace(table, rows=tuple(tuple(row.values()) for row in rows))

    other = replace(study, results=replace(study.results, tables=tuple(map(edited, study.results.tables))))
    titles, end = titles_and_end(other)
    assert {"Kernel matrices of one pair", "What both searches fetched: old → new"} <= set(titles)
    assert end[0].startswith("Do not bridge: in none of 6 moves") and "on the hardest pair R2 is 0.011" in end[2]
    assert "by R2 on 0 of 6" in end[1] and end[1].endswith(
        "no kind is best everywhere: fit both and measure what you need."
    )
    assert end[3].startswith("CKA before training is not shown to go with a better translation; fit a map")

    def swapping(table: ExtraTable) -> ExtraTable:
        rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
        for row in rows:
            if table.name == "migrations" and (row["from"], row["to"], row["way"][0]) == ("old", "new", "d"):
                row["swap low"] = row["keep high"] + 0.01
        return replace(table, rows=tuple(tuple(row.values()) for row in rows))

    swapped = replace(other, results=replace(other.results, tables=tuple(map(swapping, other.results.tables))))
    _, end = titles_and_end(swapped)
    assert end[1].startswith("Let the new model ask the old vectors as they are") and end[1].endswith("old → new.")
    silent = tuple(table for table in other.results.tables if table.name != "migrations")
    _, end = titles_and_end(replace(other, results=replace(other.results, tables=silent)))
    assert end[0] == "Whether to bridge between two models stays open here, because no search was judged."


def test_two_studies_of_one_name_have_pages_of_their_own(run: Path) -> None:
    assert [one.key for one in site._placed([run, run])] == ["two-spaces", "two-spaces-2"]


def browse(page: Path, folder: Path, *, width: int) -> tuple[str, str]:
    """The page as a browser has built it, and what its console says."""
    assert CHROMIUM is not None
    done = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--enable-logging=stderr", "--v=0", f"--user-data-dir={folder}",
            f"--window-size={width},900", "--virtual-time-budget=2000", "--dump-dom", page.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return done.stdout, done.stderr


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_a_browser_opens_every_page_from_the_file_system(made: Path, tmp_path: Path) -> None:
    for number, page in enumerate(sorted(made.rglob("*.html"))):
        built, said = browse(page, tmp_path / str(number), width=1200)
        assert "CONSOLE" not in said, said
        assert "<title>" in built and "</footer>" in built
        if page.name == "old--new.html":
            assert built.count("<title>") > 14, "texts of the map on hover"
    blocked = tmp_path / "blocked.html"
    text = (made / "index.html").read_text(encoding="utf-8")
    blocked.write_text(text.replace("<footer>", '<img src="http://localhost/x.png"><footer>'), encoding="utf-8")
    assert "CONSOLE" in browse(blocked, tmp_path / "blocked", width=1200)[1], "the page forbids what it does not need"


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_no_page_scrolls_sideways_on_a_small_screen(made: Path, tmp_path: Path) -> None:
    measured = tmp_path / "site"
    shutil.copytree(made, measured)
    script = "<script>document.body.dataset.seen = document.documentElement.scrollWidth + ' of ' + innerWidth</script>"
    for number, page in enumerate(sorted(measured.rglob("*.html"))):
        text = re.sub("<meta http-equiv=[^>]*>", "", page.read_text(encoding="utf-8"))
        page.write_text(text.replace("</body>", f"{script}</body>"), encoding="utf-8")
        found = re.search(r'data-seen="(\d+) of (\d+)"', browse(page, tmp_path / str(number), width=420)[0])
        assert found is not None and int(found[1]) <= int(found[2]), (page.name, found)
