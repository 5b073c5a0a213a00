"""Bringing the set of one collection to what the tree holds, each text encoded once over all collections."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import final

import numpy as np

from matryo.collections.stored import text_digest
from matryo.collections.survey import Known, Pieces, Work, fresh_texts
from matryo.embeddings.adopting import adopt_build, adopt_change
from matryo.embeddings.changes import Change, plan_change, replace_rows
from matryo.embeddings.plan import Plan, block_edges, row_ranges, shard_name
from matryo.embeddings.shards import ids_file
from matryo.embeddings.writing import Content, fill
from matryo.encoders.base import Encoder
from matryo.encoders.tokens import Tokens
from matryo.prefix import Array
from matryo.progress import Advance

SHARD_ROWS = 8192
_Encode = Callable[[list[str]], Array]


@dataclass
class Spent:
    """What encoding a collection took in this run; shards that an earlier run finished do not count.

    Attributes:
        n_encoded: texts that went through the model.
        n_tokens: tokens that they have, None if the model has no tokenizer to ask.
        n_truncated: how many of them were longer than the model reads.
        seconds: time for all that was written.
    """

    n_encoded: int = 0
    n_tokens: int | None = 0
    n_truncated: int = 0
    seconds: float = 0.0


@final
class Filler:
    """Writes the sets of a run, one after the other, in the order of the survey."""

    def __init__(
        self,
        works: Sequence[Work],
        known: Known,
        encoder: Encoder,
        tokens: Tokens | None,
        *,
        dtype: str,
        skip_bad: bool,
        pieces: Pieces | None,
        shard_rows: int = SHARD_ROWS,
    ) -> None:
        """Prepare a run.

        Args:
            works: all of the survey; those before the one that is written are finished.
            known: where the vector of each text is.
            encoder: of all texts.
            tokens: the encoder's, to count them.
            dtype: of the numbers stored in new sets.
            skip_bad: as at the survey.
            pieces: as at the survey.
            shard_rows: rows per shard of new sets.
        """
        self._known, self._encoder, self._tokens = known, encoder, tokens
        self._dtype, self._skip_bad, self._pieces, self._shard_rows = dtype, skip_bad, pieces, shard_rows
        self._readers = [work.stored.reader(self.plan(work), len(work.fresh)) for work in works]

    def plan(self, work: Work) -> Plan:
        """Plan of a collection's set: that of its first generation, or the one that it will have."""
        if work.stored.base is not None:
            return work.stored.base[0].plan
        return Plan(
            input_digest=work.input_digest,
            n_rows=len(work.fresh),
            shard_rows=self._shard_rows,
            space=self._encoder.space,
            role="document",
            prompt=self._encoder.prompt("document"),
            batch_rule=self._encoder.batch_rule,
            dtype=self._dtype,
            keep_texts=True,
            edges=block_edges(self._encoder.width),
        )

    def change(self, work: Work) -> Change:
        """What changes in a set that is there."""
        rule = self._encoder.batch_rule
        return plan_change(work.stored.digest, work.removed, work.input_digest, len(work.fresh), rule)

    def adopt(self, work: Work) -> bool:
        """Keep what an unfinished run has encoded of texts that are not quite those of now; whether the set changed."""
        if work.stored.base is None:
            return adopt_build(work.stored.folder, self.plan(work))
        return adopt_change(work.stored.folder, self.change(work))

    def n_kept(self, work: Work, number: int) -> int:
        """Texts that an unfinished run of the same has encoded already."""
        n_stored, n_shards = len(work.stored.digests), 0
        before = 0 if work.stored.base is None else len(work.stored.base[0].shards)
        while ids_file(work.stored.folder, shard_name(before + n_shards)).exists():
            n_shards += 1
        kept = islice(work.fresh.values(), n_shards * self.plan(work).shard_rows)
        return sum(self._known.place(digest) == (number, n_stored + row) for row, digest in enumerate(kept))

    def write(self, work: Work, number: int, advance: Advance) -> Spent:
        """Bring one set to its next generation.

        Args:
            work: what to do.
            number: its place in the survey.
            advance: told how many texts were just encoded.

        Raises: MatryoError if the disk is full, the texts change meanwhile or another process writes there.
        """
        spent, plan, started = Spent(n_tokens=None if self._tokens is None else 0), self.plan(work), time.perf_counter()
        encode = partial(self._encode, spent=spent, advance=advance)
        contents = partial(self._contents, work, number, plan, encode)
        folder, base = work.stored.folder, work.stored.base
        if base is None:
            fill(folder, plan, contents, lambda: work.fresh)
        else:
            live = list(work.stored.live())
            replace_rows(folder, base, live, work.removed, self.change(work), contents, lambda: work.fresh)
        spent.seconds = time.perf_counter() - started
        return spent

    def _contents(self, work: Work, number: int, plan: Plan, encode: _Encode) -> Iterator[Content]:
        rows = fresh_texts(work, skip_bad=self._skip_bad, pieces=self._pieces)
        n_stored = len(work.stored.digests)
        for first, last in row_ranges(len(work.fresh), plan.shard_rows):
            piece = list(islice(rows, last - first))
            words = [text for _, text in piece]
            vectors: Callable[[], Array] = partial(self._vectors, words, (number, n_stored + first), encode)
            yield Content([name for name, _ in piece], words, vectors)

    def _vectors(self, words: list[str], start: tuple[int, int], encode: _Encode) -> Array:
        """Vectors of one shard's texts: what stands in a shard before it is taken from there, the rest is encoded.

        So the bytes are a function of the texts and of what was stored before, killed on the way or not.
        """
        vectors = np.empty((len(words), self._encoder.width), dtype=np.float32)
        new: dict[str, list[int]] = {}
        old: dict[int, list[tuple[int, int]]] = {}
        for place, text in enumerate(words):
            there = self._known.place(text_digest(text))
            assert there is not None, "the survey has seen every text"
            number, row = there
            if number == start[0] and row >= start[1]:
                new.setdefault(text, []).append(place)
            else:
                old.setdefault(number, []).append((place, row))
        for number, pairs in old.items():
            places, rows = np.array(pairs, dtype=np.int64).T
            vectors[places] = self._readers[number](rows)
        if new:
            counts = [len(places) for places in new.values()]
            vectors[[place for places in new.values() for place in places]] = np.repeat(
                encode(list(new)), counts, axis=0
            )
        return vectors

    def _encode(self, texts: list[str], spent: Spent, advance: Advance) -> Array:
        before = self._encoder.truncated
        made = self._encoder.encode(texts, "document", progress=advance)
        spent.n_encoded += len(texts)
        spent.n_truncated += self._encoder.truncated - before
        if self._tokens is not None and spent.n_tokens is not None:
            spent.n_tokens += int(self._tokens.count(texts).sum())
        return made
