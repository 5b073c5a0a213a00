"""Stages: finished ones are not done again, interrupted ones go on, those of other settings are refused by name."""

import json
from pathlib import Path

import pytest

from matryo.errors import FormatError, MatryoError
from matryo.experiments.stages import Stage, Stages


class Kitchen:
    """A run of three stages, each on the one before, that counts how often each was made."""

    def __init__(self, folder: Path, *, fresh: bool = False) -> None:
        self.said: list[str] = []
        self.made: list[str] = []
        self.stages = Stages(folder, fresh=fresh, say=self.said.append)

    def stage(self, name: str, settings: dict, inputs: dict[str, str], *, version: int = 1, **options: bool) -> Stage:
        def make() -> None:
            self.made.append(name)
            (self.stages.folder / name).mkdir(parents=True, exist_ok=True)
            (self.stages.folder / name / f"{len(list((self.stages.folder / name).iterdir()))}").touch()

        return self.stages.run(name, version, settings, inputs, make, folder=name, **options)

    def cook(self, heat: int = 180, salt: float = 0.5) -> None:
        dough = self.stage("dough", {"flour": {"kind": "rye", "grams": 500}, "salt": salt}, {})
        loaf = self.stage("loaf", {"heat": heat}, {"dough": dough.key})
        self.stage("slices", {}, {"loaf": loaf.key})


def test_a_finished_stage_is_not_done_again(tmp_path: Path) -> None:
    Kitchen(tmp_path).cook()
    again = Kitchen(tmp_path)
    again.cook()
    assert again.made == []
    assert again.said == ["dough: done before, 0 s", "loaf: done before, 0 s", "slices: done before, 0 s"]


def test_the_record_holds_what_it_was_made_of(tmp_path: Path) -> None:
    stage = Kitchen(tmp_path).stage("dough", {"salt": 0.5}, {"flour": "abc"})
    record = json.loads((tmp_path / "stages" / "dough.json").read_text())
    assert record["format"] == 1 and record["key"] == stage.key and record["seconds"] == stage.seconds
    assert record["settings"] == {"salt": 0.5} and record["inputs"] == {"flour": "abc"} and record["timestamp"]
    assert not (tmp_path / "stages" / "dough.begun.json").exists()


def test_keys_depend_on_name_version_settings_and_inputs(tmp_path: Path) -> None:
    stages = Stages(tmp_path)
    keys = {
        stages.check("a", 1, {"x": 1}, {"i": "k"}),
        stages.check("b", 1, {"x": 1}, {"i": "k"}),
        stages.check("a", 2, {"x": 1}, {"i": "k"}),
        stages.check("a", 1, {"x": 2}, {"i": "k"}),
        stages.check("a", 1, {"x": 1}, {"i": "l"}),
    }
    assert len(keys) == 5
    assert stages.check("a", 1, {"y": 2, "x": 1}, {}) == stages.check("a", 1, {"x": 1, "y": 2}, {})


def test_other_settings_are_refused_and_named(tmp_path: Path) -> None:
    Kitchen(tmp_path).cook()
    other = Kitchen(tmp_path)
    with pytest.raises(MatryoError, match=r"'loaf'.*heat 180 -> 220.*--out.*--fresh") as caught:
        other.cook(heat=220)
    assert other.made == [] and "\n" not in str(caught.value) and "flour" not in str(caught.value)
    with pytest.raises(
        MatryoError, match=r"flour\.kind 'rye' -> not there; flour\.grams 500 -> not there; flour not there -> 'rye'"
    ):
        other.stage("dough", {"flour": "rye", "salt": 0.5}, {})
    with pytest.raises(MatryoError, match="version of the stage 1 -> 2"):
        other.stage("dough", {"flour": {"kind": "rye", "grams": 500}, "salt": 0.5}, {}, version=2)
    with pytest.raises(MatryoError, match=r"its input dough \(\w{8} -> fresh\)"):
        other.stage("loaf", {"heat": 180}, {"dough": "fresh"})


def test_many_changes_are_counted(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path)
    kitchen.stage("a", {f"x{i}": 0 for i in range(9)}, {})
    with pytest.raises(MatryoError, match="x4 0 -> 1; and 4 more"):
        kitchen.stage("a", {f"x{i}": 1 for i in range(9)}, {})


def test_fresh_removes_a_changed_stage_and_what_depends_on_it(tmp_path: Path) -> None:
    Kitchen(tmp_path).cook()
    fresh = Kitchen(tmp_path, fresh=True)
    fresh.cook(heat=220)
    assert fresh.made == ["loaf", "slices"]  # the dough is the same
    assert [p.name for p in (tmp_path / "loaf").iterdir()] == ["0"]
    unchanged = Kitchen(tmp_path, fresh=True)
    unchanged.cook(heat=220)
    assert unchanged.made == []


def test_what_depends_is_gone_even_if_the_run_stops_in_between(tmp_path: Path) -> None:
    Kitchen(tmp_path).cook()
    Kitchen(tmp_path, fresh=True).stage("dough", {"salt": 9}, {})
    assert {p.name for p in (tmp_path / "stages").iterdir()} == {"dough.json"}
    assert not (tmp_path / "slices").exists()


def test_an_interrupted_stage_goes_on_in_its_folder(tmp_path: Path) -> None:
    stages = Stages(tmp_path)

    def stopped() -> None:
        (tmp_path / "work").mkdir()
        (tmp_path / "work" / "half").touch()
        raise KeyboardInterrupt

    def rest() -> None:
        assert (tmp_path / "work" / "half").exists()

    with pytest.raises(KeyboardInterrupt):
        stages.run("work", 1, {"x": 1}, {}, stopped, folder="work")
    assert not stages.finished("work", 1, {"x": 1}, {})
    with pytest.raises(MatryoError, match="x 1 -> 2"):  # half of other settings is no start
        stages.run("work", 1, {"x": 2}, {}, rest, folder="work")
    assert not stages.run("work", 1, {"x": 1}, {}, rest, folder="work").reused
    assert stages.finished("work", 1, {"x": 1}, {})
    assert json.loads((tmp_path / "stages" / "work.json").read_text())["continued"] is True


def test_a_derived_stage_follows_its_settings_without_asking(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path)
    for heat, n in ((1, 1), (1, 1), (2, 2)):
        kitchen.stage("toast", {"heat": heat}, {}, derived=True)
        assert len(kitchen.made) == n


def test_a_stage_whose_folder_was_removed_is_made_again(tmp_path: Path) -> None:
    Kitchen(tmp_path).stage("dough", {}, {})
    (tmp_path / "dough" / "0").unlink()
    (tmp_path / "dough").rmdir()
    again = Kitchen(tmp_path)
    again.stage("dough", {}, {})
    assert again.made == ["dough"]


def test_a_removed_folder_that_is_half_made_again_is_not_finished(tmp_path: Path) -> None:
    stages = Stages(tmp_path)
    stages.run("work", 1, {}, {}, (tmp_path / "work").mkdir, folder="work")
    (tmp_path / "work").rmdir()

    def killed() -> None:
        (tmp_path / "work").mkdir()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stages.run("work", 1, {}, {}, killed, folder="work")
    assert not stages.finished("work", 1, {}, {})


def test_a_removal_that_was_cut_short_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Kitchen(tmp_path).stage("dough", {"salt": 1}, {})

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            Kitchen(tmp_path, fresh=True).stage("dough", {"salt": 2}, {})
    with pytest.raises(MatryoError, match="salt 1 -> 2"):  # files of other settings are no start
        Kitchen(tmp_path).stage("dough", {"salt": 2}, {})
    Kitchen(tmp_path, fresh=True).stage("dough", {"salt": 2}, {})
    assert [path.name for path in (tmp_path / "dough").iterdir()] == ["0"]


def test_nothing_of_the_runs_own_folder_is_removed(tmp_path: Path) -> None:
    stages = Stages(tmp_path, fresh=True)
    stages.run("report", 1, {"x": 1}, {}, (tmp_path / "report.md").touch)
    stages.run("report", 1, {"x": 2}, {}, lambda: None)
    assert (tmp_path / "report.md").exists()


def test_damaged_records_are_refused(tmp_path: Path) -> None:
    Kitchen(tmp_path).stage("dough", {}, {})
    path = tmp_path / "stages" / "dough.json"
    record = json.loads(path.read_text())
    for content in ("{", "[]", json.dumps({**record, "format": 9}), json.dumps({**record, "more": 1})):
        path.write_text(content)
        with pytest.raises(FormatError, match=r"dough\.json"):
            Kitchen(tmp_path).stage("dough", {}, {})


def test_a_folder_set_aside_for_other_settings_is_refused_or_removed(tmp_path: Path) -> None:
    stages = Stages(tmp_path)
    for _ in range(2):
        stages.begin("vectors", 1, {"model": "a"}, {"train": "k"}, folder="sets/a")
    (tmp_path / "sets" / "a").mkdir(parents=True)
    assert not stages.finished("vectors", 1, {"model": "a"}, {"train": "k"})
    with pytest.raises(MatryoError, match="'vectors' of another config: model 'a' -> 'b'"):
        stages.begin("vectors", 1, {"model": "b"}, {"train": "k"}, folder="sets/a")
    Stages(tmp_path, fresh=True).begin("vectors", 1, {"model": "b"}, {"train": "k"}, folder="sets/a")
    assert not (tmp_path / "sets" / "a").exists()
    stages.remove("vectors")
    stages.remove("vectors")
    assert list((tmp_path / "stages").iterdir()) == []
