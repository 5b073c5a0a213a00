import re
from dataclasses import replace

import pytest

from matryo.evaluation.identity_results import IdentityScore
from matryo.reports.formats import number, number_range, signed
from matryo.reports.identity_details import cka_table, collapse_table, open_set_table, probe_table
from matryo.reports.identity_read import IdentityRun
from matryo.reports.identity_report import identity_tables
from matryo.reports.identity_tables import column_table, comparison_tables, dim_table, main_tables
from matryo.reports.table import Table, latex


def row(table: Table, name: str) -> dict[str, str]:
    cells = next(cells for cells in table.rows if cells[0].text == name)
    return {column.name: cell.text for column, cell in zip(table.columns, cells, strict=True)}


def details(table: Table, name: str) -> dict[str, str]:
    cells = next(cells for cells in table.rows if cells[0].text == name)
    return {column.name: cell.detail for column, cell in zip(table.columns, cells, strict=True)}


def stored(run: IdentityRun, *wanted: str) -> IdentityScore:
    (found,) = (
        one for one in run.results.scores if (one.system, one.measure, one.column, one.gallery, one.direction) == wanted
    )
    return found


def test_the_main_table_holds_the_stored_numbers(identity_run: IdentityRun) -> None:
    table = main_tables(identity_run)[0].table
    for system, column in (("v3_mse", "prefix 8"), ("frozen", "prefix 8"), ("TF-IDF", "score")):
        shown, small = row(table, system), details(table, system)
        for measure in ("hit@1", "hit@5", "hit@10", "MRR", "margin"):
            one = stored(identity_run, system, measure, column, "random 2000", "both")
            assert shown[measure] == number(one.value)
            assert small[measure] in ("", number_range(one.low, one.high))
    one = stored(identity_run, "v3_mse", "hit@1", "prefix 8", "random 2000", "both")
    assert row(table, "v3_mse")["each seed"] == ", ".join(map(number, one.by_seed)) and len(one.by_seed) == 2
    whole = stored(identity_run, "frozen", "hit@1", "prefix 32", "random 2000", "both")
    assert row(table, "frozen")["hit@1 by 32"] == number(whole.value) and row(table, "TF-IDF")["hit@1 by 32"] == "-"
    assert row(table, "attribute oracle")["kind"] == "ceiling"
    assert [cells[0].text for cells in table.rows][:3] == ["v3_contrastive", "v3_mse", "v3_no_prefix"]


def test_the_best_that_is_no_ceiling_stands_out(identity_run: IdentityRun) -> None:
    table = main_tables(identity_run)[0].table
    strong = [cells[0].text for cells in table.rows if cells[2].strong]
    values = {name: identity_run.score(name) for name in identity_run.systems}
    best = max(
        (name for name, kind in identity_run.results.systems.items() if kind != "ceiling"),
        key=lambda name: values[name].value,
    )
    assert strong == [best]


def test_galleries_directions_and_triplets_hold_the_stored_numbers(identity_run: IdentityRun) -> None:
    table = main_tables(identity_run)[1].table
    shown = row(table, "v3_contrastive")
    for column, wanted in {
        "random 20": ("hit@1", "prefix 8", "random 20", "both"),
        "hard 20": ("hit@1", "prefix 8", "hard 20", "both"),
        "twin pair": ("hit@1", "prefix 8", "twin pair", "both"),
        "dating to hiring": ("hit@1", "prefix 8", "random 2000", "dating->hiring"),
        "hiring to dating": ("hit@1", "prefix 8", "random 2000", "hiring->dating"),
        "triplets, dating": ("triplets", "prefix 32", "", "dating"),
        "triplets, hiring": ("triplets", "prefix 32", "", "hiring"),
    }.items():
        assert shown[column] == number(stored(identity_run, "v3_contrastive", *wanted).value)


def test_dims_and_columns_hold_the_stored_numbers(identity_run: IdentityRun) -> None:
    dims, columns = dim_table(identity_run), column_table(identity_run)
    assert dims is not None and columns is not None
    one = stored(identity_run, "v3_mse", "hit@1", "shuffled 16", "random 2000", "both")
    assert row(dims.table, "v3_mse, columns shuffled")["16"] == number(one.value)
    assert [column.name for column in columns.table.columns] == ["system", "prefix 8", "rest", "random 8"]
    one = stored(identity_run, "frozen", "hit@1", "rest", "random 2000", "both")
    assert row(columns.table, "frozen")["rest"] == number(one.value)


def test_comparisons_are_all_there_once_with_their_corrected_p(identity_run: IdentityRun) -> None:
    tables = {one.name: one.table for one in comparison_tables(identity_run)}
    apart = {"comparisons-within", "comparisons-full-width"}
    named = [cells[0].text for name, table in tables.items() if name not in apart for cells in table.rows]
    assert sorted(named) == sorted(one.name for one in identity_run.results.family)
    wide = [cells[0].text for cells in tables["comparisons-full-width"].rows]
    assert wide == [one.name for one in identity_run.results.full_width] != []
    one = identity_run.results.family[0]
    table = next(table for table in tables.values() if table.rows[0][0].text == one.name)
    assert row(table, one.name)["corrected p"] == f"{one.adjusted:.2g}"
    assert row(table, one.name)["difference"] == signed(one.difference)
    assert row(table, one.name)["each seed"] == ", ".join(map(signed, one.by_seed))
    assert len(tables["comparisons-within"].rows) == len(identity_run.results.within) == 2


def test_single_measures_are_means_over_seeds_with_their_ends(identity_run: IdentityRun) -> None:
    runs = identity_run.measures["v3_mse"]
    found = {table.name: table.table for make in (cka_table, collapse_table, probe_table, open_set_table)
             if (table := make(identity_run))}  # fmt: skip
    values = [one.cka[0].debiased for one in runs]
    assert row(found["cka"], "v3_mse")["debiased"] == number(sum(values) / 2)
    assert details(found["cka"], "v3_mse")["debiased"] == number_range(min(values), max(values))
    ranks = [one.collapse["dating", "prefix 8"].effective_rank for one in runs]
    assert row(found["collapse"], "v3_mse")["effective rank"] == number(sum(ranks) / 2)
    first = identity_run.measures["frozen"][0]
    probe = next(p for p in first.probes if (p.target, p.column, p.classifier) == ("city", "prefix 8", "linear"))
    assert row(found["probes"], "frozen")["city"] == number(probe.accuracy)
    assert row(found["probes"], "most frequent value")["city"] == number(probe.majority)
    auc = next(o for o in first.open_set if (o.direction, o.column) == ("dating->hiring", "prefix 8"))
    assert row(found["open-set"], "frozen")["dating to hiring, AUC"] == number(auc.auc)
    assert details(found["open-set"], "frozen")["dating to hiring, AUC"] == number_range(auc.low, auc.high)


@pytest.mark.parametrize("name", ["100 % of_{x} & $y$ #1", r"a\b~c^d", "[first]"])
def test_names_are_escaped_for_latex(identity_run: IdentityRun, name: str) -> None:
    results = identity_run.results
    renamed = replace(
        results,
        systems={name if one == "v3_mse" else one: kind for one, kind in results.systems.items()},
        scores=tuple(replace(one, system=name) if one.system == "v3_mse" else one for one in results.scores),
    )
    measures = {name if one == "v3_mse" else one: runs for one, runs in identity_run.measures.items()}
    for one in identity_tables(IdentityRun(renamed, measures)):
        text = latex(one.table)
        bare = re.sub(r"\\(?:textbackslash|text\w+)\{\}|\\[{}$&#%_]|\$\\\w+\$", "", text)
        body = bare[bare.index(r"\hline") :]
        assert not re.search(r"(?<!\\)[#$%_^~]", body)
        assert body.count("{") + bare[: bare.index(r"\hline")].count("{") == bare.count("}")


def test_a_gallery_is_named_by_what_is_there(identity_run: IdentityRun) -> None:
    assert identity_run.told("random 20") == "random 20" and identity_run.told("twin pair") == "twin pair"
    assert identity_run.told("random 2000") == "random, all 40" and identity_run.told("twin 2000") == "twin, all 41"
    assert (identity_run.gallery, identity_run.small_gallery) == ("random 2000", "random 20")
