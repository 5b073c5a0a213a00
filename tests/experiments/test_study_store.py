"""A small study's collections: what is pushed, what is told of it, what is not done twice."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError
from matryo.experiments.store_commands import list_stores
from matryo.experiments.store_compare import compare_stores
from matryo.experiments.study_config import Job, StudyConfig
from matryo.experiments.study_store import StoredStudy, _Kept, _push, store_name, store_study, translated_set
from matryo.experiments.translation_note import noted_translation
from matryo.maps import AffineMap
from matryo.prefix import unit_rows
from matryo.search.stores import Location, Origin
from matryo.search.stores.chroma import ChromaEngine
from matryo.space import Space

pytest.importorskip("chromadb")

N, WIDTHS = 40, {"old": 6, "new-one": 4}
IDS = [f"d{row:02d}" for row in range(N)]
HELD = IDS[::2]


@dataclass(frozen=True)
class Made:
    """The part of a study's space that is stored."""

    name: str
    documents: EmbeddingSet


def configured(**store: str) -> StudyConfig:
    spaces = {name: {"kind": "lsa"} for name in WIDTHS}
    return StudyConfig(
        experiment="translation", name="small", texts={"kind": "stdlib"}, spaces=spaces, translators=["ridge"],
        store=store,
    )  # fmt: skip


def write_map(job: Job, spaces: dict[str, Made], run: Path, seed: int = 0) -> None:
    source, target = spaces[job.source].documents.space, spaces[job.target].documents.space
    matrix = np.random.default_rng(seed).standard_normal((source.width, target.width), dtype=np.float32)
    offset = np.zeros(target.width, dtype=np.float32)
    AffineMap(matrix, offset, source, target, "ridge", {"seed": 0}).save(job.folder(run) / "map")


@pytest.fixture
def spaces(tmp_path: Path) -> dict[str, Made]:
    rng = np.random.default_rng(0)
    made = {}
    for name, width in WIDTHS.items():
        x = unit_rows(rng.standard_normal((N, width), dtype=np.float32))
        folder = tmp_path / "run" / "spaces" / name / "documents"
        made[name] = Made(name, EmbeddingSet.from_numpy(folder, x, IDS, space=Space.declared(name, width)))
    return made


def store(config: StudyConfig, spaces: dict[str, Made], run: Path) -> StoredStudy:
    return store_study(config, spaces, config.jobs(), run, held_ids=HELD, texts_name="std lib")


def test_held_out_rows_of_every_space_and_translation(spaces: dict[str, Made], tmp_path: Path) -> None:
    run, config = tmp_path / "run", configured()
    for job in config.jobs():
        write_map(job, spaces, run)
    stored = store(config, spaces, run)
    assert (stored.location, stored.n_collections, stored.n_sent) == (f"chroma:{run / 'chroma'}", 4, 4 * len(HELD))
    facts = {one.name: one for one in list_stores(Location.parse(stored.location))}
    name = "std_lib__old__new_one__ridge__seed0"
    assert set(facts) == {
        name, "std_lib__new_one__old__ridge__seed0", "std_lib__old", "std_lib__new_one",
    }  # fmt: skip
    assert all(one.complete and one.n_rows == len(HELD) for one in facts.values())
    assert str(facts[name].origin) == "from old to new-one by ridge, seed 0"
    assert str(facts["std_lib__old"].origin) == "native old"
    job = config.jobs()[0]
    made = EmbeddingSet.open(job.folder(run) / "set")
    told = ChromaEngine(run / "chroma").metadata(f"{name}_4")[f"{name}_4"]
    spaces_told = (told["from_space"], told["to_space"], told["map_digest"])
    assert spaces_told == (
        spaces["old"].documents.space.id, spaces["new-one"].documents.space.id, made.space.maps[0].split(":")[2],
    )  # fmt: skip
    assert (told["texts"], told["rows"], told["model"]) == ("std lib", "held-out", "old")
    note = noted_translation(made.folder, made.space.id)
    assert note is not None and (note.source, note.target, note.map) == ("old", "new-one", "ridge")


def test_the_table_is_what_a_comparison_of_the_two_stores_gives(spaces: dict[str, Made], tmp_path: Path) -> None:
    run, config = tmp_path / "run", configured()
    for job in config.jobs():
        write_map(job, spaces, run)
    stored = store(config, spaces, run)
    for row in stored.table.rows:
        told = dict(zip(stored.table.columns, row, strict=True))
        native = f"std_lib__{told['to']}".replace("-", "_")
        found = compare_stores(Location.parse(stored.location), str(told["name"]), native, n=len(HELD))
        mutual = found.values["mutual neighbours"]
        assert told["mutual neighbours@10"] == pytest.approx(mutual.value)
        assert (told["chance"], told["rows"], told["seed"]) == (pytest.approx(found.chance), "held-out", 0)
        assert told["mutual neighbours@10 low"] <= mutual.value <= told["mutual neighbours@10 high"]


def test_what_is_there_is_neither_sent_nor_asked_again(
    spaces: dict[str, Made], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, config = tmp_path / "run", configured()
    for job in config.jobs():
        write_map(job, spaces, run)
    first = store(config, spaces, run)
    asked: list[str] = []
    for name in ("put", "nearest"):
        real = getattr(ChromaEngine, name)
        monkeypatch.setattr(
            ChromaEngine, name, lambda self, at, *more, real=real: (asked.append(at), real(self, at, *more))[1]
        )
    again = store(config, spaces, run)
    assert asked == [] and again == replace(first, n_sent=0)
    write_map(config.jobs()[0], spaces, run, seed=5)
    changed = store(config, spaces, run)
    assert changed.n_sent == len(HELD) and changed.n_collections == 4
    assert changed.table.rows[1] == first.table.rows[1]
    assert {at.rpartition("_")[0] for at in asked} == {"std_lib__old__new_one__ridge__seed0", "std_lib__new_one"}


def test_what_the_study_has_no_more_is_dropped_and_what_others_pushed_stays(
    spaces: dict[str, Made], tmp_path: Path
) -> None:
    run, config = tmp_path / "run", configured()
    for job in config.jobs():
        write_map(job, spaces, run)
    stored = store(config, spaces, run)
    place, name = Location.parse(stored.location), "std_lib__old__new_one__ridge__seed0"
    translated = EmbeddingSet.open(config.jobs()[0].folder(run) / "set")
    place.store("mine").push(translated, origin=place.stores()[name].any.origin)
    fewer = config.model_copy(update={"pairs": (("new-one", "old"),)})
    assert store(fewer, spaces, run).n_collections == 3
    assert set(place.stores()) == {"std_lib__old", "std_lib__new_one", "std_lib__new_one__old__ridge__seed0", "mine"}


def test_all_rows_if_the_study_says_so(spaces: dict[str, Made], tmp_path: Path) -> None:
    run, config = tmp_path / "run", configured(location="chroma:elsewhere", rows="all")
    for job in config.jobs():
        write_map(job, spaces, run)
    stored = store(config, spaces, run)
    assert (stored.location, stored.n_sent) == (f"chroma:{run / 'elsewhere'}", 4 * N)
    job = config.jobs()[0]
    made = translated_set(job, spaces["old"].documents, run, None)
    x = spaces["old"].documents.to_numpy()
    assert made.ids() == IDS and made.space.width == 4 and x.shape == (N, 6)
    found = Location.parse(stored.location).store("std_lib__old__new_one__ridge__seed0").vectors(IDS[:3])
    np.testing.assert_allclose(found, made.to_numpy()[:3], atol=1e-6)


def test_on_a_server_another_runs_vectors_stay(spaces: dict[str, Made], tmp_path: Path) -> None:
    run, config = tmp_path / "run", configured()
    for job in config.jobs():
        write_map(job, spaces, run)
    stored = store(config, spaces, run)
    found = Location.parse(stored.location).stores()
    kept = _Kept("std_lib__old", spaces["old"].documents, Origin())
    with pytest.raises(MatryoError, match=r"has a store std_lib__old of another run; drop it .*another name"):
        _push(ChromaEngine(run / "chroma"), found, kept, Location("chroma", "http://127.0.0.1:9"))


def test_a_study_without_a_store_is_refused(spaces: dict[str, Made], tmp_path: Path) -> None:
    config = configured().model_copy(update={"store": None})
    with pytest.raises(MatryoError, match="has no store"):
        store(config, spaces, tmp_path / "run")


def test_names_hold_what_an_engine_takes() -> None:
    assert store_name("4o-mini", "a b") == "texts_4o_mini__a_b"
    long = [store_name("x" * 300, end) for end in "ab"]
    assert max(map(len, long)) <= 190 and long[0] != long[1]
