"""Texts from a file or folder into an embedding set."""

from dataclasses import dataclass
from pathlib import Path

from matryo.data import Texts, open_retrieval, open_texts
from matryo.encoders import Encoder, Role, encode_to_set
from matryo.experiments.settings import ModelSettings


@dataclass(frozen=True)
class EncodedTexts:
    """What `encode_texts` made.

    Attributes:
        n_rows: texts encoded.
        width: numbers per vector.
        space_id: identity of the space.
        notes: what a reader must know, one sentence each.
    """

    n_rows: int
    width: int
    space_id: str
    notes: tuple[str, ...]


def texts_of_role(path: Path, role: Role, *, skip_bad: bool = False) -> Texts:
    """Texts of a file, or of a retrieval folder: its documents or its queries, by role.

    Raises: FormatError if there is nothing to read or a line is malformed.
    """
    if path.is_dir() and role == "query":
        return open_retrieval(path, skip_bad=skip_bad).queries
    return open_texts(path, skip_bad=skip_bad)


def encode_texts(
    model: ModelSettings,
    texts: Path,
    out: Path,
    *,
    role: Role = "document",
    dtype: str = "float32",
    keep_texts: bool = False,
    skip_bad: bool = False,
    progress: bool = False,
) -> EncodedTexts:
    """Encode texts into the embedding set `out`; the same call goes on where an interrupted one was.

    Raises: MatryoError for anything unreadable, an unknown model, or a folder that holds another set.
    """
    source = texts_of_role(texts, role, skip_bad=skip_bad)
    encoder = model.load()
    made = encode_to_set(encoder, source, out, role=role, dtype=dtype, keep_texts=keep_texts, progress=progress)
    return EncodedTexts(made.n_rows, made.width, made.space.id, (*source.notes, *truncation_note(encoder)))


def truncation_note(encoder: Encoder, since: int = 0) -> tuple[str, ...]:
    """One sentence if texts were longer than the model reads; `since` is what `encoder.truncated` was before."""
    n = encoder.truncated - since
    if not n:
        return ()
    return (f"{n:,} texts are longer than the {encoder.space.max_tokens} tokens that are read; their rest was ignored",)
