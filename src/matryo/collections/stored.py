"""What a set holds already: the digest of every stored text, and vectors by the number of their row."""

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from itertools import accumulate
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings.manifest import MANIFEST_FILE, Manifest, read_manifest
from matryo.embeddings.plan import Plan, row_ranges, shard_name
from matryo.embeddings.shards import check_sizes, map_blocks, read_ids
from matryo.errors import FormatError
from matryo.prefix import Array

# Of a billion texts two different ones meet with a probability of 1 in 10**21.
_DIGEST_BYTES = 16
_OPEN_SHARDS = 64


def text_digest(text: str) -> bytes:
    """Digest of a text, 16 bytes: equal texts have equal ones, and only these."""
    return blake2b(text.encode(), digest_size=_DIGEST_BYTES).digest()


@final
class StoredSet:
    """Rows of one set as they are stored, deleted ones included: a text that comes back has its vector still.

    Attributes:
        folder: of the set, there or not.
        base: its manifest and the manifest's digest, None if the set is not finished or not there.
        ids: id of every stored row.
        digests: digest of the text of every stored row.
    """

    def __init__(self, folder: Path) -> None:
        """Read ids and texts, one shard at a time; of the texts the digests alone are kept.

        Raises: FormatError if the set is damaged or stores no texts.
        """
        self.folder = folder
        self.base: tuple[Manifest, str] | None = None
        self.ids: list[str] = []
        self.digests: list[bytes] = []
        if not (folder / MANIFEST_FILE).exists():
            return
        manifest, digest = read_manifest(folder)
        if not manifest.plan.keep_texts:
            raise FormatError(f"{folder} stores no texts, so what changed cannot be seen; encode into another folder")
        check_sizes(folder, manifest.shards)
        self.base = manifest, digest
        for shard in manifest.shards:
            self.ids += read_ids(folder, shard.name, shard.n_rows)
            self.digests += map(text_digest, read_ids(folder, shard.name, shard.n_rows, "text"))

    @property
    def digest(self) -> str:
        """Digest of the manifest, "" if there is none."""
        return "" if self.base is None else self.base[1]

    def live(self) -> dict[str, int]:
        """Stored row of every live id, in order."""
        deleted = set() if self.base is None else set(self.base[0].deleted)
        return {name: row for row, name in enumerate(self.ids) if row not in deleted}

    def reader(self, plan: Plan, n_fresh: int) -> Callable[[NDArray[np.int64]], Array]:
        """Vectors by stored rows, also of rows that are being written as the next shards.

        Args:
            plan: of the set.
            n_fresh: rows that are being written; only those of finished shards can be read.

        Returns: a function of (n,) row numbers in any order that gives (n, width) float32.
        """
        old = [] if self.base is None else [shard.n_rows for shard in self.base[0].shards]
        sizes = [*old, *(last - first for first, last in row_ranges(n_fresh, plan.shard_rows))]
        starts = np.array([0, *accumulate(sizes)][:-1], dtype=np.int64)

        @lru_cache(maxsize=_OPEN_SHARDS)
        def blocks(number: int) -> dict[tuple[int, int], Array]:
            return map_blocks(self.folder, shard_name(number), sizes[number], plan)

        def read(rows: NDArray[np.int64]) -> Array:
            vectors = np.empty((len(rows), plan.space.width), dtype=np.float32)
            shards = np.searchsorted(starts, rows, side="right") - 1
            for number in np.unique(shards).tolist():
                chosen = np.flatnonzero(shards == number)
                there = rows[chosen] - starts[number]
                vectors[chosen] = np.concatenate([block[there] for block in blocks(number).values()], axis=1)
            return vectors

        return read
