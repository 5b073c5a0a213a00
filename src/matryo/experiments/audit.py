"""The leak audit as a command runs it: read any set of paired texts, audit one part, write what was found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from matryo.config import read_config, read_yaml
from matryo.data.masking import mask_name
from matryo.data.table_files import FORMATS
from matryo.data.view_files import NAME, parts_given, read_view_file, stdlib_views
from matryo.data.views import View, Views
from matryo.errors import FormatError, MatryoError, ShapeError
from matryo.evaluation.copied import ID, copied_labels
from matryo.evaluation.leak_audit import MAX_TEXTS, Frozen, LeakAudit, audit_leaks
from matryo.experiments.identity_config import PeopleData, SharedPrefixConfig, StdlibData
from matryo.experiments.identity_data import PARTS, DataSettings, IdentityData, make_identity_data, read_identity_data
from matryo.experiments.settings import ModelSettings
from matryo.files import write_json
from matryo.reports.audit_report import write_audit_reports

ALL = "all"
DEFAULT_DIM = 64
JSON_FILE = "audit.json"
_ID_SHARE = 0.01
"""Ids are names to be masked if they stand in one of the two texts of so many pairs."""


@dataclass(frozen=True)
class PairsFile:
    """How to read a file with both texts of an entity in each row; () and None = not said.

    Attributes:
        columns: of the two texts.
        id: column of the ids.
        mask: column with a name that is hidden in the second form of the texts.
        group: column whose equal values are resampled together.
        part: column that says which part of a split a row belongs to.
        separator: of a CSV.
        skip_bad: leave out bad lines and empty texts, and count them.
    """

    columns: tuple[str, ...] = ()
    id: str | None = None
    mask: str | None = None
    group: str | None = None
    part: str | None = None
    separator: str | None = None
    skip_bad: bool = False


@dataclass(frozen=True, eq=False)
class AuditData:
    """What is audited.

    Attributes:
        views: the audited part.
        others: further parts, by name.
        masked: the audited part with names hidden; None = nothing known to hide.
    """

    views: Views
    others: Mapping[str, Views]
    masked: Views | None = None


def read_audit_data(
    source: str,
    part: str | None = None,
    file: PairsFile | None = None,
    *,
    overrides: Sequence[str] = (),
    progress: bool = False,
) -> AuditData:
    """Read any set of paired texts.

    Args:
        source: a folder of made-up people, a config of a shared-prefix run, a file of pairs, or the word stdlib.
        part: which part of the split; None = test where the data know parts, else everything.
        file: how to read a file of pairs; for other sources it must say nothing.
        overrides: values that replace those of a config, `key.key=value`; for other sources none.
        progress: show on stderr how people are made that a config asks for.

    Raises: FormatError, MatryoError for what cannot be read, and for a part there is not.
    """
    file = file or PairsFile()
    path = Path(source)
    is_config = path.suffix in (".yaml", ".yml") and not path.is_dir()
    is_file = source != "stdlib" and not path.is_dir() and not is_config
    if overrides and not is_config:
        raise MatryoError(f"--set replaces values of a config, got {source}; leave it out")
    if not is_file and file != PairsFile():
        said = [name for name, value in vars(file).items() if value]
        raise MatryoError(f"{', '.join(said)} can be said of a file of pairs only, got {source}; leave it out")
    if is_file:
        return _file(path, part, file)
    if source == "stdlib":
        _only_all(source, part)
        return AuditData(stdlib_views(), {}, stdlib_views(mask_names=True))
    if path.is_dir():
        if not (path / "people.json").is_file():
            raise FormatError(
                f"{path} holds no people.json; expected a folder that matryo data people wrote, a config (.yaml), "
                f"a file of pairs ({', '.join(FORMATS)}) or stdlib"
            )
        return _of_parts(_identity_data(PeopleData(kind="people", path=str(path)), progress), part)
    return _config(path, part, overrides, progress)


def run_audit(
    source: str,
    *,
    part: str | None = None,
    file: PairsFile | None = None,
    overrides: Sequence[str] = (),
    model: ModelSettings | None = None,
    dim: int | None = None,
    max_texts: int = MAX_TEXTS,
    seed: int = 0,
    out: Path | None = None,
    progress: bool = False,
) -> LeakAudit:
    """Audit any set of paired texts.

    Args:
        source: see `read_audit_data`.
        part: see `read_audit_data`.
        file: see `read_audit_data`.
        overrides: see `read_audit_data`.
        model: the frozen model to measure beside the strings; None = none.
        dim: its prefix length to measure beside the width; None = 64 where the model has more.
        max_texts: of each domain.
        seed: of every choice.
        out: folder for audit.json, audit.md and audit.html; None = nothing is written.
        progress: show on stderr how far it is.

    Raises: as `read_audit_data`, `audit_leaks` and `load_encoder`; ShapeError if dim exceeds the model's width.
    """
    data = read_audit_data(source, part, file, overrides=overrides, progress=progress)
    frozen = None if model is None else _frozen(model, dim, progress)
    audit = audit_leaks(
        data.views,
        others=data.others,
        masked=data.masked,
        frozen=frozen,
        max_texts=max_texts,
        seed=seed,
        progress=progress,
    )
    if out is not None:
        write_json(out / JSON_FILE, audit.to_json())
        write_audit_reports(audit, out)
    return audit


def _file(path: Path, part: str | None, file: PairsFile) -> AuditData:
    if not path.exists():
        raise FormatError(
            f"{path} does not exist; give a folder of matryo data people, a config (.yaml), a file of pairs "
            f"({', '.join(FORMATS)}) or the word stdlib"
        )
    if len(file.columns) != 2:
        raise MatryoError(
            f"{path}: a file of pairs needs the columns of its two texts, got {list(file.columns)}; "
            "give --columns FIRST,SECOND"
        )

    def read(mask: str | None) -> Views:
        return read_view_file(
            path,
            columns=(file.columns[0], file.columns[1]),
            id=file.id,
            group=file.group,
            part=file.part,
            mask=mask,
            separator=file.separator,
            skip_bad=file.skip_bad,
        )

    whole = read(None)
    masked = read(file.mask) if file.mask else _masked_by_ids(whole) if file.id else None
    if file.part is None:
        _only_all(str(path), part)
        return AuditData(whole, {}, masked)
    names = sorted(set(whole.a.labels["part"]))
    chosen = _known_part(str(path), part, names)
    parts = parts_given(whole, names)
    others = {name: views for name, views in parts.items() if name != chosen}
    return AuditData(parts[chosen], others, parts_given(masked, (chosen,))[chosen] if masked else None)


def _config(path: Path, part: str | None, overrides: Sequence[str], progress: bool) -> AuditData:
    kind = read_yaml(path).get("experiment")
    if kind != "shared_prefix":
        raise MatryoError(f"{path} is of experiment {kind!r}, an audit reads those of shared_prefix; name one of these")
    config = read_config(path, SharedPrefixConfig, overrides)
    data = _of_parts(_identity_data(config.data, progress), part)
    if isinstance(config.data, StdlibData) and not config.data.mask_names:
        hidden = _identity_data(config.data.model_copy(update={"mask_names": True}), progress)
        return replace(data, masked=_of_parts(hidden, part).views)
    return data


def _identity_data(settings: DataSettings, progress: bool) -> IdentityData:
    if isinstance(settings, PeopleData) and settings.path is None:
        # the run makes them in its own folder; made again here they are the same
        with TemporaryDirectory(prefix="matryo-audit-") as folder:
            make_identity_data(settings, Path(folder) / "people", progress=progress)
            return read_identity_data(settings, Path(folder) / "people")
    return read_identity_data(settings, Path())


def _of_parts(data: IdentityData, part: str | None) -> AuditData:
    chosen = _known_part(data.name, part, PARTS)
    others = {name: views for name, views in data.parts.items() if name != chosen}
    return AuditData(replace(data.parts[chosen], notes=data.notes), others)


def _known_part(source: str, part: str | None, names: tuple[str, ...] | list[str]) -> str:
    chosen = part or "test"
    if chosen not in names:
        raise MatryoError(f"{source} has the parts {', '.join(names)}, got {chosen!r}; name one of them with --part")
    return chosen


def _only_all(source: str, part: str | None) -> None:
    if part not in (None, ALL):
        raise MatryoError(
            f"{source} is not divided into parts, got part {part!r}; leave it out, or name the column of a file with "
            "--part-column"
        )


def _masked_by_ids(views: Views) -> Views | None:
    """The views with every text's own id hidden, if ids are names: words that stand in the texts."""
    (found,) = [one for one in copied_labels(views, seed=0) if one.label == ID] or (None,)
    letters = any(character.isalpha() for id in views.a.ids for character in id)
    if found is None or not letters or max(found.in_a, found.in_b) < _ID_SHARE:
        return None

    def hidden(view: View) -> View:
        texts = (mask_name(text, id, NAME) for text, id in zip(view.texts, view.ids, strict=True))
        return replace(view, texts=tuple(texts))

    note = f"ids are names: they and their parts are replaced by {NAME} in both texts"
    return replace(views, a=hidden(views.a), b=hidden(views.b), notes=(*views.notes, note))


def _frozen(model: ModelSettings, dim: int | None, progress: bool) -> Frozen:
    encoder = model.load()
    if dim is not None and not 1 <= dim <= encoder.width:
        raise ShapeError(
            f"dim must lie within 1..{encoder.width}, the width of {model.name}, got {dim}; give a shorter one"
        )
    prefix = dim or (DEFAULT_DIM if encoder.width > DEFAULT_DIM else None)
    return Frozen(model.name, lambda texts: encoder.encode(list(texts), progress=progress), encoder.width, prefix)
