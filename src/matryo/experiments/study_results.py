"""The stored results of a study: what its jobs have written, put together as tables."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from matryo.evaluation.pictures import short_text
from matryo.evaluation.results import ExtraTable, RunResults
from matryo.evaluation.translation import TranslationSettings
from matryo.evaluation.translation_retrieval import MEASURES, STORED
from matryo.evaluation.translation_verdict import RULE
from matryo.experiments.study_config import Job, StudyConfig
from matryo.experiments.study_job_pair import PairFiles
from matryo.experiments.study_jobs import (
    BEFORE_FILE,
    FIT_FILE,
    MEASURES_FILE,
    PREFIXES_FILE,
    RETURN_FILE,
    TRAINED,
    curve_path,
    first_seed,
    read_facts,
)
from matryo.experiments.study_measures import Row, Stored
from matryo.experiments.study_result_prediction import prediction_table
from matryo.experiments.study_spaces import MadeSpace
from matryo.experiments.study_texts import StudyTexts

RUN_NAME: Final = "translation_study"
_TEXT = 60


def _with_ends(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}{end}" for name in names for end in ("", " low", " high"))


_MEASURED: Final = (
    *_with_ends("R2", "cosine", "top-1"),
    "top-1 CSLS",
    "mean rank",
    "mean rank CSLS",
    "top-1 back",
    "top-1 back CSLS",
    "mean rank back",
    "mean rank back CSLS",
    *_with_ends("mutual"),
    "Jaccard",
    "edit distance",
    "RBO",
    "rank-harmonic",
    "CKA",
    "CKA biased",
    "CKA null low",
    "CKA null high",
)
_WHICH: Final = ("from", "to", "translator")
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "spaces": (
        "space", "kind", "model", "width", "n_documents", "n_queries", "seconds", "texts per second", "space id",
    ),
    "translators": (
        *_WHICH, "seed", "pairs", "share of corpus", "parameters", "fit seconds", "epochs", "MSE", "target variance",
        *_MEASURED, *_with_ends("resemblance"), "resemblance CKA", "round trip",
    ),
    "references": ("from", "to", "vectors", *_MEASURED),
    "before": (
        "from", "to", "CKA", "CKA biased", "CKA null low", "CKA null high", "p", "mutual", "mutual chance",
        "translator", "R2", "mutual after", "nDCG kept",
    ),
    "dims": (
        *_WHICH, "dim", *_with_ends("R2"), "MSE", "cosine", "mutual", "CKA", "CKA null low", "CKA null high",
    ),
    "lists": ("from", "to", "vectors", "k", "mutual", "chance", "Jaccard", "edit distance", "rank-harmonic"),
    "prefixes": ("from", "to", "source dim", "target dim", "R2", "mutual"),
    "migrations": (
        *_WHICH, "seed", "way", "measure", "n",
        *_with_ends(
            "keep", "translated", "swap", "re-encode", "gap", "gain", "lost", "over swap", "swap gain",
            "share of the gap", "share kept",
        ),
        "verdict", "sentence",
    ),
    "curve": (*_WHICH, "pairs", "share of corpus", "seed", "R2", "top-1", "mutual", "nDCG@10"),
    "costs": ("space", "texts per second", "seconds to encode the corpus"),
    "map costs": (*_WHICH, "vectors per second"),
    "different": (*_WHICH, "text", "edit distance", "nearest by native", "nearest by translated"),
}  # fmt: skip
_TITLES: Final = {
    "spaces": "Spaces",
    "translators": "Translators on texts that none was fitted on",
    "references": "What one gets without a translator",
    "before": "What two spaces share before any training, and how well the best translator does",
    "dims": "By prefix of the target, first seed",
    "lists": "Neighbour lists against those of the native vectors, by their length, first seed",
    "prefixes": "Source prefix to target prefix: one ridge fit per source prefix, cut to every target prefix",
    "migrations": "Keep, translate or encode anew",
    "curve": "Learning curve over pairs",
    "costs": "What encoding costs",
    "map costs": "What translating costs, first seed",
    "different": "Texts whose neighbours differ most, first seed",
}
_NOTES: Final[Mapping[str, tuple[str, ...]]] = {
    "translators": (
        "MSE is the mean squared error per number and not comparable between targets; R2 = 1 - MSE / target variance, "
        "against the mean of the target's fitted vectors.",
        "CKA is debiased, beside the biased value and the band of rows paired at random. Resemblance: mutual "
        "neighbours with the target's space minus those with the source's.",
        "Round trip: mean cosine after the way there and back by the map of the same kind and seed.",
    ),
    "dims": ("R2 and MSE of prefixes as they are; cosine, neighbours and CKA of renormalised prefixes.",),
    "migrations": (
        "Only documents are searched that no translator was fitted on, so that values are higher than in the whole "
        "collection, in every column.",
        RULE,
    ),
    "curve": (
        "Fewer pairs than numbers per vector are taken here; smaller choices lie within the larger ones of one seed. "
        "All pairs are fitted on once. What is trained by gradients starts at 300 pairs.",
    ),
    "costs": ("None: not measured, as behind a service, whose rate says nothing of the model.",),
    "map costs": ("Measured while other jobs of the study ran beside it.",),
}


@dataclass(frozen=True, eq=False)
class Finished:
    """A study whose jobs are done.

    Attributes:
        config: of the study.
        texts: of it.
        spaces: by name.
        pairs: (from, to) -> files.
        n_workers: processes that worked on it.
        threads: of each; None = as the libraries choose.
        seconds: of each step.
    """

    config: StudyConfig
    texts: StudyTexts
    spaces: Mapping[str, MadeSpace]
    pairs: Mapping[tuple[str, str], PairFiles]
    n_workers: int
    threads: int | None
    seconds: Mapping[str, float]


def put_together(study: Finished) -> RunResults:
    """All tables of a study, from the files of its jobs.

    Raises: FormatError if one is missing or damaged.
    """
    rows = _all_rows(study)
    # imported here: a run whose jobs are done needs no torch
    from matryo.experiments.settings import cuda_available

    config, has_cuda = study.config, cuda_available()
    uses_cuda = has_cuda and any(one.kind in TRAINED for one in config.translators)
    tables = [_table(name, rows[name]) for name in _COLUMNS if rows[name]]
    place = [table.name for table in tables].index("before") + 1
    tables.insert(place, prediction_table(rows["before"]))
    return RunResults(
        run_name=RUN_NAME,
        dataset=study.texts.name,
        device="cuda" if uses_cuda else "cpu",
        cuda_available=has_cuda,
        scores=(),
        tables=tuple(tables),
        seeds=_seeds(config),
        settings=config.model_dump(mode="json", exclude={"out"}),
        seconds=dict(study.seconds),
        notes=_notes(study),
    )


def best_translator(rows: Sequence[Row]) -> str:
    """The translator with the highest R2, mean over its seeds; of equal ones the first.

    Args:
        rows: of the table `translators`, of one ordered pair.
    """
    names = list(dict.fromkeys(str(row["translator"]) for row in rows))
    return max(names, key=lambda name: _or_lowest(_mean(rows, name, "R2")))


def translator_rows(study: Finished) -> list[Row]:
    """The table `translators`, from the files of the jobs."""
    jobs = study.config.jobs()
    ways = {(job.source, job.target, job.translator.name, job.seed) for job in jobs}
    return [
        _translator_row(
            study.config.folder, job, returns=(job.target, job.source, job.translator.name, job.seed) in ways
        )
        for job in jobs
    ]


def _all_rows(study: Finished) -> dict[str, list[Row]]:
    config, jobs = study.config, study.config.jobs()
    rows: dict[str, list[Row]] = {name: [] for name in _COLUMNS}
    rows["spaces"] = [_space_row(space, config.folder) for space in study.spaces.values()]
    rows["costs"] = [_cost_row(space) for space in study.spaces.values()]
    rows["translators"] = translator_rows(study)
    shown = _Shown(study.texts)
    for pair, files in study.pairs.items():
        which = {"from": pair[0], "to": pair[1]}
        before = read_facts(files.folder / BEFORE_FILE)
        rows["references"] += [{**which, **row} for row in before["references"]]
        lists = [{**which, **row} for row in before["lists"]]
        for job in (job for job in jobs if (job.source, job.target) == pair):
            measured = read_facts(job.folder(config.folder) / MEASURES_FILE)
            named = {**which, "translator": job.translator.name}
            rows["migrations"] += [{**named, **row} for row in measured["migrations"]]
            if job.seed != first_seed(jobs, job):
                continue
            rows["dims"] += [{**named, **row} for row in measured["dims"]]
            rows["lists"] += [{**which, **row, "vectors": job.translator.name} for row in measured["lists"]]
            rows["map costs"].append({**named, "vectors per second": measured["vectors per second"]})
            rows["different"] += [{**named, **shown.row(one)} for one in measured["different"]]
            if config.curve is not None and job.translator.name in config.curve.translators:
                curve = read_facts(curve_path(files, job.translator))["curve"]
                rows["curve"] += [{**named, **row} for row in curve]
        rows["lists"] += lists
        rows["prefixes"] += [{**which, **row} for row in read_facts(files.folder / PREFIXES_FILE)["prefixes"]]
        rows["before"].append({**which, **before["before"], **_after(which, rows)})
    return rows


def _after(which: Mapping[str, Stored], rows: Mapping[str, Sequence[Row]]) -> Row:
    """What the best translator of a pair reaches."""

    def of_pair(name: str) -> list[Row]:
        return [row for row in rows[name] if (row["from"], row["to"]) == (which["from"], which["to"])]

    translators = of_pair("translators")
    best = best_translator(translators)
    migrations = [row for row in of_pair("migrations") if (row["way"], row["measure"]) == (STORED, str(MEASURES[0]))]
    translated, anew = (_mean(migrations, best, name) for name in ("translated", "re-encode"))
    return {
        "translator": best,
        "R2": _mean(translators, best, "R2"),
        "mutual after": _mean(translators, best, "mutual"),
        "nDCG kept": translated / anew if translated is not None and anew else None,
    }


def _translator_row(folder: Path, job: Job, *, returns: bool) -> Row:
    where = job.folder(folder)
    row: Row = {
        "from": job.source,
        "to": job.target,
        "translator": job.translator.name,
        "seed": job.seed,
        **read_facts(where / FIT_FILE),
        **read_facts(where / MEASURES_FILE)["translator"],
        "round trip": read_facts(where / RETURN_FILE)["round trip"] if returns else None,
    }
    return row


def _space_row(space: MadeSpace, folder: Path) -> Row:
    facts = dict(space.facts)
    if str(facts["model"]).startswith(f"{folder}/"):
        # made by this run: its place inside the run's folder says so wherever that lies
        facts["model"] = str(Path(facts["model"]).relative_to(folder))
    plain = {name: facts[name] for name in ("space", "kind", "model", "width", "n_documents", "n_queries", "seconds")}
    return {**plain, "texts per second": facts["texts_per_second"], "space id": facts["space_id"]}


def _cost_row(space: MadeSpace) -> Row:
    facts = space.facts
    return {
        "space": space.name,
        "texts per second": facts["texts_per_second"],
        "seconds to encode the corpus": facts["seconds"],
    }


class _Shown:
    """Ids with the beginning of their texts."""

    def __init__(self, texts: StudyTexts) -> None:
        self._texts = {text.id: short_text(text.text, _TEXT) for text in texts.documents}

    def row(self, found: Mapping[str, Any]) -> Row:
        return {
            "text": self._named(found["id"]),
            "edit distance": found["edit distance"],
            "nearest by native": " | ".join(map(self._named, found["native"])),
            "nearest by translated": " | ".join(map(self._named, found["translated"])),
        }

    def _named(self, name: str) -> str:
        text = self._texts.get(name, "")
        return f"{name}: {text}" if text else name


def _table(name: str, rows: Iterable[Row]) -> ExtraTable:
    columns = _COLUMNS[name]
    stored = tuple(tuple(row.get(column) for column in columns) for row in rows)
    return ExtraTable(name, _TITLES[name], columns, stored, _NOTES.get(name, ()))


def _seeds(config: StudyConfig) -> tuple[int, ...]:
    """Seeds of all fits, rising."""
    return tuple(sorted({job.seed for job in config.jobs()}))


def _notes(study: Finished) -> tuple[str, ...]:
    config, texts = study.config, study.texts
    facts = [read_facts(files.folder / BEFORE_FILE) for files in study.pairs.values()]
    n, n_held = facts[0]["n_documents"], facts[0]["n_held_out"]
    told = [
        f"{n:,} texts, of which {n_held:,} ({100 * n_held / n:.1f} %) are held out; all scores are of texts that no "
        "translator was fitted on",
        f"{len(config.jobs())} fits for {len(study.pairs)} ordered pairs, seeds {', '.join(map(str, _seeds(config)))}; "
        "not every translator with each of them: nothing of ridge and procrustes is drawn but the folds",
        f"{study.n_workers} {'process' if study.n_workers == 1 else 'processes'} worked on it, threads of each: "
        f"{study.threads or 'as many as the libraries choose'}",
    ]
    for (source, target), one in zip(study.pairs, facts, strict=True):
        only = one["n_only"]
        if any(only):
            told.append(
                f"{source} -> {target}: {only[0]:,} rows of {source} and {only[1]:,} of {target} have no partner with "
                "their id and are left out"
            )
    measured = facts[0]["n_measured"]
    if measured < n_held:
        told.append(f"errors are measured on {measured:,} rows drawn from the {n_held:,} that are held out")
    if facts[0]["n_compared"] < measured:
        told.append(f"what compares texts with each other takes {facts[0]['n_compared']:,} of them")
    told.append(
        f"neighbours are the {config.measure.k} nearest, the text itself left out; RBO is extrapolated, with "
        f"persistence p = {TranslationSettings.p:g}"
    )
    if facts[0]["n_queries"] is None:
        told.append("no query has a relevant document among the held-out ones: retrieval is not measured")
    else:
        told.append(
            f"{facts[0]['n_queries']:,} queries have a relevant document among the held-out ones; only these are "
            "searched, what was fitted on would flatter a translator"
        )
    told += [f"{space.name}: {note}" for space in study.spaces.values() for note in space.facts.get("notes", ())]
    return tuple(dict.fromkeys((*told, *texts.notes)))


def _mean(rows: Sequence[Mapping[str, Stored]], translator: str, column: str) -> float | None:
    """Mean over the seeds of a translator, None if it was not measured."""
    found = [row[column] for row in rows if row["translator"] == translator]
    known = [float(value) for value in found if isinstance(value, int | float)]
    return math.fsum(known) / len(known) if known else None


def _or_lowest(value: float | None) -> float:
    return -math.inf if value is None else value
