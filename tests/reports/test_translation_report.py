"""The report of a translation, from stored tables alone: verdict, tables, plots with names on both axes."""

from dataclasses import replace

import pytest

from matryo.errors import FormatError
from matryo.evaluation.results import ExtraTable, RunResults
from matryo.reports.formats import number_range
from matryo.reports.html import report_html
from matryo.reports.markdown import report_markdown
from matryo.reports.translation_report import (
    headline,
    is_translation,
    resemblance,
    translation_report,
    translation_summary,
    verdicts,
)
from matryo.reports.translation_tables import heat_charts, measures_tables, migration_bars, migration_tables

ENDS = ("", " low", " high")
NUMBERS = ("keep", "translated", "swap", "re-encode", "gap", "gain", "lost", "share of the gap", "share kept")
COLUMNS = ("old", "new", "way", "map", "measure", "n", *(n + e for n in NUMBERS for e in ENDS), "verdict", "sentence")


def migration(old: str, new: str, way: str, keep: float, translated: float, anew: float, verdict: str) -> tuple:
    """A row whose intervals reach 0.01 to either side; the share only where there is a gap."""
    gap, gain = anew - keep, translated - keep
    share = gain / gap if gap > 0 else None
    values = (keep, translated, 0.01, anew, gap, gain, translated - anew, share, translated / keep)
    numbers = [n for v in values for n in ((None,) * 3 if v is None else (v, v - 0.01, v + 0.01))]
    return (old, new, way, "ridge", "nDCG@10", 50, *numbers, verdict, f"{verdict.capitalize()}: because")


def results(*migrations: tuple, **changed: object) -> RunResults:
    rows = (("translated", "R2", 0.4, 0.3, 0.5, 9), ("translated", "top-1", 0.7, 0.6, 0.8, 9),
            ("translated", "mean rank", 6.5, 5.0, 8.0, 9), ("target mean", "R2", 0.0, None, None, 9))  # fmt: skip
    point = (4, 0.5, 0.4, 0.6, 0.8, 0.7, 0.9, 0.3, 0.2, 0.4, 0.6, 0.0, 0.1, 0.01)
    names = (
        "dim",
        *(n + e for n in ("R2", "cosine", "mutual") for e in ENDS),
        "CKA",
        "CKA null low",
        "CKA null high",
        "p",
    )
    differences = (("CKA", "target - source", -0.2, -0.3, -0.1), ("mutual", "target - source", 0.1, -0.1, 0.3))
    tables = [
        ExtraTable("measures", "Beside", ("vectors", "measure", "value", "low", "high", "n"), rows),
        ExtraTable("dims", "By prefix", names, (point, (8, *point[1:]))),
        ExtraTable("grid", "Grid", ("source dim", "target dim", "R2", "mutual"),
                   ((6, 4, 0.1, 0.2), (6, 8, 0.3, 0.4), (12, 4, 0.5, 0.6), (12, 8, 0.7, 0.8))),
        ExtraTable("resemblance", "Whose", ("measure", "with", "value", "low", "high"), differences),
    ]  # fmt: skip
    if migrations:
        tables.append(ExtraTable("migrations", "Keep", COLUMNS, migrations))
    settings = {
        "source": "lamb",
        "target": "wolf",
        "map": {"kind": "ridge", "n_rows": 90},
        "n_held_out": 9,
        "rule": "Rule.",
    }
    given = {
        "run_name": "translation", "dataset": "texts", "device": "cpu", "cuda_available": None, "scores": (),
        "tables": tuple(tables), "settings": settings,
    }  # fmt: skip
    return RunResults(**{**given, **changed})


MOVED = migration("lamb", "wolf", "documents translated", 0.4, 0.5, 0.6, "bridge")
ASKED = migration("wolf", "lamb", "queries translated", 0.6, 0.5, 0.4, "do not bridge")


def test_the_headline_is_of_the_migration_that_wins_most() -> None:
    assert headline(results(ASKED, MOVED)) == (
        "Bridge from lamb to wolf, documents translated: +0.100 nDCG@10, 50.0 % of what encoding everything anew wins"
    )
    lost = migration("lamb", "wolf", "documents translated", 0.4, 0.3, 0.6, "do not bridge")
    assert headline(results(lost, ASKED)).startswith("Do not bridge from lamb to wolf: no translation is shown")
    level = migration("lamb", "wolf", "documents translated", 0.4, 0.5, 0.405, "do not bridge")
    assert "neither model is shown to be better" in headline(results(level))
    assert headline(results()).startswith("Not decided: lamb explains 0.400 of the variance of wolf")


def test_another_measure_does_not_decide() -> None:
    lost = migration("lamb", "wolf", "documents translated", 0.4, 0.3, 0.6, "do not bridge")
    found = tuple("recall@10" if value == "nDCG@10" else value for value in MOVED)
    facts = {fact.label: fact.value for fact in translation_report(results(lost, found)).facts}
    assert facts["bridge"] == "no" and headline(results(lost, found)).startswith("Do not bridge")
    facts = {fact.label: fact.value for fact in translation_report(results(MOVED, ASKED)).facts}
    assert facts["bridge"] == "yes"


def test_every_way_has_its_verdict_and_its_bar() -> None:
    both = results(MOVED, ASKED)
    assert verdicts(both) == (
        "lamb to wolf, documents translated. Bridge: because. If lamb can no longer be run, the translation keeps "
        "125.0 % of it.",
        "wolf to lamb, queries translated. Do not bridge: because. If wolf can no longer be run, the translation keeps "
        "83.3 % of it.",
    )
    (bars,) = migration_bars(both)
    assert [row.label for row in bars.rows][2:4] == ["documents translated", "queries translated"]
    values = {
        panel.title: {row.label: bar[0].value for row, bar in zip(bars.rows, panel.bars, strict=True) if bar[0]}
        for panel in bars.panels
    }
    # a way that has no map has no bar, and none stands beside the name of another
    assert values["lamb to wolf"]["documents translated"] == 0.5 and "queries translated" not in values["lamb to wolf"]
    assert values["wolf to lamb"]["queries translated"] == 0.5 and values["wolf to lamb"]["keep the old model"] == 0.6
    assert migration_tables(both)[1].rows[0][-1].text == "undefined"


@pytest.mark.parametrize(("share", "said"), [(0.81, True), (0.2, False)])
def test_pairs_that_are_most_of_the_corpus_are_told(share: float, said: bool) -> None:
    columns = ("choice", "texts to encode with the other model", "share of the corpus")
    costs = ExtraTable("costs", "Costs", columns, (("translate the documents", 1134, share),))
    found = results(MOVED)
    told = verdicts(replace(found, tables=(*found.tables, costs)))
    assert any("1,134 texts, is 81.0 % of the corpus" in line for line in told) == said and len(told) == 1 + said


def test_names_stand_on_both_axes_and_values_where_they_belong() -> None:
    first, second = heat_charts(results())
    assert (first.row_axis, first.column_axis) == ("lamb: numbers read", "wolf: numbers imitated")
    assert first.values == ((0.1, 0.3), (0.5, 0.7)) and second.measure == "mutual neighbours"
    swapped = results()
    grid = swapped.tables[2]
    turned = replace(swapped, tables=(*swapped.tables[:2], replace(grid, rows=grid.rows[::-1]), *swapped.tables[3:]))
    assert heat_charts(turned)[0].values == ((0.7, 0.5), (0.3, 0.1)) and heat_charts(turned)[0].rows == ("12", "6")


def test_whose_space_follows_the_interval() -> None:
    told = resemblance(results())
    assert told[0] == "By CKA: still closer to lamb, their origin (-0.200)."
    assert told[1].startswith("By mutual: neither is shown to be closer")


def test_ranks_are_no_shares() -> None:
    errors, places = measures_tables(results())
    assert [cell.text for cell in errors.rows[0]] == ["translated", "0.400"]
    assert [(cell.text, cell.detail) for cell in places.rows[0]][1:] == [
        ("0.700", number_range(0.6, 0.8)),
        ("6.5", "5.0 to 8.0"),
    ]
    assert [cell.text for cell in places.rows[1]] == ["target mean", "-", "-"]


def test_page_text_and_console_say_the_same() -> None:
    found = results(MOVED, ASKED)
    report = translation_report(found)
    page, text, console = report_html(report), report_markdown(report), translation_summary(found)
    for said in ("Bridge from lamb to wolf", "Rule.", "lamb: numbers read", "wolf: numbers imitated"):
        assert said in page and said in text
    assert "Rule." in console and "If lamb can no longer be run" in console
    assert is_translation(found) and not is_translation(results(run_name="probe"))


def test_other_results_are_refused() -> None:
    with pytest.raises(FormatError, match="name both models"):
        translation_report(results(settings={}))
