"""The stored results of a run: everything that a report needs, so that reports are rebuilt from it alone.

A run's folder holds two files. `per_query.parquet` is written first and `results.json` last; the latter names the
former's digest, so that two files of different runs cannot be taken for one.

`results.json`, one object:

    format            1
    run_name          what the run is called
    dataset           name of its main data set; every score names its own
    timestamp         start in UTC, "2025-01-31T12:00:00Z"
    versions          {"python": "3.11.7", "matryo": ..., "numpy": ..., "torch": ..., ...}
    machine           {"cpu", "cores", "platform", "memory_bytes" or null}
    device            "cpu", "cuda", ... as the encoder reports it
    cuda_available    true or false; null if nothing in the run used torch
    seeds             [0, 1, 2]: seeds of what was trained
    settings          any JSON: what the run was asked to do, encoder and BM25 settings included
    seconds           {step: seconds}, in the order the steps ran
    notes             sentences: what was left out, what to be careful with
    scores            [{dataset, model, map, dim, measure, value, low, high, n [, seed, n_groups, n_seeds]}];
                      map "none" = plain cut; dim 0 = no vectors (BM25); n_seeds is set on means over seeds
    shares            [{dataset, of: arm, base: arm, measure, value, low, high, n [, n_groups]}], value .95 = 95 %
    differences       [{name, dataset, left: arm, right: arm, measure, value, low, high, n [, n_groups]}]
    recommendations   [{dataset, model, map, measure, dim, full_dim, share, level, n, n_groups, detectable,
                      tested: [{dim, value, low, high, lower_bound, passed (null = not tested), detectable}]}]
    tables            [{name, title, columns: [str], rows: [[str, number or null]], notes: [str]}]: whatever else
    per_query         {"file": "per_query.parquet", "sha256": ..., "n_rows": ...}

where an arm is {model, map, dim [, seed]}. `low`, `high`, `lower_bound` and `detectable` are null where the data
give no interval. Values are plain fractions (0.498, not 49.8).

`per_query.parquet` has one row per score and counted query: dataset, model, map, seed (null), dim, measure, query_id,
group (null where every query is its own), value; strings are dictionary-encoded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from matryo import files
from matryo.errors import FormatError
from matryo.evaluation import per_query
from matryo.evaluation.environment import machine, utc_now, versions
from matryo.evaluation.queries import Queries
from matryo.evaluation.records import Difference, Recommended, Share
from matryo.evaluation.score import Score

FORMAT = 1
RESULTS_FILE = "results.json"
PER_QUERY_FILE = "per_query.parquet"


@dataclass(frozen=True)
class ExtraTable:
    """A table of what is neither score nor comparison, e.g. bytes per vector.

    Attributes:
        name: short, for links and files.
        title: one line.
        columns: names.
        rows: one string, number or None per column.
        notes: sentences below the table.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | int | None, ...], ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Fields as JSON values."""
        return {
            "name": self.name,
            "title": self.title,
            "columns": list(self.columns),
            "rows": [list(row) for row in self.rows],
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "ExtraTable":
        """Inverse of `to_json`."""
        rows = tuple(tuple(row) for row in stored["rows"])
        return cls(stored["name"], stored["title"], tuple(stored["columns"]), rows, tuple(stored["notes"]))


@dataclass(frozen=True)
class RunResults:
    """Results of one run; the fields are those of `results.json`, see the top of this module.

    Attributes:
        queries: data set -> its counted queries, for the ids and groups of the per-query values.
    """

    run_name: str
    dataset: str
    device: str
    cuda_available: bool | None
    scores: tuple[Score, ...]
    shares: tuple[Share, ...] = ()
    differences: tuple[Difference, ...] = ()
    recommendations: tuple[Recommended, ...] = ()
    tables: tuple[ExtraTable, ...] = ()
    seeds: tuple[int, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    queries: Mapping[str, Queries] = field(default_factory=dict)
    timestamp: str = field(default_factory=utc_now)
    versions: Mapping[str, str] = field(default_factory=versions)
    machine: Mapping[str, Any] = field(default_factory=machine)

    def write(self, folder: str | Path) -> None:
        """Store both files, each atomically, `results.json` last.

        Args:
            folder: of the run; made if it is not there.

        Raises: MatryoError if a score with per-query values has no queries to go with them.
        """
        folder = Path(folder)
        n_rows = per_query.write(folder / PER_QUERY_FILE, self.scores, self.queries)
        digest = files.digest_file(folder / PER_QUERY_FILE)
        stored = {**self.to_json(), "per_query": {"file": PER_QUERY_FILE, "sha256": digest, "n_rows": n_rows}}
        files.write_json(folder / RESULTS_FILE, stored)

    def to_json(self) -> dict[str, Any]:
        """Everything but the per-query values and the queries."""
        return {
            "format": FORMAT,
            "run_name": self.run_name,
            "dataset": self.dataset,
            "timestamp": self.timestamp,
            "versions": dict(self.versions),
            "machine": dict(self.machine),
            "device": self.device,
            "cuda_available": self.cuda_available,
            "seeds": list(self.seeds),
            "settings": dict(self.settings),
            "seconds": dict(self.seconds),
            "notes": list(self.notes),
            "scores": [score.to_json() for score in self.scores],
            "shares": [share.to_json() for share in self.shares],
            "differences": [difference.to_json() for difference in self.differences],
            "recommendations": [recommended.to_json() for recommended in self.recommendations],
            "tables": [table.to_json() for table in self.tables],
        }

    @classmethod
    def read(cls, folder: str | Path, *, with_per_query: bool = True) -> "RunResults":
        """Read a stored run.

        Args:
            folder: of the run.
            with_per_query: also read the per-query values; without them `queries` is empty and every
                `Score.per_query` is None, which is enough for tables and curves.

        Raises: FormatError if a file is missing, cut short, of another format, or the two do not belong together.
        """
        folder = Path(folder)
        path = folder / RESULTS_FILE
        stored = files.read_json(path, "the results of a run")
        if not isinstance(stored, dict):
            raise FormatError(f"{path} holds a {type(stored).__name__}, expected one object; run the evaluation anew")
        files.check_format(stored.get("format"), FORMAT, path)
        try:
            results = cls._from_json(stored)
            digest = str(stored["per_query"]["sha256"])
        except (KeyError, TypeError, AttributeError) as error:
            raise FormatError(f"{path} lacks or garbles a field ({error!r}); run the evaluation anew") from None
        if not with_per_query:
            return results
        per_query_path = folder / PER_QUERY_FILE
        if not per_query_path.is_file():
            raise FormatError(f"{per_query_path} is missing, {path} refers to it; run the evaluation anew")
        if files.digest_file(per_query_path) != digest:
            raise FormatError(f"{per_query_path} is not the file that {path} refers to; run the evaluation anew")
        scores, queries = per_query.read(per_query_path, results.scores)
        return replace(results, scores=scores, queries=queries)

    @classmethod
    def _from_json(cls, stored: Mapping[str, Any]) -> "RunResults":
        return cls(
            run_name=stored["run_name"],
            dataset=stored["dataset"],
            device=stored["device"],
            cuda_available=stored["cuda_available"],
            scores=tuple(Score.from_json(score) for score in stored["scores"]),
            shares=tuple(Share.from_json(share) for share in stored["shares"]),
            differences=tuple(Difference.from_json(difference) for difference in stored["differences"]),
            recommendations=tuple(Recommended.from_json(found) for found in stored["recommendations"]),
            tables=tuple(ExtraTable.from_json(table) for table in stored["tables"]),
            seeds=tuple(stored["seeds"]),
            settings=stored["settings"],
            seconds=stored["seconds"],
            notes=tuple(stored["notes"]),
            timestamp=stored["timestamp"],
            versions=stored["versions"],
            machine=stored["machine"],
        )
