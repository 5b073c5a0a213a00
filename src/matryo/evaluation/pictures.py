"""Pictures of a translation as values on disk: what is drawn is worked out once and stored, reports only draw it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from matryo.errors import FormatError, MatryoError
from matryo.files import check_format, read_json, write_json

FORMAT: Final = 1
LONGEST_TEXT: Final = 120
Point = tuple[float, float]
Cells = tuple[tuple[float, ...], ...]
Reason = Literal["agree most", "differ most", "at random"]
_STRICT: Final = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def short_text(text: str, longest: int = LONGEST_TEXT) -> str:
    """One line of at most `longest` characters.

    >>> short_text("a  long  text", 8)
    'a long …'
    """
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


@dataclass(frozen=True, slots=True)
class LayoutPicture:
    """Native vectors laid out in the plane, and the translated vectors of the same texts placed among them.

    Attributes:
        source: name of the space that was translated.
        target: name of the space that was laid out.
        translator: name of the translator.
        ids: of the n texts.
        texts: of them, shortened.
        labels: of them, at most ten different ones.
        label_kind: what the labels are, e.g. "package" or "k-means cluster of the native vectors".
        native: n points.
        translated: n points of the same texts.
        native_trust: trustworthiness of the native points, 0 to 1: whether near points are near vectors.
        translated_trust: that of the translated points against the translated vectors.
        trust_neighbours: neighbours that both look at.
        n_neighbours: of UMAP.
        min_dist: of UMAP.
        seed: of UMAP and of the choice of texts.
        n_fitted: native vectors that the layout was fitted on.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    source: str
    target: str
    translator: str
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    labels: tuple[str, ...]
    label_kind: str
    native: tuple[Point, ...]
    translated: tuple[Point, ...]
    native_trust: float
    translated_trust: float
    trust_neighbours: int
    n_neighbours: int
    min_dist: float
    seed: int
    n_fitted: int

    def __post_init__(self) -> None:
        """Refuse columns of different lengths."""
        _check_lengths("a layout", (self.ids, self.texts, self.labels, self.native, self.translated))

    def write(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        _write(self, path)

    @classmethod
    def read(cls, path: Path) -> "LayoutPicture":
        """Read what `write` wrote.

        Raises: FormatError if the file is missing, damaged or another picture.
        """
        return _read(cls, path)


@dataclass(frozen=True, slots=True)
class KernelMatrices:
    """One kernel among the same texts in three spaces, and how alike the three matrices are.

    Attributes:
        kernel: "dot" or "rbf".
        native: n rows of n values among native vectors of the target.
        translated: among the translated vectors.
        source: among native vectors of the source.
        bandwidths: median distance in each space, in this order; None for "dot".
        alignment: of `translated` and of `source` with `native`: 1 = proportional.
        difference: of the same: root mean square of the cells' differences; 0 = equal.
        cka: of the same: alignment of the centred kernels, debiased; None if it is not defined.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    kernel: Literal["dot", "rbf"]
    native: Cells
    translated: Cells
    source: Cells
    bandwidths: tuple[float, float, float] | None
    alignment: tuple[float, float]
    difference: tuple[float, float]
    cka: tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class KernelPicture:
    """Kernel matrices of sample searches: queries, each followed by documents that both spaces fetched for it.

    Attributes:
        source: name of the space that was translated.
        target: name of the space that is imitated.
        translator: name of the translator.
        ids: of the n texts.
        texts: of them, shortened.
        queries: places of the queries among them, rising; () = the texts are a sample, no searches.
        matrices: one per kernel.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    source: str
    target: str
    translator: str
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    queries: tuple[int, ...]
    matrices: tuple[KernelMatrices, ...]

    def __post_init__(self) -> None:
        """Refuse matrices of another size than there are texts."""
        n = _check_lengths("kernel matrices", (self.ids, self.texts))
        for one in self.matrices:
            for cells in (one.native, one.translated, one.source):
                if [len(row) for row in cells] != [n] * n:
                    raise MatryoError(f"a kernel matrix of {n} texts has {n} rows of {n} values, got {len(cells)} rows")
        if any(not 0 <= place < n for place in self.queries):
            raise MatryoError(f"places of queries lie within 0..{n - 1}, got {self.queries}")

    def write(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        _write(self, path)

    @classmethod
    def read(cls, path: Path) -> "KernelPicture":
        """Read what `write` wrote.

        Raises: FormatError if the file is missing, damaged or another picture.
        """
        return _read(cls, path)


@dataclass(frozen=True, slots=True)
class Found:
    """One document of a list.

    Attributes:
        id: of the document.
        text: of it, shortened.
        score: cosine with the query.
        relevant: whether it answers the query; None without judgements.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    id: str
    text: str
    score: float
    relevant: bool | None


@dataclass(frozen=True, slots=True)
class SampleSearch:
    """What one query fetched.

    Attributes:
        query: its id.
        text: of it, shortened.
        reason: why it is shown: of all queries asked, the native and the translated list agree most or differ most
            here, or it was drawn at random.
        relevant: ids of its relevant documents among those searched; () without judgements.
        native: best first, native query and documents of the target.
        translated: native query of the target, translated documents.
        keep: native query and documents of the source: what the old model fetched.
        shared: documents that `native` and `translated` both hold.
        jaccard: shared over different documents of the two.
        edit_distance: edits that turn the one list into the other, over their length: 0 = equal, 1 = nothing kept.
        shared_keep: documents that `native` and `keep` both hold.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    query: str
    text: str
    reason: Reason
    relevant: tuple[str, ...]
    native: tuple[Found, ...]
    translated: tuple[Found, ...]
    keep: tuple[Found, ...]
    shared: int
    jaccard: float
    edit_distance: float
    shared_keep: int


@dataclass(frozen=True, slots=True)
class SearchPicture:
    """What both searches fetched, for a few queries.

    Attributes:
        source: name of the space that was translated.
        target: name of the space that is imitated.
        translator: name of the translator.
        k: length of the lists.
        asked: "queries", or "texts" where held-out texts ask for their neighbours, themselves left out.
        n_asked: queries that the samples were chosen among.
        n_documents: that were searched.
        mean_jaccard: of the native and the translated lists, over queries whose vectors are not zero in both spaces.
        mean_jaccard_keep: of the native and the source's lists.
        seed: of the choice at random.
        searches: in the order agree most, differ most, at random.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    source: str
    target: str
    translator: str
    k: int
    asked: Literal["queries", "texts"]
    n_asked: int
    n_documents: int
    mean_jaccard: float
    mean_jaccard_keep: float
    seed: int
    searches: tuple[SampleSearch, ...]

    def write(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        _write(self, path)

    @classmethod
    def read(cls, path: Path) -> "SearchPicture":
        """Read what `write` wrote.

        Raises: FormatError if the file is missing, damaged or another picture.
        """
        return _read(cls, path)


Picture = LayoutPicture | KernelPicture | SearchPicture
P = TypeVar("P", LayoutPicture, KernelPicture, SearchPicture)
_NAMES: Final[dict[type[Picture], str]] = {
    LayoutPicture: "layout",
    KernelPicture: "kernels",
    SearchPicture: "searches",
}


def _write(picture: Picture, path: Path) -> None:
    write_json(path, {"format": FORMAT, "picture": _NAMES[type(picture)], **asdict(picture)})


def _read(kind: type[P], path: Path) -> P:
    what = f"a {_NAMES[kind]} picture"
    stored: Any = read_json(path, what)
    if not isinstance(stored, dict) or stored.pop("picture", None) != _NAMES[kind]:
        raise FormatError(f"{path} is not {what}; make the pictures of the study anew")
    check_format(stored.pop("format", None), FORMAT, path)
    try:
        # through JSON, because there a list may be a tuple and a whole number a float, but nothing else is bent
        return TypeAdapter(kind).validate_json(json.dumps(stored))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "as a whole"
        raise FormatError(f"{path} is damaged ({place}: {first['msg']}), expected {what}; make it anew") from None


def _check_lengths(what: str, columns: Sequence[Sequence[object]]) -> int:
    lengths = {len(column) for column in columns}
    if len(lengths) != 1:
        raise MatryoError(f"{what} has one value of each kind per text, got {sorted(lengths)}; give one of each")
    return lengths.pop()
