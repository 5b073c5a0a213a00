"""What an earlier config of a study left is not shown any more."""

from types import SimpleNamespace

from matryo.evaluation.results import ExtraTable, RunResults
from matryo.experiments.study_config import StudyConfig
from matryo.experiments.study_result_shown import draw, keep_in_store

CONFIG = {
    "experiment": "translation",
    "name": "small",
    "texts": {"kind": "stdlib"},
    "spaces": {name: {"kind": "lsa", "width": 8} for name in ("a", "b")},
    "translators": ["ridge"],
    "pictures": None,
    "store": None,
}


def finished(folder):
    return SimpleNamespace(config=StudyConfig.model_validate({**CONFIG, "out": folder}))


def test_without_pictures_those_of_before_go(tmp_path) -> None:
    (tmp_path / "pictures").mkdir()
    old = tmp_path / "pictures" / "umap--a--b--ridge.json"
    old.write_text("{}")
    draw(finished(tmp_path), {}, print, False)
    assert not old.exists()


def test_without_a_store_its_table_goes(tmp_path) -> None:
    tables = tuple(ExtraTable(name, name, ("x",), ((1,),)) for name in ("spaces", "store"))
    RunResults("translation_study", "stdlib", "cpu", None, (), tables=tables).write(tmp_path)
    keep_in_store(finished(tmp_path), print, False)
    assert [table.name for table in RunResults.read(tmp_path).tables] == ["spaces"]
