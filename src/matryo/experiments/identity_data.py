"""The two views of a shared-prefix run in three parts that share nobody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from matryo.data.split import split_groups
from matryo.data.view_files import PART, TableView, parts_given, read_view_file, read_view_tables, stdlib_views
from matryo.data.views import Views, check_parts, split_views
from matryo.experiments.identity_config import FileData, PeopleData, Shares, StdlibData, TablesData, TableSide
from matryo.files import digest_json

PARTS = ("train", "validation", "test")

DataSettings = PeopleData | TablesData | FileData | StdlibData


@dataclass(frozen=True, eq=False)
class IdentityData:
    """The three parts; no id of one stands in another.

    Attributes:
        name: of the data, in reports.
        train: what is trained on.
        validation: fits probes and watches the training.
        test: what is reported.
        notes: what was left out and how it was divided, one sentence each.
        key: SHA-256 of all texts, matches, labels and mined rows of the parts.
    """

    name: str
    train: Views
    validation: Views
    test: Views
    notes: tuple[str, ...]
    key: str

    @property
    def parts(self) -> Mapping[str, Views]:
        """Part name -> its views."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


def make_identity_data(settings: DataSettings, folder: Path, *, progress: bool = False) -> None:
    """Write the people of a run into its own folder; what is whole there already is kept. Other data are only read."""
    if isinstance(settings, PeopleData) and settings.path is None:
        # imported here: other data need no people
        from matryo.data.people.files import write_people

        counts = {part: int(getattr(settings, part)) for part in PARTS}
        write_people(
            folder,
            n=sum(counts.values()),
            counts=counts,
            seed=settings.seed,
            level=settings.level,
            held_out=settings.held_out,
            n_triplets=settings.triplets,
            progress=progress,
        )


def read_identity_data(settings: DataSettings, folder: Path) -> IdentityData:
    """Read the three parts and write nothing, so that several processes may do it at once.

    Args:
        settings: where texts come from.
        folder: that `make_identity_data` wrote.

    Raises: MatryoError, FormatError if a file is missing or malformed, an id crosses parts, or a part has fewer than 2
        matched entities.
    """
    if isinstance(settings, PeopleData):
        return _people(Path(settings.path) if settings.path else folder)
    views, parts = _divided(settings)
    return _data(views.name, parts, views.notes)


def _people(folder: Path) -> IdentityData:
    # imported here: other data need no people
    from matryo.data.people.files import read_people

    parts = {part: read_people(folder, part) for part in PARTS}
    return _data("people", parts, ("people are made up: no text is about anybody",))


def _divided(settings: TablesData | FileData | StdlibData) -> tuple[Views, dict[str, Views]]:
    if isinstance(settings, TablesData):
        views = read_view_tables(
            _table(settings.a),
            _table(settings.b),
            Path(settings.matches),
            columns=settings.match_columns,
            separator=settings.separator,
            skip_bad=settings.skip_bad,
            name=settings.name,
        )
    elif isinstance(settings, StdlibData):
        views = stdlib_views(mask_names=settings.mask_names)
    else:
        views = read_view_file(
            Path(settings.path),
            columns=settings.columns,
            id=settings.id,
            domains=settings.domains,
            group=settings.group,
            part=settings.part,
            mask=settings.mask,
            separator=settings.separator,
            skip_bad=settings.skip_bad,
        )
        if settings.part:
            others = [part for part in views.a.labels[PART] if part not in PARTS]
            if others:
                note = f"{len(others):,} rows of the parts {', '.join(sorted(set(others)))} are left out"
                views = replace(views, notes=(*views.notes, note))
            return views, _named_parts(views, settings.shares, settings.seed)
    return views, split_views(views, _shares(settings.shares), settings.seed)


def _named_parts(views: Views, shares: Shares, seed: int) -> dict[str, Views]:
    """Parts that the file names; where it has no validation, a share of the training rows."""
    given = set(views.a.labels[PART])
    if "validation" in given:
        return parts_given(views, PARTS)
    named = parts_given(views, ("train", "test"))
    kept = shares.validation / (shares.train + shares.validation)
    train = named["train"]
    divided = split_groups(train.groups, {"train": 1.0 - kept, "validation": kept}, seed)
    return {
        **{part: train.take(entities, f"{views.name} {part}") for part, entities in divided.items()},
        "test": named["test"],
    }


def _data(name: str, parts: Mapping[str, Views], notes: Sequence[str]) -> IdentityData:
    chosen = [parts[part] for part in PARTS]
    check_parts(chosen)
    counts = ", ".join(f"{len(views.matched):,} {part}" for part, views in zip(PARTS, chosen, strict=True))
    told = f"entities that both domains describe: {counts}; no entity lies in two parts"
    named = {part: replace(parts[part], name=f"{name} {part}") for part in PARTS}
    return IdentityData(
        name,
        named["train"],
        named["validation"],
        named["test"],
        (*notes, told),
        digest_json([views.digest() for views in chosen]),
    )


def _table(side: TableSide) -> TableView:
    return TableView(Path(side.path), side.domain, side.columns, side.id, side.separator)


def _shares(shares: Shares) -> dict[str, float]:
    return {part: float(getattr(shares, part)) for part in PARTS}
