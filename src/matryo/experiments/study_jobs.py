"""The jobs of a study: what is worked out for each ordered pair and each of its translators, as pieces of work.

Every function here that does work may run in another process: it reads files, and writes its own, each whole or not at
all. What a job depends on is in its settings and inputs alone, never the whole config, so that a larger config reuses
what is done.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

from matryo.errors import FormatError
from matryo.evaluation.translation_split import IdSplit
from matryo.experiments.study_config import CurveConfig, Job, StudyConfig, TranslatorConfig
from matryo.experiments.study_curve import measure_curve
from matryo.experiments.study_job_pair import NATIVE_FILE, PairFiles, SideFiles, open_pair, write_native
from matryo.experiments.study_job_pool import Work
from matryo.experiments.study_measures import (
    measure_before,
    measure_job,
    measure_prefixes,
    measure_return,
    n_parameters,
    study_settings,
)
from matryo.experiments.translate_fit import Fitted, TranslatorSettings, fit_rows
from matryo.files import check_format, read_json, write_json
from matryo.maps import AffineMap, MlpMap, load_map

FORMAT: Final = 1
BEFORE_FILE: Final = "before.json"
PREFIXES_FILE: Final = "prefixes.json"
CURVE_FILE: Final = "curve.json"
FIT_FILE: Final = "fit.json"
MEASURES_FILE: Final = "measures.json"
RETURN_FILE: Final = "return.json"
MAP_FOLDER: Final = "map"
TRAINED: Final = ("linear", "mlp1", "mlp2")
_FIT_VERSION = 1
_MEASURE_VERSION = 3


def pair_files(config: StudyConfig, sides: Mapping[str, SideFiles], widths: Mapping[str, int], split: IdSplit) -> dict[
    tuple[str, str], PairFiles
]:  # fmt: skip
    """Every ordered pair as files.

    Args:
        config: of the study.
        sides: its spaces by name.
        widths: numbers per vector of each.
        split: which documents are fitted on.
    """
    return {
        (source, target): PairFiles(
            config.folder, sides[source], sides[target], split, study_settings(config.measure, widths[target])
        )
        for source, target in config.ordered_pairs()
    }


def fit_works(config: StudyConfig, pairs: Mapping[tuple[str, str], PairFiles]) -> list[Work]:
    """All fits, pair by pair."""
    return [_fit_work(pairs[job.source, job.target], job) for job in config.jobs()]


def study_works(config: StudyConfig, pairs: Mapping[tuple[str, str], PairFiles], texts_key: str) -> list[Work]:
    """Everything that is worked out before the results are put together, pair by pair.

    Args:
        config: of the study.
        pairs: of `pair_files`.
        texts_key: of the texts, with queries and judgements.
    """
    works, jobs = list[Work](), config.jobs()
    for pair, files in pairs.items():
        own = [job for job in jobs if (job.source, job.target) == pair]
        works.append(_before_work(files, texts_key))
        works += [_fit_work(files, job) for job in own]
        works += [_measure_work(files, job, job.seed == first_seed(jobs, job)) for job in own]
        works.append(_prefixes_work(files))
        if config.curve is not None:
            works += _curve_works(files, own, config.curve)
    backs = {(job.source, job.target, job.translator.name, job.seed): job for job in jobs}
    for job in jobs:
        back = backs.get((job.target, job.source, job.translator.name, job.seed))
        if back is not None:
            works.append(_return_work(pairs[job.source, job.target], job, back))
    return works


def first_seed(jobs: Sequence[Job], job: Job) -> int:
    """The seed of a translator on a pair of which prefixes, lists and texts are shown."""
    return next(one.seed for one in jobs if (one.pair, one.translator.name) == (job.pair, job.translator.name))


def translator_settings(translator: TranslatorConfig, seed: int, split: IdSplit) -> TranslatorSettings:
    """A translator as `fit_rows` takes it."""
    return TranslatorSettings(
        kind=translator.kind,
        hidden=translator.hidden,
        loss=translator.loss,
        centre=translator.centre,
        seed=seed,
        split=split,
    )


def read_job(folder: Path, job: Job) -> Fitted:
    """The map of a finished job.

    Args:
        folder: of the run.
        job: which.

    Raises: FormatError if it is missing or damaged.
    """
    where = job.folder(folder) / MAP_FOLDER
    fitted = load_map(where)
    if not isinstance(fitted, AffineMap | MlpMap):
        raise FormatError(f"{where} holds a {fitted.kind}, expected a translator; remove it and run again")
    return fitted


def read_facts(path: Path) -> dict[str, Any]:
    """What a job has written.

    Raises: FormatError if it is missing, damaged or of another version.
    """
    stored = read_json(path, "what a job of a study has measured")
    if not isinstance(stored, dict):
        raise FormatError(f"{path} must hold a JSON object, got {type(stored).__name__}; remove it and run again")
    check_format(stored.get("format"), FORMAT, path)
    return stored


def do_before(files: PairFiles) -> None:
    """Work out what all translators of a pair share: `before.npz`, then `before.json`."""
    facts, native = measure_before(open_pair(files))
    write_native(files.folder / NATIVE_FILE, native)
    _write(files.folder / BEFORE_FILE, facts)


def do_fit(files: PairFiles, job: Job) -> None:
    """Fit a translator: its map, then `fit.json`."""
    pair = open_pair(files)
    settings = translator_settings(job.translator, job.seed, files.split)
    started = time.perf_counter()
    fitted = fit_rows(pair.a.chosen(pair.fitted), pair.b.chosen(pair.fitted), settings, groups=pair.fit_groups)
    seconds = round(time.perf_counter() - started, 3)
    fitted.save(job.folder(files.run) / MAP_FOLDER)
    losses = fitted.settings.get("held_out_loss")
    _write(
        job.folder(files.run) / FIT_FILE,
        {
            "pairs": len(pair.fitted),
            "share of corpus": len(pair.fitted) / pair.n_documents,
            "parameters": n_parameters(fitted),
            "fit seconds": seconds,
            "epochs": None if losses is None else len(losses) - 1,
        },
    )


def do_measure(files: PairFiles, job: Job, first: bool) -> None:
    """Measure a translator: `measures.json`."""
    found = measure_job(open_pair(files), read_job(files.run, job), first=first, seed=job.seed)
    _write(job.folder(files.run) / MEASURES_FILE, found)


def do_return(files: PairFiles, job: Job, back: Job) -> None:
    """Measure the way there and back: `return.json`."""
    found = measure_return(open_pair(files), read_job(files.run, job), read_job(files.run, back))
    _write(job.folder(files.run) / RETURN_FILE, {"round trip": found})


def do_prefixes(files: PairFiles) -> None:
    """Source prefixes toward target prefixes: `prefixes.json`."""
    _write(files.folder / PREFIXES_FILE, {"prefixes": measure_prefixes(open_pair(files))})


def do_curve(files: PairFiles, translator: TranslatorConfig, curve: CurveConfig, fit_seed: int) -> None:
    """Learning curve of one translator: `curve.json` beside its fits."""
    settings = translator_settings(translator, fit_seed, files.split)
    rows = measure_curve(open_pair(files), settings, curve.pairs, curve.seeds, fit_seed=fit_seed)
    _write(curve_path(files, translator), {"curve": rows})


def curve_path(files: PairFiles, translator: TranslatorConfig) -> Path:
    """Where a translator's learning curve lies."""
    return files.folder / translator.slug / CURVE_FILE


def fit_name(job: Job) -> str:
    """Name of a fit's stage."""
    return f"fit {job.pair} {job.translator.slug} seed {job.seed}"


def _fit_work(files: PairFiles, job: Job) -> Work:
    folder = job.folder(files.run)
    return Work(
        name=fit_name(job),
        label=f"{job.label}: fit",
        call=partial(do_fit, files, job),
        version=_FIT_VERSION,
        settings={"translator": _translator_json(job.translator), "seed": job.seed, "split": files.split.to_json()},
        needs=(),
        inputs=_spaces(files),
        made=(folder / MAP_FOLDER / "map.json", folder / FIT_FILE),
        folder=f"{job.inside}/{MAP_FOLDER}",
        derived=False,
    )


def _before_name(files: PairFiles) -> str:
    return f"before {files.slug}"


def _before_work(files: PairFiles, texts_key: str) -> Work:
    return Work(
        name=_before_name(files),
        label=f"{files.label}: native against native",
        call=partial(do_before, files),
        version=_MEASURE_VERSION,
        settings={"measure": asdict(files.settings), "split": files.split.to_json()},
        needs=(),
        inputs={**_spaces(files), "texts": texts_key},
        made=(files.folder / BEFORE_FILE, files.folder / NATIVE_FILE),
    )


def _measure_work(files: PairFiles, job: Job, first: bool) -> Work:
    return Work(
        name=f"measure {job.pair} {job.translator.slug} seed {job.seed}",
        label=f"{job.label}: measure",
        call=partial(do_measure, files, job, first),
        version=_MEASURE_VERSION,
        settings={"first": first},
        needs=(_before_name(files), fit_name(job)),
        inputs={},
        made=(job.folder(files.run) / MEASURES_FILE,),
    )


def _return_work(files: PairFiles, job: Job, back: Job) -> Work:
    return Work(
        name=f"return {job.pair} {job.translator.slug} seed {job.seed}",
        label=f"{job.label}: there and back",
        call=partial(do_return, files, job, back),
        version=_MEASURE_VERSION,
        settings={},
        needs=(fit_name(job), fit_name(back)),
        inputs={},
        made=(job.folder(files.run) / RETURN_FILE,),
    )


def _prefixes_work(files: PairFiles) -> Work:
    return Work(
        name=f"prefixes {files.slug}",
        label=f"{files.label}: prefixes",
        call=partial(do_prefixes, files),
        version=_MEASURE_VERSION,
        settings={"dims": list(files.settings.dims), "k": files.settings.k},
        needs=(_before_name(files),),
        inputs={},
        made=(files.folder / PREFIXES_FILE,),
    )


def _curve_works(files: PairFiles, jobs: Sequence[Job], curve: CurveConfig) -> list[Work]:
    """One learning curve per translator of the config's that is fitted for this pair, with its first seed."""
    works = []
    for name in curve.translators:
        job = next((one for one in jobs if one.translator.name == name), None)
        if job is None:
            continue
        works.append(
            Work(
                name=f"curve {files.slug} {job.translator.slug}",
                label=f"{files.label}, {name}: learning curve",
                call=partial(do_curve, files, job.translator, curve, job.seed),
                version=_MEASURE_VERSION,
                settings={
                    "translator": _translator_json(job.translator),
                    "fit seed": job.seed,
                    "pairs": list(curve.pairs),
                    "seeds": list(curve.seeds),
                },
                needs=(_before_name(files),),
                inputs={},
                made=(curve_path(files, job.translator),),
            )
        )
    return works


def _spaces(files: PairFiles) -> dict[str, str]:
    return {f"space {side.name}": side.key for side in (files.source, files.target)}


def _translator_json(translator: TranslatorConfig) -> dict[str, Any]:
    """What tells one translator's fits from another's: a value left out and the same value given are one."""
    told: dict[str, Any] = {"kind": translator.kind}
    if translator.kind in TRAINED:
        told["loss"] = translator.loss or "mse"
    if translator.kind.startswith("mlp"):
        told["hidden"] = translator.hidden or "1x"
    if translator.kind == "procrustes":
        told["centre"] = translator.centre
    return told


def _write(path: Path, facts: Mapping[str, Any]) -> None:
    write_json(path, {"format": FORMAT, **facts})
