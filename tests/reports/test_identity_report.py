import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from matryo.evaluation.identity_statistics import Verdict
from matryo.reports.identity_read import IdentityRun
from matryo.reports.identity_report import headline, identity_report, identity_tables
from matryo.reports.markdown import report_markdown


class Outline(HTMLParser):
    """Headings in order, attributes that may load something, pictures and their texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.references: list[str] = []
        self.figures: list[dict[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "svg":
            self.figures.append(found)
        self.references += [found[name] for name in ("src", "href", "xlink:href", "srcset", "data") if name in found]

    handle_startendtag = handle_starttag


def test_the_page_loads_nothing_and_its_headings_are_in_order(identity_written: Path) -> None:
    text = (identity_written / "report.html").read_text(encoding="utf-8")
    page = Outline(text)
    assert all(reference.startswith("#") for reference in page.references)
    assert "@import" not in text and not re.search(r"url\((?!#)", text) and "<script" not in text
    assert page.headings[0] == 1 and page.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False))


def test_every_figure_of_the_page_is_described(identity_written: Path) -> None:
    text = (identity_written / "report.html").read_text(encoding="utf-8")
    page = Outline(text)
    assert len(page.figures) == 2 * 9  # one for wide and one for narrow screens
    for figure in page.figures:
        title, description = figure["aria-labelledby"].split()
        assert figure["role"] == "img" and f'id="{title}"' in text and f'id="{description}"' in text
    assert "v3_contrastive, debiased: 0." in text and "v3_mse, shuffled: " in text


def test_sections_come_in_the_order_of_a_reader(identity_run: IdentityRun) -> None:
    titles = [section.title for section in identity_report(identity_run).sections]
    assert titles[:4] == [
        "What the numbers say of each claim",
        "Who is found",
        "Comparisons",
        "How many numbers it takes",
    ]
    assert titles[-3:] == ["Seconds of each step", "Settings", "Versions and machine"]


def test_what_was_not_measured_is_left_out(real_run: IdentityRun) -> None:
    report = identity_report(real_run)
    text = report_markdown(report)
    shown = text[: text.index("## Notes")]
    for absent in ("triplets,", "twin", "hard", "each seed", "city", "nan"):
        assert absent not in shown, absent
    assert "docstring to source" in shown and "Within domains" not in shown
    assert "within" not in "".join(one.name for one in identity_tables(real_run))
    assert {len(section.charts) for section in report.sections} == {0, 1, 2}


def test_the_headline_says_plainly_which_is_better(identity_run: IdentityRun) -> None:
    results = identity_run.results
    place = next(i for i, one in enumerate(results.family) if one.name == f"v3_contrastive - {results.best_baseline}")

    def told(**changes: float) -> str:
        family = list(results.family)
        family[place] = replace(family[place], **changes)
        return headline(replace(identity_run, results=replace(results, family=tuple(family))))

    own = identity_run.score("v3_contrastive")
    assert own is not None and f"first among 40 for a share of {own.value:.3f} of the queries" in headline(identity_run)
    assert told(difference=0.2, adjusted=0.004).endswith(": better (+0.200, corrected p = 0.004)")
    assert told(difference=-0.2, adjusted=0.004).endswith(": worse (-0.200, corrected p = 0.004)")
    assert ": better, but not for sure (" in told(difference=0.01, adjusted=0.6)


def test_it_is_said_why_a_baseline_finds_more(identity_run: IdentityRun) -> None:
    results = identity_run.results
    best = results.best_baseline
    place = next(i for i, one in enumerate(results.family) if one.name == f"v3_contrastive - {best}")

    def told(difference: float) -> str:
        family = list(results.family)
        family[place] = replace(family[place], name="v3_contrastive - co-occurrence", difference=difference)
        changed = replace(results, family=tuple(family), best_baseline="co-occurrence")
        return " ".join(identity_report(replace(identity_run, results=changed)).sections[0].text)

    assert "Why co-occurrence finds more than v3_contrastive: it counts in the training pairs" in told(-0.2)
    assert "Why" not in told(0.2)


def test_a_purpose_comes_first_and_the_headline_after_it(identity_run: IdentityRun) -> None:
    asked = replace(identity_run, results=replace(identity_run.results, purpose="A check of the pipeline."))
    report = identity_report(asked)
    assert report.verdict == "A check of the pipeline."
    assert report.sections[0].text[:1] == (f"{headline(asked)}.",)


def test_every_claim_has_a_line_with_its_evidence(identity_run: IdentityRun) -> None:
    verdicts = (Verdict("a claim", "undecided", "because of 0.5 [0.1, 0.9]"),)
    report = identity_report(replace(identity_run, results=replace(identity_run.results, verdicts=verdicts)))
    assert report.sections[0].findings == ("a claim: undecided. because of 0.5 [0.1, 0.9]",)
