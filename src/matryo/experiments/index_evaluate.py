"""How good the folder of an index is on a judged data set: beside exact search over the very same set."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from matryo.data import Retrieval
from matryo.errors import MatryoError
from matryo.evaluation.comparisons import differences
from matryo.evaluation.curve import curve_of_hits, search_depth
from matryo.evaluation.environment import machine
from matryo.evaluation.index_quality import IndexQuality, measure_index
from matryo.evaluation.queries import Queries
from matryo.evaluation.records import Difference
from matryo.evaluation.score import Score, number_to_json
from matryo.experiments.encoding import open_task, truncation_note
from matryo.experiments.index_folder import IndexFolder
from matryo.experiments.index_queries import load_model, text_digest
from matryo.experiments.settings import ModelSettings
from matryo.files import write_json
from matryo.hits import check_k
from matryo.measures.judged import judge
from matryo.measures.measure import Measure
from matryo.reports.formats import count, number, number_range, seconds, signed, signed_range
from matryo.reports.table import Table, console
from matryo.search import search_dim

_EXACT = "exact"


@dataclass(frozen=True)
class IndexEvaluation:
    """What `evaluate_folder` measured.

    Attributes:
        dataset: name of the data set.
        kind: as the folder's settings name it.
        n_rows: rows of the index.
        quality: of the index.
        exact: scores of exact search, in the order of `quality.scores`.
        differences: index minus exact, paired by query, in the same order.
        disk_bytes: of the index, without passages.
        build_s: seconds that building the folder took, rotation and calibration included.
        notes: what a reader must know, one sentence each.
    """

    dataset: str
    kind: str
    n_rows: int
    quality: IndexQuality
    exact: tuple[Score, ...]
    differences: tuple[Difference, ...]
    disk_bytes: int
    build_s: float
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Everything as JSON values."""
        found = self.quality
        return {
            "index": found.label,
            "dataset": self.dataset,
            "kind": self.kind,
            "dim": found.facts.dim,
            "bits": found.facts.bits,
            "n_rows": self.n_rows,
            "n_queries": found.n_queries,
            "k": found.k,
            "recall": number_to_json(found.recall),
            "recall_low": number_to_json(found.recall_low),
            "recall_high": number_to_json(found.recall_high),
            "scores": [score.to_json() for score in found.scores],
            "exact_scores": [score.to_json() for score in self.exact],
            "differences": [
                {
                    "measure": one.measure,
                    "value": number_to_json(one.value),
                    "low": number_to_json(one.low),
                    "high": number_to_json(one.high),
                }
                for one in self.differences
            ],
            "times": [asdict(one) for one in found.times],
            "resident_bytes": found.facts.resident_bytes,
            "bytes_per_vector": found.bytes_per_vector,
            "disk_bytes": self.disk_bytes,
            "build_s": self.build_s,
            "host": machine(),
            "notes": list(self.notes),
        }

    def table(self) -> Table:
        """For the console: one line per number, with its interval."""
        found, facts = self.quality, self.quality.facts
        lines = [
            ("kind", self.kind, ""),
            ("dim scanned", str(facts.dim), ""),
            ("bits per number", str(facts.bits), ""),
            (f"recall@{found.k} of exact", number(found.recall), number_range(found.recall_low, found.recall_high)),
        ]
        for score, exact, difference in zip(found.scores, self.exact, self.differences, strict=True):
            lines += [
                (score.measure, number(score.value), number_range(score.low, score.high)),
                (f"{score.measure}, exact", number(exact.value), number_range(exact.low, exact.high)),
                ("  difference", signed(difference.value), signed_range(difference.low, difference.high)),
            ]
        for one in found.times:
            words = "1 thread" if one.threads == 1 else f"{one.threads} threads"
            lines += [
                (f"one query, {words}, p50 ms", f"{one.p50_ms:.2f}", ""),
                (f"one query, {words}, p99 ms", f"{one.p99_ms:.2f}", ""),
                (f"batch of {one.batch:,}, {words}, queries/s", count(one.queries_per_s), ""),
            ]
        lines += [
            ("bytes per vector in memory", count(found.bytes_per_vector), ""),
            ("bytes per vector on disk", count(self.disk_bytes / max(1, self.n_rows)), ""),
            ("build s", seconds(self.build_s), ""),
        ]
        title = f"{found.label} on {self.dataset}: {self.n_rows:,} texts, {found.n_queries:,} queries"
        return Table.of(title, ("", "Value", "95 % interval"), lines, self.notes)


def evaluate_folder(
    folder: Path,
    data: Path,
    *,
    k: int = 10,
    measures: Sequence[Measure] = (Measure("nDCG", 10),),
    split: str | None = None,
    model: ModelSettings | None = None,
    set_folder: Path | None = None,
    out: Path | None = None,
    skip_bad: bool = False,
    threads: Sequence[int] | None = None,
    seed: int = 0,
    progress: bool = False,
) -> IndexEvaluation:
    """Measure an index on a judged data set whose documents it holds.

    Args:
        folder: made by `build_folder`.
        data: a retrieval folder in any layout, a file of pairs, or "stdlib".
        k: hits per query that recall is of and that are timed.
        measures: at least one.
        split: which judgements; None = test if there are such, else dev.
        model: how to run the model; an empty name, or None, stands for the one noted in the folder.
        set_folder: where the set is now; None = where it was when the index was built.
        out: JSON file for everything that was measured.
        skip_bad: leave out malformed lines and count them.
        threads: numbers of threads to time with; None = one and all.
        seed: of the bootstrap.
        progress: show rate and time left while queries are encoded.

    Raises: MatryoError if the set has changed since the index was built, or is gone, or lacks judged documents;
        FormatError if the folder is damaged; SpaceError if the model leads into another space.
    """
    check_k(k)
    opened = IndexFolder.open(folder)
    documents = opened.documents(set_folder)
    task = open_task(data, split, skip_bad=skip_bad)
    ids = opened.ids()
    _check_ids(task, ids, folder)
    encoder, said = load_model(opened.model(model or ModelSettings("")), str(folder), opened.index.space)
    texts = [query.text for query in task.queries]
    queries = encoder.encode(texts, "query", progress=progress)
    judged = judge(task.judgements, task.queries.ids(), ids)
    exact = search_dim(queries, documents, documents.width, max(k, search_depth(measures)))
    quality = measure_index(
        opened.index,
        opened.note.name,
        queries,
        exact.first(k),
        judged=judged,
        measures=measures,
        groups=task.groups,
        dataset=task.name,
        threads=threads,
        seed=seed,
    )
    baseline = curve_of_hits(
        {documents.width: exact}, judged, measures, groups=task.groups, dataset=task.name, model=_EXACT, seed=seed
    )
    paired = dict(zip(map(str, measures), zip(quality.scores, baseline, strict=True), strict=True))
    evaluation = IndexEvaluation(
        dataset=task.name,
        kind=str(opened.note.settings["kind"]),
        n_rows=opened.index.n_rows,
        quality=quality,
        exact=tuple(baseline),
        differences=tuple(differences(paired, Queries.of(judged.counted_ids, task.groups), seed=seed)),
        disk_bytes=opened.disk_bytes(),
        build_s=opened.note.build_s,
        notes=(
            *said,
            *task.notes,
            *judged.notes,
            *truncation_note(encoder),
            *_seen(texts, opened),
            *_how(quality, encoder.description),
        ),
    )
    if out is not None:
        write_json(out, evaluation.to_json())
    return evaluation


def printed(evaluation: IndexEvaluation) -> str:
    """The table as text."""
    return console(evaluation.table())


def _check_ids(task: Retrieval, ids: Sequence[str], folder: Path) -> None:
    """Refuse judgements of documents that the index does not hold.

    Raises: MatryoError.
    """
    held = set(ids)
    lacking = sorted({name for grades in task.judgements.values() for name in grades} - held)
    if lacking:
        raise MatryoError(
            f"{folder} lacks {len(lacking):,} documents that {task.name} judges, e.g. {', '.join(lacking[:3])}; "
            "index a set of all documents of this data set, with their ids"
        )


def _seen(texts: Sequence[str], opened: IndexFolder) -> list[str]:
    """A note if the index was calibrated on some of these queries."""
    known = opened.calibrated_on()
    n = sum(text_digest(text) in known for text in texts)
    if not n:
        return []
    return [f"the index was calibrated on {n:,} of these {len(texts):,} queries: recall on others may be lower"]


def _how(quality: IndexQuality, encoder: Mapping[str, Any]) -> list[str]:
    host = machine()
    told = [
        f"memory: what a search needs beyond mapped files; host: {host['cpu']}, {host['cores']} cores, "
        f"queries encoded on {encoder['device']}, which no time includes"
    ]
    if quality.times:
        one = quality.times[0]
        told.append(
            f"times: {one.n_single} single queries after {one.n_warm_up} to warm up, one batch after one to warm up, "
            f"best {quality.k} each"
        )
    return told
