"""A note beside a translated set: from which model's vectors, toward whose, by which map."""

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from matryo.embeddings import EmbeddingSet
from matryo.experiments.encoding import noted_model
from matryo.files import check_fields, check_format, read_json, write_json
from matryo.maps import Map, Translator, imitated_id
from matryo.search.stores.origin import Origin

TRANSLATION_FILE = "translation.json"
_FORMAT = 1
_UNKNOWN_MAP = "a map that nobody noted"


@dataclass(frozen=True)
class TranslationNote:
    """What a translated set's space alone does not tell.

    Attributes:
        space_id: of the translated vectors.
        source: name of the model that encoded the texts, "" if unknown.
        source_space: id of the space that the map reads.
        target: name of the model that is imitated, "" if unknown.
        target_space: id of its space; of a map that imitates none, the one it leads into.
        map: kind of the map.
        map_digest: of its numbers.
        seed: of its fit, "" if none was noted.
    """

    space_id: str
    source: str
    source_space: str
    target: str
    target_space: str
    map: str
    map_digest: str
    seed: str

    @classmethod
    def of(cls, fitted: Map, source: str = "", target: str = "") -> "TranslationNote":
        """What a map is, and the names of the two models where they are known."""
        space = fitted.target
        toward = fitted.toward if isinstance(fitted, Translator) else space
        settings = getattr(fitted, "settings", {})
        seed = str(settings["seed"]) if "seed" in settings else ""
        digest = space.maps[-1].rpartition(":")[2] if space.maps else ""
        return cls(space.id, source, fitted.source.id, target, toward.id, fitted.kind, digest, seed)


def note_translation(folder: Path, note: TranslationNote) -> None:
    """Write the note into a set's folder."""
    write_json(folder / TRANSLATION_FILE, {"format": _FORMAT, **asdict(note)})


def noted_translation(folder: Path, space_id: str) -> TranslationNote | None:
    """The note of a set, None if there is none for this space.

    Raises: FormatError if the note is there and cannot be read.
    """
    path = folder / TRANSLATION_FILE
    if not path.exists():
        return None
    stored = read_json(path, "the note of a translated set")
    if isinstance(stored, dict):
        check_format(stored.get("format"), _FORMAT, path)
    names = [field.name for field in fields(TranslationNote)]
    check_fields(stored, {"format": int, **dict.fromkeys(names, str)}, path)
    note = TranslationNote(**{name: stored[name] for name in names})
    return note if note.space_id == space_id else None


def model_name(folder: Path, space_id: str) -> str:
    """Short name of the model noted beside a native set, "" if nobody noted one; of a model's folder its last part."""
    noted = noted_model(folder, space_id)
    return "" if noted is None else Path(noted.name).name


def origin_of(vectors: EmbeddingSet, texts: str = "", rows: str = "") -> Origin:
    """Where the vectors of a set come from, as far as its space and the notes beside it tell.

    Args:
        vectors: any set.
        texts: name of its texts.
        rows: "all" or "held-out".

    Raises: FormatError if a note is damaged.
    """
    space = vectors.space
    note = noted_translation(vectors.folder, space.id)
    if note is not None:
        return Origin(
            texts, note.source, note.source_space, note.target, note.target_space, note.map, note.map_digest,
            note.seed, rows,
        )  # fmt: skip
    imitated = imitated_id(space)
    if imitated is not None:
        digest = space.maps[-1].rpartition(":")[2]
        return Origin(texts, target_space=imitated, map=_UNKNOWN_MAP, map_digest=digest, rows=rows)
    name = model_name(vectors.folder, space.id)
    return Origin(texts, name, space.id, name, space.id, rows=rows)


def with_names(origin: Origin, names: dict[str, str]) -> Origin:
    """The same with models' names filled in where they are unknown.

    Args:
        origin: of a store.
        names: space id -> name of the model, e.g. of the native stores beside it.
    """
    source = origin.source or names.get(origin.source_space, "")
    return replace(origin, source=source, target=origin.target or names.get(origin.target_space, ""))
