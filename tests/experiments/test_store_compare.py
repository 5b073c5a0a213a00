"""Two stores asked for the neighbours of the same texts, on circles whose lists are seen by eye."""

from pathlib import Path

import numpy as np
import pytest

from matryo.data import Texts
from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError
from matryo.experiments.store_compare import compare_stores
from matryo.prefix import unit_rows
from matryo.search import build_passages
from matryo.search.stores import Location, Origin
from matryo.space import Space

pytest.importorskip("chromadb")
pytest.importorskip("milvus_lite")

IDS = ["a", "b", "c", "d", "e"]
HERE, THERE = (0, 10, 25, 60, 100), (0, 10, 25, 100, 60)  # degrees; d and e change places


def on_a_circle(folder: Path, degrees: tuple[int, ...], ids: list[str], label: str) -> EmbeddingSet:
    angles = np.radians(degrees)
    x = np.stack([np.cos(angles), np.sin(angles), np.zeros(len(ids))], axis=1).astype(np.float32)
    return EmbeddingSet.from_numpy(folder, unit_rows(x), ids, space=Space.declared(label, 3))


@pytest.fixture(scope="module", params=["chroma", "milvus"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Location:
    folder = tmp_path_factory.mktemp("compared")
    where = Location(request.param, str(folder / ("c" if request.param == "chroma" else "m.db")))
    sets = {
        "here": (HERE, IDS, Origin(source="minilm", source_space="s" * 32, target_space="t" * 32, map="ridge")),
        "there": (THERE, IDS, Origin(source="wordllama", source_space="t" * 32, target_space="t" * 32)),
        "fewer": (HERE[:4], IDS[:4], None),
        "others": (HERE, list("vwxyz"), None),
    }
    for name, (degrees, ids, origin) in sets.items():
        where.store(name).push(on_a_circle(folder / name, degrees, ids, name), dims=(2, 3), origin=origin)
    return where


def test_measures_of_lists_worked_by_hand(place: Location) -> None:
    # lists of two: a: b c, b: a c, c: b a in both; here d at 60 degrees has c (25), e (100) and e at 100 has d (60),
    # c (25); there d at 100 has e (60), c (25) and e at 60 has c (25), d (100)
    found = compare_stores(place, "here", "there", k=2)
    assert (found.n_shared, found.n, found.k, found.notes) == (5, 5, 2, ())
    here = {"d": ("c", "e"), "e": ("d", "c")}
    there = {"d": ("e", "c"), "e": ("c", "d")}
    assert found.values["mutual neighbours"].value == found.values["Jaccard"].value == pytest.approx(1.0)
    assert found.values["edit distance"].value == pytest.approx(2 / 5)  # two lists of five need both places changed
    # RBO of reversed pairs: X_1 = 0, X_2 = 2, so p^2 + (1 - p) p = 0.9; of equal ones 1
    assert found.values["RBO"].value == pytest.approx((3 + 2 * 0.9) / 5)
    assert found.chance == pytest.approx(2 / 4)
    assert [(one.id, one.edit_share) for one in found.different] == [("d", 1.0), ("e", 1.0), ("a", 0.0)]
    assert [(one.a, one.b) for one in found.different[:2]] == [(here[id], there[id]) for id in "de"]


def test_a_store_agrees_with_itself_at_any_dim(place: Location) -> None:
    found = compare_stores(place, "here", "here", k=3, dim=2, n_different=1)
    assert {name: value.value for name, value in found.values.items()} == pytest.approx(
        {"mutual neighbours": 1.0, "Jaccard": 1.0, "edit distance": 0.0, "RBO": 1.0}
    )
    assert (found.a.dim, len(found.different)) == (2, 1)


def test_rows_that_the_other_lacks_are_told_and_lower_chance(place: Location) -> None:
    found = compare_stores(place, "here", "fewer", k=2)
    # of k = 2 from 4 others here and 3 others there, 3 are in both: 2 * 3 / (4 * 3)
    assert (found.n_shared, found.chance) == (4, pytest.approx(0.5))
    assert found.notes == ("1 rows of here are not in fewer: they may take places in its lists that cannot agree",)


def test_a_line_names_the_model_that_a_native_store_beside_it_knows(place: Location, tmp_path: Path) -> None:
    with build_passages(Texts.of(IDS, [f"text {id}" for id in IDS]), tmp_path / "p.sqlite"):
        pass
    lines = compare_stores(place, "here", "there", k=2, n=3, passages=tmp_path / "p.sqlite").lines()
    assert lines[0] == "here: 5 rows at dim 3, from minilm to wordllama by ridge"
    assert lines[1] == "there: 5 rows at dim 3, native wordllama"
    assert lines[2] == "3 of 5 shared texts asked for 2 neighbours each, 95 % intervals"
    assert lines[3].startswith("mutual neighbours@2: ") and lines[3].endswith(", chance 0.5000")
    assert any(line.startswith("differs most: ") and ": text " in line for line in lines)


def test_what_cannot_be_compared_is_refused(place: Location) -> None:
    with pytest.raises(MatryoError, match=r"here and others at .* share 0 ids.*compare stores of the same texts"):
        compare_stores(place, "here", "others")
    with pytest.raises(MatryoError, match="here does not give 5 neighbours of each text"):
        compare_stores(place, "here", "there", k=5)
    with pytest.raises(MatryoError, match="has no store 'nobody'"):
        compare_stores(place, "here", "nobody")
    with pytest.raises(MatryoError, match="asks at least 2 texts"):
        compare_stores(place, "here", "there", n=1)
    with pytest.raises(MatryoError, match="pushed at dims 2, 3, got dim 1"):
        compare_stores(place, "here", "there", k=2, dim=1)
