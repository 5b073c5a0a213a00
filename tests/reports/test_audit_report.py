"""A leak audit as tables and text: what was found stands there, leaks first in the headline."""

import numpy as np
import pytest

from matryo.data.views import View, Views
from matryo.evaluation.leak_audit import LeakAudit, audit_leaks
from matryo.reports.audit_report import (
    NOTHING,
    audit_console,
    audit_report,
    audit_tables,
    headline,
    verdict_lines,
    write_audit_reports,
)
from matryo.reports.table import latex


def views(first: list[str], second: list[str], name: str = "made & <up>") -> Views:
    n = len(first)
    ids, number = tuple(f"e{i}" for i in range(n)), np.arange(n)
    city = {"city": ("Rome", "Oslo") * (n // 2)}
    return Views(name, View("x", ids, tuple(first), number, city), View("y", ids, tuple(second), number, city), ids)


@pytest.fixture(scope="module")
def audit() -> LeakAudit:
    """Twenty pairs whose texts are equal, beside texts that share nothing."""
    told = [f"word{i} Rome" if i % 2 == 0 else f"word{i} Oslo" for i in range(20)]
    apart = views([f"left{i}" for i in range(20)], [f"right{i}{i}" for i in range(20)])
    return audit_leaks(views(told, told), masked=apart)


def test_the_headline_names_leaks_and_what_must_be_beaten(audit: LeakAudit) -> None:
    line = headline(audit)
    assert line.startswith("made & <up>: solved by string overlap; ")
    assert "a label leak: city" in line and "pairs of equal texts" in line
    assert "a method must beat" in line and "names masked: a method must beat" in line


def test_the_console_shows_every_system_and_every_verdict(audit: LeakAudit) -> None:
    text = audit_console(audit)
    for word in ("chance", "lengths", "shared words", "BM25", "1.000", "change", "LEAK, solved by string overlap:"):
        assert word in text
    assert max(map(len, text.splitlines())) <= 120
    assert len(verdict_lines(audit)) == len(audit.verdicts)


def test_tables_count_what_was_counted(audit: LeakAudit) -> None:
    given, masked, labels, repeated = audit_tables(audit)
    assert "20 queries, 20 texts" in given.notes[0]
    assert [column.name for column in masked.columns].count("change") == 1
    assert labels.rows[0][0].text == "city" and labels.rows[0][4].text == "100.0 %"
    assert repeated.rows[0][1].text == "20"
    assert "left" not in latex(given)


def test_a_report_is_written_escaped(audit: LeakAudit, tmp_path) -> None:
    page, text = write_audit_reports(audit, tmp_path)
    assert "made &amp; &lt;up&gt;" in page.read_text()
    assert r"made \& \<up\>" in text.read_text()
    report = audit_report(audit)
    assert [fact.value for fact in report.facts] == ["20", str(len(audit.leaks)), "1.000"]


def test_a_clean_set_says_so() -> None:
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefgh"), 6)) for _ in range(500)]
    texts = [[" ".join(rng.choice(words, rng.integers(6, 12))) for _ in range(100)] for _ in range(2)]
    assert NOTHING in headline(audit_leaks(views(*texts)))
