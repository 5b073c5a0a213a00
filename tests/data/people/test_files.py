"""A folder of people: the same bytes for a seed, no id in two parts, whole or not there, and read back as views."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import matryo.data.people.files as files
from matryo.data.people.compatibility import dating_compatibility
from matryo.data.people.files import read_people, read_persons, write_people
from matryo.data.people.generate import generate_people, twin
from matryo.data.people.manifest import read_manifest
from matryo.data.people.parts import PARTS
from matryo.data.people.records import LABELS
from matryo.data.people.schema import DATING_TEMPLATES, HIRING_TEMPLATES
from matryo.data.views import Views, check_parts
from matryo.errors import FormatError, MatryoError

COUNTS = {"train": 60, "validation": 15, "test": 45}
SETTINGS: dict[str, Any] = {"n": 120, "seed": 0, "level": "plain", "counts": COUNTS, "n_triplets": 50}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("people") / "made"
    write_people(path, **SETTINGS)
    return path


@pytest.fixture(scope="module")
def parts(folder: Path) -> list[Views]:
    return [read_people(folder, part) for part in PARTS]


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_files_are_there_and_nothing_else(folder: Path) -> None:
    expected = {"people.json", "people.jsonl", "twins.jsonl", "triplets_dating.jsonl", "triplets_hiring.jsonl"}
    assert set(bytes_of(folder)) == expected | {"cross.jsonl"}
    assert list(folder.parent.iterdir()) == [folder]


def test_one_seed_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_people(tmp_path / "again", **SETTINGS)
    assert bytes_of(tmp_path / "again") == bytes_of(folder)
    write_people(tmp_path / "other", **{**SETTINGS, "seed": 1})
    other = bytes_of(tmp_path / "other")
    assert all(other[name] != content for name, content in bytes_of(folder).items())


def test_another_process_with_other_hashes_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    code = f"from matryo.data.people.files import write_people; write_people({str(tmp_path / 'x')!r}, **{SETTINGS!r})"
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)
        assert bytes_of(tmp_path / "x") == bytes_of(folder)
        shutil.rmtree(tmp_path / "x")


@pytest.mark.slow
def test_memory_does_not_grow_with_the_texts(tmp_path: Path) -> None:
    def peak_mb(n: int) -> float:
        code = (
            "import resource; from matryo.data.people.files import write_people; "
            f"write_people({str(tmp_path / str(n))!r}, n={n}, seed=0, level='plain', n_triplets=1000); "
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
        )
        return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)

    texts_mb = 4 * 20_000 * 600 / 2**20
    assert peak_mb(20_000) - peak_mb(1000) < texts_mb / 2


def test_no_id_lies_in_two_parts(folder: Path, parts: list[Views]) -> None:
    check_parts(parts)
    assert [len(views.a) for views in parts] == list(COUNTS.values())
    assert sorted(id for views in parts for id in views.a.ids) == [p.id for p in generate_people(120, 0)]
    for views in parts:
        own = set(views.a.ids)
        for name in ("triplets_dating", "triplets_hiring", "cross"):
            lines = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]
            named = [line for line in lines if f"people {line['part']}" == views.name]
            ids = {id for line in named for key, value in line.items() if key != "part" for id in np.ravel(value)}
            assert ids and ids <= own


def test_the_check_sees_an_id_in_two_parts(parts: list[Views]) -> None:
    stolen = parts[0].take(np.arange(5), "people stolen")
    with pytest.raises(
        MatryoError, match=f"id {parts[0].a.ids[0]} of dating lies in people train and in people stolen"
    ):
        check_parts([*parts, stolen])


def test_held_out_templates_do_not_leak_into_training(parts: list[Views]) -> None:
    train, validation, test = parts
    for domain, templates in (("a", DATING_TEMPLATES), ("b", HIRING_TEMPLATES)):
        for views in (train, validation):
            assert set(getattr(views, domain).labels["template"]) <= set(templates[:-2])
        assert set(getattr(test, domain).labels["template"]) == set(templates[-2:])
    for views in parts:
        for view, twins in zip((views.a, views.b), views.twins or (), strict=True):
            assert [view.labels["template"][i] for i in twins.entities] == list(twins.labels["template"])


def test_all_templates_everywhere_when_none_is_held_out(tmp_path: Path) -> None:
    write_people(tmp_path / "x", **{**SETTINGS, "held_out": False})
    for part in ("train", "test"):
        assert set(read_people(tmp_path / "x", part).b.labels["template"]) == set(HIRING_TEMPLATES)


def test_the_level_changes_texts_and_nothing_else(folder: Path, parts: list[Views], tmp_path: Path) -> None:
    write_people(tmp_path / "x", **{**SETTINGS, "level": "disjoint"})
    assert read_persons(tmp_path / "x", "test") == read_persons(folder, "test")
    other = read_people(tmp_path / "x", "test")
    assert other.mined is not None and parts[2].mined is not None
    np.testing.assert_array_equal(other.mined.triplets, parts[2].mined.triplets)
    for view, told in ((other.a, parts[2].a), (other.b, parts[2].b)):
        assert view.labels == told.labels
        assert not set(view.texts) & set(told.texts)


def test_views_hold_people_in_their_rows(folder: Path, parts: list[Views]) -> None:
    for part, views in zip(PARTS, parts, strict=True):
        people = read_persons(folder, part)
        assert views.domains == ("dating", "hiring")
        assert views.a.ids == views.b.ids == views.groups == tuple(p.id for p in people)
        assert views.a.entities.tolist() == views.b.entities.tolist() == list(range(len(people)))
        assert views.a.texts != views.b.texts
        for view in (views.a, views.b):
            assert tuple(view.labels) == LABELS
            for name in ("city", "career", "mbti", "religion", "communication"):
                assert view.labels[name] == tuple(getattr(p, name) for p in people)


def test_twins_belong_to_their_person(folder: Path, parts: list[Views]) -> None:
    views = parts[2]
    assert views.twins is not None
    for twins, view in zip(views.twins, (views.a, views.b), strict=True):
        assert twins.domain == view.domain
        assert twins.ids == tuple(f"{id}-twin" for id in view.ids)
        assert twins.entities.tolist() == view.entities.tolist()
        assert twins.labels["city"] == view.labels["city"]
        assert all(a != b for a, b in zip(twins.texts, view.texts, strict=True))
    person = read_persons(folder, "test")[0]
    assert views.twins[0].labels["mbti"][0] == twin(person, 0).mbti


def test_mined_rows_are_what_mining_chose(folder: Path, parts: list[Views]) -> None:
    for part, views in zip(PARTS, parts, strict=True):
        assert views.mined is not None
        assert [t.shape for t in views.mined.triplets] == [(50, 3), (50, 3)]
        n = len(views.a)
        assert views.mined.cross.shape == (n, 2 + min(15, n - 1))
        assert sorted(views.mined.cross[:, 0]) == list(range(n))
        assert (views.mined.cross[:, 0] == views.mined.cross[:, 1]).all()
        people = read_persons(folder, part)
        for anchor, positive, negative in views.mined.triplets[0].tolist():
            high, low = (dating_compatibility(people[anchor], people[other]) for other in (positive, negative))
            assert high > low


def test_the_same_again_is_kept(copy: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in copy.iterdir()}
    manifest = write_people(copy, **SETTINGS)
    assert {path.name: path.stat().st_mtime_ns for path in copy.iterdir()} == before
    assert manifest == read_manifest(copy)


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    write_people(tmp_path / "x", **SETTINGS)
    assert len(read_people(tmp_path / "x", "train").a) == 60


def test_a_run_that_breaks_off_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "mine", breaks)
    with pytest.raises(KeyboardInterrupt):
        write_people(tmp_path / "x", **SETTINGS)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    # what a killed process leaves is taken over
    (tmp_path / "x.unfinished").mkdir()
    (tmp_path / "x.unfinished" / "people.jsonl.tmp-1").write_text("half a li")
    write_people(tmp_path / "x", **SETTINGS)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert "people.jsonl.tmp-1" not in bytes_of(tmp_path / "x")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 1}, "another config: seed 0, not 1"),
        ({"level": "disjoint"}, "level plain, not disjoint"),
        ({"n_triplets": 51, "held_out": False}, "n_triplets 50, not 51; held_out True, not False"),
        ({"counts": {"train": 59, "validation": 16, "test": 45}}, "counts .*'train': 60.* not .*'train': 59"),
    ],
)
def test_people_of_another_config_are_refused(copy: Path, changes: dict[str, Any], words: str) -> None:
    before = bytes_of(copy)
    with pytest.raises(MatryoError, match=words):
        write_people(copy, **{**SETTINGS, **changes})
    assert bytes_of(copy) == before


def test_a_folder_or_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "mine.txt").write_text("precious")
    (tmp_path / "y").write_text("precious")
    for name in "xy":
        with pytest.raises(MatryoError, match="holds no made-up people; choose another name"):
            write_people(tmp_path / name, **SETTINGS)
    assert (tmp_path / "x" / "mine.txt").read_text() == (tmp_path / "y").read_text() == "precious"


def test_people_of_another_version_are_refused(copy: Path) -> None:
    path = copy / "people.jsonl"
    path.write_text(path.read_text().replace('"age": 3', '"age": 4', 1))
    with pytest.raises(MatryoError, match="another version of the generator"):
        write_people(copy, **SETTINGS)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"counts": {"train": 100, "validation": 1, "test": 19}}, "part validation would have 1 of 120 people"),
        ({"counts": None, "n": 12}, "part validation would have 1 of 12"),
        ({"counts": None, "n": 0}, "would have 0 of 0"),
        ({"level": "fancy"}, "'fancy'; choose from plain, disjoint"),
        ({"n": 121}, "sum to n=121"),
        ({"n_triplets": 0}, "at least 1 triplet"),
        ({"seed": -1}, "seed from 0"),
    ],
)
def test_bad_settings_are_refused_before_anything_is_made(tmp_path: Path, wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(MatryoError, match=words):
        write_people(tmp_path / "x", **{**SETTINGS, **wrong})
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_part_is_refused(folder: Path) -> None:
    with pytest.raises(MatryoError, match="train, validation, test, got 'dev'"):
        read_people(folder, "dev")


DAMAGES: list[tuple[str, Callable[[str], str], str]] = [
    ("people.jsonl", lambda text: text[:-5], "has .* bytes, expected"),
    ("people.jsonl", lambda text: text.replace('"train"', '"test" ', 1), "59 people of part train, expected 60"),
    ("people.jsonl", lambda text: text.replace('"mbti"', '"mbtx"', 1), "line 1: missing: .'mbti'., unknown: .'mbtx'."),
    ("people.jsonl", lambda text: text.replace('"train"', '"trail"', 1), "the part is 'trail'"),
    ("people.jsonl", lambda text: "[" + text[1:], "line 1: not JSON"),
    ("twins.jsonl", lambda text: text.replace('"of": "p', '"of": "q'), "p000.*-twin is a twin of nobody"),
    ("triplets_hiring.jsonl", lambda text: text.replace('"p0', '"q0'), "names 'q000.*', which part train lacks"),
    ("cross.jsonl", lambda text: text.replace('"person"', '"bearer"'), "names 'person', which part train lacks"),
    ("cross.jsonl", lambda text: text.replace('"train"', '"test" '), "has no lines of part train"),
    ("people.json", lambda text: text.replace('"format": 1', '"format": 9'), "format 9, this version reads 1"),
    ("people.json", lambda text: text.replace('"seed"', '"seeds"'), "unknown: .'seeds'."),
    ("people.json", lambda text: text.replace('"sha256": "', '"sha256": "0', 1), "does not agree with its own digest"),
]


@pytest.mark.parametrize(("name", "damage", "words"), DAMAGES)
def test_damage_is_named(copy: Path, name: str, damage: Callable[[str], str], words: str) -> None:
    path = copy / name
    damaged = damage(path.read_text())
    assert damaged != path.read_text()
    path.write_text(damaged)
    with pytest.raises(FormatError, match=words):
        read_people(copy, "train")


def test_missing_files_are_named(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"people\.json is missing"):
        read_people(tmp_path, "train")
    (copy / "twins.jsonl").unlink()
    with pytest.raises(FormatError, match=r"twins\.jsonl is missing, expected [\d,]+ bytes"):
        read_people(copy, "train")
