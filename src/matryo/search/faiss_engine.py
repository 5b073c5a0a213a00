"""The adapter to FAISS: the only file that imports it, and only inside functions."""

from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matryo.errors import FormatError, MatryoError, MissingExtra
from matryo.prefix import Array, cut
from matryo.search.source import RowVectors

_TRAIN_ROWS = 1 << 16
_PER_LIST = 64  # rows of the sample per list of an inverted file: FAISS warns below 39 and ignores those above 256


def faiss_module() -> Any:
    """FAISS itself.

    Raises: MissingExtra if it is not installed.
    """
    try:
        import faiss
    except ImportError:
        raise MissingExtra("faiss-cpu", "faiss", "an index of FAISS") from None
    return faiss


def n_threads() -> int:
    """Threads that FAISS uses."""
    return int(faiss_module().omp_get_max_threads())


def cut_rows(rows: Array, dim: int) -> NDArray[np.float32]:
    """Rows cut and renormalised as FAISS takes them: contiguous float32."""
    return np.ascontiguousarray(cut(rows, dim), dtype=np.float32)


def make_empty(factory: str, dim: int, seed: int) -> Any:
    """An empty index that compares by inner products; `seed` is that of the lists' k-means.

    Raises: MatryoError if FAISS does not know the factory, or anything in it compares otherwise.
    """
    faiss = faiss_module()
    try:
        index = faiss.index_factory(dim, factory, faiss.METRIC_INNER_PRODUCT)
    except RuntimeError as error:
        raise MatryoError(
            f"FAISS makes no index {factory!r} for inner products of {dim} numbers: {_reason(error)}; "
            "give for example Flat, IVF1024,Flat, HNSW32 or IVF1024,PQ48, with PQ parts that divide the dim"
        ) from None
    metrics = [index.metric_type]
    lists = faiss.try_extract_index_ivf(index)
    if lists is not None:
        metrics += [lists.metric_type, faiss.downcast_index(lists.quantizer).metric_type]
        lists.cp.seed = seed
    if any(metric != faiss.METRIC_INNER_PRODUCT for metric in metrics):
        raise MatryoError(f"FAISS compares {factory!r} by something else than inner products; choose another factory")
    return index


def train_all(
    made: Mapping[int, Any], vectors: RowVectors, train_rows: int | None, seed: int, seconds: dict[int, float]
) -> int:
    """Let indexes learn from one sample of rows, drawn without replacement and read once for all of them.

    Args:
        made: dim -> index; those that need not learn are left alone.
        vectors: what the sample is drawn from.
        train_rows: its size, None for 65,536 or 64 rows per list, whichever is more; at most all rows.
        seed: of the draw.
        seconds: dim -> seconds so far, to which those of learning are added.

    Returns: size of the sample, 0 if none needs to learn.
    Raises: MatryoError if there are too few rows.
    """
    learning = {dim: index for dim, index in made.items() if not index.is_trained}
    if not learning:
        return 0
    lists = [faiss_module().try_extract_index_ivf(index) for index in learning.values()]
    wanted = train_rows or max([_TRAIN_ROWS, *(_PER_LIST * one.nlist for one in lists if one is not None)])
    n = min(wanted, vectors.n_rows)
    rows = np.sort(np.random.default_rng(seed).permutation(vectors.n_rows)[:n])
    sample = vectors.take(rows, 0, max(learning))
    for dim, index in learning.items():
        started = perf_counter()
        try:
            index.train(cut_rows(sample, dim))
        except RuntimeError as error:
            raise MatryoError(
                f"FAISS could not learn from {n} rows of {dim} numbers: {_reason(error)}; choose a factory with "
                "fewer lists or codes, or index more rows"
            ) from None
        seconds[dim] += perf_counter() - started
    return n


def configure(index: Any, settings: Mapping[str, float]) -> None:
    """Set parameters by FAISS's own names; none is left out in silence.

    Raises: MatryoError if the index does not know a name, or a value is no number above 0.
    """
    space = faiss_module().ParameterSpace()
    space.initialize(index)
    ranges = space.parameter_ranges
    known = ", ".join(sorted(ranges.at(place).name for place in range(ranges.size()))) or "no settings"
    for name, value in settings.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < np.inf:
            raise MatryoError(f"settings of FAISS are numbers above 0, got {name}={value!r}; this one knows {known}")
        try:
            space.set_index_parameter(index, name, float(value))
        except RuntimeError:
            raise MatryoError(f"this FAISS index has no setting {name!r}; this one knows {known}") from None


def write_file(index: Any, path: Path) -> None:
    """Write an index in FAISS's own format."""
    faiss_module().write_index(index, str(path))


def read_file(path: Path) -> Any:
    """Open what `write_file` wrote; codes and links are mapped, not loaded, where this FAISS can map them.

    Raises: FormatError if FAISS cannot read it, or it does not compare by inner products.
    """
    faiss = faiss_module()
    try:
        index = faiss.read_index(str(path), getattr(faiss, "IO_FLAG_MMAP_IFC", 0))  # older ones cannot
    except RuntimeError as error:
        raise FormatError(f"{path} is not readable by FAISS: {_reason(error)}; save the index anew") from None
    if index.metric_type != faiss.METRIC_INNER_PRODUCT:
        raise FormatError(f"{path} does not compare by inner products; save the index anew")
    return index


def code_bytes(index: Any) -> int:
    """Bytes of the code of one row, without links or list numbers."""
    faiss = faiss_module()
    lists = faiss.try_extract_index_ivf(index)
    if lists is not None:
        return int(lists.code_size)
    inner = faiss.downcast_index(index)
    if isinstance(inner, faiss.IndexPreTransform):
        inner = faiss.downcast_index(inner.index)
    if isinstance(inner, faiss.IndexRefine):
        inner = faiss.downcast_index(inner.base_index)
    if isinstance(inner, faiss.IndexHNSW | faiss.IndexNSG):
        inner = faiss.downcast_index(inner.storage)
    return int(inner.sa_code_size())


def written_bytes(index: Any) -> int:
    """Size of the index as FAISS writes it, counted piece by piece, without keeping a copy."""
    faiss = faiss_module()
    sizes: list[int] = []
    faiss.write_index(index, faiss.PyCallbackIOWriter(lambda piece: sizes.append(len(piece)), 1 << 20))
    return sum(sizes)


def _reason(error: RuntimeError) -> str:
    """What FAISS says, without the places in its source."""
    return str(error).splitlines()[0].rsplit(".cpp:", 1)[-1].split(": ", 1)[-1].removeprefix("Error: ")
