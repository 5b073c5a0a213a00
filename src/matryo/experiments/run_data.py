"""The texts of a run in three parts: what is trained on, what watches the training, what is reported."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from matryo.data import Pairs, Retrieval, Text, Texts, open_retrieval, split_groups, stdlib_pairs, write_toy
from matryo.errors import MatryoError
from matryo.experiments.adaptation import open_pairs
from matryo.experiments.paired import SHARES
from matryo.experiments.run_config import DataConfig
from matryo.files import digest_json
from matryo.training.components import text_key

N_OTHER_DOCUMENTS = 5000
"""Documents at most that validation searches besides the relevant ones."""

STDLIB = "stdlib"


@dataclass(frozen=True)
class RunData:
    """The three parts; no query of one is asked in another, also not in other case or white space.

    Attributes:
        name: of the data set, in reports.
        train: what is trained on; its documents are streamed where they may be many.
        validation: searches few documents, held in memory; None = nothing is held out.
        test: what is reported: searches every document.
        notes: what was left out and how it was split, one sentence each.
        key: SHA-256 of all that was read and how it was split.
    """

    name: str
    train: Retrieval
    validation: Retrieval | None
    test: Retrieval
    notes: tuple[str, ...]
    key: str


def open_run_data(config: DataConfig, folder: Path, *, progress: bool = False) -> RunData:
    """Make what has to be made and read the three parts.

    Args:
        config: where texts come from.
        folder: of the run's own texts (toy, msmarco), in the processed layout; what is there already is not made anew.
        progress: show it on stderr.

    Raises: MatryoError, FormatError if a file is missing or malformed, judgements name unknown documents, a query is
        empty, or too little is left for a part.
    """
    return read_run_data(config, folder, made=make_run_data(config, folder, progress=progress))


def make_run_data(config: DataConfig, folder: Path, *, progress: bool = False) -> tuple[str, ...]:
    """Write the texts that a run has in its own folder; for other kinds of data nothing.

    Returns: what a reader must know, one sentence each.
    """
    if config.kind == "toy":
        write_toy(folder, seed=config.seed)
        return (f"{config.kind} texts are made up, seed {config.seed}",)
    if config.kind == "msmarco":
        from matryo.data.msmarco import prepare_msmarco

        return prepare_msmarco(Path(str(config.path)), folder, skip_bad=config.skip_bad, progress=progress)
    return ()


def read_run_data(config: DataConfig, folder: Path, *, made: Sequence[str] = ()) -> RunData:
    """Read the three parts and write nothing, so that several processes may do it at once.

    Args:
        config: where texts come from.
        folder: that `make_run_data` wrote.
        made: notes of it.

    Raises: as `open_run_data`.
    """
    if config.kind == "pairs":
        return _of_pairs(_pairs(config), config)
    own = config.kind in ("toy", "msmarco")
    source = folder if own else Path(str(config.path))
    opened = [
        open_retrieval(source, split, skip_bad=config.skip_bad) for split in (config.train_split, config.test_split)
    ]
    train, test = (replace(task, name=config.kind) if own else task for task in opened)
    return _of_tasks(train, test, config, made)


def _pairs(config: DataConfig) -> Pairs:
    if config.path == STDLIB:
        return stdlib_pairs(mask_names=config.mask_names)
    return open_pairs(str(config.path), columns=config.columns, group=config.group, skip_bad=config.skip_bad)


def _of_pairs(pairs: Pairs, config: DataConfig) -> RunData:
    parts = split_groups(pairs.groups, SHARES, config.seed)
    test = pairs.to_retrieval(parts["test"].tolist())
    asked = {text_key(text.text) for text in test.queries}
    watched = [int(i) for i in parts["validation"] if text_key(pairs.pairs[int(i)].query) not in asked]
    if not watched:
        raise MatryoError(f"{pairs.name}: every validation query is asked in the test, too; give more pairs")
    held = pairs.take(watched, name=f"{pairs.name} validation")
    validation = held.to_retrieval(_drawn(len(held), config.max_validation, config.seed))
    seen = asked | {text_key(pair.query) for pair in held.pairs}
    usable = [int(i) for i in parts["train"] if text_key(pairs.pairs[int(i)].query) not in seen]
    if not usable:
        raise MatryoError(f"{pairs.name}: every training query is asked in another part, too; give more pairs")
    train = pairs.take(usable, name=f"{pairs.name} train").to_retrieval()
    notes = [
        *test.notes,
        f"split by group into {len(usable):,} training, {len(held):,} validation and {len(parts['test']):,} test "
        "pairs; test queries search the documents of all parts",
    ]
    if left_out := len(parts["validation"]) - len(held):
        notes.append(f"{left_out:,} validation pairs ask a test query and are left out of validation")
    if left_out := len(parts["train"]) - len(usable):
        notes.append(f"{left_out:,} training pairs ask a query of another part and are left out of training")
    return _data(pairs.name, train, validation, test, notes, test.documents.digest())


def _of_tasks(train: Retrieval, test: Retrieval, config: DataConfig, made: Sequence[str]) -> RunData:
    """Hold queries of the training part out, by group; their search is among a sample of the documents."""
    asked = {text_key(text.text) for text in test.queries}
    usable = [query for query in train.queries if text_key(query.text) not in asked]
    if not usable:
        raise MatryoError(
            f"{train.name}: every query of the split {config.train_split!r} is a test query, too; name another "
            "test_split or train_split"
        )
    held, apart = _held_out(usable, config)
    learned = _part(train, [query for query in usable if query.id not in apart], f"{train.name} train")
    relevant = {document for query in held for document in train.judgements[query]}
    digest, found = _scan(train.documents, relevant, N_OTHER_DOCUMENTS if held else 0, config.seed)
    validation = None
    if held:
        sampled = Texts.of([t.id for t in found], [t.text for t in found], name=f"{train.name} validation documents")
        kept = [query for query in usable if query.id in held]
        validation = replace(_part(train, kept, f"{train.name} validation"), documents=sampled)
    notes = [
        *made,
        *test.notes,
        *train.notes,
        f"{len(learned.queries):,} training, {len(held):,} validation and {len(test.queries):,} test queries"
        + (f"; validation searches {len(found):,} documents" if held else ""),
    ]
    if left_out := len(apart) - len(held):
        notes.append(
            f"{left_out:,} training queries are in the groups that validate, or equal, and are left out of training"
        )
    if left_out := len(train.queries) - len(usable):
        notes.append(f"{left_out:,} training queries are test queries, too, and are left out of training")
    return _data(test.name, learned, validation, test, notes, digest)


def _data(
    name: str, train: Retrieval, validation: Retrieval | None, test: Retrieval, notes: Sequence[str], documents: str
) -> RunData:
    tasks = {"train": train, "validation": validation, "test": test}
    content = {
        part: [task.queries.digest(), task.judgements, *([] if part == "test" else [len(task.documents)])]
        for part, task in tasks.items()
        if task is not None
    }
    if validation is not None:
        content["validation"].append(validation.documents.digest())
    key = digest_json({"name": name, "documents": documents, **content})
    return RunData(name, train, validation, test, tuple(dict.fromkeys(notes)), key)


def _held_out(queries: Sequence[Text], config: DataConfig) -> tuple[set[str], set[str]]:
    """Ids of the queries that validate, and of all that equal them or are of their groups: not to be trained on."""
    n = min(round(config.validation_share * len(queries)), config.max_validation)
    if n == 0:
        return set(), set()
    if n >= len(queries):
        raise MatryoError(
            f"validation_share {config.validation_share:g} leaves none of {len(queries):,} queries for training; "
            "lower it"
        )
    # every query without a group is one of its own
    groups = [query.group or f"query {query.id}" for query in queries]
    share = n / len(queries)
    parts = split_groups(groups, {"train": 1 - share, "validation": share}, config.seed)
    watched = [queries[int(i)] for i in parts["validation"]]
    asked = {text_key(query.text) for query in watched}
    equal = {query.id for query in queries if text_key(query.text) in asked}
    return {query.id for query in watched[: config.max_validation]}, equal | {query.id for query in watched}


def _drawn(size: int, n: int, seed: int) -> list[int]:
    """At most n of so many positions, rising."""
    return sorted(np.random.default_rng(seed).choice(size, min(size, n), replace=False).tolist())


def _part(task: Retrieval, queries: Sequence[Text], name: str) -> Retrieval:
    """The same task with some of its queries."""
    return replace(
        task,
        name=name,
        queries=Texts.of(
            [q.id for q in queries], [q.text for q in queries], [q.group for q in queries], name=f"{name} queries"
        ),
        judgements={q.id: task.judgements[q.id] for q in queries},
        groups={q.id: q.group for q in queries if q.group},
        notes=(),
    )


def _scan(documents: Texts, wanted: set[str], n_others: int, seed: int) -> tuple[str, list[Text]]:
    """Digest of all documents, and the wanted ones with a random sample of the others, in one pass.

    Returns: SHA-256; documents in their order.
    """
    running = hashlib.sha256()
    size = len(documents)
    drawn = set(_drawn(size, n_others, seed))
    found = []
    for row, text in enumerate(documents):
        for part in (text.id.encode(), text.text.encode()):
            running.update(len(part).to_bytes(8, "little"))
            running.update(part)
        if row in drawn or text.id in wanted:
            found.append(text)
    return running.hexdigest(), found
