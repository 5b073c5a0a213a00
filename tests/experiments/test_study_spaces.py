"""Spaces of every kind, made once: what is fitted or trained, what is paid for, what a second call leaves alone."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matryo.config import read_config
from matryo.data import Pair, Pairs
from matryo.encoders import LsaEncoder, load_encoder, load_lsa
from matryo.errors import MatryoError
from matryo.experiments import study_spaces, study_texts
from matryo.experiments.encoding import encode_texts, noted_model
from matryo.experiments.settings import ModelSettings
from matryo.experiments.stages import Stages
from matryo.experiments.study_config import StudyConfig
from matryo.experiments.study_space_models import SpaceModel
from matryo.experiments.study_spaces import MadeSpace, make_spaces, open_space, space_tasks
from matryo.experiments.study_texts import StudyTexts, read_study_texts
from matryo.files import read_json

N = 60
WORDS = ("cat", "dog", "runs", "query", "the", "bird", "tree", "house", "water", "stone")


def words(number: int) -> str:
    return " ".join(WORDS[(number * step) % len(WORDS)] for step in (1, 3, 7))


PAIRS = Pairs(
    "stdlib",
    tuple(
        Pair(f"p{n % 3}:f{n}", f"what {words(n)} does {n}", f"the {words(n)} only{n} {words(n + 1)}", f"p{n % 3}")
        for n in range(N)
    ),
)


def study(spaces: dict[str, Any], **changes: Any) -> StudyConfig:
    lsa = {"kind": "lsa", "width": 4}
    return StudyConfig.model_validate(
        {
            "experiment": "translation", "name": "x", "texts": {"kind": "stdlib"}, "translators": ["ridge"],
            "share": 0.6, "spaces": {"lsa": lsa, **spaces}, **changes,
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def texts() -> StudyTexts:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(study_texts, "stdlib_pairs", lambda **_: PAIRS)
        return read_study_texts(study({"more": {"kind": "lsa", "width": 3}}))


@pytest.fixture(scope="module")
def config(tiny_model_folder: Path) -> StudyConfig:
    name = str(tiny_model_folder)
    tuned = {"kind": "finetuned", "name": name, "epochs": 1, "batch_size": 16, "learning_rate": 1e-3, "device": "cpu"}
    return study(
        {
            "tiny": {"kind": "model", "name": name, "precision": "fp32", "max_tokens": 12},
            "inner": {"kind": "layer", "name": name, "layer": 1, "precision": "fp32"},
            "tuned": tuned,
        }
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def made(config: StudyConfig, texts: StudyTexts, run: Path) -> dict[str, MadeSpace]:
    return make_spaces(config, texts, Stages(run))


def n_asked(texts: StudyTexts) -> int:
    """Queries that ask for a held-out document: each asks for one."""
    return N - len(texts.fitted_ids)


def test_every_kind_of_space_holds_every_text(made: dict[str, MadeSpace], texts: StudyTexts, run: Path) -> None:
    assert list(made) == ["lsa", "tiny", "inner", "tuned"]
    assert {name: space.documents.width for name, space in made.items()} == {
        "lsa": 4, "tiny": 32, "inner": 32, "tuned": 32,
    }  # fmt: skip
    assert len({space.documents.space.id for space in made.values()}) == 4
    for name, space in made.items():
        assert space.documents.folder == run / "spaces" / name / "documents"
        assert space.documents.ids() == texts.documents.ids()
        # each query asks for the one document of its name
        assert space.queries.ids() == [id for id in texts.queries.ids() if id not in texts.fitted_ids]
        assert list(space.documents.texts()) == [text.text for text in texts.documents]
        assert (space.documents.role, space.queries.role) == ("document", "query")


def test_a_space_loads_the_model_that_made_it(made: dict[str, MadeSpace], texts: StudyTexts) -> None:
    for space in made.values():
        encoder = space.load()
        assert encoder.space.id == space.documents.space.id
        for some, role, stored in (
            (texts.documents, "document", space.documents),
            (texts.asked_queries, "query", space.queries),
        ):
            assert stored.prompt == encoder.prompt(role)
            found = encoder.encode([text.text for text in some], role)
            assert np.allclose(found, stored.to_numpy(), atol=1e-5)
            model = noted_model(stored.folder, stored.space.id)
            assert model is not None and model.load().space.id == stored.space.id


def test_facts_say_how_it_was_made(made: dict[str, MadeSpace], texts: StudyTexts, run: Path) -> None:
    facts = {name: space.facts for name, space in made.items()}
    assert facts["lsa"] == read_json(run / "spaces" / "lsa" / "space.json", "facts") | {"n_queries": n_asked(texts)}
    for name, told in facts.items():
        assert (told["space"], told["n_documents"], told["n_queries"]) == (name, N, n_asked(texts))
        assert told["texts_per_second"] > 0 and told["seconds"] > 0
        assert told["space_id"] == made[name].documents.space.id
    assert [told["kind"] for told in facts.values()] == ["lsa", "model", "layer", "finetuned"]
    assert [note.split(":")[0] for note in facts["tiny"]["notes"]] == ["documents", "queries"]
    assert all("texts are longer than the 12 tokens" in note for note in facts["tiny"]["notes"])
    assert "fitted on the" in facts["lsa"]["notes"][0] and "none of whose documents" in facts["tuned"]["notes"][0]


def test_lsa_knows_no_word_of_a_held_out_document_or_a_query(made: dict[str, MadeSpace], texts: StudyTexts) -> None:
    known = set(load_lsa(made["lsa"].model.folder / "model").vocabulary)
    own = {id: f"only{id.split(':f')[1]}" for id in texts.documents.ids()}
    assert {own[id] for id in texts.fitted_ids} <= known and "what" not in known
    assert not known & {word for id, word in own.items() if id not in texts.fitted_ids}


def test_the_fine_tuned_model_is_an_ordinary_folder(made: dict[str, MadeSpace], config: StudyConfig) -> None:
    folder = made["tuned"].model.folder
    assert (folder / "model" / "modules.json").is_file() and not (folder / "start").exists()
    n = len(read_pairs := [id for id in made["tuned"].documents.ids() if id in _fitted(made)])
    assert f"{n} pairs of query and document" in made["tuned"].facts["notes"][0] and read_pairs
    before = load_encoder(config.spaces["tuned"].name, precision="fp32").encode(["the cat runs"])
    assert not np.allclose(before, made["tuned"].load().encode(["the cat runs"]), atol=1e-3)


def _fitted(made: dict[str, MadeSpace]) -> set[str]:
    known = load_lsa(made["lsa"].model.folder / "model").vocabulary
    return {id for id in made["lsa"].documents.ids() if f"only{id.split(':f')[1]}" in known}


def test_what_is_finished_is_read_and_no_model_loaded(
    made: dict[str, MadeSpace], config: StudyConfig, texts: StudyTexts, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SpaceModel, "make", _never)
    monkeypatch.setattr(SpaceModel, "load", _never)
    again = make_spaces(config, texts, Stages(run))
    assert {name: space.key for name, space in again.items()} == {name: space.key for name, space in made.items()}
    opened = open_space(made["lsa"].model, made["lsa"].key)
    assert opened.facts == made["lsa"].facts and opened.queries.n_rows == n_asked(texts)


def _never(*_: Any, **__: Any) -> None:
    raise AssertionError("nothing is made or loaded")


def test_how_documents_are_divided_does_not_matter_to_a_model_that_is_there(
    config: StudyConfig, texts: StudyTexts
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(study_texts, "stdlib_pairs", lambda **_: PAIRS)
        other = read_study_texts(config.model_copy(update={"share": 0.5}))
    keys = [{name: task.key for name, task in space_tasks(config, one).items()} for one in (texts, other)]
    assert [name for name in keys[0] if keys[0][name] == keys[1][name]] == ["tiny", "inner"]


def test_another_split_asks_other_queries_of_the_same_documents(
    texts: StudyTexts, tiny_model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = str(tiny_model_folder)
    spaces = {"tiny": {"kind": "model", "name": name, "precision": "fp32"}}
    spaces["inner"] = {"kind": "layer", "name": name, "layer": 1, "precision": "fp32"}
    config = study(spaces)
    config = config.model_copy(update={"spaces": {key: config.spaces[key] for key in spaces}})
    before = make_spaces(config, texts, Stages(tmp_path))["tiny"]
    written, asked = (before.documents.folder / "manifest.json").stat().st_mtime_ns, set(before.queries.ids())
    monkeypatch.setattr(study_texts, "stdlib_pairs", lambda **_: PAIRS)
    other = read_study_texts(config.model_copy(update={"share": 0.5}))
    after = make_spaces(config, other, Stages(tmp_path))["tiny"]
    assert after.key == before.key and (after.documents.folder / "manifest.json").stat().st_mtime_ns == written
    assert set(after.queries.ids()) == set(texts.queries.ids()) - other.fitted_ids > asked
    none = replace(texts, queries=None, judgements=None)
    assert make_spaces(config, none, Stages(tmp_path))["tiny"].queries is None
    assert not (tmp_path / "spaces" / "tiny" / "queries").exists()


def test_where_a_model_lies_does_not_matter(
    config: StudyConfig, texts: StudyTexts, tiny_model_folder: Path, tmp_path: Path
) -> None:
    moved = Path(shutil.copytree(tiny_model_folder, tmp_path / "moved"))
    tiny = config.spaces["tiny"].model_copy(update={"name": str(moved)})
    elsewhere = config.model_copy(update={"spaces": {**config.spaces, "tiny": tiny}})
    assert space_tasks(elsewhere, texts) == space_tasks(config, texts)
    (moved / "more.json").write_text("{}")
    assert space_tasks(elsewhere, texts)["tiny"] != space_tasks(config, texts)["tiny"]


def test_another_config_is_refused_before_anything_is_made(
    made: dict[str, MadeSpace], config: StudyConfig, texts: StudyTexts, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SpaceModel, "make", _never)
    changed = config.model_copy(update={"spaces": {**config.spaces, "lsa": study({"b": {"kind": "lsa"}}).spaces["b"]}})
    with pytest.raises(MatryoError, match=r"the stage 'space lsa' of another config: width 4 -> 256"):
        make_spaces(changed, texts, Stages(run))


def test_an_interrupted_space_goes_on(
    texts: StudyTexts, tiny_model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = {"kind": "model", "name": str(tiny_model_folder), "precision": "fp32"}
    config = study({"tiny": tiny})

    def fails(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(study_spaces, "write_json", fails)
        make_spaces(config, texts, Stages(tmp_path))
    files = sorted(path for path in (tmp_path / "spaces" / "lsa").rglob("*") if path.suffix == ".npy")
    written = {path: path.stat().st_mtime_ns for path in files}
    made = make_spaces(config, texts, Stages(tmp_path))
    assert {path: path.stat().st_mtime_ns for path in files} == written
    assert made["lsa"].facts["texts_per_second"] > 0 and made["tiny"].facts["n_documents"] == N


def test_texts_without_a_known_word_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_text("\n".join(f"unknown{n}" if n % 4 == 0 else words(n) for n in range(N)))
    config = study({"more": {"kind": "lsa", "width": 3}}, texts={"kind": "lines", "path": str(path)})
    texts = read_study_texts(config)
    n = sum(text.text.startswith("unknown") for text in texts.documents if text.id not in texts.fitted_ids)
    facts = make_spaces(config, texts, Stages(tmp_path / "run"))["lsa"].facts
    assert n and facts["notes"][1:] == [
        f"documents: {n} of {N} are empty to the model (no known word), their numbers are all 0"
    ]


def test_two_names_of_one_space_are_refused(texts: StudyTexts, tmp_path: Path) -> None:
    config = study({"same": {"kind": "lsa", "width": 4}})
    with pytest.raises(MatryoError, match="the spaces lsa and same are one"):
        make_spaces(config, texts, Stages(tmp_path))


@pytest.mark.parametrize("name", ["t5", "decoder"])
def test_shipped_configs_take_a_folder_in_place_of_a_hub_model(
    name: str, texts: StudyTexts, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    shipped = Path(__file__).parents[2] / "configs" / "translation" / f"{name}.yaml"
    folder = request.getfixturevalue(f"tiny_{name}_folder")
    config = read_config(shipped, StudyConfig, [f"spaces.{name}.name={folder}", f"spaces.{name}.max_tokens=20"])
    spaces = {name: config.spaces[name], "lsa": study({"b": {"kind": "lsa", "width": 3}}).spaces["b"]}
    made = make_spaces(config.model_copy(update={"spaces": spaces}), texts, Stages(tmp_path))[name]
    assert (made.facts["n_documents"], made.queries.n_rows) == (N, n_asked(texts))
    assert made.facts["model"] == str(folder)
    assert made.facts["encoder"]["max_tokens"] == 20


def service_config(service: Any, **given: Any) -> StudyConfig:
    api = {"model": "toy", "base_url": service.url, "width": 8, "key_variable": "TEST_KEY", "first_wait_s": 0.001}
    prompts = {"query": "ask: ", "document": "told: "}
    return study({"toy": {"kind": "api", "api": {**api, "prompts": prompts, "price_per_million": 2.0}, **given}})


def test_a_service_is_paid_once_and_only_after_consent(service: Any, texts: StudyTexts, tmp_path: Path) -> None:
    config, asked = service_config(service), []
    n = N + n_asked(texts)
    with pytest.raises(MatryoError, match=rf"nobody here to ask.*{n} of {n} texts.*--set spaces.toy.yes=true"):
        make_spaces(config, texts, Stages(tmp_path))
    with pytest.raises(MatryoError, match="because it was not confirmed"):
        make_spaces(config, texts, Stages(tmp_path), confirm=lambda told: asked.append(told) is None and False)
    assert not service.texts and not (tmp_path / "spaces" / "lsa").exists()
    assert len(asked) == 1 and "at 2 per million about" in asked[0]
    made = make_spaces(config, texts, Stages(tmp_path), confirm=lambda told: True)["toy"]
    assert len(service.texts) == n
    assert {text.split()[0] for text in service.texts} == {"ask:", "told:"}
    assert made.documents.width == 8 and made.queries.prompt == "ask: " and made.facts["texts_per_second"] is None
    # made anew in the same run, what was paid for is at hand and nobody is asked
    stages = Stages(tmp_path)
    stages.remove("space toy")
    assert np.array_equal(make_spaces(config, texts, stages)["toy"].documents.to_numpy(), made.documents.to_numpy())
    assert len(service.texts) == n
    encoder = made.load()
    assert encoder.encode([next(iter(texts.documents)).text]).shape == (1, 8)
    with pytest.raises(MatryoError, match="not confirmed"):
        encoder.encode(["something new"])


def test_a_config_can_agree_beforehand(service: Any, texts: StudyTexts, tmp_path: Path) -> None:
    said: list[str] = []
    config = service_config(service, yes=True, cache=str(tmp_path / "elsewhere"))
    made = make_spaces(config, texts, Stages(tmp_path / "run"), said.append)["toy"]
    assert said and f"{N + n_asked(texts)} of {N + n_asked(texts)} texts to send" in said[0]
    assert (tmp_path / "elsewhere").is_dir() and not (tmp_path / "run" / "api").exists()
    assert made.load().encode(["something new"]).shape == (1, 8)


def test_a_service_that_fails_half_way_keeps_what_was_paid(service: Any, texts: StudyTexts, tmp_path: Path) -> None:
    config = service_config(service, yes=True)
    api = config.spaces["toy"].api.model_copy(update={"max_texts": 10, "n_parallel": 1, "n_retries": 0})
    spaces = {**config.spaces, "toy": config.spaces["toy"].model_copy(update={"api": api})}
    config = config.model_copy(update={"spaces": spaces})
    service.will()
    service.will(status=400, body={"error": {"message": "no such thing"}})
    with pytest.raises(MatryoError, match="is kept"):
        make_spaces(config, texts, Stages(tmp_path))
    assert len(service.texts) == 20
    make_spaces(config, texts, Stages(tmp_path))
    assert len(service.texts) == N + n_asked(texts) + 10


def test_an_lsa_folder_encodes_wherever_a_model_does(made: dict[str, MadeSpace], tmp_path: Path) -> None:
    lines = tmp_path / "lines.txt"
    lines.write_text("the cat runs\nthe bird and the tree\n")
    folder = str(made["lsa"].model.folder / "model")
    told = encode_texts(ModelSettings(folder), lines, tmp_path / "set", dim=2)
    assert told.width == 2 and "narrower LSA" in told.notes[0]
    noted = noted_model(tmp_path / "set", told.space_id)
    assert noted is not None and noted.dim == 2 and isinstance(ModelSettings(noted.name).load(), LsaEncoder)
    assert noted.load().space.id == told.space_id
