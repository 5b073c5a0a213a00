"""Jobs of a study: done once, resumed after a failure, reused by a larger config, in one process or in several."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from matryo.errors import MatryoError
from matryo.evaluation.translation import measure_translation
from matryo.evaluation.translation_split import IdSplit
from matryo.experiments import study_jobs
from matryo.experiments.study_config import StudyConfig
from matryo.experiments.study_job_pair import Pair, SideFiles, open_pair, write_judged
from matryo.experiments.study_job_pool import Work, _given_out, run_work, threads_per_worker
from matryo.experiments.study_jobs import fit_works, pair_files, read_facts, read_job, study_works

SPLIT = IdSplit()


def config_of(run: Path, **changes: object) -> StudyConfig:
    given = {
        "experiment": "translation",
        "name": "toy",
        "out": run,
        "texts": {"kind": "stdlib"},
        "spaces": {name: {"kind": "model", "name": name} for name in ("old", "new")},
        "translators": ["ridge", "procrustes"],
        "curve": {"pairs": [50], "seeds": [0, 1]},
        "measure": {"n_permutations": 20, "n_draws": 100, "k": 5, "depths": [1, 5], "dims": [4]},
    }
    return StudyConfig.model_validate(given | changes)


def files_of(config: StudyConfig, made_models, split: IdSplit = SPLIT, target: Path | None = None):
    sides = {
        "old": SideFiles("old", made_models.old, made_models.old_queries, "key of old"),
        "new": SideFiles("new", target or made_models.new, made_models.new_queries, "key of new"),
    }
    judgements = {f"q{i}": {f"d{i}": 1} for i in range(0, 400, 2)}
    write_judged(config.folder, "toy texts", judgements, {}, split)
    return pair_files(config, sides, {"old": 12, "new": 8}, split)


@pytest.fixture(autouse=True)
def closed_pairs():
    yield
    open_pair.cache_clear()


@pytest.fixture(scope="module")
def finished(made_models, tmp_path_factory):
    """A study of one pair in both directions, all its jobs done in this process."""
    config = config_of(tmp_path_factory.mktemp("study"))
    pairs = files_of(config, made_models)
    works = study_works(config, pairs, "key of texts")
    return config, pairs, works, run_work(works, config.folder, label="jobs")


def fits_of(monkeypatch, fail_after: int | None = None) -> list[str]:
    """Labels of all fits from here on; the one after `fail_after` of them fails."""
    done: list[str] = []
    fit = study_jobs.fit_rows

    def counted(source, target, settings, **kept):
        if len(done) == fail_after:
            raise MatryoError("a column holds one number")
        done.append(f"{source.width} {settings.kind}")
        return fit(source, target, settings, **kept)

    monkeypatch.setattr(study_jobs, "fit_rows", counted)
    return done


def test_everything_is_worked_out_and_nothing_twice(finished) -> None:
    config, pairs, works, done = finished
    assert done.n_reused == 0 and set(done.keys) == {work.name for work in works}
    assert len(works) == 2 * (1 + 2 + 2 + 1 + 1) + 4
    again = run_work(study_works(config, pairs, "key of texts"), config.folder, label="jobs")
    assert again.n_reused == len(works) and again.keys == done.keys
    folder = config.folder / "pairs" / "old--new"
    assert {path.name for path in (folder / "ridge" / "seed-0").iterdir()} == {
        "fit.json", "map", "measures.json", "return.json",
    }  # fmt: skip
    assert (folder / "before.json").is_file() and (folder / "ridge" / "curve.json").is_file()


def test_a_job_measures_what_a_single_map_would(finished) -> None:
    config, pairs, _, _ = finished
    job = config.jobs()[0]
    pair = Pair.open(pairs["old", "new"])
    alone = measure_translation(read_job(config.folder, job), pair.rows, pair.files.settings)
    stored = read_facts(job.folder(config.folder) / "measures.json")
    row = stored["translator"]
    values = {one.measure: one.found for one in alone.values if one.row == "translated"}
    assert (row["R2"], row["R2 low"], row["R2 high"]) == pytest.approx(
        (values["R2"].value, values["R2"].low, values["R2"].high)
    )
    assert row["mutual"] == pytest.approx(values["mutual neighbours@5"].value)
    assert row["CKA"] == pytest.approx(alone.cka.debiased) and row["top-1 back"] == values["top-1 back"].value
    assert row["MSE"] == pytest.approx((1 - row["R2"]) * row["target variance"], rel=1e-5)
    assert row["resemblance"] == pytest.approx(alone.resemblance.mutual_difference.value)
    assert [one["dim"] for one in stored["dims"]] == [4, 8]
    assert stored["dims"][1]["MSE"] == pytest.approx(row["MSE"])
    moved = [one for one in stored["migrations"] if one["measure"] == "nDCG@10"]
    assert [one["way"] for one in moved] == ["documents translated", "queries translated"]
    assert moved[0]["keep"] < moved[0]["translated"] <= moved[0]["re-encode"]
    fit = read_facts(job.folder(config.folder) / "fit.json")
    assert fit["pairs"] == len(pair.fitted) and fit["share of corpus"] == len(pair.fitted) / 400
    assert fit["parameters"] == 12 * 8 + 8 and fit["epochs"] is None


def test_a_failure_names_its_job_and_what_is_finished_stays(made_models, tmp_path, monkeypatch) -> None:
    config = config_of(tmp_path)
    works = fit_works(config, files_of(config, made_models))
    first = fits_of(monkeypatch, fail_after=2)
    with pytest.raises(MatryoError, match=r"^new -> old, ridge, seed 0: fit: a column holds one number$"):
        run_work(works, tmp_path, label="fits")
    assert first == ["12 ridge", "12 procrustes"]
    monkeypatch.undo()
    rest = fits_of(monkeypatch)
    done = run_work(works, tmp_path, label="fits")
    assert rest == ["8 ridge", "8 procrustes"] and done.n_reused == 2


def test_a_larger_config_reuses_all_others(finished, made_models, monkeypatch) -> None:
    config, pairs, works, _ = finished
    larger = config_of(config.folder, translators=["ridge", "procrustes", "procrustes centred"])
    done, told = fits_of(monkeypatch), []
    found = run_work(study_works(larger, pairs, "key of texts"), config.folder, label="jobs", say=told.append)
    assert done == ["12 procrustes", "8 procrustes"] and found.n_reused == len(works)
    assert told == [f"jobs: {len(works)} of {len(works) + 6} done before"]
    fewer, pair = config_of(config.folder, pairs=[["old", "new"]]), ("old", "new")
    assert run_work(study_works(fewer, {pair: pairs[pair]}, "key of texts"), config.folder, label="jobs").n_reused == 7


def test_other_measures_leave_the_maps(finished, made_models, monkeypatch) -> None:
    config, _, works, before = finished
    measure = {"n_permutations": 20, "n_draws": 100, "k": 4, "depths": [1], "dims": [4]}
    other = config_of(config.folder, measure=measure, curve=None)
    done = fits_of(monkeypatch)
    found = run_work(study_works(other, files_of(other, made_models), "key of texts"), config.folder, label="jobs")
    assert done == [] and found.n_reused == 8  # fits, and the ways there and back
    # as it was, for the tests beside this one
    again = run_work(works, config.folder, label="jobs")
    assert again.keys == before.keys


def test_a_file_that_is_gone_is_made_again(finished, monkeypatch) -> None:
    config, _, works, _ = finished
    job = config.jobs()[1]
    (job.folder(config.folder) / "measures.json").unlink()
    done = fits_of(monkeypatch)
    assert run_work(works, config.folder, label="jobs").n_reused == len(works) - 1 and done == []


def test_another_split_is_refused_and_made_fresh(made_models, tmp_path, monkeypatch) -> None:
    config = config_of(tmp_path, translators=["procrustes"], curve=None)
    run_work(fit_works(config, files_of(config, made_models)), tmp_path, label="fits")
    works = fit_works(config, files_of(config, made_models, IdSplit(0.5)))
    done = fits_of(monkeypatch)
    with pytest.raises(MatryoError, match=r"split.share 0.8 -> 0.5 .* --fresh"):
        run_work(works, tmp_path, label="fits")
    assert done == []
    assert run_work(works, tmp_path, label="fits", fresh=True).n_reused == 0 and len(done) == 2


def test_what_leaves_a_map_open_is_refused_by_name(made_models, tmp_path, changed_set) -> None:
    config = config_of(tmp_path, curve=None)
    few = changed_set(made_models.new, "few", rows=slice(0, 12))
    works = fit_works(config, files_of(config, made_models, target=few))
    with pytest.raises(MatryoError, match="old -> new, ridge, seed 0: fit: a map from 12 columns needs more rows"):
        run_work(works, tmp_path, label="fits")
    pairs = files_of(config, made_models, IdSplit(0.001), target=few)
    with pytest.raises(MatryoError, match="12 texts 0 are to fit on at a share of"):
        run_work(fit_works(config, pairs), tmp_path / "other", label="fits")


def test_damaged_facts_are_refused(tmp_path) -> None:
    (tmp_path / "fit.json").write_text("[]")
    with pytest.raises(MatryoError, match="must hold a JSON object"):
        read_facts(tmp_path / "fit.json")
    (tmp_path / "fit.json").write_text('{"format": 99}')
    with pytest.raises(MatryoError, match="format 99"):
        read_facts(tmp_path / "fit.json")


def writing(path: Path, wait_s: float = 0.0) -> partial[None]:
    """A call that notes who made it; as text, because another process cannot import a test."""
    code = f"import os, time, pathlib; time.sleep({wait_s}); threads = os.environ.get('OMP_NUM_THREADS')"
    return partial(exec, f"{code}; pathlib.Path({str(path)!r}).write_text(f'{{os.getpid()}} {{threads}}')")


def work_of(name: str, path: Path, call, needs: tuple[str, ...] = ()) -> Work:
    return Work(name, name, call, 1, {}, needs, {}, (path,))


def test_processes_share_the_work_and_tell_what_is_wrong(tmp_path) -> None:
    paths = [tmp_path / f"{i}" for i in range(4)]
    works = [work_of(f"job {i}", path, writing(path, 0.05)) for i, path in enumerate(paths)]
    before = os.environ.get("OMP_NUM_THREADS")
    wrong = "from matryo.errors import MissingExtra; raise MissingExtra('umap-learn', 'umap', 'a picture')"
    last = work_of("last", tmp_path / "last", partial(exec, wrong), needs=("job 3",))
    with pytest.raises(MatryoError, match=r"^last: a picture needs umap-learn, which is not installed"):
        run_work([*works, last], tmp_path, label="jobs", workers=2, threads=1)
    assert os.environ.get("OMP_NUM_THREADS") == before
    found = [path.read_text().split() for path in paths]
    assert str(os.getpid()) not in {pid for pid, _ in found} and {threads for _, threads in found} == {"1"}
    assert run_work(works, tmp_path, label="jobs").n_reused == 4
    assert not multiprocessing.active_children()


def test_a_worker_that_is_ended_from_outside_is_told_and_what_is_finished_stays(tmp_path) -> None:
    first = work_of("first", tmp_path / "first", writing(tmp_path / "first"))
    ended = work_of("second", tmp_path / "second", partial(exec, "import os; os._exit(9)"), needs=("first",))
    with pytest.raises(MatryoError, match="second: a worker was ended from outside"):
        run_work([first, ended], tmp_path, label="jobs", workers=2, threads=1)
    assert run_work([first], tmp_path, label="jobs").n_reused == 1


def test_a_pool_that_broke_before_work_was_given_out_is_told_too(tmp_path) -> None:
    class Broken:
        n = 1

        def submit(self, call):
            raise BrokenProcessPool("a child process terminated abruptly")

    work = work_of("next", tmp_path / "next", writing(tmp_path / "next"))
    with pytest.raises(MatryoError, match="next: a worker was ended from outside"):
        _given_out(Broken(), work)


def test_threads_divide_the_cores(monkeypatch) -> None:
    monkeypatch.setattr("matryo.experiments.study_job_pool._cores", lambda: 6)
    assert [threads_per_worker(n, None) for n in (1, 2, 4, 8)] == [None, 3, 1, 1]
    assert threads_per_worker(4, 2) == 2 and threads_per_worker(1, 3) == 3


_KILLED = """
from functools import partial
from pathlib import Path
from matryo.experiments.study_job_pool import Work, run_work
if __name__ == "__main__":
    folder = Path({folder!r})
    def work(i, code):
        return Work(f"job {{i}}", f"job {{i}}", partial(exec, code), 1, {{}}, (), {{}}, (folder / str(i),))
    code = "import pathlib; pathlib.Path({folder!r}, '{{}}').touch()"
    works = [work(i, code.format(i) if i < 2 else "import time; time.sleep(600)") for i in range(4)]
    run_work(works, folder, label="jobs", workers=2, threads=1)
"""


@pytest.mark.slow
def test_a_killed_run_leaves_no_worker_and_goes_on(tmp_path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(_KILLED.format(folder=str(tmp_path)))
    process = subprocess.Popen([sys.executable, str(script)], start_new_session=True)
    records, until = tmp_path / "stages", time.monotonic() + 60
    while not all((records / f"job-{i}.json").is_file() for i in (0, 1)) and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    until = time.monotonic() + 10
    while _living(process.pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _living(process.pid)
    works = [work_of(f"job {i}", tmp_path / str(i), writing(tmp_path / str(i))) for i in range(4)]
    assert run_work(works, tmp_path, label="jobs").n_reused == 2


def _living(session: int) -> list[int]:
    """Processes of a session; those that only wait to be counted out are none."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            after_name = (folder / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(after_name[3]) == session and after_name[0] != "Z":
            found.append(int(folder.name))
    return found


@pytest.mark.slow
def test_processes_give_the_same_numbers(finished, made_models, tmp_path) -> None:
    config = config_of(tmp_path)
    done = run_work(
        study_works(config, files_of(config, made_models), "key of texts"), tmp_path, label="jobs", workers=2, threads=1
    )
    one = finished[0]
    assert done.n_reused == 0
    for job in one.jobs():
        ours, theirs = (read_facts(job.folder(run) / "measures.json") for run in (config.folder, one.folder))
        for told in (ours, theirs):
            told.pop("vectors per second")
        assert ours["migrations"] == theirs["migrations"]
        numbers = [[v for v in told["translator"].values() if v is not None] for told in (ours, theirs)]
        np.testing.assert_allclose(*numbers, rtol=1e-5)
