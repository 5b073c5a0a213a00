"""Per-query values of a run as one Parquet table."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matryo import files
from matryo.errors import FormatError, MatryoError
from matryo.evaluation.queries import Queries
from matryo.evaluation.score import Score

_STRINGS = ("dataset", "model", "map", "measure", "query_id", "group")
_KEY = ("dataset", "model", "map", "seed", "dim", "measure")


def write(path: Path, scores: Sequence[Score], queries: Mapping[str, Queries]) -> int:
    """Write one row per query for each score that has per-query values.

    Args:
        path: of the file.
        scores: all scores of the run; any two must differ in data set, model, map, seed, dim or measure.
        queries: data set -> counted queries, in the order of the values.

    Returns: number of rows.
    Raises: MatryoError if queries are missing or do not fit, or two scores are the same.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    keys = [_key(score) for score in scores]
    if len(set(keys)) < len(keys):
        twice = next(key for place, key in enumerate(keys) if key in keys[:place])
        raise MatryoError(f"two scores are of the same arm and measure: {twice}; keep one of them")
    schema = _schema()
    parts = [
        pa.table(_columns(score, score.per_query, queries), schema=schema)
        for score in scores
        if score.per_query is not None
    ]
    table = pa.concat_tables([schema.empty_table(), *parts]).unify_dictionaries()
    with files.atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
    return int(table.num_rows)


def read(path: Path, scores: Sequence[Score]) -> tuple[tuple[Score, ...], dict[str, Queries]]:
    """Give stored scores their per-query values back.

    Args:
        path: of the file.
        scores: all scores of the run in the order they were written in.

    Returns: the scores in the same order, and the counted queries of each data set.
    Raises: FormatError if the file is no such table or is not of these scores.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, schema=_schema())
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{path} is not readable as per-query values: {error}; run the evaluation anew") from None
    found = []
    queries: dict[str, Queries] = {}
    offset = 0
    for score in scores:
        # a score without per-query values has no rows: the next rows are those of a later score
        if offset == table.num_rows or _row_key(table, offset) != _key(score):
            found.append(score)
            continue
        part = table.slice(offset, score.n)
        offset += part.num_rows
        found.append(replace(score, per_query=part.column("value").to_numpy()))
        if score.dataset not in queries:
            queries[score.dataset] = _queries(part)
    if offset != table.num_rows:
        raise FormatError(f"{path} has {table.num_rows} rows, its scores account for {offset}; run the evaluation anew")
    return tuple(found), queries


def _key(score: Score) -> tuple[Any, ...]:
    return tuple(getattr(score, name) for name in _KEY)


def _row_key(table: Any, row: int) -> tuple[Any, ...]:
    return tuple(table.column(name)[row].as_py() for name in _KEY)


def _schema() -> Any:
    import pyarrow as pa

    text = pa.dictionary(pa.int32(), pa.string())
    kinds = {name: text for name in _STRINGS} | {"seed": pa.int64(), "dim": pa.int32(), "value": pa.float64()}
    order = ("dataset", "model", "map", "seed", "dim", "measure", "query_id", "group", "value")
    return pa.schema([(name, kinds[name]) for name in order])


def _columns(score: Score, values: NDArray[np.float64], queries: Mapping[str, Queries]) -> dict[str, Any]:
    import pyarrow as pa

    its = queries.get(score.dataset)
    if its is None or values.shape != (len(its),) or score.n != len(its):
        received = f"n = {score.n} and values of shape {values.shape} for {'no' if its is None else len(its)} queries"
        raise MatryoError(
            f"{score.measure} of {score.arm} on {score.dataset!r} has {received}; pass the counted queries"
        )
    n = len(its)
    text = pa.dictionary(pa.int32(), pa.string())

    def same(value: str) -> Any:
        return pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, dtype=np.int32)), pa.array([value], pa.string()))

    return {
        "dataset": same(score.dataset),
        "model": same(score.model),
        "map": same(score.map),
        "seed": pa.array([score.seed] * n, pa.int64()),
        "dim": pa.array(np.full(n, score.dim, dtype=np.int32)),
        "measure": same(score.measure),
        "query_id": pa.array(its.ids, pa.string()).dictionary_encode(),
        "group": pa.array(its.groups, pa.string()).dictionary_encode() if its.groups else pa.nulls(n, text),
        "value": pa.array(values),
    }


def _queries(table: Any) -> Queries:
    groups = table.column("group").to_pylist()
    ids = tuple(table.column("query_id").to_pylist())
    return Queries(ids, () if all(group is None for group in groups) else tuple(groups))
