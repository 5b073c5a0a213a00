"""A question in words, answered from the folder of an index."""

from dataclasses import dataclass
from pathlib import Path

from matryo.errors import MatryoError
from matryo.experiments.index_folder import IndexFolder
from matryo.experiments.index_queries import load_model
from matryo.experiments.settings import ModelSettings
from matryo.hits import MISSING, check_k


@dataclass(frozen=True)
class Answer:
    """One hit.

    Attributes:
        rank: from 1.
        score: cosine.
        id: of the text.
        text: itself, "" if the folder has no texts.
    """

    rank: int
    score: float
    id: str
    text: str


@dataclass(frozen=True)
class Answers:
    """What was found.

    Attributes:
        answers: best first.
        notes: what a reader must know, one sentence each.
    """

    answers: tuple[Answer, ...]
    notes: tuple[str, ...]


def search_folder(
    folder: Path,
    question: str,
    k: int = 10,
    *,
    dim: int | None = None,
    model: ModelSettings | None = None,
    passages: Path | None = None,
) -> Answers:
    """Find the texts nearest to a question.

    Args:
        folder: made by `build_folder`.
        question: in words.
        k: hits; fewer come if there are fewer texts.
        dim: prefix length to compare, counted in the rotated vectors; None = all.
        model: how to run the model; an empty name, or None, stands for the one noted in the folder.
        passages: file of texts to use instead of the one noted in the folder.

    Raises: MatryoError if the question is empty, k is below 1, no model is known or passages lack an id; FormatError
        if the folder is damaged; SpaceError if the model leads into another space.
    """
    check_k(k)
    if not question.strip():
        raise MatryoError("the question is empty, expected at least one word; put it in quotes")
    opened = IndexFolder.open(folder)
    encoder, said = load_model(opened.model(model or ModelSettings("")), str(folder), opened.index.space)
    vector = encoder.encode([question], "query")
    notes = [*said, *(f"{why}; what was added or removed is not seen" for why in (opened.stale(),) if why)]
    if not vector.any():
        notes.append("the model knows no word of this question; every text scores 0")
    hits = opened.index.search(vector, k, dim)
    ids = opened.ids()
    found = [
        (ids[row], float(score)) for row, score in zip(hits.rows[0], hits.scores[0], strict=True) if row != MISSING
    ]
    texts = [""] * len(found)
    if (store := opened.passages(passages)) is None:
        notes.append(f"{folder} has no texts; give --passages FILE, or encode with --keep-texts")
    else:
        with store:
            texts = store.texts([id for id, _ in found])
    ranked = enumerate(zip(found, texts, strict=True), start=1)
    return Answers(tuple(Answer(rank, score, id, text) for rank, ((id, score), text) in ranked), tuple(notes))
