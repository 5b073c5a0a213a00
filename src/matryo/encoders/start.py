"""The model that trainings start from, written once as an ordinary folder, so that all of them start from one state."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize
from torch import nn

from matryo.encoders.loading import load_encoder
from matryo.encoders.model import ModelEncoder
from matryo.encoders.saving import modules_of, save_model
from matryo.encoders.tiny import MAX_TOKENS, build_tiny
from matryo.errors import ShapeError

TINY = "tiny"
# Under these keys a model's config says which prefixes were trained; that ends where another training begins.
_CLAIMS = ("matryoshka_dims", "matryoshka_curve")


def write_start(
    name: str,
    folder: Path | str,
    *,
    texts: Iterable[str] = (),
    max_tokens: int | None = None,
    projection: int | None = None,
    normalize: bool = True,
    seed: int = 0,
    trust_remote_code: bool = False,
    allow_pickle: bool = False,
) -> Path:
    """Write the model that trainings start from; the same arguments give the same bytes.

    The model's own closing normalisation gives way to what is asked for here. Weights are stored as float32, because
    the updates of a training are lost in shorter numbers. What the model said about its prefixes is dropped.

    Args:
        name: "tiny" (a BERT with random weights and a vocabulary made from `texts`), or what `load_encoder` takes.
        folder: where to write; missing, empty, or a model that this package wrote, which is replaced.
        texts: for "tiny" only.
        max_tokens: read at most this many tokens; None = as the model says, 128 for "tiny".
        projection: add a linear layer with bias to this width, with random weights; None = the model's own width.
        normalize: end with vectors of length 1.
        seed: of random weights.
        trust_remote_code: run Python code that comes with the model.
        allow_pickle: read weights stored as pickles, which can run code when loaded.

    Returns: the folder, whole or not there at all.
    Raises: as `load_encoder`, `build_tiny` and `save_model`; ShapeError if projection is below 1.
    """
    if projection is not None and projection < 1:
        raise ShapeError(f"projection must be a width of at least 1, got {projection}; give e.g. 768, or none")
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f"{folder.name}.tmp-", dir=folder.parent) as temporary:
        tokens = MAX_TOKENS if max_tokens is None else max_tokens
        encoder = load_encoder(
            build_tiny(texts, Path(temporary) / TINY, seed=seed, max_tokens=tokens) if name == TINY else name,
            device="cpu",
            precision="fp32",
            trust_remote_code=trust_remote_code,
            allow_pickle=allow_pickle,
            max_tokens=max_tokens,
            normalize=normalize,
        )
    model = _with_head(encoder, projection, normalize=normalize, seed=seed)
    return save_model(
        ModelEncoder(model, name=name, device="cpu", precision="fp32", normalize=normalize), folder, overwrite=True
    )


def _with_head(encoder: ModelEncoder, projection: int | None, *, normalize: bool, seed: int) -> SentenceTransformer:
    modules = modules_of(encoder)
    if isinstance(modules[-1], Normalize):
        modules.pop()
    if projection is not None:
        modules.append(_random_dense(encoder.width, projection, seed))
    if normalize:
        modules.append(Normalize())
    config = encoder.model.config
    for key in _CLAIMS:
        if hasattr(config, key):
            delattr(config, key)
    return SentenceTransformer(
        modules=modules,
        device="cpu",
        prompts={name: text or "" for name, text in encoder.model.prompts.items()},
        default_prompt_name=encoder.model.default_prompt_name,
        similarity_fn_name="cosine",
    ).float()


def _random_dense(width: int, out: int, seed: int) -> Dense:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return Dense(width, out, bias=True, activation_function=nn.Identity())
