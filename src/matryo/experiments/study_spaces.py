"""The spaces of a translation study: every text encoded by every model, once."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from matryo.data.texts import Texts
from matryo.embeddings import EmbeddingSet
from matryo.encoders.base import Encoder, Role
from matryo.errors import MatryoError
from matryo.experiments.encoding import note_model
from matryo.experiments.run_tasks import Task, content_of
from matryo.experiments.stages import Say, Stages
from matryo.experiments.study_config import StudyConfig
from matryo.experiments.study_space_api import Confirm, agree_to_cost, api_encoder
from matryo.experiments.study_space_config import ApiSpace, FinetunedSpace, LsaSpace, SpaceConfig
from matryo.experiments.study_space_models import SPACES_FOLDER, SpaceModel
from matryo.experiments.study_texts import StudyTexts
from matryo.files import digest_json, read_json, write_json

FACTS_FILE = "space.json"
DOCUMENTS, QUERIES = "documents", "queries"
_MOST_TIMED = 512
_ELSEWHERE = frozenset({"device", "trust_remote_code", "allow_pickle"})
"""Keys of a space that change where and whether it is computed, and nothing of what it is."""


@dataclass(frozen=True, eq=False)
class MadeSpace:
    """One space with everything that is encoded in it.

    Attributes:
        name: of the space.
        documents: every document, with its text.
        queries: every query; None if the texts have none.
        facts: what `space.json` says.
        key: of the stage that made it.
        model: that encodes in it.
    """

    name: str
    documents: EmbeddingSet
    queries: EmbeddingSet | None
    facts: Mapping[str, Any]
    key: str
    model: SpaceModel

    def load(self) -> Encoder:
        """The encoder, which takes seconds to load."""
        return self.model.load()


def make_spaces(
    config: StudyConfig,
    texts: StudyTexts,
    stages: Stages,
    say: Say = lambda line: None,
    progress: bool = False,
    *,
    confirm: Confirm | None = None,
) -> dict[str, MadeSpace]:
    """Encode all texts in all spaces; what is finished is read and its model not loaded.

    Args:
        config: of the study.
        texts: of the study.
        stages: of its run.
        say: told what a service will cost where the config has agreed already.
        progress: show rate and time left.
        confirm: asked, with the estimate, before anything is sent to a service; None = there is nobody to ask.

    Returns: name -> space, in the order of the config.
    Raises: MatryoError if the run holds a space of another config, consent to a cost is not given, a model cannot be
        loaded, or two spaces are one.
    """
    tasks = space_tasks(config, texts)
    models = {name: SpaceModel(name, space, stages.folder) for name, space in config.spaces.items()}
    for task in tasks.values():
        stages.check(*task)
    # before hours are spent on the other spaces
    for name, space in config.spaces.items():
        if isinstance(space, ApiSpace) and not stages.finished(*tasks[name]):
            agree_to_cost(name, space, texts, stages.folder, confirm, say)
    made = {}
    for name, model in models.items():
        stages.run(*tasks[name], _maker(model, texts, progress), folder=f"{SPACES_FOLDER}/{name}")
        made[name] = open_space(model, tasks[name].key)
    _check_different(made)
    return made


def space_tasks(config: StudyConfig, texts: StudyTexts) -> dict[str, Task]:
    """The stage that makes each space."""
    # the numbers of a model that is there already do not depend on how documents are divided
    encoded = digest_json([texts.documents.digest(), None if texts.queries is None else texts.queries.digest()])
    return {
        name: Task(
            f"space {name}",
            1,
            _settings(space),
            {"texts and split": texts.key}
            if isinstance(space, (LsaSpace, FinetunedSpace))
            else {"texts to encode": encoded},
        )
        for name, space in config.spaces.items()
    }


def open_space(model: SpaceModel, key: str) -> MadeSpace:
    """A space that is finished, without loading its model; for processes that fit.

    Raises: FormatError if something of it is missing or damaged.
    """
    folder = model.folder
    facts = read_json(folder / FACTS_FILE, "the facts of a space")
    queries = EmbeddingSet.open(folder / QUERIES) if facts["n_queries"] else None
    return MadeSpace(model.name, EmbeddingSet.open(folder / DOCUMENTS), queries, facts, key, model)


def _settings(space: SpaceConfig) -> dict[str, Any]:
    if isinstance(space, ApiSpace):
        return {"kind": space.kind, "space": space.api.space().id, "prompts": space.api.prompts.model_dump()}
    told = space.model_dump(mode="json", exclude=set(_ELSEWHERE))
    if isinstance(space, LsaSpace):
        return told
    # where a folder lies does not matter, what it holds does
    files = content_of(space.name)
    return told if files is None else {**told, "name": None, "files": files}


def _maker(model: SpaceModel, texts: StudyTexts, progress: bool) -> Callable[[], None]:
    return lambda: _make(model, texts, progress)


def _make(model: SpaceModel, texts: StudyTexts, progress: bool) -> None:
    """Make a space, going on where an earlier call was interrupted; its facts are written last."""
    # imported here: a study whose spaces are all made needs no torch
    from matryo.encoders import encode_to_set

    began = time.monotonic()
    notes = model.make(texts, progress=progress)
    making_s = time.monotonic() - began
    encoder = _encoder(model)

    def encoded(some: Texts, name: str, role: Role) -> EmbeddingSet:
        made = encode_to_set(encoder, some, model.folder / name, role=role, keep_texts=True, progress=progress)
        if model.settings is not None:
            note_model(made.folder, model.settings, made.space.id)
        return made

    begun = (model.folder / DOCUMENTS).exists()
    began = time.monotonic()
    documents = encoded(texts.documents, DOCUMENTS, "document")
    seconds = time.monotonic() - began
    rate = _rate(model, encoder, texts.documents, None if begun else seconds)
    queries = None if texts.queries is None else encoded(texts.queries, QUERIES, "query")
    write_json(
        model.folder / FACTS_FILE,
        {
            "space": model.name,
            "kind": model.config.kind,
            "model": encoder.name if model.settings is None else model.settings.name,
            "width": encoder.width,
            "n_documents": documents.n_rows,
            "n_queries": 0 if queries is None else queries.n_rows,
            "seconds": None if rate is None else round(documents.n_rows / rate, 3),
            "texts_per_second": None if rate is None else round(rate, 2),
            "seconds_to_make_the_model": round(making_s, 2),
            "space_id": documents.space.id,
            "encoder": dict(encoder.description),
            "notes": [*notes, *model.truncated(encoder)],
        },
    )


def _encoder(model: SpaceModel) -> Encoder:
    """The encoder that fills the space; for a service somebody has agreed to the cost, or nothing is left to send."""
    if isinstance(model.config, ApiSpace):
        return api_encoder(model.config, model.run, agreed=True)
    return model.load()


def _rate(model: SpaceModel, encoder: Encoder, texts: Texts, seconds: float | None) -> float | None:
    """Documents per second; where some were encoded by an earlier call, of a few that are encoded again.

    None behind a service: how fast it answers says nothing of the model, and answers at hand come at once.
    """
    if isinstance(model.config, ApiSpace):
        return None
    if seconds is not None:
        return len(texts) / max(seconds, 1e-6)
    some = [text.text for _, text in zip(range(_MOST_TIMED), texts, strict=False)]
    began = time.monotonic()
    encoder.encode(some)
    return len(some) / max(time.monotonic() - began, 1e-6)


def _check_different(made: Mapping[str, MadeSpace]) -> None:
    """Nothing is to be translated between two names of one space."""
    names: dict[str, str] = {}
    for name, space in made.items():
        other = names.setdefault(space.documents.space.id, name)
        if other != name:
            raise MatryoError(f"the spaces {other} and {name} are one, made by the same model; leave one of them out")
