"""Writing encoders as ordinary sentence-transformers folders, whole or not at all."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize
from torch import nn

from matryo.encoders.base import Encoder
from matryo.encoders.cutting import cutting_map
from matryo.encoders.identity import space_of
from matryo.encoders.loading import quiet
from matryo.encoders.mapped import MappedEncoder
from matryo.encoders.model import ModelEncoder
from matryo.encoders.notes import NOTES_FILE, Matryoshka, curve_points, matryoshka_of, write_notes
from matryo.errors import MatryoError, ShapeError
from matryo.maps import MatrixMap
from matryo.prefix import block, check_dims
from matryo.space import Space


def save_model(
    encoder: Encoder,
    folder: Path | str,
    *,
    dims: Sequence[int] | None = None,
    curve: Sequence[Mapping[str, Any]] | None = None,
    extra: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write an encoder as a folder that plain `SentenceTransformer(folder)` loads and that gives the same vectors.

    A map of one matrix becomes a Dense module (no bias, no activation) and a Normalize module behind the model's own.

    Args:
        encoder: a model, or a model with matrix maps behind it.
        folder: where to write; missing or empty.
        dims: prefix lengths that may be used; None = unknown.
        curve: measured quality, JSON objects with at least "dim"; None = unknown.
        extra: further JSON values to note in `matryo.json`.
        overwrite: replace a model that this function wrote.

    Returns: the folder.
    Raises: MatryoError if the encoder is of another kind or the folder holds anything that must not be replaced;
        ShapeError if dims do not fit the width.
    """
    known = Matryoshka(None if dims is None else check_dims(dims, encoder.width), curve_points(curve))
    if isinstance(encoder, ModelEncoder):
        # without new facts, what the model came with stays true
        stored = known_of(encoder)
        known = Matryoshka(known.dims or stored.dims, known.curve or stored.curve)
    model = _joined(encoder, modules_of(encoder))
    return _write(model, encoder.space, known, Path(folder), extra=extra, overwrite=overwrite)


def export_model(
    encoder: Encoder, folder: Path | str, dim: int, *, extra: Mapping[str, Any] | None = None, overwrite: bool = False
) -> Path:
    """Write an encoder cut for keeps: its vectors are the first `dim` numbers, of length 1 again.

    Plain `truncate_dim` would leave the vectors shorter than 1; here a Dense module selects and Normalize rescales. An
    operation before the cut stays a module before it. Whether the model may be cut is for `check_cut` to say.

    Args:
        encoder: a model, or a model with matrix maps behind it.
        folder: where to write; missing or empty.
        dim: numbers to keep.
        extra: further JSON values to note in `matryo.json`.
        overwrite: replace a model that `save_model` or this function wrote.

    Returns: the folder.
    Raises: ShapeError if dim lies outside 1..width; MatryoError as `save_model`.
    """
    check_dims([dim], encoder.width)
    if dim == encoder.width:
        # no cut: the space stays what it is, as `cut_encoder` has it
        return save_model(encoder, folder, extra=extra, overwrite=overwrite)
    cutting = cutting_map(encoder.space, dim)
    if isinstance(encoder, MappedEncoder):
        # one product instead of two: the length in between does not matter
        modules, matrix = modules_of(encoder.encoder), block(_matrix_map(encoder).matrix, 0, dim)
        known = Matryoshka()
    else:
        modules, matrix = modules_of(encoder), cutting.matrix
        known = known_of(encoder).up_to(dim) if isinstance(encoder, ModelEncoder) else Matryoshka()
    model = _joined(encoder, [*modules, *_map_modules(matrix)])
    return _write(model, cutting.target, known, Path(folder), extra=extra, overwrite=overwrite)


def modules_of(encoder: Encoder) -> list[nn.Module]:
    """The sentence-transformers modules that together do what an encoder does.

    Raises: MatryoError if a part of it cannot be written as modules.
    """
    if isinstance(encoder, MappedEncoder):
        return [*modules_of(encoder.encoder), *_map_modules(_matrix_map(encoder).matrix)]
    if not isinstance(encoder, ModelEncoder):
        kind = type(encoder).__name__
        raise MatryoError(f"only sentence-transformers models and maps behind them can be saved, got {kind}")
    modules = list(encoder.model)
    with encoder.model.truncate_embeddings(None):
        whole = encoder.model.get_embedding_dimension() or encoder.width
    if whole > encoder.width:
        return [*modules, *_map_modules(block(np.eye(whole, dtype=np.float32), 0, encoder.width))]
    if encoder.space.normalize and not isinstance(modules[-1], Normalize):
        modules.append(Normalize())
    return modules


def known_of(encoder: ModelEncoder) -> Matryoshka:
    """Dims and curve that a loaded model brought along in its config; unknown for static models."""
    config = encoder.model.config
    return Matryoshka() if config is None else matryoshka_of(config.to_dict(), Path(encoder.name))


def _matrix_map(encoder: MappedEncoder) -> MatrixMap:
    if not isinstance(encoder.map, MatrixMap):
        raise MatryoError(f"a {encoder.map.kind} map is no single matrix and cannot be saved as modules; save the map")
    return encoder.map


def _map_modules(matrix: NDArray[np.float32]) -> list[nn.Module]:
    weight = torch.from_numpy(np.ascontiguousarray(matrix.T))
    width, out = matrix.shape
    return [Dense(width, out, bias=False, activation_function=nn.Identity(), init_weight=weight), Normalize()]


def _joined(encoder: Encoder, modules: list[nn.Module]) -> SentenceTransformer:
    source = encoder
    while isinstance(source, MappedEncoder):
        source = source.encoder
    if not isinstance(source, ModelEncoder):
        raise MatryoError(f"only sentence-transformers models can be saved, got {type(source).__name__}")
    prompts = {name: text or "" for name, text in source.model.prompts.items()}
    return SentenceTransformer(
        modules=modules,
        device=str(source.model.device),
        prompts={**prompts, "query": encoder.prompt("query"), "document": encoder.prompt("document")},
        default_prompt_name=source.model.default_prompt_name,
        similarity_fn_name="cosine",
    )


def _write(
    model: SentenceTransformer,
    space: Space,
    known: Matryoshka,
    folder: Path,
    *,
    extra: Mapping[str, Any] | None,
    overwrite: bool,
) -> Path:
    if model.get_embedding_dimension() != space.width:
        raise ShapeError(f"the modules give {model.get_embedding_dimension()} numbers, the space has {space.width}")
    with _new_folder(folder, overwrite=overwrite) as temporary:
        with quiet():
            model.save_pretrained(str(temporary), create_model_card=False)
        write_notes(temporary, known, space=space, read_as=space_of(model, normalize=space.normalize).id, extra=extra)
    return folder


@contextmanager
def _new_folder(folder: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give a folder beside the wanted one and rename it at the end, so that a model is there whole or not at all."""
    used = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    if used and not (overwrite and (folder / NOTES_FILE).is_file()):
        what = "pass overwrite to replace it" if (folder / NOTES_FILE).is_file() else "it was not written by matryo"
        raise MatryoError(f"{folder} is not empty; choose another folder ({what})")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f"{folder.name}.tmp-{os.getpid()}")
    old = folder.with_name(f"{folder.name}.old-{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        if used:
            os.replace(folder, old)
        try:
            os.replace(temporary, folder)
        except OSError:
            if used:
                os.replace(old, folder)
            raise
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
