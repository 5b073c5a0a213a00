"""Texts from a file or folder into an embedding set, with a note of the model that made it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from matryo.data import Retrieval, Texts, open_retrieval, open_texts
from matryo.data.stdlib import stdlib_pairs
from matryo.encoders.base import Encoder, Role
from matryo.errors import MatryoError
from matryo.experiments.settings import ModelSettings
from matryo.files import check_fields, check_format, read_json, write_json

STDLIB = "stdlib"
FIT_LSA = "lsa:"
"""Begins the name of a model that is fitted on the texts themselves; its width follows."""
_LSA_FOLDER = "lsa"
_LSA_NOTE = (
    "LSA is fitted on all of these texts: none of them is new to it, also those that `matryo translate fit` holds out; "
    "a study (`matryo run configs/translation/...`) fits it on the others alone"
)
ENCODER_FILE = "encoder.json"
_FORMAT = 1
_FIELDS = {"format": int, "space_id": str, "model": str}
_IF_GIVEN = ("max_tokens", "dim")


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


def open_task(data: Path, split: str | None = None, *, skip_bad: bool = False) -> Retrieval:
    """A retrieval task: a folder in any layout, a file of pairs, or the standard library's own for the word "stdlib".

    Raises: FormatError as `open_retrieval`.
    """
    if str(data) == STDLIB:
        return stdlib_pairs().to_retrieval()
    return open_retrieval(data, split, skip_bad=skip_bad)


def texts_of_role(path: Path, role: Role, *, skip_bad: bool = False) -> Texts:
    """Texts of a file, or of a retrieval folder or "stdlib": its documents or its queries, by role.

    Raises: FormatError if there is nothing to read or a line is malformed.
    """
    if str(path) == STDLIB or (path.is_dir() and role == "query"):
        task = open_task(path, skip_bad=skip_bad)
        return task.queries if role == "query" else task.documents
    return open_texts(path, skip_bad=skip_bad)


def encode_texts(
    model: ModelSettings,
    texts: Path,
    out: Path,
    *,
    role: Role = "document",
    dtype: str = "float32",
    keep_texts: bool = False,
    dim: int | None = None,
    allow_untrained: bool = False,
    skip_bad: bool = False,
    progress: bool = False,
) -> EncodedTexts:
    """Encode texts into the embedding set `out`; the same call goes on where an interrupted one was.

    The model's name and the dim of the cut are noted beside the set, so that an index of it can be searched by text.

    Args:
        model: which, and how to run it; "lsa:256" is LSA of that width, fitted on these very texts (documents only)
            and kept in the folder `lsa` inside `out`, by which it is loaded from then on.
        texts: a file, or a folder of a retrieval task.
        out: folder of the set.
        role: which prompt, and which texts of a task.
        dtype: "float32" or "float16", as stored.
        keep_texts: store the texts beside the vectors.
        dim: prefix length to which the vectors are cut for keeps; None = full width.
        allow_untrained: cut although nobody has shown that the model's prefix is good.
        skip_bad: leave out malformed lines, count and list them.
        progress: show rate and time left.

    Raises: MatryoError for anything unreadable, an unknown model, one that may not be cut to this dim, or a folder
        that holds another set.
    """
    # imported here: notes of models are read without torch
    from matryo.encoders import check_cut, cut_encoder, encode_to_set, read_cards

    source = texts_of_role(texts, role, skip_bad=skip_bad)
    why: tuple[str, ...] = ()
    if model.name.startswith(FIT_LSA):
        model = replace(model, name=str(_fit_lsa(model.name, source, role, out / _LSA_FOLDER)))
        why = (_LSA_NOTE,)
    encoder: Encoder = model.load()
    if dim is not None:
        leave = check_cut(encoder, dim, cards=read_cards(model.cards), allow_untrained=allow_untrained)
        encoder, why = cut_encoder(encoder, dim), (*why, leave.why)
    made = encode_to_set(encoder, source, out, role=role, dtype=dtype, keep_texts=keep_texts, progress=progress)
    note_model(out, replace(model, dim=dim), made.space.id)
    return EncodedTexts(made.n_rows, made.width, made.space.id, (*why, *source.notes, *truncation_note(encoder)))


def _fit_lsa(name: str, texts: Texts, role: Role, folder: Path) -> Path:
    """Fit LSA on all texts and save it; one that is there already stays, so that a set can be gone on with."""
    # imported here: most models are there already
    from matryo.encoders import fit_lsa, load_lsa
    from matryo.encoders.lsa_files import is_lsa

    width = name.removeprefix(FIT_LSA)
    if not width.isdecimal() or int(width) < 1:
        raise MatryoError(f"LSA is fitted with {FIT_LSA}WIDTH such as {FIT_LSA}256, got {name!r}; write it so")
    if role != "document":
        raise MatryoError(
            f"LSA is fitted on documents, got {name!r} with the role query; encode the documents first, then the "
            f"queries with the folder that this makes (SET/{_LSA_FOLDER}) as the model"
        )
    if not is_lsa(folder):
        fit_lsa([text.text for text in texts], int(width), name=folder.parent.name).save(folder)
    elif (found := load_lsa(folder).width) != int(width):
        raise MatryoError(f"{folder} holds LSA of width {found}, {name!r} was asked for; choose another folder")
    return folder


def note_model(folder: Path, model: ModelSettings, space_id: str) -> None:
    """Write which model made a set; a set's space knows its weights, but no name to load them by.

    Leave to run foreign code or to read pickles is not noted: it is given anew each time, or not.
    """
    name = str(Path(model.name).resolve()) if Path(model.name).is_dir() else model.name
    stored = {"format": _FORMAT, "space_id": space_id, "model": name}
    if model.max_tokens is not None:
        stored["max_tokens"] = model.max_tokens
    if model.dim is not None:
        stored["dim"] = model.dim
    write_json(folder / ENCODER_FILE, stored)


def note_encoders(folders: Sequence[Path], model: ModelSettings, space_id: str) -> None:
    """Write which model made some sets of one space, beside those that do not have the note yet."""
    for folder in folders:
        if noted_model(folder, space_id) is None:
            note_model(folder, model, space_id)


def noted_model(folder: Path, space_id: str) -> ModelSettings | None:
    """The model that made a set, None if nobody noted one for this space.

    Raises: FormatError if the note is there and cannot be read.
    """
    path = folder / ENCODER_FILE
    if not path.exists():
        return None
    stored = read_json(path, "the note of a set's model")
    if isinstance(stored, dict):
        check_format(stored.get("format"), _FORMAT, path)
    given = {name: int for name in _IF_GIVEN if isinstance(stored, dict) and name in stored}
    check_fields(stored, {**_FIELDS, **given}, path)
    if stored["space_id"] != space_id:
        return None
    return ModelSettings(stored["model"], max_tokens=stored.get("max_tokens"), dim=stored.get("dim"))


def truncation_note(encoder: Encoder, since: int = 0) -> tuple[str, ...]:
    """One sentence if texts were longer than the model reads; `since` is what `encoder.truncated` was before."""
    n = encoder.truncated - since
    if not n:
        return ()
    return (f"{n:,} texts are longer than the {encoder.space.max_tokens} tokens that are read; their rest was ignored",)
