"""An inner layer of a transformer as a source of vectors."""

import copy
from typing import Any

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

from matryo.encoders.model import ModelEncoder
from matryo.encoders.notes import CONFIG_KEYS
from matryo.errors import MatryoError


def layer_encoder(encoder: ModelEncoder, layer: int) -> ModelEncoder:
    """The encoder that pools the hidden state of one layer, with the model's own pooling and nothing after it.

    It shares the weights, runs every layer and leaves all but one unused. Its space says which layer is pooled, and
    `save_model` writes it as an ordinary model that gives the same vectors.

    Args:
        encoder: a model that starts with a transformer and a pooling; modules behind these (a head, a normalisation)
            are left out.
        layer: 0 for the embeddings before the first layer, 1 to the number of layers for what a layer gives. The last
            one is the model's own output where the model's final normalisation belongs to its last hidden state.

    Returns: the encoder, its rows of length 1.
    Raises: MatryoError if the model is no transformer with a pooling or has no such layer.
    """
    modules = list(encoder.model)
    if len(modules) < 2 or not isinstance(modules[0], Transformer) or not isinstance(modules[1], Pooling):
        kinds = " + ".join(type(module).__name__ for module in modules)
        raise MatryoError(
            f"a layer can be taken from a Transformer with a Pooling behind it, {encoder.name} is {kinds}"
        )
    n_layers = _n_layers(modules[0])
    if type(layer) is not int or not 0 <= layer <= n_layers:
        raise MatryoError(
            f"layer must be a whole number within 0..{n_layers} for {encoder.name} (0 = before the first layer), "
            f"got {layer!r}"
        )
    model = SentenceTransformer(
        modules=[_reading(modules[0], layer), modules[1]],
        device=str(encoder.model.device),
        prompts={name: text or "" for name, text in encoder.model.prompts.items()},
        default_prompt_name=encoder.model.default_prompt_name,
        similarity_fn_name="cosine",
    )
    told = encoder.description
    return ModelEncoder(
        model,
        name=f"{encoder.name} layer {layer}",
        device=told["device"],
        precision=told["precision"],
        prompts=told["prompts"],
    )


def _n_layers(transformer: Transformer) -> int:
    config: Any = transformer.config.get_text_config()
    return int(config.num_hidden_layers)


def _reading(transformer: Transformer, layer: int) -> Transformer:
    """The same transformer, weights shared, with the hidden state of a layer as its output."""
    tensors = {id(tensor): tensor for tensor in (*transformer.parameters(), *transformer.buffers())}
    reading: Transformer = copy.deepcopy(transformer, tensors)
    # what the maker claims of prefixes is said of the model's output
    for key in CONFIG_KEYS:
        if hasattr(reading.config, key):
            delattr(reading.config, key)
    # a path into the model's output, which its type does not know of: one name per step
    path: Any = ("hidden_states", layer)
    reading.modality_config = {"text": {**reading.modality_config["text"], "method_output_name": path}}
    return reading
