"""EmbeddingSet: vectors of one space with their ids, in a folder that can be read without this package."""

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings.changes import append_rows, delete_rows, plan_change, replace_rows
from matryo.embeddings.export import write_npy, write_parquet
from matryo.embeddings.manifest import read_manifest
from matryo.embeddings.plan import Plan, block_edges, row_ranges
from matryo.embeddings.rows import LiveRows
from matryo.embeddings.shards import SHARD_ROWS, check_sizes, map_blocks, read_ids
from matryo.embeddings.texts_like import TextsLike
from matryo.embeddings.vectors import Vectors, as_vectors, check_columns, check_row_numbers, row_range
from matryo.embeddings.verify import verify_set
from matryo.embeddings.writing import check_given, fill, from_texts, given, given_digest
from matryo.errors import MatryoError
from matryo.prefix import Array, block, check_dims, cut
from matryo.space import Space, same_space

# Every open mapping holds a file descriptor, of which a process has about a thousand.
_OPEN_SHARDS = 64


@final
class EmbeddingSet:
    """One generation of a set of vectors on disk; `Vectors` for whoever reads it.

    Rows are the live rows of this generation in shard order, from 0. The generation stays readable when the set is
    changed later: shards are never written over, and deleted rows stay in their shards.
    """

    def __init__(self, folder: Path | str, generation: int | None = None) -> None:
        """Open a finished set; see `open`."""
        self._folder = Path(folder)
        self._manifest, self._digest = read_manifest(self._folder, generation)
        check_sizes(self._folder, self._manifest.shards)
        self._blocks = lru_cache(maxsize=_OPEN_SHARDS)(self._map_shard)
        self._ids: list[str] | None = None
        self._rows = LiveRows([shard.n_rows for shard in self._manifest.shards], self._manifest.deleted)

    @classmethod
    def open(cls, folder: Path | str, *, space: Space | str | None = None, generation: int | None = None) -> Self:
        """Open a finished set; shards are read only when asked for.

        Args:
            folder: where the set is.
            space: space, or space id, that the caller needs; None takes any.
            generation: an earlier generation, None for the current one.

        Raises: SpaceError if the set lies in another space; FormatError if the folder is no finished set or a shard
            is missing or cut short; MatryoError if there is no such generation.
        """
        opened = cls(folder, generation)
        if space is not None:
            same_space(opened.space, space, f"the set {folder} and its use")
        return opened

    @classmethod
    def from_numpy(
        cls,
        folder: Path | str,
        vectors: Array | Vectors,
        ids: Sequence[str],
        *,
        space: Space,
        role: str = "document",
        prompt: str = "",
        texts: Sequence[str] | None = None,
        dtype: str = "float32",
        shard_rows: int = SHARD_ROWS,
        edges: Sequence[int] | None = None,
    ) -> Self:
        """Write vectors that exist already as a set; the same call on a finished set of the same content opens it.

        Args:
            folder: where the set goes; made if missing.
            vectors: (n, width) float, stored as given; rows of length 1 (or 0) if the space normalizes.
            ids: n non-empty strings, each once.
            space: space of the vectors.
            role: "document" or "query".
            prompt: text that was put before every text, "" for none.
            texts: n texts to store beside the ids, or None.
            dtype: "float32" or "float16", as stored.
            shard_rows: rows per shard.
            edges: column numbers from 0 to the width where blocks begin and end; None for those that make prefixes
                cheap to read, (0, width) for rows that lie in one piece.

        Raises: ShapeError if counts, width or lengths do not fit; MatryoError if an id occurs twice, the folder holds
            another set or the disk is full.
        """
        source = as_vectors(vectors)
        plan = Plan(
            input_digest=given_digest(source, ids, texts),
            n_rows=source.n_rows,
            shard_rows=shard_rows,
            space=space,
            role=role,
            prompt=prompt,
            batch_rule="vectors as given",
            dtype=dtype,
            keep_texts=texts is not None,
            edges=block_edges(space.width) if edges is None else tuple(edges),
        )
        check_given(source, ids, texts, plan)
        fill(Path(folder), plan, lambda: given(source, ids, texts, plan.shards), lambda: ids)
        return cls.open(folder, space=space)

    def __repr__(self) -> str:
        """Where the set is, how large it is and at which generation."""
        return (
            f"EmbeddingSet({str(self._folder)!r}, {self.n_rows} x {self.width} {self.dtype}, "
            f"{self.role}, space {self.space.id[:12]}, generation {self.generation})"
        )

    @property
    def folder(self) -> Path:
        """Where the set is."""
        return self._folder

    @property
    def n_rows(self) -> int:
        """Live rows of this generation."""
        return self._manifest.n_rows

    @property
    def width(self) -> int:
        """Full length of a vector."""
        return self.space.width

    @property
    def space(self) -> Space:
        """Space of the vectors."""
        return self._manifest.plan.space

    @property
    def role(self) -> str:
        """Either "document" or "query"."""
        return self._manifest.plan.role

    @property
    def prompt(self) -> str:
        """Text that was put before every text, "" for none."""
        return self._manifest.plan.prompt

    @property
    def dtype(self) -> str:
        """Either "float32" or "float16", as stored."""
        return self._manifest.plan.dtype

    @property
    def edges(self) -> tuple[int, ...]:
        """Column numbers from 0 to the width where blocks begin and end."""
        return self._manifest.plan.edges

    @property
    def generation(self) -> int:
        """1 as built, one more after every change."""
        return self._manifest.generation

    @property
    def digest(self) -> str:
        """SHA-256 of this generation's manifest: what an index remembers of the set it was built from."""
        return self._digest

    def read(self, rows: slice, start: int, stop: int) -> Array:
        """Columns start..stop of some rows as stored, loading only the blocks they lie in; see `Vectors.read`."""
        first, last = row_range(rows, self.n_rows)
        check_columns(start, stop, self.width)
        edges = self._crossed(start, stop)
        pieces = list(self._rows.pieces(first, last))
        if len(pieces) == len(edges) == 1 and isinstance(pieces[0].rows, slice):
            # Without a copy where the file has the numbers as they are asked for.
            (a, _), piece = edges[0], pieces[0]
            found = block(self._blocks(piece.shard)[edges[0]][piece.rows], start - a, stop - a)
            return found.astype(np.float32, copy=False)
        result = np.empty((last - first, stop - start), dtype=np.float32)
        for piece in pieces:
            blocks = self._blocks(piece.shard)
            for a, b in edges:
                left, right = max(a, start), min(b, stop)
                target = block(result[piece.first : piece.last], left - start, right - start)
                target[...] = block(blocks[a, b], left - a, right - a)[piece.rows]
        return result

    def take(self, rows: NDArray[np.int64], start: int, stop: int) -> Array:
        """Columns start..stop of single rows as stored, loading only the pages that these rows lie on.

        Args:
            rows: (n,) row numbers in any order, also repeated.
            start: first column.
            stop: column after the last one.

        Returns: (n, stop - start) float32, the caller's own.
        Raises: ShapeError if a row lies outside 0..n_rows - 1, or the columns outside 0..width.
        """
        check_columns(start, stop, self.width)
        check_row_numbers(rows, self.n_rows)
        pieces, edges = list(self._rows.places(rows)), self._crossed(start, stop)
        if len(pieces) == len(edges) == 1:
            (shard, places, _), (a, _) = pieces[0], edges[0]
            return _gathered(self._blocks(shard)[edges[0]], places, start - a, stop - a)
        result = np.empty((len(rows), stop - start), dtype=np.float32)
        for shard, places, chosen in pieces:
            blocks = self._blocks(shard)
            for a, b in edges:
                left, right = max(a, start), min(b, stop)
                target = block(result, left - start, right - start)
                target[chosen] = _gathered(blocks[a, b], places, left - a, right - a)
        return result

    def ids(self) -> list[str]:
        """Id of every live row, in order; read once, then remembered."""
        if self._ids is None:
            self._ids = self._column("id")
        return self._ids

    def texts(self) -> list[str] | None:
        """Text of every live row, in order, or None if the set stores none."""
        return self._column("text") if self._manifest.plan.keep_texts else None

    def id_texts(self) -> Iterator[tuple[str, str]]:
        """Id and text of every live row, in order, in the memory of one shard.

        Raises: MatryoError if the set stores no texts.
        """
        if not self._manifest.plan.keep_texts:
            raise MatryoError(f"{self._folder} stores no texts; write the set anew with its texts")
        for number in range(len(self._manifest.shards)):
            yield from zip(self._of_shard(number, "id"), self._of_shard(number, "text"), strict=True)

    def to_numpy(self, dim: int | None = None) -> Array:
        """All rows in memory.

        Args:
            dim: prefix length to cut to, or None for the full vectors as stored.

        Returns: (n_rows, dim or width) float32; with a dim, rows of length 1.
        Raises: ShapeError if dim is not within 1..width.
        """
        result = np.empty((self.n_rows, self._check_dim(dim)), dtype=np.float32)
        first = 0
        for piece in self._parts(dim):
            result[first : first + len(piece)] = piece
            first += len(piece)
        return result

    def append(self, vectors: Array | Vectors, ids: Sequence[str], texts: Sequence[str] | None = None) -> Self:
        """Add rows of the same space at the end.

        Args:
            vectors: (n, width) float, as for `from_numpy`; no rows change nothing.
            ids: n ids, none of them a live row's.
            texts: n texts if the set stores texts, else None.

        Returns: the set of the next generation; this one stays as it is.
        Raises: ShapeError if counts, width or lengths do not fit; MatryoError if an id is there already, texts are
            missing or not wanted, the set has been changed since it was opened, or the disk is full.
        """
        source, plan = as_vectors(vectors), self._manifest.plan
        check_given(source, ids, texts, plan)
        if source.n_rows == 0:
            return self
        if (texts is not None) != plan.keep_texts:
            stores, need = ("texts", "give one per row") if plan.keep_texts else ("no texts", "leave them out")
            raise MatryoError(f"{self._folder} stores {stores}, got {'none' if texts is None else len(texts)}; {need}")
        append_rows(self._folder, (self._manifest, self._digest), self.ids(), source, ids, texts)
        return type(self).open(self._folder)

    def delete(self, ids: Collection[str]) -> Self:
        """Take rows out.

        Args:
            ids: ids of live rows, each once; none change nothing.

        Returns: the set of the next generation, whose rows are numbered anew; this one stays as it is.
        Raises: MatryoError if an id is unknown or given twice, or the set has been changed since it was opened.
        """
        rows = self._rows_of(ids)
        if not rows:
            return self
        delete_rows(self._folder, (self._manifest, self._digest), self._rows.stored(rows).tolist())
        return type(self).open(self._folder)

    def replace(
        self, removed: Collection[str], texts: TextsLike, encode: Callable[[list[str]], Array], *, batch_rule: str
    ) -> Self:
        """Take rows out and add others, as one change: a reader sees the generation before or the one after.

        Killed and called again with the same arguments it keeps the shards that are whole and ends with the same bytes.

        Args:
            removed: ids of live rows, each once.
            texts: ids and texts of the new rows, which go to the end; an id may be one of the removed ones.
            encode: gets all texts of one shard, returns (n, width) float, as for `build_set`.
            batch_rule: how `encode` makes batches; part of what must be the same to take up a killed call.

        Returns: the set of the next generation; this one stays as it is, also if there is nothing to do.
        Raises: MatryoError if an id is unknown, given twice or there already, the set has been changed since it was
            opened, the texts change while they are read or the disk is full; ShapeError for vectors that do not fit.
        """
        rows = self._rows_of(removed)
        if not rows and not len(texts):
            return self
        plan = self._manifest.plan
        change = plan_change(self._digest, rows, texts.digest(), len(texts), batch_rule)
        contents = from_texts(texts, encode, row_ranges(len(texts), plan.shard_rows), plan.keep_texts)
        base = (self._manifest, self._digest)
        replace_rows(self._folder, base, self.ids(), rows, change, contents, lambda: (text.id for text in texts))
        return type(self).open(self._folder)

    def export_npy(self, path: Path | str, dim: int | None = None) -> None:
        """Write all rows as one float32 `.npy` file, cut to `dim` if given, in the memory of one shard."""
        write_npy(Path(path), self._parts(dim), (self.n_rows, self._check_dim(dim)))

    def export_parquet(self, path: Path | str, dim: int | None = None) -> None:
        """Write columns `id` and `vector` (fixed-size list of float32) as one Parquet file; memory as `export_npy`."""
        write_parquet(Path(path), self._parts(dim), self.ids(), self._check_dim(dim))

    def verify(self) -> list[str]:
        """Read every file of the set anew and compare it with its digest; one line per problem, none if it is whole."""
        return verify_set(self._folder)

    def _rows_of(self, ids: Collection[str]) -> list[int]:
        """Live rows of some ids that are to go."""
        wanted = set(ids)
        rows = [row for row, name in enumerate(self.ids()) if name in wanted]
        if isinstance(ids, str) or len(rows) != len(ids):
            unknown = sorted(wanted - set(self.ids()))[:3]
            reason = f"unknown: {unknown}" if unknown else "some are given twice"
            raise MatryoError(
                f"{self._folder} deletes ids that it has, each once, got {len(ids)}, {reason}; correct them"
            )
        return rows

    def _crossed(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Blocks that hold some of the columns start..stop."""
        return [(a, b) for a, b in pairwise(self.edges) if a < stop and start < b]

    def _check_dim(self, dim: int | None) -> int:
        return self.width if dim is None else check_dims([dim], self.width)[0]

    def _parts(self, dim: int | None) -> Iterator[Array]:
        """All rows, one shard at a time."""
        stop = self._check_dim(dim)
        for first, last in pairwise(self._rows.live_before):
            part = self.read(slice(first, last), 0, stop)
            yield part if dim is None else cut(part, dim)

    def _map_shard(self, number: int) -> dict[tuple[int, int], Array]:
        shard = self._manifest.shards[number]
        return map_blocks(self._folder, shard.name, shard.n_rows, self._manifest.plan)

    def _column(self, column: str) -> list[str]:
        return [value for number in range(len(self._manifest.shards)) for value in self._of_shard(number, column)]

    def _of_shard(self, number: int, column: str) -> list[str]:
        shard, rows = self._manifest.shards[number], self._rows.within(number)
        stored = read_ids(self._folder, shard.name, shard.n_rows, column)
        return stored if rows is None else [stored[row] for row in rows.tolist()]


def _gathered(stored: Array, places: NDArray[np.int64], start: int, stop: int) -> Array:
    """Columns start..stop of single rows of a block, as float32."""
    # whole rows of what lies in one piece are gathered several times as fast as columns of them; mode "clip" because
    # the numbers are checked, and "raise" would gather into a second buffer
    found: Array = np.take(stored, places, axis=0, mode="clip")
    return np.ascontiguousarray(block(found, start, stop), dtype=np.float32)
