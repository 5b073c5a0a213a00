"""The config of a dense-retrieval run: what stands in `configs/*.yaml`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PositiveInt, field_validator, model_validator

from matryo.experiments.index_grid import IndexGrid
from matryo.experiments.index_settings import IndexSettings
from matryo.training.settings import ArmSettings, MineSettings, Settings, Share, TrainSettings

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$")]
"""What may be the name of a folder."""


class ModelConfig(Settings):
    """The model that is trained.

    Attributes:
        name: tiny (a small BERT with random weights, built from the training texts), minilm, wordllama, a
            sentence-transformers folder or hub id.
        max_tokens: read at most this many tokens; None = as the model says.
        projection: add a linear layer to this width; None = the model's own width.
        normalize: vectors of length 1.
        device: auto, cpu or cuda.
        precision: numbers in which texts are encoded.
        trust_remote_code: run code that lies beside the weights.
        allow_pickle: read pickled weights, which can run code.
    """

    name: str = "minilm"
    max_tokens: PositiveInt | None = None
    projection: PositiveInt | None = None
    normalize: bool = True
    device: str = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    trust_remote_code: bool = False
    allow_pickle: bool = False


class DataConfig(Settings):
    """Where texts come from.

    Attributes:
        kind: toy (made), pairs (a file of pairs, or the word stdlib), retrieval (a folder in any layout that has
            training judgements), msmarco (the official files).
        path: file or folder; not for toy. "stdlib" is the running Python's own library.
        columns: of pairs, "query,document".
        group: of pairs, column whose equal values never land on both sides of a split.
        mask_names: of stdlib, replace each function's own name in both texts.
        train_split: of retrieval, name of the training judgements.
        test_split: of retrieval, name of the judgements that are reported; None = test, else dev.
        validation_share: of the training queries, kept out of training to watch it; pairs are split 60 / 15 / 25.
        max_validation: validation queries at most.
        seed: of the split, and of what is made.
        skip_bad: leave out malformed lines and count them.
    """

    kind: Literal["toy", "pairs", "retrieval", "msmarco"]
    path: str | None = None
    columns: str | None = None
    group: str | None = None
    mask_names: bool = False
    train_split: str = "train"
    test_split: str | None = None
    validation_share: Share = 0.1
    max_validation: PositiveInt = 500
    seed: Annotated[int, Field(ge=0)] = 0
    skip_bad: bool = False

    @model_validator(mode="after")
    def _keys_of_the_kind(self) -> Self:
        """A key that another kind reads would be ignored in silence."""
        if (self.path is None) != (self.kind == "toy"):
            wanted = "takes no path" if self.kind == "toy" else "needs a path"
            raise ValueError(f"kind {self.kind} {wanted}, got path {self.path!r}")
        kinds = {
            "columns": ("pairs",),
            "group": ("pairs",),
            "mask_names": ("pairs",),
            "train_split": ("retrieval",),
            "test_split": ("retrieval",),
            "validation_share": ("toy", "retrieval", "msmarco"),
        }
        for key, readers in kinds.items():
            if self.kind not in readers and getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"{key} is a key of kind {' and '.join(readers)}, kind {self.kind} does not read it")
        if self.mask_names and self.path != "stdlib":
            raise ValueError(f"mask_names is for path stdlib, got path {self.path!r}")
        return self


class EvaluateConfig(Settings):
    """What is measured.

    Attributes:
        measures: the first one decides; recall is set-based, hit@K says whether any relevant document was found.
        baselines: ways to shorten the untrained model that stand beside the arms.
        rotate_arms: also measure each arm with a rotation fitted afterwards; that of dense_baseline is the control.
        bm25: add BM25 as a floor.
        target_dim: the dim that the summary speaks of, and at which a seed is chosen; None = a quarter of the width.
        max_fit_pairs: training pairs at most that rotations and heads are fitted on.
        rerank: a file of candidates (top1000.dev) to rerank instead of searching everything; named so in every
            table; None = search everything.
        latency_queries: queries that are searched one by one to time each dim.
        indexes: approximate indexes to build and measure, see `IndexGrid`; exact search stands beside them.
        index_arm: whose vectors they hold, an arm, or start for the untrained model; None = the arm that is best on the
            validation part at the target dim, without one the first.
    """

    measures: Annotated[tuple[str, ...], Field(min_length=1)] = (
        "MRR@10",
        "nDCG@10",
        "recall@50",
        "recall@100",
        "recall@1000",
        "hit@50",
        "hit@100",
        "hit@1000",
    )
    baselines: tuple[Literal["plain", "random", "rotation", "head + rotation", "nested head"], ...] = (
        "plain",
        "random",
        "rotation",
        "head + rotation",
        "nested head",
    )
    rotate_arms: bool = True
    bm25: bool = True
    target_dim: PositiveInt | None = None
    max_fit_pairs: PositiveInt = 20_000
    rerank: str | None = None
    latency_queries: PositiveInt = 200
    indexes: tuple[IndexGrid, ...] = ()
    index_arm: str | None = None

    @model_validator(mode="after")
    def _indexes_search(self) -> Self:
        if self.indexes and self.rerank is not None:
            raise ValueError("indexes search everything, rerank ranks given candidates only; leave out one of them")
        if self.index_arm is not None and not self.indexes:
            raise ValueError(f"index_arm is {self.index_arm}, but there are no indexes; list some or leave it out")
        return self

    def every_index(self) -> tuple[IndexSettings, ...]:
        """All indexes that the entries stand for."""
        return tuple(one for grid in self.indexes for one in grid.each())


class RetrievalConfig(Settings):
    """A dense-retrieval run.

    Attributes:
        experiment: kind of run.
        name: of the run, in reports.
        purpose: one sentence that the report opens with, e.g. that this is a pipeline check; None = nothing.
        out: folder of the run; None = runs/NAME.
        model: the model that is trained.
        data: the texts.
        dims: prefix lengths in any order; the width is always measured.
        arms: name -> what is trained; a list of names takes each method as it is.
        seeds: one training of every arm per seed.
        mine: how hard negatives are found, when `train.negatives` asks for them.
        train: settings of all arms.
        evaluate: what is measured.
    """

    experiment: Literal["dense_retrieval"] = "dense_retrieval"
    name: Name
    purpose: str | None = None
    out: Path | None = None
    model: ModelConfig = ModelConfig()
    data: DataConfig
    dims: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    arms: Annotated[dict[Name, ArmSettings], Field(min_length=1)]
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = (0,)
    mine: MineSettings = MineSettings()
    train: TrainSettings = TrainSettings()
    evaluate: EvaluateConfig = EvaluateConfig()

    @field_validator("arms", mode="before")
    @classmethod
    def _names_alone(cls, given: Any) -> Any:
        """A list of methods, or a mapping whose entries may leave out a method of the same name."""
        if isinstance(given, (list, tuple)):
            return {str(name): {"method": name} for name in given}
        if isinstance(given, Mapping):
            return {
                name: {"method": name, **arm}
                if isinstance(arm, Mapping)
                else ({"method": name} if arm is None else arm)
                for name, arm in given.items()
            }
        return given

    @field_validator("arms")
    @classmethod
    def _start_is_taken(cls, arms: dict[str, ArmSettings]) -> dict[str, ArmSettings]:
        if "start" in arms:
            raise ValueError("start is what the untrained model is called, rename the arm")
        return arms

    @model_validator(mode="after")
    def _index_arm_is_there(self) -> Self:
        arm = self.evaluate.index_arm
        if arm is not None and arm not in (*self.arms, "start"):
            raise ValueError(f"evaluate.index_arm must be start or one of {', '.join(self.arms)}, got {arm}")
        return self

    @field_validator("seeds")
    @classmethod
    def _seeds_once(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            raise ValueError(f"each seed once, got {list(seeds)}")
        return seeds

    @property
    def folder(self) -> Path:
        """Where the run lives."""
        return self.out or Path("runs") / self.name
