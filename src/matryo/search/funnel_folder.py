"""A funnel as a folder: its rows as a set, what it scans as one safetensors file, `index.json` last."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import EmbeddingSet
from matryo.errors import FormatError, MatryoError
from matryo.files import atomic_path, check_fields, check_format, digest_json, read_json, write_json
from matryo.prefix import check_dims
from matryo.search.funnel_plan import FunnelPlan
from matryo.search.funnel_rows import SHARD_ROWS
from matryo.search.funnel_scan import SCANS, Scan, check_products
from matryo.search.funnel_stages import Parts
from matryo.space import Space, same_space

KIND = "funnel"
_FORMAT = 1
_INDEX_FILE = "index.json"
_SCAN_FILE = "scan.safetensors"
_VECTORS_FOLDER = "vectors"
_STORED = {
    "format": int,
    "kind": str,
    "set_digest": str,
    "vectors_digest": str,
    "space": dict,
    "dims": list,
    "scan": str,
    "residual": float,
    "longest": float,
    "scan_key": str,
    "rotated": bool,
    "build_s": float,
    "plan": dict,
}


@dataclass(frozen=True, eq=False)
class Funnel:
    """Everything that a funnel is; `FunnelIndex` adds what it can do.

    Attributes:
        parts: what is searched.
        space: space of the vectors it was built from, and of the queries.
        rotation: (width, width) float32, None if the vectors are searched as they were given.
        searched: space of the rows, `space` after the rotation.
        set_digest: see `Index.set_digest`.
        build_s: seconds that the building took.
        plan: shortlists, None = exact.
        disk_bytes: size of the folder it was loaded from, 0 if there is none.
    """

    parts: Parts
    space: Space
    rotation: NDArray[np.float32] | None
    searched: Space
    set_digest: str
    build_s: float
    plan: FunnelPlan | None = None
    disk_bytes: int = 0


def write_funnel(funnel: Funnel, folder: Path, ids: list[str], role: str, prompt: str) -> None:
    """Write a folder that holds no other vectors; the caller holds the lock.

    Raises: MatryoError if it does.
    """
    import torch
    from safetensors.torch import save_file

    rows = EmbeddingSet.from_numpy(
        folder / _VECTORS_FOLDER,
        funnel.parts.rows,
        ids,
        space=funnel.searched,
        role=role,
        prompt=prompt,
        shard_rows=SHARD_ROWS,
        edges=_edges(funnel.parts.scan.dims),
    )
    scan = funnel.parts.scan
    tensors = {"codes": scan.codes, "scale": scan.scale, "suffix": scan.suffix}
    if funnel.rotation is not None:
        tensors["rotation"] = torch.from_numpy(np.ascontiguousarray(funnel.rotation))
    described = {
        "vectors_digest": rows.digest,
        "dims": list(scan.dims),
        "scan": scan.name,
        "residual": scan.residual,
        "longest": scan.longest,
    }
    # the key stands in both files, so that an index.json beside a newer scan is noticed without reading the scan
    key = digest_json(described)
    with atomic_path(folder / _SCAN_FILE) as temporary:
        save_file(tensors, temporary, metadata={"scan_key": key})
    stored = {
        "format": _FORMAT,
        "kind": KIND,
        "set_digest": funnel.set_digest,
        **described,
        "space": funnel.space.to_json(),
        "scan_key": key,
        "rotated": funnel.rotation is not None,
        "build_s": funnel.build_s,
        "plan": {} if funnel.plan is None else funnel.plan.to_json(),
    }
    write_json(folder / _INDEX_FILE, stored)


def _edges(dims: tuple[int, ...]) -> tuple[int, ...]:
    """Where the rows are split: single rows are gathered block by block, so that no stage should need two."""
    return (0, *dims) if len(dims) > 2 else (0, dims[-1])


def read_funnel(folder: Path, space: Space | str | None, disk_bytes: int) -> Funnel:
    """Open what `write_funnel` wrote; vectors and scan are mapped, not loaded.

    Raises: FormatError if the folder is no whole funnel; SpaceError if it lies in another space than `space`.
    """
    path = folder / _INDEX_FILE
    stored = read_json(path, "a funnel index")
    if isinstance(stored, dict):
        check_format(stored.get("format"), _FORMAT, path)
    check_fields(stored, _STORED, path)
    if stored["kind"] != KIND:
        raise FormatError(f"{path} is an index of kind {stored['kind']!r}, expected {KIND!r}; load it as that kind")
    origin = Space.from_json(stored["space"])
    if space is not None:
        same_space(origin, space, f"the index {folder} and its use")
    rows = EmbeddingSet.open(folder / _VECTORS_FOLDER)
    if rows.digest != stored["vectors_digest"]:
        raise FormatError(f"{path} belongs to other vectors than those beside it; save the index anew")
    try:
        dims = check_dims(stored["dims"], rows.width)
    except MatryoError as error:
        raise FormatError(f"{path} has dims that do not fit: {error}") from None
    scan, rotation = _read_scan(folder / _SCAN_FILE, stored, dims, rows.n_rows)
    plan = FunnelPlan.from_json(stored["plan"]) if stored["plan"] else None
    parts = Parts(scan, rows)
    return Funnel(
        parts, origin, rotation, rows.space, stored["set_digest"], stored["build_s"], plan, disk_bytes=disk_bytes
    )


def _read_scan(
    path: Path, stored: dict[str, Any], dims: tuple[int, ...], n_rows: int
) -> tuple[Scan, NDArray[np.float32] | None]:
    import torch
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as opened:
            key = (opened.metadata() or {}).get("scan_key")
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}
    except (OSError, SafetensorError) as error:
        raise FormatError(f"{path} cannot be read as safetensors: {error}; save the index anew") from None
    name, width, residual, longest = stored["scan"], dims[-1], stored["residual"], stored["longest"]
    wanted = {"codes": (n_rows, dims[0]), "scale": (dims[0],), "suffix": (len(dims), n_rows)}
    if stored["rotated"]:
        wanted["rotation"] = (width, width)
    found = {tensor: tuple(t.shape) for tensor, t in tensors.items()}
    if key != stored["scan_key"] or found != wanted or name not in SCANS:
        raise FormatError(f"{path} does not belong to the index.json beside it; save the index anew")
    if tensors["codes"].dtype != getattr(torch, str(name)) or not (
        isinstance(residual, float) and isinstance(longest, float)
    ):
        raise FormatError(f"{path} must hold codes of {name}, got {tensors['codes'].dtype}; save the index anew")
    rotation = tensors["rotation"].numpy() if "rotation" in tensors else None
    scan = Scan(tensors["codes"], tensors["scale"], residual, longest, tensors["suffix"], dims)
    check_products(scan)
    return scan, rotation
