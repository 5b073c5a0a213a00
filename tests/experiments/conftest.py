"""Two made models with their sets of the same documents and queries, and a retrieval folder that judges them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from matryo.embeddings import EmbeddingSet
from matryo.prefix import Array, unit_rows
from matryo.space import Space

N_DOCUMENTS = 400


@dataclass(frozen=True)
class MadeModels:
    """Folders of what was made.

    Attributes:
        old: documents by the old model, 12 wide, with their texts.
        new: the same documents by the new model, 8 wide, in another order.
        old_queries: queries by the old model, which asks badly.
        new_queries: queries by the new one, which asks well.
        task: BEIR folder; query "q7" is answered by document "d7".
    """

    old: Path
    new: Path
    old_queries: Path
    new_queries: Path
    task: Path


def _view(hidden: Array, width: int, noise: float, seed: int) -> Array:
    fixed, rng = np.random.default_rng(width), np.random.default_rng(seed)
    mixed = hidden @ fixed.normal(size=(8, width)) + 0.5 * fixed.normal(size=width)
    return unit_rows((mixed + noise * rng.normal(size=mixed.shape)).astype(np.float32))


@pytest.fixture(scope="session")
def made_models(tmp_path_factory: pytest.TempPathFactory) -> MadeModels:
    root = tmp_path_factory.mktemp("models")
    found = MadeModels(*(root / name for name in ("old", "new", "old-queries", "new-queries", "task")))
    hidden = np.random.default_rng(0).normal(size=(N_DOCUMENTS, 8))
    ids, order = [f"d{i}" for i in range(N_DOCUMENTS)], np.random.default_rng(1).permutation(N_DOCUMENTS)
    spaces = Space("old", 12), Space("new", 8)
    EmbeddingSet.from_numpy(
        found.old,
        _view(hidden, 12, 0.1, 2),
        ids,
        space=spaces[0],
        texts=[f"text {name}" for name in ids],
        shard_rows=64,
    )
    EmbeddingSet.from_numpy(
        found.new, _view(hidden, 8, 0.1, 3)[order], [ids[i] for i in order], space=spaces[1], shard_rows=64
    )
    asked = hidden[::2]
    names = [f"q{i}" for i in range(0, N_DOCUMENTS, 2)]
    sides = (found.old_queries, 12, 1.6, 4), (found.new_queries, 8, 0.2, 5)
    for (folder, width, noise, seed), space in zip(sides, spaces, strict=True):
        EmbeddingSet.from_numpy(folder, _view(asked, width, noise, seed), names, space=space, role="query")
    (found.task / "qrels").mkdir(parents=True)

    def lines(names: list[str]) -> str:
        return "".join(json.dumps({"_id": name, "text": f"text {name}"}) + "\n" for name in names)

    (found.task / "corpus.jsonl").write_text(lines(ids))
    (found.task / "queries.jsonl").write_text(lines(names))
    judged = "".join(f"{name}\td{name[1:]}\t1\n" for name in names)
    (found.task / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged)
    return found


@pytest.fixture
def changed_set(tmp_path: Path) -> Callable[..., Path]:
    """Writes a set anew with other vectors, ids or space."""

    def change(
        folder: Path, name: str, *, space: Space | None = None, rows: slice = slice(None), **kept: object
    ) -> Path:
        given = EmbeddingSet.open(folder)
        vectors, ids = kept.get("vectors", given.to_numpy()), kept.get("ids", given.ids())
        EmbeddingSet.from_numpy(tmp_path / name, vectors[rows], ids[rows], space=space or given.space)
        return tmp_path / name

    return change
