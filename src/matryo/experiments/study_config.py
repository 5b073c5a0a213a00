"""The config of a translation study: what stands in `configs/translation/*.yaml`."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveInt, field_validator, model_validator

from matryo.experiments.run_config import Name
from matryo.experiments.study_space_config import (
    ApiSpace,
    FinetunedSpace,
    LayerSpace,
    LsaSpace,
    ModelSpace,
    Seed,
    SpaceConfig,
    TextsConfig,
)
from matryo.training.settings import Settings

__all__ = [
    "ApiSpace",
    "CurveConfig",
    "FinetunedSpace",
    "Job",
    "LayerSpace",
    "LsaSpace",
    "MeasureConfig",
    "ModelSpace",
    "PicturesConfig",
    "SpaceConfig",
    "StoreConfig",
    "StudyConfig",
    "TextsConfig",
    "TranslatorConfig",
    "absolute_paths",
    "pair_slug",
]

SpaceName = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
"""Small letters, digits and single hyphens: two of them stand between the names of a pair."""
Pair = tuple[SpaceName, SpaceName]
Kind = Literal["ridge", "procrustes", "linear", "mlp1", "mlp2"]
Loss = Literal["mse", "cosine", "relational"]

BETWEEN = "--"
PAIRS_FOLDER = "pairs"
_HIDDEN = ("mlp1", "mlp2")
_TRAINED = ("linear", *_HIDDEN)
_CENTRED = "centred"
_FORMS = "ridge, procrustes, procrustes centred, linear, mlp1 8x, mlp2 32x, mlp1 8x cosine"


class TranslatorConfig(Settings):
    """One translator; in a list also in short, such as "ridge", "procrustes centred" or "mlp1 8x cosine".

    Attributes:
        kind: ridge, procrustes, linear, mlp1 or mlp2.
        hidden: of mlp1 and mlp2, width of the hidden layers as a multiple of full rank; None = 1x.
        loss: of linear, mlp1 and mlp2; None = mse.
        centre: of procrustes, turn about the means.
        seeds: of its fits; None = the study's, of which ridge and procrustes take the first: nothing of them is drawn
            but the folds that choose ridge's penalty.
        pairs: ordered pairs that it is fitted for; None = all of the study.
    """

    kind: Kind
    hidden: Annotated[str, Field(pattern=r"^[1-9]\d*x$")] | None = None
    loss: Loss | None = None
    centre: bool = False
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] | None = None
    pairs: Annotated[tuple[Pair, ...], Field(min_length=1)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        kind, *words = given.split() or [""]
        values: dict[str, Any] = {"kind": kind}
        for word in words:
            key = "centre" if word == _CENTRED else "hidden" if word[:1].isdigit() else "loss"
            if key in values:
                raise ValueError(f"a translator in short is one like {_FORMS}, got {given!r}; write it so")
            values[key] = True if key == "centre" else word
        return values

    @model_validator(mode="after")
    def _keys_of_the_kind(self) -> Self:
        wrong = {
            "hidden": self.hidden is not None and self.kind not in _HIDDEN,
            "loss": self.loss is not None and self.kind not in _TRAINED,
            "centre": self.centre and self.kind != "procrustes",
        }
        for key in (key for key, found in wrong.items() if found):
            raise ValueError(f"{key} does not belong to kind {self.kind}; a translator is one like {_FORMS}")
        if self.seeds is not None and len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"each seed once, got {list(self.seeds)}")
        return self

    @property
    def name(self) -> str:
        """What tells it apart, such as "mlp1 8x"."""
        parts: list[str] = [self.kind]
        if self.kind in _HIDDEN:
            parts.append(self.hidden or "1x")
        if self.loss not in (None, "mse"):
            parts.append(str(self.loss))
        return " ".join([*parts, _CENTRED] if self.centre else parts)

    @property
    def slug(self) -> str:
        """Its name as that of a folder."""
        return self.name.replace(" ", "-")

    def fits(self, source: str, target: str) -> bool:
        """Whether it is fitted for an ordered pair."""
        return self.pairs is None or (source, target) in self.pairs

    def fit_seeds(self, study: tuple[int, ...]) -> tuple[int, ...]:
        """Seeds of its fits, where the study says `study`."""
        if self.seeds is not None:
            return self.seeds
        return study if self.kind in _TRAINED else study[:1]


class CurveConfig(Settings):
    """How good translators are after fewer pairs.

    Attributes:
        translators: names of those that are fitted again, among the study's.
        pairs: how many pairs they are fitted on; all of them always are, larger numbers are left out.
        seeds: of the choice of pairs.
    """

    translators: Annotated[tuple[str, ...], Field(min_length=1)] = ("ridge",)
    pairs: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (100, 300, 1_000, 3_000, 10_000)
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (0, 1, 2)


class MeasureConfig(Settings):
    """How translators are measured.

    Attributes:
        k: neighbours of the lists.
        depths: list lengths of the table by k; those above k are left out.
        max_rows: beyond this many held-out texts, what compares texts with each other takes a random choice of them.
        n_permutations: of CKA's null.
        n_draws: bootstrap draws of intervals.
        dims: prefixes of the target; those above its width are left out, the width is always there; None = a ladder.
    """

    k: PositiveInt = 10
    depths: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (1, 2, 5, 10, 20, 50)
    max_rows: Annotated[int, Field(ge=12)] = 2_000
    n_permutations: PositiveInt = 100
    n_draws: Annotated[int, Field(ge=100)] = 2_000
    dims: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] | None = None


class PicturesConfig(Settings):
    """What is drawn of every ordered pair.

    Attributes:
        umap: a map of texts, fitted on native target vectors, translated ones placed into it.
        n_points: texts of it at most.
        n_neighbours: of UMAP.
        min_dist: of UMAP.
        translators: names of those that are drawn; "best" = of each pair the one with the highest R2.
        n_searches: example searches, with the documents that both spaces fetched.
        seed: of UMAP and of the choice of texts.
    """

    umap: bool = True
    n_points: Annotated[int, Field(ge=20)] = 1_000
    n_neighbours: Annotated[int, Field(ge=2)] = 15
    min_dist: NonNegativeFloat = 0.1
    translators: Literal["best"] | Annotated[tuple[str, ...], Field(min_length=1)] = "best"
    n_searches: Annotated[int, Field(ge=0)] = 6
    seed: Seed = 0


class StoreConfig(Settings):
    """Where translated vectors are kept beside native ones, as collections of Chroma.

    Attributes:
        location: chroma:FOLDER, the folder inside the run's own, or chroma:http://host:port.
        rows: held-out (texts that no translator was fitted on) or all.
    """

    location: str = "chroma:chroma"
    rows: Literal["held-out", "all"] = "held-out"

    @field_validator("location")
    @classmethod
    def _of_chroma(cls, location: str) -> str:
        if not location.removeprefix("chroma:") or not location.startswith("chroma:"):
            raise ValueError(f"must be chroma:FOLDER or chroma:http://host:port, got {location!r}")
        return location


@dataclass(frozen=True)
class Job:
    """One fit.

    Attributes:
        source: name of the space to translate from.
        target: name of the space to translate toward.
        translator: what is fitted.
        seed: of this fit.
    """

    source: str
    target: str
    translator: TranslatorConfig
    seed: int

    @property
    def pair(self) -> str:
        """Slug of its ordered pair."""
        return pair_slug(self.source, self.target)

    @property
    def label(self) -> str:
        """What it is called in messages."""
        return f"{self.source} -> {self.target}, {self.translator.name}, seed {self.seed}"

    @property
    def inside(self) -> str:
        """Its folder inside the run's."""
        return f"{PAIRS_FOLDER}/{self.pair}/{self.translator.slug}/seed-{self.seed}"

    def folder(self, run: Path) -> Path:
        """Its folder."""
        return run / self.inside


class StudyConfig(Settings):
    """A translation study.

    Attributes:
        experiment: kind of run.
        name: of the run, in reports.
        purpose: one sentence that the report opens with; None = nothing.
        out: folder of the run; None = runs/NAME.
        texts: which texts.
        spaces: by name, at least two.
        pairs: ordered pairs [from, to]; None = all.
        translators: what is fitted for each pair.
        seeds: of the fits.
        share: of the documents that translators are fitted on; the others judge them.
        curve: learning curves; None = none.
        measure: how translators are measured.
        pictures: what is drawn; None = nothing.
        store: where translated vectors are kept; None = nowhere.
        workers: processes that fit at once.
        threads: of each; None = the cores divided by the processes.
        site: write a site of pages at the end.
    """

    experiment: Literal["translation"]
    name: Name
    purpose: str | None = None
    out: Path | None = None
    texts: TextsConfig
    spaces: Annotated[dict[SpaceName, SpaceConfig], Field(min_length=2)]
    pairs: Annotated[tuple[Pair, ...], Field(min_length=1)] | None = None
    translators: Annotated[tuple[TranslatorConfig, ...], Field(min_length=1)]
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (0,)
    share: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.8
    curve: CurveConfig | None = None
    measure: MeasureConfig = MeasureConfig()
    pictures: PicturesConfig | None = PicturesConfig()
    store: StoreConfig | None = None
    workers: PositiveInt = 1
    threads: PositiveInt | None = None
    site: bool = True

    @model_validator(mode="after")
    def _names_fit_together(self) -> Self:
        _each_once("seeds", self.seeds)
        _each_once("translators", [one.name for one in self.translators])
        self._check_pairs("pairs", self.pairs)
        for one in self.translators:
            self._check_pairs(f"pairs of {one.name}", one.pairs)
        known = [one.name for one in self.translators]
        drawn = self.pictures.translators if self.pictures else "best"
        for where, names in (
            ("curve", self.curve.translators if self.curve else ()),
            ("pictures", () if drawn == "best" else drawn),
        ):
            if unknown := [name for name in names if name not in known]:
                raise ValueError(
                    f"{where} names the translator {unknown[0]!r}, which the study does not fit; it fits "
                    f"{', '.join(known)}"
                )
        return self

    def _check_pairs(self, what: str, pairs: tuple[Pair, ...] | None) -> None:
        _each_once(what, [pair_slug(*pair) for pair in pairs or ()])
        for source, target in pairs or ():
            if unknown := [name for name in (source, target) if name not in self.spaces]:
                raise ValueError(f"{what}: there is no space {unknown[0]!r}; there are {', '.join(self.spaces)}")
            if source == target:
                raise ValueError(f"{what}: a pair leads from one space to another, got [{source}, {target}]")
            if self.pairs is not None and (source, target) not in self.pairs:
                raise ValueError(f"{what}: [{source}, {target}] is none of the study's pairs; add it there")

    @property
    def folder(self) -> Path:
        """Where the run lives."""
        return self.out or Path("runs") / self.name

    def ordered_pairs(self) -> tuple[tuple[str, str], ...]:
        """Every (from, to) that some translator is fitted for."""
        pairs = self.pairs if self.pairs is not None else tuple(permutations(self.spaces, 2))
        return tuple(pair for pair in pairs if any(one.fits(*pair) for one in self.translators))

    def jobs(self) -> tuple[Job, ...]:
        """Every fit, pair by pair."""
        return tuple(self._jobs())

    def _jobs(self) -> Iterator[Job]:
        for source, target in self.ordered_pairs():
            for one in self.translators:
                for seed in one.fit_seeds(self.seeds) if one.fits(source, target) else ():
                    yield Job(source, target, one, seed)


def pair_slug(source: str, target: str) -> str:
    """An ordered pair as the name of a folder.

    >>> pair_slug("minilm", "lsa")
    'minilm--lsa'
    """
    return f"{source}{BETWEEN}{target}"


def absolute_paths(config: StudyConfig) -> StudyConfig:
    """The same with paths that hold from every folder, as a run keeps it."""
    texts = config.texts
    if texts.path is not None:
        paths = tuple(str(Path(path).absolute()) for path in texts.paths)
        texts = texts.model_copy(update={"path": paths[0] if isinstance(texts.path, str) else paths})
    spaces = {name: _absolute_space(space) for name, space in config.spaces.items()}
    return config.model_copy(update={"texts": texts, "spaces": spaces})


def _absolute_space(space: SpaceConfig) -> SpaceConfig:
    if isinstance(space, ApiSpace):
        return space if space.cache is None else space.model_copy(update={"cache": space.cache.absolute()})
    if isinstance(space, LsaSpace) or not Path(space.name).is_dir():
        return space
    return space.model_copy(update={"name": str(Path(space.name).absolute())})


def _each_once(what: str, given: Any) -> None:
    given = list(given)
    if repeated := [one for place, one in enumerate(given) if one in given[:place]]:
        raise ValueError(f"{what}: each once, got {repeated[0]!r} twice; drop one")
