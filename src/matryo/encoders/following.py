"""Loading a model as its card says: what is refused, what is put before the cut, which prompts are taken."""

import logging

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import LayerNorm, Normalize

from matryo.encoders.cards import Card
from matryo.encoders.identity import before_cut_of
from matryo.encoders.onnx_graph import onnxruntime_module
from matryo.encoders.prompts import with_card
from matryo.errors import MatryoError

_log = logging.getLogger(__name__)


def refuse_by_card(card: Card, name: str, *, trust_remote_code: bool) -> None:
    """Refuse, before anything is fetched, what could not be loaded or used afterwards.

    Raises: MatryoError for models made for dot products, models behind an API, models that need their authors' code
        when that is not allowed; MissingExtra if its weights are ONNX files and onnxruntime is not installed.
    """
    _refuse_dot(card, name)
    if card.api is not None:
        raise MatryoError(
            f"{name} runs at {card.api} only and has no weights to load (card {card.name}); fetch its vectors, save "
            "them as .npy and pass that file to the commands that read vectors"
        )
    if card.onnx:
        onnxruntime_module()
    if card.remote_code and not trust_remote_code:
        raise MatryoError(
            f"{name} needs Python code from its authors' repository {card.hub} (card {card.name}), which is not run "
            "unless allowed; pass --trust-remote-code (trust_remote_code=True) if you trust them"
        )


def follow_card(model: SentenceTransformer, card: Card | None, name: str) -> SentenceTransformer:
    """The model as its card says that it is used.

    Args:
        model: as loaded; its modules are shared, not copied.
        card: what is known of it; None changes nothing.
        name: for messages.

    Returns: the model, with a layer norm at full width before its closing normalisation if its cut needs one, and with
        the card's prompts if it has none of its own.
    Raises: MatryoError if the card says that it is made for dot products.
    """
    if card is None:
        return model
    if (width := model.get_embedding_dimension()) != card.width:
        _log.warning(
            "%s is found by the card %s, but is %s wide and the card says %s; the card is not followed",
            name, card.name, width, card.width,
        )  # fmt: skip
        return model
    _refuse_dot(card, name)
    if card.before_cut == "layer_norm" and "layer_norm" not in before_cut_of(model):
        model = _with_layer_norm(model, card.width)
        _log.warning("%s: a layer norm before the cut, as the card %s says", name, card.name)
    prompts = with_card(model.prompts, card)
    if prompts != {key: text or "" for key, text in model.prompts.items()}:
        model.prompts = dict(prompts.items())
        _log.warning("%s: the prompts of the card %s, the model names none: %s", name, card.name, prompts)
    return model


def _with_layer_norm(model: SentenceTransformer, width: int) -> SentenceTransformer:
    """The model with torch's plain layer norm (weight 1, bias 0) as a module, so that it is saved with the model."""
    modules = list(model)
    place = len(modules) - 1 if isinstance(modules[-1], Normalize) else len(modules)
    return SentenceTransformer(
        modules=[*modules[:place], LayerNorm(width), *modules[place:]],
        device=str(model.device),
        prompts={name: text or "" for name, text in model.prompts.items()},
        default_prompt_name=model.default_prompt_name,
        similarity_fn_name=model.similarity_fn_name,
    )


def _refuse_dot(card: Card, name: str) -> None:
    if card.similarity == "dot":
        raise MatryoError(
            f"{name} is made for dot products of vectors of any length (card {card.name}), this package compares by "
            "cosine everywhere because cut vectors are renormalised; choose a model trained for cosine"
        )
