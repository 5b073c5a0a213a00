"""One shard: vectors as one tensor per block in a safetensors file, ids and texts in a Parquet file beside it.

The vectors are written first and their digest goes into the Parquet file's metadata, so that two files that are there
and agree are a whole shard; both are renamed into place only when whole.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from matryo.embeddings.manifest import Shard
from matryo.embeddings.plan import Plan
from matryo.errors import FormatError, ShapeError
from matryo.files import digest_file, write_pieces
from matryo.prefix import Array, block, check_matrix, row_norms

if TYPE_CHECKING:
    import pyarrow as pa

_CODES = {"float32": ("F32", "<f4"), "float16": ("F16", "<f2")}
SHARD_ROWS = 8192
_ALIGNMENT = 64
_LENGTH_BYTES = 8
_UNIT_TOLERANCE = 1e-3
_REPAIR = "restore it from a copy, or delete the set and encode again"


def vectors_file(folder: Path, name: str) -> Path:
    """Path of a shard's vectors."""
    return folder / f"{name}.safetensors"


def ids_file(folder: Path, name: str) -> Path:
    """Path of a shard's ids and texts."""
    return folder / f"{name}.parquet"


def block_name(start: int, stop: int) -> str:
    """Name of one block's tensor; padded, so that names sort as columns do.

    >>> block_name(0, 32)
    'block-0000-0032'
    """
    return f"block-{start:04d}-{stop:04d}"


def check_rows(vectors: Array, plan: Plan, n_rows: int, first_row: int) -> None:
    """Refuse vectors that do not fit the plan.

    Args:
        vectors: what an encoder or a caller gave for some rows.
        plan: the set's plan.
        n_rows: how many rows were asked for.
        first_row: number of the first one, for the messages.

    Raises: ShapeError if the shape differs, a value is not finite, or a row is not of length 1 in a normalised space.
    """
    check_matrix(vectors)
    if vectors.shape != (n_rows, plan.space.width):
        raise ShapeError(
            f"rows {first_row}..{first_row + n_rows} need vectors of shape {(n_rows, plan.space.width)}, "
            f"got {vectors.shape}; give one row per id, as wide as the space"
        )
    if not plan.space.normalize:
        return
    norms = row_norms(vectors)
    strange = np.flatnonzero((np.abs(norms - 1.0) > _UNIT_TOLERANCE) & (norms != 0.0))
    if strange.size:
        row = int(strange[0])
        raise ShapeError(
            f"this space holds rows of length 1, row {first_row + row} has length {norms[row]:.4g}; "
            "pass unit rows (matryo.prefix.unit_rows), or a Space with normalize=False"
        )


def stored_rows(vectors: Array, dtype: str, first_row: int) -> Array:
    """Vectors in the type they are stored in, without a copy where they have it.

    Args:
        vectors: (n, width) float, finite.
        dtype: "float32" or "float16".
        first_row: number of the first row, for the message.

    Raises: ShapeError if a row does not survive: values too large or too small for the type.
    """
    with np.errstate(over="ignore", under="ignore"):
        stored: Array = vectors.astype(_CODES[dtype][1], copy=False)
    if stored.dtype.itemsize < vectors.dtype.itemsize:
        # Rounding to float16 costs at most 2**-11 of a value, unless it overflows or is subnormal.
        lost = row_norms(stored.astype(np.float64) - vectors) if np.isfinite(stored).all() else None
        bad = ~np.isfinite(stored).all(axis=1) if lost is None else lost > 1e-3 * row_norms(vectors)
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            peak = float(np.abs(vectors[row]).max())
            raise ShapeError(
                f"values must fit {dtype}, row {first_row + row} reaches {peak:.4g}; scale it or use a wider dtype"
            )
    return stored


def ids_table(ids: Sequence[str], texts: Sequence[str] | None) -> "pa.Table":
    """Ids and texts of one shard as an Arrow table.

    Raises: FormatError if a text holds half of a surrogate pair, which UTF-8 cannot store.
    """
    import pyarrow as pa

    try:
        columns = {"id": pa.array(ids, pa.string())}
        if texts is not None:
            columns["text"] = pa.array(texts, pa.large_string())
    except UnicodeEncodeError as error:
        raise FormatError(f"ids and texts must be storable as UTF-8: {error}; repair the text it came from") from None
    return pa.table(columns)


def write_shard(folder: Path, name: str, stored: Array, table: "pa.Table", plan: Plan) -> Shard:
    """Write both files of one shard, each atomically.

    Args:
        folder: the set.
        name: its file name without suffix.
        stored: (n, width), see `check_rows` and `stored_rows`.
        table: see `ids_table`, n rows.
        plan: the set's plan.

    Returns: what the manifest states about the shard.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = vectors_file(folder, name)
    vectors_sha256 = write_pieces(path, _tensor_pieces(stored, plan))
    sink = pa.BufferOutputStream()
    described = table.replace_schema_metadata({"vectors_sha256": vectors_sha256, "plan": plan.digest})
    pq.write_table(described, sink, write_page_checksum=True)
    content = sink.getvalue()
    ids_sha256 = write_pieces(ids_file(folder, name), [memoryview(content)])
    return Shard(name, len(stored), path.stat().st_size, vectors_sha256, content.size, ids_sha256)


def _tensor_pieces(stored: Array, plan: Plan) -> Iterator[bytes | memoryview]:
    """A safetensors file as header and blocks; only one block at a time is copied."""
    header: dict[str, Any] = {"__metadata__": {"plan": plan.digest}}
    offset = 0
    for start, stop in pairwise(plan.edges):
        end = offset + len(stored) * (stop - start) * stored.dtype.itemsize
        header[block_name(start, stop)] = {
            "dtype": _CODES[plan.dtype][0],
            "shape": [len(stored), stop - start],
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(_LENGTH_BYTES + len(text)) % _ALIGNMENT)
    yield len(text).to_bytes(_LENGTH_BYTES, "little") + text
    for start, stop in pairwise(plan.edges):
        yield np.ascontiguousarray(block(stored, start, stop)).reshape(-1).view(np.uint8).data


def map_blocks(folder: Path, name: str, n_rows: int, plan: Plan) -> dict[tuple[int, int], Array]:
    """The blocks of one shard, mapped into memory: only what is read is loaded.

    Returns: (n_rows, stop - start) of the stored type, read-only, by (start, stop).
    Raises: FormatError if the file is missing, cut short or not as the plan says.
    """
    path = vectors_file(folder, name)
    offsets = _read_offsets(path, n_rows, plan)
    raw = np.memmap(path, dtype=np.uint8, mode="r").view(np.ndarray)
    return {
        (start, stop): raw[first:last].view(_CODES[plan.dtype][1]).reshape(n_rows, stop - start)
        for (start, stop), (first, last) in offsets.items()
    }


def _read_offsets(path: Path, n_rows: int, plan: Plan) -> dict[tuple[int, int], tuple[int, int]]:
    """Byte range of each block in the file, checked against the plan and the file's size."""
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(_LENGTH_BYTES), "little")
            if size < _LENGTH_BYTES + length:
                raise FormatError(f"{path} is cut short: {size} bytes do not hold its header; {_REPAIR}")
            header = json.loads(stream.read(length))
    except FileNotFoundError:
        raise FormatError(f"{path} is missing, a shard of this set; {_REPAIR}") from None
    except ValueError as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"{path} has no readable safetensors header: {error}; {_REPAIR}") from None
    data, end = _LENGTH_BYTES + length, 0
    offsets = {}
    for start, stop in pairwise(plan.edges):
        code, stored_type = _CODES[plan.dtype]
        first, end = end, end + n_rows * (stop - start) * np.dtype(stored_type).itemsize
        wanted = {"dtype": code, "shape": [n_rows, stop - start], "data_offsets": [first, end]}
        found = header.get(block_name(start, stop)) if isinstance(header, dict) else None
        if found != wanted:
            raise FormatError(f"{path} must hold {block_name(start, stop)} as {wanted}, got {found}; {_REPAIR}")
        offsets[start, stop] = (data + first, data + end)
    if size != data + end:
        raise FormatError(f"{path} must have {data + end} bytes, got {size}: cut short or overwritten; {_REPAIR}")
    return offsets


def check_sizes(folder: Path, shards: Iterable[Shard]) -> None:
    """Compare the sizes of the shards' files with those stated: cheap, and finds what a broken copy leaves behind.

    Raises: FormatError if a file is missing or has another size.
    """
    for shard in shards:
        stated = {vectors_file(folder, shard.name): shard.vectors_bytes, ids_file(folder, shard.name): shard.ids_bytes}
        for path, n_bytes in stated.items():
            try:
                size = path.stat().st_size
            except FileNotFoundError:
                raise FormatError(f"{path} is missing, a part of this set; {_REPAIR}") from None
            if size != n_bytes:
                state = "cut short" if size < n_bytes else "too long"
                raise FormatError(f"{path} is {state}, {size} bytes instead of {n_bytes}; {_REPAIR}")


def read_ids(folder: Path, name: str, n_rows: int, column: str = "id") -> list[str]:
    """Ids or texts of one shard.

    Args:
        folder: the set.
        name: its file name without suffix.
        n_rows: rows the shard has.
        column: "id" or "text".

    Raises: FormatError if the file is missing, cannot be read or has another number of rows.
    """
    path = ids_file(folder, name)
    table = _read_table(path)
    if column not in table.column_names or table.num_rows != n_rows:
        shape = f"{table.num_rows} rows of {table.column_names}"
        raise FormatError(f"{path} must have {n_rows} rows with a column {column!r}, got {shape}; {_REPAIR}")
    try:
        values: list[str] = table.column(column).to_pylist()
    except UnicodeDecodeError as error:
        raise FormatError(f"{path} holds a column {column!r} that is not UTF-8: {error}; {_REPAIR}") from None
    return values


def _read_table(path: Path) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path, page_checksum_verification=True).read()
    except FileNotFoundError:
        raise FormatError(f"{path} is missing, a shard of this set; {_REPAIR}") from None
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise FormatError(f"{path} cannot be read as Parquet: {reason}; {_REPAIR}") from None


def kept_shard(folder: Path, name: str, table: "pa.Table", plan: Plan) -> Shard | None:
    """What the manifest states about a shard that an earlier run finished, or None if it did not.

    Both files are read again: ids and texts are compared with the input, the vectors with the digest taken when they
    were written. That costs a small part of encoding them anew.

    Raises: FormatError if the shard is there but damaged.
    """
    vectors, ids = vectors_file(folder, name), ids_file(folder, name)
    if not vectors.exists() or not ids.exists():
        return None
    found = _read_table(ids)
    digest = digest_file(vectors)
    told = found.schema.metadata or {}
    whole = told.get(b"vectors_sha256") == digest.encode() and told.get(b"plan") == plan.digest.encode()
    if not whole or not found.equals(table):
        raise FormatError(
            f"{folder / name} was damaged since it was written; delete its two files and run the command again"
        )
    _read_offsets(vectors, table.num_rows, plan)
    return Shard(name, table.num_rows, vectors.stat().st_size, digest, ids.stat().st_size, digest_file(ids))


def finished_shard(folder: Path, name: str, plan: Plan) -> Shard | None:
    """What a manifest would state about a shard whose texts nobody has at hand, None if it is not there or not whole.

    That its two files belong together is seen in the digest that the ids carry of the vectors.
    """
    vectors, ids = vectors_file(folder, name), ids_file(folder, name)
    if not vectors.exists() or not ids.exists():
        return None
    found, digest = _read_table(ids), digest_file(vectors)
    if (found.schema.metadata or {}).get(b"vectors_sha256") != digest.encode():
        return None
    _read_offsets(vectors, found.num_rows, plan)
    return Shard(name, found.num_rows, vectors.stat().st_size, digest, ids.stat().st_size, digest_file(ids))
