from pathlib import Path

import numpy as np
import pytest

from matryo.data.view_files import NAME, TableView, parts_given, read_view_file, read_view_tables, stdlib_views
from matryo.data.views import check_parts, split_views
from matryo.errors import FormatError, MatryoError


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def tables(tmp_path: Path) -> tuple[TableView, TableView, Path]:
    a = write(tmp_path / "shop.csv", "id|title|price", "1|red lamp|3", "2|blue sofa|", "3|green cup|1")
    b = write(tmp_path / "store.csv", "id|http://x.org/y#label|brand", "7|lamp, red|", "8|sofa|acme", "9|spoon|acme")
    matches = write(tmp_path / "gt.csv", "D1|D2", "1|7", "2|8", "3|8")
    return (
        TableView(a, "shop", separator="|"),
        TableView(b, "store", separator="|"),
        matches,
    )


def test_rows_that_match_are_one_entity_and_others_stay(tables: tuple[TableView, TableView, Path]) -> None:
    a, b, matches = tables
    views = read_view_tables(a, b, matches, separator="|")
    assert views.name == "shop-store" and views.domains == ("shop", "store")
    assert views.a.texts == ("title: red lamp; price: 3", "title: blue sofa", "title: green cup; price: 1")
    assert views.b.texts[:2] == ("label: lamp, red", "label: sofa; brand: acme")
    # 2 and 3 both match 8, so that the three rows describe one thing
    assert views.a.entities[1] == views.a.entities[2] == views.b.entities[1]
    assert views.a.entities[0] == views.b.entities[0] != views.b.entities[2]
    assert views.n_entities == 3 and len(views.matched) == 2


def test_one_column_is_taken_as_it_is(tables: tuple[TableView, TableView, Path]) -> None:
    a, b, matches = tables
    one = TableView(a.path, "shop", ("title",), separator="|")
    assert read_view_tables(one, b, matches, separator="|").a.texts[0] == "red lamp"


def test_an_empty_text_names_its_line_or_is_counted(tables: tuple[TableView, TableView, Path]) -> None:
    a, b, matches = tables
    priced = TableView(a.path, "shop", ("price",), separator="|")
    with pytest.raises(FormatError, match=r"shop\.csv, line 3: field 'price' is empty"):
        read_view_tables(priced, b, matches, separator="|")
    views = read_view_tables(priced, b, matches, separator="|", skip_bad=True)
    assert len(views.a) == 2 and any("1 bad lines" in note for note in views.notes)
    assert any("1 ids of matches stand in no table" in note for note in views.notes)


def test_ids_that_repeat_and_matches_that_name_nobody(tables: tuple[TableView, TableView, Path]) -> None:
    a, b, matches = tables
    write(a.path, "id|title", "1|x", "1|y")
    with pytest.raises(FormatError, match="line 3: id 1 occurs again"):
        read_view_tables(a, b, matches, separator="|")
    write(a.path, "id|title", "1|x", "2|y")
    with pytest.raises(FormatError, match="1 ids stand in neither table"):
        read_view_tables(a, b, matches, separator="|")


def test_no_match_at_all(tables: tuple[TableView, TableView, Path]) -> None:
    a, b, matches = tables
    write(matches, "D1|D2")
    with pytest.raises(MatryoError, match="no entity stands in both domains"):
        read_view_tables(a, b, matches, separator="|")


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    return write(
        tmp_path / "pairs.tsv",
        "split\tname\tteam\tlong\tshort",
        "train\tfastJson\tx\tfastjson reads JSON\ta fast reader",
        "train\tlamp\ty\tlights up\ta lamp that lights",
        "test\tsofa\tz\tto sit on\tseat",
        "test\tcup\tw\tto drink from\tvessel",
    )


def test_one_file_with_its_own_parts_and_masked_names(packages: Path) -> None:
    views = read_view_file(packages, columns=("long", "short"), id="name", part="split", mask="name")
    assert views.domains == ("long", "short") and views.a.ids == ("fastJson", "lamp", "sofa", "cup")
    assert views.a.texts[0] == f"{NAME} reads {NAME}" and views.b.texts[0] == f"a {NAME} reader"
    parts = parts_given(views, ("train", "test"))
    assert parts["test"].a.ids == ("sofa", "cup") == parts["test"].b.ids
    assert parts["test"].a.entities.tolist() == [0, 1]
    check_parts(list(parts.values()))


def test_a_group_in_two_parts_and_a_part_that_is_not_there(packages: Path) -> None:
    views = read_view_file(packages, columns=("long", "short"), part="split")
    with pytest.raises(MatryoError, match="no row of part validation"):
        parts_given(views, ("validation",))
    packages.write_text(packages.read_text().replace("\tw\t", "\tx\t"))
    torn = read_view_file(packages, columns=("long", "short"), part="split", group="team")
    with pytest.raises(MatryoError, match="group x lies in two parts"):
        parts_given(torn, ("train", "test"))
    with pytest.raises(MatryoError, match="name the column"):
        parts_given(read_view_file(packages, columns=("long", "short")), ("train",))


def test_a_column_that_is_not_there_and_an_id_twice(packages: Path) -> None:
    with pytest.raises(FormatError, match="no field 'longer'"):
        read_view_file(packages, columns=("longer", "short"))
    with pytest.raises(FormatError, match="id test occurs again"):
        read_view_file(
            write(packages, "split\tlong\tshort", "test\ta\tb", "test\tc\td"), columns=("long", "short"), id="split"
        )


def test_a_separator_is_one_character(tables: tuple[TableView, TableView, Path]) -> None:
    a, b, matches = tables
    with pytest.raises(MatryoError, match="a separator is one character, got '::'"):
        read_view_tables(a, b, matches, separator="::")


def test_the_library_is_two_views_split_by_package() -> None:
    views = stdlib_views()
    assert views.domains == ("docstring", "source") and len(views.a) == len(views.b) > 1000
    parts = split_views(views, {"train": 0.7, "test": 0.3}, seed=0)
    packages = [{id.partition(":")[0].partition(".")[0] for id in part.a.ids} for part in parts.values()]
    assert packages[0].isdisjoint(packages[1])
    assert np.array_equal(parts["test"].a.entities, parts["test"].b.entities)
