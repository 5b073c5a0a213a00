"""The report of a translation study: sentences follow numbers, tables keep targets apart, what is missing is named."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from matryo.errors import FormatError
from matryo.evaluation.results import ExtraTable, RunResults
from matryo.reports.html import report_html
from matryo.reports.markdown import report_markdown
from matryo.reports.study_charts import (
    curve_points,
    kernel_charts,
    layout_charts,
    learning_curves,
    pair_heats,
    prediction_scatters,
    target_curves,
)
from matryo.reports.study_data import REFERENCES, Study, models, named, read_study
from matryo.reports.study_findings import (
    bridges,
    bridging_findings,
    headline,
    representative,
    seed_findings,
    translator_findings,
)
from matryo.reports.study_list_tables import agreement_table, edit_table, most_different_table, speed_table
from matryo.reports.study_pair_tables import fit_table, pair_tables
from matryo.reports.study_relations import (
    cost_findings,
    kernel_counts,
    learning_findings,
    prediction_findings,
    resemblance_findings,
    search_findings,
)
from matryo.reports.study_report import study_report, study_sections, study_summary, study_tables
from matryo.reports.study_tables import beside_tables, error_tables, migration_tables, resemblance_table, seeds_table
from matryo.reports.table import Table, latex

MADE = Path(__file__).parent / "made_study"
OLD_NEW = ("old", "new")


@pytest.fixture(scope="module")
def study() -> Study:
    """Three spaces, six ordered pairs, two translators, one of them with two seeds, pictures of one pair."""
    return read_study(MADE)


def changed(study: Study, name: str, edit: Callable[[dict[str, Any]], Mapping[str, Any] | None]) -> Study:
    """The same study with the rows of one table edited; None drops a row."""
    table = study.table(name)
    assert table is not None
    rows = [edit(dict(row)) for row in study.rows(name)]
    kept = tuple(tuple(row[column] for column in table.columns) for row in rows if row is not None)
    tables = tuple(replace(one, rows=kept) if one.name == name else one for one in study.results.tables)
    return Study.of(replace(study.results, tables=tables), study.name)


def without(study: Study, *names: str) -> Study:
    tables = tuple(one for one in study.results.tables if one.name not in names)
    return Study.of(replace(study.results, tables=tables), study.name)


def cells(table: Table | None) -> dict[str, list[str]]:
    assert table is not None
    return {row[0].text: [cell.text for cell in row[1:]] for row in table.rows}


def verdicts(study: Study, *bridged: tuple[str, str]) -> Study:
    """Bridging is shown for these moves from old to new and for no others."""

    def edit(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "verdict": "bridge" if models(row) in bridged else "do not bridge"}

    return changed(study, "migrations", edit)


def test_the_headline_counts_pairs_and_moves(study: Study) -> None:
    assert headline(verdicts(study, OLD_NEW)) == (
        "ridge has the highest R2 on 4 of 6 ordered pairs; bridging is shown to be worth it in 1 of 6 moves (nDCG@10)"
    )
    assert headline(verdicts(study)).endswith("bridging is shown to be worth it in none of 6 moves (nDCG@10)")
    assert headline(without(study, "migrations")).endswith("is not decided, because no search was judged")
    only = changed(study, "translators", lambda row: row if row["translator"] == "ridge" else None)
    assert headline(only).startswith("ridge has the highest R2 on all 6 ordered pairs")

    def level(row: dict[str, Any]) -> dict[str, Any] | None:
        return row if row["to"] == "new" and row["from"] in ("old", "bag-of-words") else None

    assert headline(changed(study, "translators", level)).startswith(
        "mlp1 8x and ridge have the highest R2 on 1 of 2 ordered pairs each"
    )


def test_one_seed_that_fails_is_no_bridge(study: Study) -> None:
    shown = verdicts(study, OLD_NEW)

    def edit(row: dict[str, Any]) -> dict[str, Any]:
        fails = row["seed"] == 1 or row["translator"] == "ridge"
        return {**row, "verdict": "do not bridge" if fails else row["verdict"]}

    assert bridges(shown).shown == (OLD_NEW,)
    assert bridges(changed(shown, "migrations", edit)).shown == ()


def test_queries_translated_by_a_map_ask_stored_vectors_of_its_target(study: Study) -> None:
    assert models({"from": "a", "to": "b", "way": "documents translated"}) == ("a", "b")
    assert models({"from": "a", "to": "b", "way": "queries translated"}) == ("b", "a")
    keeps = {(models(row), row["way"]): row["keep"] for row in representative(study)}
    assert keeps[OLD_NEW, "documents translated"] == keeps[OLD_NEW, "queries translated"] == 0.4
    assert keeps[("new", "old"), "queries translated"] == keeps[("new", "old"), "documents translated"] == 0.52


def test_bridging_says_do_not_where_nothing_is_shown(study: Study) -> None:
    none = bridging_findings(verdicts(study))
    assert none[0].startswith("Do not bridge: for none of 6 moves from an old to a new model is any of 24 translations")
    one = bridging_findings(verdicts(study, OLD_NEW))
    assert one[0].startswith(
        "Bridging is shown to be worth it for 1 of 6 moves from an old to a new model, in nDCG@10:"
    )
    assert "old → new (ridge, documents translated and 3 more)" in one[0]
    assert one[1] == (
        "By ridge, which is best by R2 on most pairs and so not chosen by these numbers, it is shown for 1: old → new."
    )

    def by_mlp(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "verdict": "do not bridge" if row["translator"] == "ridge" else row["verdict"]}

    assert bridging_findings(changed(verdicts(study, OLD_NEW), "migrations", by_mlp))[1].endswith("it is shown for 0.")
    level = verdicts(changed(study, "migrations", lambda row: {**row, "gap low": -0.1}))
    assert bridging_findings(level)[1].startswith("There is something to win in 0 of 6 moves")
    assert bridging_findings(without(study, "migrations")) == ()


def with_columns(study: Study, name: str, **values: object) -> Study:
    """The same study whose table has further columns, or others, of one value."""
    tables = []
    for table in study.results.tables:
        if table.name == name:
            columns = dict.fromkeys((*table.columns, *(column.replace("_", " ") for column in values)))
            new = {column.replace("_", " "): value for column, value in values.items()}
            rows = [tuple({**row, **new}[column] for column in columns) for row in study.rows(name)]
            table = replace(table, columns=tuple(columns), rows=tuple(rows))
        tables.append(table)
    return Study.of(replace(study.results, tables=tuple(tables)), study.name)


def test_a_swap_that_needs_no_translator_is_an_option_of_its_own(study: Study) -> None:
    assert not any("swap is an option" in line for line in bridging_findings(study)) and "swap" not in headline(study)
    near = changed(
        study, "migrations", lambda row: {**row, "swap": 0.5, "swap low": 0.45} if models(row) == OLD_NEW else row
    )
    assert bridging_findings(near)[-1] == (
        "A swap is an option of its own in 1 of 6 moves: without any translator, the new model finds more in the old "
        "vectors, as they are, than the old model does: old → new (0.500 against 0.400). There a translation has to "
        "beat that, too."
    )
    assert headline(near).endswith("; a swap without a translator beats the old model in 1")
    # the paired difference shows what intervals that overlap do not
    paired = with_columns(study, "migrations", swap=0.41, swap_low=0.39, swap_gain_low=0.005)
    assert "in 6 of 6 moves" in bridging_findings(paired)[-1]
    unpaired = with_columns(study, "migrations", swap=0.41, swap_low=0.39, swap_gain_low=-0.005)
    assert not any("swap is an option" in line for line in bridging_findings(unpaired))


def test_moves_with_nothing_to_win_are_folded(study: Study) -> None:
    nothing = verdicts(changed(study, "migrations", lambda row: {**row, "gap low": -0.1}))
    assert migration_tables(nothing)[0] == () and len(cells(migration_tables(nothing)[1][0])) == 12
    bridged = verdicts(nothing, OLD_NEW)
    (deciding, choices), (others, _) = migration_tables(bridged)
    assert list(cells(deciding)) == ["old → new, documents", "old → new, queries"] and len(cells(others)) == 10
    folded = {section.title: section.folded for section in study_sections(bridged)}
    assert not folded["Keep, translate or encode anew"] and folded["Moves with nothing to win"]
    assert migration_tables(without(study, "migrations")) == ((), ())
    assert "n = 50 queries" in deciding.title
    swapped = with_columns(nothing, "migrations", swap_gain_low=0.1, over_swap=-0.02, over_swap_low=-0.03,
                           over_swap_high=-0.01)  # fmt: skip
    decided = migration_tables(swapped)[0][0]
    assert len(cells(decided)) == 12 and decided.rows[0][4].detail == "-0.030 to -0.010"
    assert cells(choices)["old → new, documents"][:4] == ["0.400", "0.440", "0.010", "0.520"]
    assert cells(deciding)["old → new, documents"] == ["bridge", "+0.120", "+0.040", "-", "33.3 %"]


def test_translators_are_compared_by_means_over_seeds(study: Study) -> None:
    told = translator_findings(study)
    assert told[0] == (
        "Highest R2 on texts held out, of 6 ordered pairs: ridge on 4, mlp1 8x on 2. The highest R2 of a pair lies "
        "between 0.410 (new → old) and 0.630 (new → bag-of-words)."
    )
    assert (
        "The best by other measures: by mutual neighbours, ridge on 4, mlp1 8x on 2; by top-1, ridge on 4, mlp1 8x on "
        "2; by the documents that searches find, ridge on 6." in told
    )
    assert "mlp1 8x against ridge: higher R2 on 2 of 6 ordered pairs, -0.008 R2 on average." in told
    assert study.trained[OLD_NEW, "mlp1 8x"].value("R2") == pytest.approx((0.44 + 0.444) / 2)
    wide = changed(study, "translators", lambda row: {**row, "R2 low": -1.0})
    assert "On 0 of 6 ordered pairs the 95 % interval" in translator_findings(wide)[1]


def test_seeds_that_differ_more_than_translators_are_said_so(study: Study) -> None:
    assert seed_findings(study)[0] == (
        "R2 of one translator on one pair differs by at most 0.004 between 2 seeds (mlp1 8x, old → new)."
    )
    assert "differ by on 6 of the 6 ordered pairs" in seed_findings(study)[1] and len(seed_findings(study)) == 2
    noisy = changed(study, "translators", lambda row: {**row, "R2": row["R2"] + 0.2 * row["seed"]})
    assert "differ by on 0 of the 6 ordered pairs" in seed_findings(noisy)[1]
    single = changed(study, "translators", lambda row: row if row["seed"] == 0 else None)
    assert seed_findings(single) == () and seeds_table(single) is None
    third = [row for row in study.rows("translators") if row["translator"] == "ridge"]
    tables = tuple(
        replace(one, rows=(*one.rows, *(tuple({**row, "translator": "mlp2 1x", "R2": row["R2"] + 0.1}.values())
                                        for row in third)))
        if one.name == "translators" else one for one in study.results.tables
    )  # fmt: skip
    once = Study.of(replace(study.results, tables=tables), study.name)
    assert seed_findings(once)[-1] == (
        "What a seed changes is not known of mlp2 1x, best on 6 of 6 ordered pairs but fitted with one seed only."
    )
    both_once = changed(once, "translators", lambda row: row if row["translator"] != "ridge" or row["to"] == "new"
                        else {**row, "R2": 0.9})  # fmt: skip
    assert "of the 1 ordered pairs where one of the two" in seed_findings(both_once)[1]
    assert cells(seeds_table(study)) == {"mlp1 8x": ["6", "2", "0.004", "0.002", "0.004", "0.004"]}


def test_prediction_claims_only_what_is_shown(study: Study) -> None:
    told = prediction_findings(study)
    assert told[0] == (
        "The higher CKA before training, the higher R2: Spearman +0.90 [+0.40, +1.00], n = 6 ordered pairs, p = 0.03."
    )
    assert told[1].startswith(
        "CKA before training is not shown to tell the share of mutual neighbours after translation:"
    )
    assert any(line.startswith("The higher share of mutual neighbours before training, the lower R2") for line in told)
    assert told[-2] == (
        "5 combinations were tried, and 0.05 is the limit for each alone; held to 0.05 for all together (p below 0.01 "
        "each), 0 of them are shown."
    )
    assert len(told) == 5 + 2 and told[-1] == "The pairs are few and share their spaces."
    weak = changed(study, "prediction", lambda row: {**row, "p": 0.2})
    assert not any(line.startswith("The higher") for line in prediction_findings(weak))
    assert prediction_findings(without(study, "prediction")) == ()


@pytest.mark.parametrize(
    ("low", "high", "counts", "whose"),
    [(0.1, 0.2, (6, 0, 0), "new"), (-0.2, -0.1, (0, 6, 0), "old"), (-0.1, 0.1, (0, 0, 6), "not shown")],
)
def test_resemblance_counts_what_intervals_show(
    study: Study, low: float, high: float, counts: tuple[int, int, int], whose: str
) -> None:
    one = changed(study, "translators", lambda row: {**row, "resemblance low": low, "resemblance high": high})
    assert resemblance_findings(one)[0] == (
        "By their neighbours, the best translations resemble the space they imitate on {} of 6 ordered pairs, the "
        "space they come from on {}; on {} neither is shown.".format(*counts)
    )
    assert cells(resemblance_table(one))["old → new"][-1] == whose


def test_learning_says_where_most_of_it_is_reached(study: Study) -> None:
    assert learning_findings(study, OLD_NEW)[0].startswith("ridge: R2 is 0.348 with 300 pairs and 0.385 with 800, all")
    early = changed(study, "curve", lambda row: {**row, "R2": 0.5 if row["pairs"] >= 300 else 0.1})
    assert learning_findings(early) == (
        "ridge: 300 pairs (30.0 % of the corpus) give R2 0.500, 100.0 % of what 800 pairs give (0.500).",
    )
    rows = study.rows("curve", OLD_NEW)
    (_, value, low, high), *_ = curve_points(rows, "ridge", "R2")
    assert value == pytest.approx((low + high) / 2) and high - low == pytest.approx(0.01)


def test_a_size_that_not_all_pairs_have_is_not_averaged(study: Study) -> None:
    partly = changed(study, "curve", lambda row: None if row["pairs"] == 300 and row["from"] == "old" else row)
    (chart, *_) = learning_curves(partly)
    assert chart.lines[0].x == (100, 800) and chart.across == "pairs"


def test_pictures_and_costs_are_told(study: Study) -> None:
    assert "nearer to the native one than the source's own matrix on 1 of 1 ordered pairs" in kernel_counts(study)[0]
    assert (
        "Jaccard of 0.600 on average over the ordered pairs, native and source vectors 0.300"
        in search_findings(study)[0]
    )
    assert cost_findings(study)[0].startswith("Translating a vector is between 312 times (old → new, mlp1 8x)")


def test_one_pair_is_drawn_the_one_that_translates_worst(study: Study) -> None:
    assert study.hardest == ("new", "old") and kernel_charts(study) == layout_charts(study) == ()
    worst = replace(study, results=changed(study, "translators", edit_old_new).results)
    assert worst.hardest == OLD_NEW
    assert [chart.picture.source for chart in (*kernel_charts(worst), *layout_charts(worst))] == ["old", "old"]


def edit_old_new(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "R2": 0.01} if (row["from"], row["to"]) == OLD_NEW else row


def test_errors_stand_by_target_with_its_variance(study: Study) -> None:
    tables = error_tables(study)
    assert [table.title.split(" (")[0] for table in tables] == [
        f"MSE per number toward {name}" for name in ("new", "bag-of-words", "old")
    ]
    assert "variance of its vectors: 0.125 per number" in tables[0].title
    assert set(cells(tables[0])) == {"old", "bag-of-words"}
    assert cells(tables[0])["old"] == ["0.0737", "0.0698"] and tables[0].rows[0][1].detail == "R2 0.410"


def test_references_stand_beside_every_translator(study: Study) -> None:
    r2 = beside_tables(study)[0]
    assert [column.name for column in r2.columns] == [
        "pair", "ridge", "mlp1 8x", "target mean", "source, zero-padded", "re-encode",
    ]  # fmt: skip
    assert cells(r2)["old → new"] == ["0.410", "0.442", "0.000", "-0.900", "1.000"]
    assert [cell.strong for cell in r2.rows[0]] == [False, False, True, False, False, False]
    near, *_ = pair_tables(study, OLD_NEW)
    assert list(cells(near)) == ["ridge", "mlp1 8x", *REFERENCES]
    places = pair_tables(study, OLD_NEW)[2]
    assert list(cells(places)) == ["ridge", "mlp1 8x", "re-encode"]  # what has no such value has no row
    assert cells(fit_table(study, OLD_NEW))["mlp1 8x"][-1] == "0.440, 0.444"
    assert [[len(cells(table)) for table in its] for its in migration_tables(study)] == [[6, 6], [6, 6]]


def test_lists_and_places_stand_for_all_pairs(study: Study) -> None:
    edits = edit_table(study)
    assert cells(edits)["old → new"][:2] == ["0.690", "0.658"] and [cell.strong for cell in edits.rows[0]][1:3] == [
        False, True,
    ]  # fmt: skip
    assert "lowest" in edits.notes[0] and "interval" not in edits.notes[0]
    assert beside_tables(study)[0].notes[0].endswith("95 % intervals are on the page of the pair.")
    agree = agreement_table(study)
    assert cells(agree)["old → new"][:2] == ["mlp1 8x", "0.342"] and len(agree.rows) == 6
    names = [column.name for column in agree.columns]
    assert {"Jaccard", "edit distance", "RBO", "rank-harmonic", "mean rank CSLS"} <= set(names)
    speeds = speed_table(study)
    assert cells(speeds)["old → new"][0] == "1,000,000" and len(speeds.rows) == 6
    different = most_different_table(study)
    assert [row[0].text.split(",")[0] for row in different.rows] == [named(pair) for pair in study.pairs]
    bare = without(study, "map costs", "different")
    assert speed_table(bare) is None and most_different_table(bare) is None


def test_the_commands_are_those_of_the_study_itself(study: Study) -> None:
    lines = next(section.commands for section in study_report(study).sections if section.commands)
    assert lines[0] == "matryo run runs/made_study/config.yaml --out runs/made_study"
    told = " ".join(text for section in study_report(study).sections for text in section.text)
    assert "Lists of the 10 nearest held-out texts" in told
    assert "Seeds are not drawn" in told and "plain full width" not in told


def test_heat_maps_carry_names_whatever_the_order_of_rows(study: Study) -> None:
    heat = pair_heats(study)[0]
    table = study.table("translators")
    turned = replace(table, rows=tuple(reversed(table.rows)))
    other = Study.of(
        replace(study.results, tables=tuple(turned if t.name == "translators" else t for t in study.results.tables))
    )
    assert heat.description() == pair_heats(other)[0].description()
    assert heat.rows == heat.columns == ("old", "new", "bag-of-words")
    assert math.isnan(heat.values[0][0]) and heat.values[0][1] == pytest.approx(0.442)


def test_curves_stand_by_target_and_scatters_name_pairs(study: Study) -> None:
    curves = target_curves(study)
    assert [chart.measure for chart in curves[:1]] == ["R2 toward new, by ridge"]
    assert {chart.measure.split(" toward")[0] for chart in curves} == {"R2", "MSE"} and len(curves) == 6
    scatter = prediction_scatters(study)[0]
    assert scatter.points[0].label == "old → new" and (scatter.points[0].x, scatter.points[0].y) == (0.47, 0.442)
    assert scatter.caption.startswith("Spearman +0.90") and len(prediction_scatters(study)) == 6


def test_the_report_holds_every_part(study: Study) -> None:
    report = study_report(study)
    titles = [section.title for section in report.sections]
    assert titles[:3] == ["Spaces", "From model to model", "Keep, translate or encode anew"]
    assert {"Keep, translate or encode anew", "Can it be told beforehand?", "Costs", "Settings"} <= set(titles)
    text = report_markdown(report)
    for wanted in ("Bridge only if three things are shown", "old → new", "MSE per number toward new", "heat-r2.png"):
        assert wanted in text
    bare = study_report(
        without(study, "migrations", "curve", "dims", "prediction", "costs", "map costs", "different", "lists")
    )
    kept = [section.title for section in bare.sections]
    assert "Costs" not in kept and "How many pairs are needed?" not in kept and "From model to model" in kept


def test_the_console_ends_with_the_headline(study: Study) -> None:
    text = study_summary(study.results, 120)
    assert max(map(len, text.splitlines())) <= 120
    assert " ".join(text.split("\n\n")[-1].split()) == f"{headline(study)}."
    assert "note: 1,000 texts, of which 200 are held out" in text


def test_latex_has_no_character_that_it_lacks(study: Study) -> None:
    text = "\n".join(latex(table) for table in study_tables(study))
    assert r"old $\to$ new" in text and text.count(r"\begin{table}") == 19
    assert not {letter for letter in text if ord(letter) > 127}


def test_a_name_cannot_become_a_tag(study: Study) -> None:
    bad = replace(study.results, dataset="<b>bold</b>", notes=("<script>alert(1)</script>",))
    report = replace(study_report(Study.of(bad)), sections=())
    assert "<b>bold" not in report_html(report)


def test_what_is_missing_is_named(study: Study, tmp_path: Path) -> None:
    results = study.results
    with pytest.raises(FormatError, match="lacks the table 'before', which every study has; finish the run first"):
        without(study, "before")
    table = study.table("references")
    cut = ExtraTable(table.name, table.title, table.columns[:3], tuple(row[:3] for row in table.rows))
    with pytest.raises(FormatError, match="table 'references' of here lacks R2; run the study anew"):
        Study.of(replace(results, tables=tuple(cut if t is table else t for t in results.tables)), "here")
    with pytest.raises(FormatError, match="holds the results of 'demo', expected those of a translation study"):
        Study.of(replace(results, run_name="demo"))
    with pytest.raises(FormatError, match=r"results\.json is missing"):
        read_study(tmp_path)
    (tmp_path / "results.json").write_text((MADE / "results.json").read_text(encoding="utf-8"), encoding="utf-8")
    assert read_study(tmp_path).layouts == {}
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "umap--old--new--x.json").write_text(json.dumps({"format": 1}), encoding="utf-8")
    with pytest.raises(FormatError, match="is not a layout picture"):
        read_study(tmp_path)


def test_the_run_is_reported_by_its_kind(study: Study) -> None:
    from matryo.reports.write import run_summary

    assert RunResults.read(MADE, with_per_query=False).run_name == "translation_study"
    with pytest.raises(FormatError, match=r"per_query\.parquet is missing"):
        run_summary(MADE)
