"""The kinds of index that a folder may hold, and how to open any of them."""

from pathlib import Path

from matryo.errors import FormatError
from matryo.files import read_json
from matryo.search.base import Index
from matryo.search.exact_index import ExactIndex
from matryo.search.faiss_index import FaissIndex
from matryo.search.funnel import FunnelIndex
from matryo.search.quantized import QuantizedIndex
from matryo.space import Space

KINDS: dict[str, type[Index]] = {
    "exact": ExactIndex,
    "faiss": FaissIndex,
    "funnel": FunnelIndex,
    "quantized": QuantizedIndex,
}


def load_index(folder: Path | str, *, space: Space | str | None = None) -> Index:
    """Open a saved index of whatever kind `index.json` names.

    Args:
        folder: where the index is.
        space: space, or space id, that the caller needs; None takes any.

    Raises: FormatError if the folder is no whole index or of a kind that this version does not know; SpaceError if it
        lies in another space; what the kind's own `load` raises.
    """
    path = Path(folder) / "index.json"
    stored = read_json(path, "an index")
    kind = stored.get("kind") if isinstance(stored, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise FormatError(
            f"{path} names an index of kind {kind!r}, this version opens {', '.join(KINDS)}; build it anew"
        )
    return KINDS[kind].load(folder, space=space)
