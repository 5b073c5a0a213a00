"""The part of a study's config that says which texts are embedded, and in which spaces."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from matryo.encoders.api_settings import ApiSettings
from matryo.training.settings import Settings

Seed = Annotated[int, Field(ge=0)]
Precision = Literal["auto", "fp32", "bf16"]


class TextsConfig(Settings):
    """The texts of a study.

    Attributes:
        kind: stdlib (functions of the running Python's library: docstring to source), hotpotqa (questions with their
            paragraphs, in the official layout or as dictionaries, or passages alone), retrieval (any folder that
            `matryo` can search, BEIR first of all) or lines (one text per line).
        path: file or folder; of hotpotqa also a list of files, whose paragraphs are put together; not for stdlib.
        split: of retrieval, which judgements; None = test, else dev.
        max_documents: a sample of at most this many documents, drawn by the seed; those that are relevant to a query
            come first; None = all.
        group_end: ids that are equal up to this mark stay on one side, e.g. ":" for functions of one module of the
            library; "" = every id by itself. Not for hotpotqa, where the title decides.
        seed: of the sample.
        skip_bad: leave out bad lines and records, and count them.
        mask_names: of stdlib, replace each function's own name in both texts.
    """

    kind: Literal["stdlib", "hotpotqa", "retrieval", "lines"]
    path: str | tuple[str, ...] | None = None
    split: str | None = None
    max_documents: PositiveInt | None = None
    group_end: str = ""
    seed: Seed = 0
    skip_bad: bool = False
    mask_names: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        """What is read."""
        if self.path is None:
            return ()
        return (self.path,) if isinstance(self.path, str) else self.path

    @model_validator(mode="after")
    def _keys_of_the_kind(self) -> Self:
        """A key that another kind reads would be ignored in silence."""
        if (not self.paths) != (self.kind == "stdlib"):
            wanted = "takes no path" if self.kind == "stdlib" else "needs a path"
            raise ValueError(f"kind {self.kind} {wanted}, got path {self.path!r}")
        if len(self.paths) > 1 and self.kind != "hotpotqa":
            raise ValueError(f"kind {self.kind} reads one path, got {len(self.paths)}; only hotpotqa reads several")
        kinds: dict[str, tuple[str, ...]] = {
            "split": ("retrieval",),
            "group_end": ("stdlib", "retrieval", "lines"),
            "skip_bad": ("hotpotqa", "retrieval", "lines"),
            "mask_names": ("stdlib",),
        }
        for key, belongs in kinds.items():
            if self.kind not in belongs and getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"{key} belongs to kind {' and '.join(belongs)}, got it with {self.kind}; drop it")
        return self


class ModelSpace(Settings):
    """The space of a model whose weights are at hand.

    Attributes:
        kind: model.
        name: minilm, wordllama, a sentence-transformers folder, an LSA folder or a hub id.
        precision: numbers in which texts are encoded.
        max_tokens: read at most this many tokens; None = as the model says.
        device: auto, cpu or cuda.
        trust_remote_code: run code that lies beside the weights.
        allow_pickle: read pickled weights, which can run code.
        dim: cut its vectors to this many numbers, whoever has trained them for it or not; None = all.
    """

    kind: Literal["model"]
    name: str
    precision: Precision = "auto"
    max_tokens: PositiveInt | None = None
    device: str = "auto"
    trust_remote_code: bool = False
    allow_pickle: bool = False
    dim: PositiveInt | None = None


class LayerSpace(Settings):
    """The space of one inner layer of a transformer.

    Attributes:
        kind: layer.
        name: of the model, as for `model`.
        layer: 0 for what goes into the first layer, 1 to the number of layers for what a layer gives.
        precision: as for `model`, and so are the others.
        max_tokens: read at most this many tokens.
        device: auto, cpu or cuda.
        trust_remote_code: run code that lies beside the weights.
        allow_pickle: read pickled weights, which can run code.
    """

    kind: Literal["layer"]
    name: str
    layer: Annotated[int, Field(ge=0)]
    precision: Precision = "auto"
    max_tokens: PositiveInt | None = None
    device: str = "auto"
    trust_remote_code: bool = False
    allow_pickle: bool = False


class LsaSpace(Settings):
    """tf-idf with a truncated SVD, fitted on the documents that translators are fitted on.

    Attributes:
        kind: lsa.
        width: numbers per vector.
        max_features: most frequent words that are kept.
        seed: of the randomised SVD.
    """

    kind: Literal["lsa"]
    width: PositiveInt = 256
    max_features: PositiveInt = 20_000
    seed: Seed = 0


class ApiSpace(Settings):
    """The space of a model behind a service.

    Attributes:
        kind: api.
        api: whom to ask for what.
        yes: pay without asking.
        cache: folder where answers are kept, so that nothing is paid for twice; None = `api` in the run's folder.
    """

    kind: Literal["api"]
    api: ApiSettings
    yes: bool = False
    cache: Path | None = None


class FinetunedSpace(Settings):
    """The space of a model that is trained on the study's own (query, document) pairs, held-out documents left out.

    Attributes:
        kind: finetuned.
        name: of the model to begin with: wordllama, minilm or a sentence-transformers folder.
        epochs: passes over the pairs.
        learning_rate: None = .1 for a table of token vectors, 2e-5 for a transformer.
        batch_size: pairs per step, whose documents are each other's negatives.
        max_tokens: read at most this many tokens; None = as the model says.
        device: auto, cpu or cuda.
        seed: of the order of the pairs.
    """

    kind: Literal["finetuned"]
    name: str = "wordllama"
    epochs: PositiveInt = 3
    learning_rate: PositiveFloat | None = None
    batch_size: Annotated[int, Field(ge=2)] = 128
    max_tokens: PositiveInt | None = None
    device: str = "auto"
    seed: Seed = 0


SpaceConfig = Annotated[ModelSpace | LayerSpace | LsaSpace | ApiSpace | FinetunedSpace, Field(discriminator="kind")]
