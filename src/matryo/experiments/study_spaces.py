"""The spaces of a translation study: every text encoded by every model, once."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

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
_ROWS_AT_ONCE = 8_192
_SPACE_VERSION = 2  # 1 encoded every query, in the same stage
_ELSEWHERE = frozenset({"device", "trust_remote_code", "allow_pickle"})
"""Keys of a space that change where and whether it is computed, and nothing of what it is."""


@dataclass(frozen=True, eq=False)
class MadeSpace:
    """One space with everything that is encoded in it.

    Attributes:
        name: of the space.
        documents: every document, with its text.
        queries: every query with a relevant document among those held out; None if there is none.
        facts: what `space.json` says.
        key: of the stage that made it and encoded the documents.
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
    """Encode all documents, and the queries that are asked, in all spaces; what is finished is read, no model loaded.

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
        if isinstance(space, ApiSpace):
            wanted = [tasks[name], _query_task(name, tasks[name], texts)]
            if not all(stages.finished(*task) for task in wanted if task is not None):
                agree_to_cost(name, space, texts, stages.folder, confirm, say)
    made = {}
    for name, model in models.items():
        encoder = cache(partial(_encoder, model))
        stages.run(*tasks[name], _maker(model, texts, encoder, progress), folder=f"{SPACES_FOLDER}/{name}")
        _ask(model, texts, _query_task(name, tasks[name], texts), stages, encoder, progress)
        made[name] = open_space(model, tasks[name].key)
    _check_different(made)
    return made


def space_tasks(config: StudyConfig, texts: StudyTexts) -> dict[str, Task]:
    """The stage that makes each space and encodes the documents."""
    # the numbers of a model that is there already do not depend on how documents are divided
    documents = texts.documents.digest()
    divided = digest_json([documents, texts.split.to_json()])

    def inputs(space: SpaceConfig) -> dict[str, str]:
        if isinstance(space, FinetunedSpace):
            return {"texts and split": texts.key}
        return {"documents and split": divided} if isinstance(space, LsaSpace) else {"documents": documents}

    return {
        name: Task(f"space {name}", _SPACE_VERSION, _settings(space), inputs(space))
        for name, space in config.spaces.items()
    }


def open_space(model: SpaceModel, key: str) -> MadeSpace:
    """A space that is finished, without loading its model; for processes that fit.

    Raises: FormatError if something of it is missing or damaged.
    """
    folder = model.folder
    facts = {**read_json(folder / FACTS_FILE, "the facts of a space"), "n_queries": 0}
    queries = None
    if (folder / QUERIES).is_dir():
        queries = EmbeddingSet.open(folder / QUERIES)
        asked = read_json(folder / QUERIES / FACTS_FILE, "the facts of the queries of a space")
        facts = {**facts, "n_queries": queries.n_rows, "notes": [*facts["notes"], *asked["notes"]]}
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


def _maker(model: SpaceModel, texts: StudyTexts, load: Callable[[], Encoder], progress: bool) -> Callable[[], None]:
    return lambda: _make(model, texts, load, progress)


def _make(model: SpaceModel, texts: StudyTexts, load: Callable[[], Encoder], progress: bool) -> None:
    """Make a space, going on where an earlier call was interrupted; its facts are written last."""
    began = time.monotonic()
    notes = model.make(texts, progress=progress)
    making_s = time.monotonic() - began
    encoder = load()
    begun = (model.folder / DOCUMENTS).exists()
    began = time.monotonic()
    documents = _encoded(model, encoder, texts.documents, "document", progress)
    seconds = time.monotonic() - began
    truncated = model.truncated(encoder)
    rate = _rate(model, encoder, texts.documents, None if begun else seconds)
    write_json(
        model.folder / FACTS_FILE,
        {
            "space": model.name,
            "kind": model.config.kind,
            "model": encoder.name if model.settings is None else model.settings.name,
            "width": encoder.width,
            "n_documents": documents.n_rows,
            "seconds": None if rate is None else round(documents.n_rows / rate, 3),
            "texts_per_second": None if rate is None else round(rate, 2),
            "seconds_to_make_the_model": round(making_s, 2),
            "space_id": documents.space.id,
            "encoder": dict(encoder.description),
            "notes": [*notes, *(f"documents: {note}" for note in (*truncated, *_without_direction(documents)))],
        },
    )


def _without_direction(documents: EmbeddingSet) -> tuple[str, ...]:
    """One sentence if some rows are all zero: they have no neighbours, and no translator can learn or find them."""
    n, starts = documents.n_rows, range(0, documents.n_rows, _ROWS_AT_ONCE)
    parts = (documents.read(slice(start, min(start + _ROWS_AT_ONCE, n)), 0, documents.width) for start in starts)
    n_zero = sum(int(np.count_nonzero(~part.any(axis=1))) for part in parts)
    if not n_zero:
        return ()
    return (f"{n_zero:,} of {n:,} are empty to the model (no known word), their numbers are all 0",)


def _query_task(name: str, space: Task, texts: StudyTexts) -> Task | None:
    """Encoding the queries that are asked, a stage of its own: another split asks others of the same documents."""
    asked = texts.asked_queries
    return None if asked is None else Task(f"{QUERIES} {name}", 1, {}, {space.name: space.key, "asked": asked.digest()})


def _ask(
    model: SpaceModel, texts: StudyTexts, task: Task | None, stages: Stages, load: Callable[[], Encoder], progress: bool
) -> None:
    asked = texts.asked_queries
    if task is None or asked is None:
        stages.remove(f"{QUERIES} {model.name}")
        return

    def make() -> None:
        encoder = load()
        before = encoder.truncated
        made = _encoded(model, encoder, asked, "query", progress)
        notes = [f"queries: {note}" for note in model.truncated(encoder, before)]
        write_json(made.folder / FACTS_FILE, {"notes": notes})

    stages.run(*task, make, folder=f"{SPACES_FOLDER}/{model.name}/{QUERIES}", derived=True)


def _encoded(model: SpaceModel, encoder: Encoder, texts: Texts, role: Role, progress: bool) -> EmbeddingSet:
    # imported here: a study whose spaces are all made needs no torch
    from matryo.encoders import encode_to_set

    folder = model.folder / (QUERIES if role == "query" else DOCUMENTS)
    made = encode_to_set(encoder, texts, folder, role=role, keep_texts=True, progress=progress)
    if model.settings is not None:
        note_model(made.folder, model.settings, made.space.id)
    return made


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
