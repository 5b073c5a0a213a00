"""Model folders whose weights are ONNX files only: which file is read, and what follows it."""

import logging
from pathlib import Path
from typing import Any

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Dropout, LayerNorm, Normalize, Pooling
from torch import nn
from transformers import AutoTokenizer

from matryo.encoders.cards import Card
from matryo.encoders.onnx_graph import OnnxGraph, graph_digest
from matryo.encoders.onnx_model import OnnxModel, shorter_numbers
from matryo.errors import FormatError
from matryo.files import read_json

_FOLLOWING = {kind.__name__: kind for kind in (Dense, Dropout, LayerNorm, Normalize, Pooling)}
_LISTING, _SETTINGS = "modules.json", "config_sentence_transformers.json"
_OWN_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
# Tokenizers without a limit carry a huge number instead.
_NO_LIMIT = 10**9

_log = logging.getLogger(__name__)


def is_onnx_folder(folder: Path) -> bool:
    """Whether a model folder has ONNX files where its transformer's weights should be, and nothing else there.

    Raises: FormatError if its list of modules is unreadable.
    """
    first = folder / _first_path(_listed(folder))
    return bool(onnx_files(first)) and not any(path for kind in _OWN_WEIGHTS for path in first.glob(kind))


def onnx_files(folder: Path) -> list[Path]:
    """ONNX files in a folder and its folder `onnx`, the one to read first.

    That is the plainest: not named as one of shorter numbers than float32, then of the shortest name (model.onnx before
    model_optimized.onnx), then the one that lies higher, then by name.
    """
    found = [*folder.glob("*.onnx"), *(folder / "onnx").glob("*.onnx")]
    return sorted(found, key=lambda file: (shorter_numbers(file), len(file.stem), file.parent != folder, file.name))


def load_onnx(folder: Path, card: Card | None, *, trust_remote_code: bool = False) -> SentenceTransformer:
    """The model of a folder of ONNX files, run by onnxruntime.

    The folder's own modules follow the graph: its pooling, unless the graph pools itself, and so on. Without a list of
    modules the pooling is the card's. sentence-transformers' own way of reading such files is not used: it needs a
    library that excludes the transformers which this package needs.

    Args:
        folder: where `is_onnx_folder` is true.
        card: what is known of the model.
        trust_remote_code: run Python code that the tokenizer brings.

    Raises: MissingExtra if onnxruntime is not installed; FormatError if the file cannot be run, or nothing says how its
        token vectors become one.
    """
    listed = _listed(folder)
    base = folder / _first_path(listed)
    file, *others = onnx_files(base)
    name = file.relative_to(folder).as_posix()
    if others:
        _log.warning("%s: of its ONNX files %s is read, not %s", folder.name, name, ", ".join(o.name for o in others))
    if shorter_numbers(file):
        _log.warning("%s: by its name %s computes in shorter numbers than float32", folder.name, name)
    following = None if listed is None else [_module(folder, entry) for entry in listed[1:]]
    pooled = card is not None and card.pooling is not None if following is None else _pools(following)
    tokenizer = AutoTokenizer.from_pretrained(str(base), local_files_only=True, trust_remote_code=trust_remote_code)
    settings = _object(base / "sentence_bert_config.json")
    first = OnnxModel(
        OnnxGraph(file),
        tokenizer,
        digest=graph_digest(file),
        file=name,
        max_tokens=_max_tokens(base, settings, tokenizer, card),
        prefer_tokens=pooled,
        lower_case=settings.get("do_lower_case") is True,
    )
    following = _by_card(card, first, folder) if following is None else _fitting(following, first, folder)
    return _assembled([first, *following], _object(folder / _SETTINGS))


def _assembled(modules: list[nn.Module], settings: dict[str, Any]) -> SentenceTransformer:
    return SentenceTransformer(
        modules=modules,
        device="cpu",
        prompts=settings.get("prompts"),
        default_prompt_name=settings.get("default_prompt_name"),
        similarity_fn_name=settings.get("similarity_fn_name"),
        truncate_dim=settings.get("truncate_dim"),
        local_files_only=True,
    )


def _fitting(following: list[nn.Module], first: OnnxModel, folder: Path) -> list[nn.Module]:
    """The modules behind a graph; none pools where the graph does."""
    if first.gives == "token_embeddings":
        if not _pools(following):
            raise FormatError(
                f"{folder / _LISTING} lists no Pooling and {first.file} gives one vector per token; add a Pooling"
            )
        return following
    kept = [module for module in following if not isinstance(module, Pooling)]
    if any(not isinstance(module, Normalize | Dropout) for module in kept):
        raise FormatError(
            f"{first.file} gives one vector per text, and {folder / _LISTING} lists {_names(kept)} behind its pooling, "
            "which the file may hold already; export a file that gives last_hidden_state"
        )
    return kept


def _by_card(card: Card | None, first: OnnxModel, folder: Path) -> list[nn.Module]:
    """What follows a graph whose folder lists no modules."""
    if first.gives == "sentence_embedding":
        return []
    width = first.get_embedding_dimension()
    if card is None or card.pooling is None or card.width != width:
        found = "no card" if card is None else f"its card {card.name} says {card.pooling} at width {card.width}"
        raise FormatError(
            f"{folder} gives one vector of {width} numbers per token and nothing says how they become one: it has no "
            f"{_LISTING} and {found}; write a card for it with width: {width} and e.g. pooling: mean"
        )
    return [Pooling(width, card.pooling)]


def _module(folder: Path, entry: dict[str, Any]) -> nn.Module:
    kind, path = entry.get("type"), entry["path"]
    known = isinstance(kind, str) and kind.startswith("sentence_transformers.")
    name = str(kind).rsplit(".", 1)[-1]
    if not known or name not in _FOLLOWING:
        raise FormatError(
            f"{folder / _LISTING} lists {kind}; behind an ONNX file {', '.join(_FOLLOWING)} of sentence-transformers "
            "can follow, use the same model with safetensors weights"
        )
    module: nn.Module = _FOLLOWING[name].load(str(folder), subfolder=path, local_files_only=True)
    return module


def _pools(modules: list[nn.Module]) -> bool:
    return any(isinstance(module, Pooling) for module in modules)


def _names(modules: list[nn.Module]) -> str:
    return ", ".join(type(module).__name__ for module in modules)


def _max_tokens(base: Path, settings: dict[str, Any], tokenizer: Any, card: Card | None) -> int | None:
    """What the folder or the card says, but no more than tokenizer and positions allow."""
    stated = settings.get("max_seq_length") or (None if card is None else card.max_tokens)
    able = (tokenizer.model_max_length, _object(base / "config.json").get("max_position_embeddings"))
    limits = [limit for limit in (stated, *able) if isinstance(limit, int) and 0 < limit < _NO_LIMIT]
    return min(limits, default=None)


def _listed(folder: Path) -> list[dict[str, Any]] | None:
    """The modules that a folder lists, checked by `check_model_folder`; None without a list."""
    path = folder / _LISTING
    return read_json(path, "the list of a model's modules") if path.is_file() else None


def _first_path(listed: list[dict[str, Any]] | None) -> str:
    return str(listed[0]["path"]) if listed else ""


def _object(path: Path) -> dict[str, Any]:
    stored = read_json(path, "a JSON object") if path.is_file() else {}
    if not isinstance(stored, dict):
        raise FormatError(f"{path} holds {type(stored).__name__}, expected a JSON object; restore it")
    return stored
