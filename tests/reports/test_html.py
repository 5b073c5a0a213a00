import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from matryo.evaluation.results import RunResults
from matryo.reports.curve_report import curve_report
from matryo.reports.document import Fact, Report, Section
from matryo.reports.html import html_table, report_html
from matryo.reports.table import Table

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Collects tags, attributes and text, and checks that every tag that opens also closes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile(results: RunResults) -> RunResults:
    """Every name of a run replaced by one that tries to be markup."""
    name = '"><script>alert(1)</script><img src=http://x onerror=y>'
    return replace(
        results,
        run_name=name,
        dataset=name,
        scores=tuple(replace(s, dataset=name, map=s.map + name, model=name, measure=name) for s in results.scores),
        shares=(),
        differences=tuple(replace(d, dataset=name, measure=name, name=name) for d in results.differences[:2]),
        recommendations=tuple(replace(r, dataset=name, map=name, measure=name) for r in results.recommendations[:1]),
        settings={name: name},
        seconds={name: 1.0},
        notes=(name,),
        versions={name: name},
        machine={name: name},
        device=name,
        timestamp=name,
    )


def test_the_page_is_balanced_and_shows_what_was_found(results: RunResults) -> None:
    page = Page(report_html(curve_report(results)))
    shown = page.text.replace("\u00a0", " ").replace("\u2060", "")
    for wanted in ("96 of 384 numbers keep 99.2 %", "0.464–0.519", "names masked", "nested head - rotation", "2.13.0"):  # noqa: RUF001
        assert wanted in shown
    assert {"h1", "svg", "title", "desc", "table", "details"} <= page.tags


def test_numbers_of_the_first_screen_are_a_list_of_terms() -> None:
    """Its class is what the style sheet sets them by; without the list they stand as bare lines."""
    page = report_html(Report("run", "", "Found.", (Fact("0.5", "MRR"), Fact("3", "seeds")), ()))
    assert '<dl class="facts"><div><dt>MRR</dt><dd>0.5</dd></div><div><dt>seeds</dt><dd>3</dd></div></dl>' in page
    assert "<dl" not in report_html(Report("run", "", "Found.", (), ()))


def test_nothing_is_loaded_from_elsewhere(results: RunResults) -> None:
    text = report_html(curve_report(results))
    page = Page(text)
    for name, value in page.attributes:
        if name in {"src", "href", "xlink:href", "srcset", "action", "data"}:
            assert value.startswith("#"), (name, value)
        if name not in {"xmlns", "xmlns:xlink"}:
            assert "http:" not in value and "https:" not in value
    assert "script" not in page.tags and "@import" not in text and not re.search(r"url\((?!#)", text)


def test_ids_are_unique_and_references_lead_somewhere(results: RunResults) -> None:
    page = Page(report_html(curve_report(results)))
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    for name, value in page.attributes:
        if name == "aria-labelledby":
            assert set(value.split()) <= set(ids)
        if name == "xlink:href":
            assert value.removeprefix("#") in ids


def test_hostile_names_stay_text(results: RunResults) -> None:
    page = Page(report_html(curve_report(hostile(results))))
    assert "script" not in page.tags and "img" not in page.tags
    assert not any(name.startswith("on") for name, _ in page.attributes)
    assert "<script>alert(1)</script>" in page.text


def test_commands_in_sentences_are_set_as_commands() -> None:
    said = ("Write `a --dim <8>` first, then `b`.", "a ` alone stays")
    text = report_html(Report("t", "", "v", (), sections=(Section("s", text=said, bullets=said),)))
    assert text.count("<code>a --dim &lt;8&gt;</code> first, then <code>b</code>.") == 2 and "a ` alone stays" in text
    assert {"code"} <= Page(text).tags


def test_the_same_results_give_the_same_page(results: RunResults) -> None:
    assert report_html(curve_report(results)) == report_html(curve_report(results))


def test_light_dark_and_narrow_are_provided(results: RunResults) -> None:
    text = report_html(curve_report(results))
    assert "prefers-color-scheme: dark" in text and "max-width: 700px" in text and "overflow-x: auto" in text
    assert text.count('class="wide"') == text.count('class="narrow"') == 2


def test_small_runs_give_whole_pages(only_map: Callable[[str], RunResults], results: RunResults) -> None:
    for run in (
        only_map("none"),
        only_map("bm25"),
        replace(results, scores=()),
        replace(only_map("none"), run_name=""),
    ):
        Page(report_html(curve_report(run)))


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_chromium_opens_it_without_a_console_error(results: RunResults, tmp_path: Path) -> None:
    page, picture = tmp_path / "report.html", tmp_path / "page.png"
    page.write_text(report_html(curve_report(results)), encoding="utf-8")
    quiet = ("background-networking", "component-update", "sync", "gpu", "extensions")
    ran = subprocess.run(
        [
            str(CHROMIUM),
            "--headless",
            "--no-sandbox",
            "--no-first-run",
            "--disable-quic",
            *(f"--disable-{what}" for what in quiet),
            "--enable-logging=stderr",
            "--v=0",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--screenshot={picture}",
            "--window-size=1200,1600",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_size > 50_000
    assert "CONSOLE" not in ran.stderr and "Refused to" not in ran.stderr


def test_a_table_of_many_columns_is_set_closer() -> None:
    wide, narrow = (Table.of("", [f"c{i}" for i in range(n)], [["x"] * n]) for n in (10, 9))
    assert '<table class="many">' in html_table(wide) and "<table>" in html_table(narrow)
