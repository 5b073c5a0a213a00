"""Rows held in few bits and scored as they are: float16 and int8 by products, signs by counting bits."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import Vectors
from matryo.errors import FormatError
from matryo.prefix import Array, block, cut, row_norms
from matryo.search.binary import differing_bits, n_words, pack_signs, sign_cosines
from matryo.search.int8 import Int8Columns
from matryo.search.scaled import GROUP

if TYPE_CHECKING:
    import torch

_READ_ROWS = 1 << 13
_DECODED_ROWS = 1 << 12  # rows widened to float32 at a time: 1.5 MiB at 96 numbers, which a core's cache holds

Score = Callable[[int, int, "torch.Tensor"], None]


class Codes(ABC):
    """Quantised rows of one prefix length, comparable with float queries at it and below."""

    @property
    @abstractmethod
    def n_rows(self) -> int:
        """Number of rows."""

    @property
    @abstractmethod
    def dim(self) -> int:
        """Columns that have codes."""

    @abstractmethod
    def scorer(self, queries: Array, dim: int) -> Score:
        """Prepare queries to be compared at a prefix length.

        Args:
            queries: (n, width) float, not cut.
            dim: within 1..self.dim.

        Returns: a function (first, last, out) that writes the scores of rows first..last, estimates of their cosines,
            into out (n, last - first).
        """

    @abstractmethod
    def arrays(self) -> dict[str, Array]:
        """Everything it is made of, by name, to be written to a file."""

    @classmethod
    @abstractmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Self:
        """Inverse of `arrays`.

        Raises: FormatError if they do not fit together.
        """

    @property
    def n_bytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in self.arrays().values())


def pieces(vectors: Vectors, dim: int) -> Iterator[Array]:
    """All rows cut to a prefix length, in blocks; of a set only the blocks of columns it needs are read."""
    for first in range(0, vectors.n_rows, _READ_ROWS):
        yield cut(vectors.read(slice(first, first + _READ_ROWS), 0, dim), dim)


@final
class NumberCodes(Codes):
    """float16 or int8 numbers; a score is the cosine of the float query and the decoded row.

    A row whose decoded prefix is zero scores 0.
    """

    def __init__(self, codes: NDArray[Any], columns: Int8Columns | None, inverse: NDArray[np.float32]) -> None:
        """Wrap (n, dim) codes, the columns' scales if they are int8, and 1 / length of each decoded row."""
        self._codes = codes
        self._columns = columns
        self._inverse = {codes.shape[1]: inverse}

    @classmethod
    def encode(cls, vectors: Vectors, dim: int, bits: int) -> Self:
        """Cut rows, renormalise and round them; int8 reads the rows twice, for the range of each column first.

        Args:
            vectors: the rows.
            dim: prefix length.
            bits: 16 or 8.
        """
        columns = Int8Columns.fit(pieces(vectors, dim), dim) if bits == 8 else None
        codes: NDArray[Any] = np.empty((vectors.n_rows, dim), dtype=np.int8 if columns else np.float16)
        first = 0
        for piece in pieces(vectors, dim):
            codes[first : first + len(piece)] = columns.encode(piece) if columns else piece
            first += len(piece)
        made = cls(codes, columns, np.empty(0, dtype=np.float32))
        made._inverse[dim] = made._inverse_lengths(dim)
        return made

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self._codes)

    @property
    def dim(self) -> int:
        """Columns that have codes."""
        return int(self._codes.shape[1])

    def decode(self, first: int, last: int, dim: int) -> NDArray[np.float32]:
        """The numbers that some rows stand for, (last - first, dim) float32, not renormalised."""
        codes = block(self._codes[first:last], 0, dim)
        return self._columns.first(dim).decode(codes) if self._columns else codes.astype(np.float32)

    def scorer(self, queries: Array, dim: int) -> Score:
        """Products of the queries, into which the columns' scales are taken, with the codes; see `Codes.scorer`."""
        import torch

        unit = cut(queries.astype(np.float64), dim)
        constant = np.zeros(len(unit), dtype=np.float32)
        scaled = unit.astype(np.float32)
        if self._columns:
            scaled, constant = self._columns.fold(unit)
        left, plus = torch.from_numpy(scaled), torch.from_numpy(constant)[:, None]
        codes = torch.from_numpy(block(self._codes, 0, dim))
        inverse = torch.from_numpy(self._inverse_at(dim))
        # always as many rows, because products of one shape round alike, so that equal rows tie
        wide = torch.zeros((min(_DECODED_ROWS, -(-self.n_rows // GROUP) * GROUP), dim))

        def score(first: int, last: int, out: "torch.Tensor") -> None:
            for begin in range(first, last, len(wide)):
                end = min(begin + len(wide), last)
                wide[: end - begin].copy_(codes[begin:end])
                products = torch.mm(left, wide.T)[:, : end - begin]
                torch.mul(products + plus, inverse[begin:end], out=out[:, begin - first : end - first])

        return score

    def arrays(self) -> dict[str, Array]:
        """Codes, lengths and, for int8, the scale of each column."""
        arrays = {"codes": self._codes, "inverse_lengths": self._inverse[self.dim]}
        if self._columns:
            arrays |= {"step": self._columns.step, "zero": self._columns.zero}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Self:
        """Inverse of `arrays`; see `Codes.from_arrays`."""
        codes = _needed(arrays, "codes")
        inverse = _needed(arrays, "inverse_lengths")
        int8 = codes.dtype == np.int8
        columns = Int8Columns(_needed(arrays, "step"), _needed(arrays, "zero")) if int8 else None
        scaled = not columns or columns.step.shape == columns.zero.shape == (codes.shape[-1],)
        if codes.ndim != 2 or inverse.shape != (len(codes),) or not (int8 or codes.dtype == np.float16) or not scaled:
            raise _contradiction(arrays)
        return cls(codes, columns, inverse)

    def _inverse_at(self, dim: int) -> NDArray[np.float32]:
        """1 / length of the rows at a prefix; that of the last other dim is kept, 4 bytes per row."""
        if dim not in self._inverse:
            self._inverse = {self.dim: self._inverse[self.dim], dim: self._inverse_lengths(dim)}
        return self._inverse[dim]

    def _inverse_lengths(self, dim: int) -> NDArray[np.float32]:
        inverse = np.zeros(self.n_rows, dtype=np.float32)
        for first in range(0, self.n_rows, _READ_ROWS):
            lengths = row_norms(self.decode(first, first + _READ_ROWS, dim))
            np.divide(1.0, lengths, out=inverse[first : first + len(lengths)], where=lengths > 0.0, casting="same_kind")
        return inverse


@final
class SignCodes(Codes):
    """One bit per number; a score is the cosine of the signs of query and row.

    A row of zeros has no signs and scores 0; so does such a query. If the rows were centred, the mean row, cut to the
    coded columns, is subtracted from rows and queries before their signs are taken.
    """

    def __init__(
        self, words: NDArray[np.uint64], dim: int, centre: NDArray[np.float32], zero_rows: NDArray[np.int64]
    ) -> None:
        """Wrap (words, n) packed signs of `dim` columns, the centre (dim,), and the numbers of the zero rows."""
        self._words = words
        self._dim = dim
        self._centre = centre
        self._zero_rows = zero_rows

    @classmethod
    def encode(cls, vectors: Vectors, dim: int, *, centred: bool) -> Self:
        """Cut rows, renormalise, subtract their mean if asked for (one more pass), and keep the signs."""
        centre = np.zeros(dim, dtype=np.float64)
        if centred and vectors.n_rows:
            for piece in pieces(vectors, dim):
                centre += piece.sum(axis=0, dtype=np.float64)
            centre /= vectors.n_rows
        mean = centre.astype(np.float32)
        words = np.empty((n_words(dim), vectors.n_rows), dtype=np.uint64)
        zero_rows, first = [np.empty(0, dtype=np.int64)], 0
        for piece in pieces(vectors, dim):
            words[:, first : first + len(piece)] = pack_signs(piece - mean)
            zero_rows.append(np.flatnonzero(~piece.any(axis=1)) + first)
            first += len(piece)
        return cls(words, dim, mean, np.concatenate(zero_rows))

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self._words.shape[1])

    @property
    def dim(self) -> int:
        """Columns that have codes."""
        return self._dim

    def scorer(self, queries: Array, dim: int) -> Score:
        """Bits that differ, counted word by word; see `Codes.scorer`."""
        import torch

        unit = cut(queries.astype(np.float64), self._dim)
        signs = pack_signs(unit - self._centre)
        silent = torch.from_numpy(~unit.any(axis=1))

        def score(first: int, last: int, out: "torch.Tensor") -> None:
            for begin in range(first, last, _DECODED_ROWS):
                end = min(begin + _DECODED_ROWS, last)
                differing = differing_bits(signs, self._words[:, begin:end], dim)
                out[:, begin - first : end - first] = torch.from_numpy(sign_cosines(differing, dim))
            low, high = np.searchsorted(self._zero_rows, (first, last))
            out[:, torch.from_numpy(self._zero_rows[low:high] - first)] = 0.0
            out[silent] = 0.0

        return score

    def arrays(self) -> dict[str, Array]:
        """Packed signs, the centre and the rows without signs."""
        return {"words": self._words, "centre": self._centre, "zero_rows": self._zero_rows}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Self:
        """Inverse of `arrays`; see `Codes.from_arrays`."""
        words, centre, zero_rows = (_needed(arrays, name) for name in ("words", "centre", "zero_rows"))
        whole = words.ndim == 2 and words.dtype == np.uint64 and zero_rows.dtype == np.int64
        if not whole or len(words) != n_words(len(centre)):
            raise _contradiction(arrays)
        return cls(words, len(centre), centre, zero_rows)


def _needed(arrays: Mapping[str, Array], name: str) -> Array:
    if name not in arrays:
        raise _contradiction(arrays)
    return arrays[name]


def _contradiction(arrays: Mapping[str, Array]) -> FormatError:
    found = {name: f"{array.dtype} {array.shape}" for name, array in arrays.items()}
    return FormatError(f"the codes of a quantised index do not fit together, got {found}; save the index anew")
