"""The config of a shared-prefix run: what stands in `configs/shared_prefix/*.yaml`."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, field_validator, model_validator

from matryo.errors import MatryoError
from matryo.experiments.run_config import ModelConfig, Name
from matryo.training.identity_methods import IDENTITY_METHODS, identity_method
from matryo.training.identity_settings import IdentityTrainSettings
from matryo.training.settings import Settings

Seed = Annotated[int, Field(ge=0)]
Separator = Annotated[str, Field(min_length=1, max_length=1)]
Baseline = Literal[
    "chance", "template", "TF-IDF", "BM25", "character n-grams", "co-occurrence", "attribute oracle",
    "frozen", "rotation", "head",
]  # fmt: skip


class Shares(Settings):
    """How entities are divided.

    Attributes:
        train: share that is trained on.
        validation: share that fits probes and watches the training.
        test: share that is reported.
    """

    train: Annotated[float, Field(gt=0, lt=1)] = 0.6
    validation: Annotated[float, Field(gt=0, lt=1)] = 0.1
    test: Annotated[float, Field(gt=0, lt=1)] = 0.3

    @model_validator(mode="after")
    def _sum_is_one(self) -> Self:
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"shares must sum to 1, got {total:g}")
        return self


class PeopleData(Settings):
    """Made-up people.

    Attributes:
        kind: people.
        path: a folder that `matryo data people` wrote; None = made in the run's own folder by what follows.
        train: people to train on.
        validation: people that fit probes and watch the training.
        test: people that are reported.
        level: plain, or disjoint: no attribute is told with the same words in both domains.
        held_out: two templates of each domain occur in the test only, and no others there.
        triplets: of each domain, in every part.
        seed: of the people.
    """

    kind: Literal["people"]
    path: str | None = None
    train: PositiveInt = 3400
    validation: PositiveInt = 600
    test: PositiveInt = 2000
    level: Literal["plain", "disjoint"] = "disjoint"
    held_out: bool = True
    triplets: PositiveInt = 5000
    seed: Seed = 0


class TableSide(Settings):
    """One of two tables.

    Attributes:
        path: JSON Lines, TSV, CSV or Parquet.
        domain: what its texts are called.
        columns: that make up the text; () = all but the id.
        id: column of the ids.
        separator: of a CSV; None = a comma.
    """

    path: str
    domain: str
    columns: tuple[str, ...] = ()
    id: str = "id"
    separator: Separator | None = None


class TablesData(Settings):
    """Two tables and the pairs of ids that describe one entity.

    Attributes:
        kind: tables.
        name: in reports.
        a: the first table.
        b: the second.
        matches: file of the pairs.
        match_columns: of that file, a's id and b's; None = its first two.
        separator: of that file; None = a comma.
        shares: of the entities.
        seed: of the split.
        skip_bad: leave out bad lines and empty texts, and count them.
    """

    kind: Literal["tables"]
    name: Name
    a: TableSide
    b: TableSide
    matches: str
    match_columns: tuple[str, str] | None = None
    separator: Separator | None = None
    shares: Shares = Shares()
    seed: Seed = 0
    skip_bad: bool = False


class FileData(Settings):
    """One file with both texts of an entity in each row.

    Attributes:
        kind: file.
        path: JSON Lines, TSV, CSV or Parquet.
        columns: of the two texts.
        id: column of the ids; None = number of the line.
        domains: names of the two; None = the columns' names.
        group: column whose equal values never land in two parts.
        part: column that says train or test (and perhaps validation); None = divided by shares.
        mask: column with a name that is replaced in both texts.
        separator: of a CSV.
        shares: of the entities; with `part` only the share of validation counts, taken from the training rows where the
            column names none.
        seed: of the split.
        skip_bad: leave out bad lines and empty texts, and count them.
    """

    kind: Literal["file"]
    path: str
    columns: tuple[str, str]
    id: str | None = None
    domains: tuple[str, str] | None = None
    group: str | None = None
    part: str | None = None
    mask: str | None = None
    separator: Separator | None = None
    shares: Shares = Shares()
    seed: Seed = 0
    skip_bad: bool = False


class StdlibData(Settings):
    """Functions of the running Python's library: docstring and source, divided by package.

    Attributes:
        kind: stdlib.
        mask_names: replace each function's own name in both texts.
        shares: of the functions.
        seed: of the split.
    """

    kind: Literal["stdlib"]
    mask_names: bool = False
    shares: Shares = Shares()
    seed: Seed = 0


class EvaluateConfig(Settings):
    """What is measured.

    Attributes:
        baselines: what a trained model has to beat; those that the data lack the labels for are left out. The
            attribute oracle is a ceiling; co-occurrence counts in the training pairs which words go together; frozen,
            rotation and head are the untrained model as it is, rotated, and with a head fitted on those pairs.
        galleries: sizes of the random galleries; the largest decides.
        random_draws: of random columns.
        permutations: of the null of CKA.
        probes: fit fresh probes for the domain and for attributes.
        probe_labels: attributes that are probed; those that the data lack are left out.
        fit_pairs: training pairs at most that rotation and head are fitted on.
    """

    baselines: tuple[Baseline, ...] = (
        "chance", "template", "TF-IDF", "BM25", "character n-grams", "co-occurrence", "attribute oracle",
        "frozen", "rotation", "head",
    )  # fmt: skip
    galleries: Annotated[tuple[Annotated[int, Field(ge=2)], ...], Field(min_length=1)] = (150, 2000)
    random_draws: PositiveInt = 5
    permutations: Annotated[int, Field(ge=100)] = 200
    probes: bool = True
    probe_labels: tuple[str, ...] = ("mbti", "career", "city", "seniority", "age_band")
    fit_pairs: PositiveInt = 20_000


class SharedPrefixConfig(Settings):
    """A shared-prefix run.

    Attributes:
        experiment: kind of run.
        name: of the run, in reports.
        purpose: one sentence that the report opens with; None = nothing.
        out: folder of the run; None = runs/NAME.
        model: the model that is trained.
        data: the two views.
        dims: prefix lengths in any order; the width is always among those measured.
        prefix_dim: numbers K that say who it is; one of the dims.
        methods: rows of the table of methods.
        seeds: one training of every method per seed.
        train: settings of all methods.
        evaluate: what is measured.
    """

    experiment: Literal["shared_prefix"]
    name: Name
    purpose: str | None = None
    out: Path | None = None
    model: ModelConfig = ModelConfig()
    data: Annotated[PeopleData | TablesData | FileData | StdlibData, Field(discriminator="kind")]
    dims: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    prefix_dim: PositiveInt = 64
    methods: Annotated[tuple[str, ...], Field(min_length=1)] = tuple(IDENTITY_METHODS)
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (0,)
    train: IdentityTrainSettings = IdentityTrainSettings()
    evaluate: EvaluateConfig = EvaluateConfig()

    @field_validator("methods")
    @classmethod
    def _methods_exist(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            try:
                identity_method(name)
            except MatryoError as error:
                raise ValueError(str(error)) from None
        return names

    @field_validator("methods", "seeds")
    @classmethod
    def _each_once(cls, given: tuple[object, ...]) -> tuple[object, ...]:
        if len(set(given)) < len(given):
            raise ValueError(f"each once, got {list(given)}")
        return given

    @model_validator(mode="after")
    def _prefix_is_a_dim(self) -> Self:
        if self.prefix_dim not in self.dims:
            raise ValueError(
                f"prefix_dim {self.prefix_dim} must be one of the dims {sorted(self.dims)}; add it to them"
            )
        return self

    @property
    def folder(self) -> Path:
        """Where the run lives."""
        return self.out or Path("runs") / self.name


def absolute_paths(config: SharedPrefixConfig) -> SharedPrefixConfig:
    """The same with paths of data that hold from every folder, as a run keeps it."""

    def absolute(path: str) -> str:
        return str(Path(path).absolute())

    data = config.data
    if isinstance(data, TablesData):
        sides = {name: getattr(data, name) for name in ("a", "b")}
        changed = {name: side.model_copy(update={"path": absolute(side.path)}) for name, side in sides.items()}
        data = data.model_copy(update={**changed, "matches": absolute(data.matches)})
    elif isinstance(data, (FileData, PeopleData)) and data.path is not None:
        data = data.model_copy(update={"path": absolute(data.path)})
    return config.model_copy(update={"data": data})
