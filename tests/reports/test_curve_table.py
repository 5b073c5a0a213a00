import math
from collections.abc import Callable
from dataclasses import replace

from matryo.evaluation.records import Share
from matryo.evaluation.results import RunResults
from matryo.evaluation.score import Arm
from matryo.reports.curve_table import (
    counted,
    difference_tables,
    main_table,
    recommendation_table,
    seed_table,
    share_tables,
)
from matryo.reports.panels import panels
from matryo.reports.table import Cell, Table, console


def cells(table: Table, label: str) -> dict[str, Cell]:
    """Cells of one row by the name of their column."""
    (row,) = [row for row in table.rows if row[0].text == label]
    return {column.name: cell for column, cell in zip(table.columns, row, strict=True)}


def test_the_main_table_has_a_row_per_map_and_a_column_per_dim(results: RunResults) -> None:
    table = main_table(panels(results)[0])
    assert [column.name for column in table.columns] == ["map", "32", "64", "96", "192", "384"]
    assert [row[0].text for row in table.rows][:2] == ["BM25", "plain cut"]
    assert cells(table, "nested head")["96"] == Cell("0.485", "0.458–0.513")  # noqa: RUF001
    assert cells(table, "plain cut")["384"].text == "0.495"
    assert [cell.text for cell in cells(table, "BM25").values()][1:] == ["0.412"] * 5
    assert cells(table, "bytes per vector, float32")["96"].text == "384"
    assert "n = 1,159 in 46 groups" in table.title
    assert any("3 seeds" in note and "nested head" in note for note in table.notes)


def test_the_main_table_of_seven_dims_fits_the_screen(results: RunResults) -> None:
    extra = [
        replace(score, dim=dim)
        for score in results.scores
        for dim in (128, 256)
        if score.dim == 192 and score.seed is None
    ]
    table = main_table(panels(replace(results, scores=(*results.scores, *extra)))[0])
    text = console(table)
    assert len(table.columns) == 8 and max(map(len, text.splitlines())) <= 120 and text.count("bytes per vector") == 1


def test_a_missing_dim_is_a_dash_and_a_missing_interval_is_said(results: RunResults) -> None:
    scores = tuple(
        replace(score, low=math.nan, high=math.nan)
        for score in results.scores
        if (score.map, score.dim) != ("rotation", 96)
    )
    table = main_table(panels(replace(results, scores=scores))[0])
    assert cells(table, "rotation")["96"].text == "-"
    assert all(not cell.detail for row in table.rows for cell in row)
    assert any("single group" in note for note in table.notes)


def test_a_floor_alone_is_a_table_of_one_value(only_map: Callable[[str], RunResults]) -> None:
    table = main_table(panels(only_map("bm25"))[0])
    assert [[cell.text for cell in row] for row in table.rows] == [["BM25", "0.412"]]


def test_shares_of_the_plain_and_of_the_own_full_width(results: RunResults) -> None:
    of_plain, of_own = share_tables(panels(results)[0])
    assert "share of plain cut at 384" in of_plain.title and "own full width" in of_own.title
    assert cells(of_plain, "nested head")["96"].text == "98.0 %"
    assert cells(of_plain, "plain cut")["384"].text == "base"
    assert cells(of_own, "nested head")["96"] == Cell("94.7 %", "92.6–96.7 %")  # noqa: RUF001
    assert cells(of_own, "plain cut")["96"] == cells(of_plain, "plain cut")["96"]


def test_shares_of_any_other_base_get_their_own_table(results: RunResults) -> None:
    base = Arm("minilm", "rotation", 384)
    share = Share("stdlib", Arm("minilm", "none", 96), base, "MRR@10", 0.8, math.nan, math.nan, 9)
    floor = replace(share, of=Arm("bm25", "bm25", 0), value=0.7)
    (table,) = share_tables(panels(replace(results, shares=(share, floor)))[0])
    assert "share of rotation at 384" in table.title and cells(table, "plain cut")["96"] == Cell("80.0 %")
    assert cells(table, "BM25")["96"].text == "70.0 %"
    (alone,) = share_tables(panels(replace(results, shares=(floor,)))[0])
    assert cells(alone, "BM25")["no vectors"].text == "70.0 %"


def test_differences_stand_by_pair_and_dim_and_the_clear_ones_stand_out(results: RunResults) -> None:
    (table,) = difference_tables(panels(results)[0])
    row = cells(table, "nested head - rotation")
    assert row["96"] == Cell("+0.036", "+0.030 to +0.043", strong=True)
    assert not cells(table, "nested head - head + rotation")["96"].strong
    assert cells(table, "nested head - head + rotation")["64"].strong


def test_differences_that_are_no_pair_at_a_dim_are_listed(results: RunResults) -> None:
    first = results.differences[0]
    across = replace(first, name="head at 96 - plain at 384", left=first.left._replace(dim=96))
    twice = (first, replace(first, value=0.5), across)
    pivoted, listed = difference_tables(panels(replace(results, differences=twice))[0])
    assert len(pivoted.rows) == 1 and [row[0].text for row in listed.rows] == [first.name, across.name]


def test_a_difference_without_an_interval_is_not_clear(results: RunResults) -> None:
    bare = replace(results.differences[0], low=math.nan, high=math.nan)
    (table,) = difference_tables(panels(replace(results, differences=(bare,)))[0])
    assert table.rows[0][1].strong is False and table.rows[0][1].detail == ""


def test_recommended_dims_name_what_failed_and_what_n_can_detect(results: RunResults) -> None:
    table = recommendation_table(panels(results)[0])
    assert table is not None
    row = cells(table, "head + rotation")
    assert row["keep"].text == "96 of 384" and row["bytes"].text == "384" and row["keeps"].text == "95.2 %"
    assert row["first that failed"].text == "64: 89.3 %" and row["detectable loss"].text == "2.1 %"


def test_each_seed_has_a_row_of_its_own(results: RunResults) -> None:
    table = seed_table(panels(results)[0])
    assert table is not None and cells(table, "nested head, seed 2")["96"].text == "0.487"


def test_what_was_not_measured_has_no_table(only_map: Callable[[str], RunResults]) -> None:
    panel = panels(only_map("rotation"))[0]
    assert share_tables(panel) == [] and difference_tables(panel) == []
    assert recommendation_table(panel) is None and seed_table(panel) is None


def test_differing_numbers_of_queries_are_a_range(results: RunResults) -> None:
    one = results.scores[0]
    assert counted([one, replace(one, n=7)]) == "n = 7 to 1,159, not the same for every row"
    assert counted([replace(one, n_groups=None)]) == "n = 1,159"
    assert counted([]) == "n = 0"
