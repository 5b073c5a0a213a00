"""Vectors as one file of a common format, written piece by piece."""

import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from matryo.files import atomic_path, write_pieces
from matryo.prefix import Array


def write_npy(path: Path, parts: Iterable[Array], shape: tuple[int, int]) -> None:
    """Write a float32 `.npy` file atomically.

    Args:
        path: the file.
        parts: (n, width) float32 each, all rows in order.
        shape: rows and width of all parts together.
    """

    # Written, not mapped: on a full disk a write fails with an error, a mapping kills the process.
    def pieces() -> Iterator[bytes | memoryview]:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": shape})
        yield header.getvalue()
        for part in parts:
            yield np.ascontiguousarray(part, dtype="<f4").reshape(-1).view(np.uint8).data

    write_pieces(path, pieces())


def write_parquet(path: Path, parts: Iterable[Array], ids: Sequence[str], width: int) -> None:
    """Write a Parquet file of the columns `id` and `vector` atomically, one row group per part.

    Args:
        path: the file.
        parts: (n, width) float32 each, all rows in order.
        ids: one per row.
        width: length of every vector.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("id", pa.string()), ("vector", pa.list_(pa.float32(), width))])
    with atomic_path(path) as temporary, temporary.open("wb") as stream, pq.ParquetWriter(stream, schema) as writer:
        first = 0
        for part in parts:
            flat = pa.array(np.ascontiguousarray(part, dtype=np.float32).reshape(-1))
            column = pa.FixedSizeListArray.from_arrays(flat, width)
            names = pa.array(ids[first : first + len(part)], pa.string())
            writer.write_table(pa.table([names, column], schema=schema))
            first += len(part)
