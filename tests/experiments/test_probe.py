"""The probe as a whole: inputs, certificate, advice, the two fixes, bad input."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest

from matryo.data import Texts
from matryo.data.beir import write_beir
from matryo.data.retrieval import Retrieval
from matryo.embeddings import EmbeddingSet
from matryo.encoders import Cards, check_cut, load_encoder
from matryo.encoders.certificate import ProbedTexts, find_certificate, read_certificate
from matryo.encoders.notes import read_matryoshka
from matryo.errors import FormatError, MatryoError, ShapeError
from matryo.evaluation import geometry
from matryo.evaluation.geometry_privilege import measure_privilege
from matryo.evaluation.probe_quality_arms import values_per_dim
from matryo.experiments import probe_inputs, probe_run
from matryo.experiments.encoding import note_model
from matryo.experiments.probe import ProbeRun, ProbeSettings, dims_to_probe, keep_certificate, measure, probe
from matryo.experiments.probe_advice import Savings, Subject, advise
from matryo.experiments.probe_declared import Word
from matryo.experiments.probe_fix import fix_with_rotation
from matryo.experiments.probe_inputs import Asked, Probed, probed_model, probed_vectors
from matryo.experiments.probe_run import run_probe
from matryo.experiments.settings import ModelSettings
from matryo.measures.judged import judge
from matryo.prefix import Array, unit_rows
from matryo.space import Space

WIDTH, N = 16, 300
SETTINGS = ProbeSettings(dims=(4, 8))
IDS = [f"d{i}" for i in range(N)]
SPACE = Space("space of a test", WIDTH)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of the test's own, and no card file of the user's."""
    monkeypatch.setenv("MATRYO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MATRYO_CARDS", raising=False)
    return tmp_path / "home"


@pytest.fixture(scope="module", autouse=True)
def few_orders() -> Iterator[None]:
    """Whether a prefix is privileged is judged elsewhere; here a tenth of the random orders does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(geometry, "measure_privilege", partial(measure_privilege, n_orders=20))
        yield


def sides(seed: int = 0) -> tuple[Array, Array]:
    """Queries and documents, row i answers row i; energy falls, the columns are shuffled."""
    rng = np.random.default_rng(seed)
    mixed, _ = np.linalg.qr(rng.normal(size=(WIDTH, WIDTH)))
    shared = rng.normal(size=(N, WIDTH)) * np.geomspace(1.0, 0.05, WIDTH)
    noisy = [shared + 0.02 * rng.normal(size=shared.shape) for _ in range(2)]
    queries, documents = (unit_rows((side @ mixed).astype(np.float32)) for side in noisy)
    return queries, documents


def task(n: int = N) -> Retrieval:
    """Documents and queries with the ids of the sets below."""
    return Retrieval(
        "toy",
        Texts.of(IDS[:n], [f"text {i}" for i in range(n)], name="toy documents"),
        Texts.of([f"q{i}" for i in range(n)], [f"query {i}" for i in range(n)], name="toy queries"),
        {f"q{i}": {f"d{i}": 1} for i in range(n)},
    )


@pytest.fixture(scope="module")
def probed() -> Probed:
    queries, documents = sides()
    ids = [f"q{i}" for i in range(N)]
    judged = judge({f"q{i}": {f"d{i}": 1} for i in range(N)}, ids, IDS)
    return Probed(
        "m", SPACE, documents, ProbedTexts("toy", "0" * 64, N), own=True, asked=Asked(queries, judged, {}, "toy")
    )


@pytest.fixture(scope="module")
def judged_run(probed: Probed) -> ProbeRun:
    return measure(probed, SETTINGS, Word())


@pytest.fixture(scope="module")
def bare_run(probed: Probed) -> ProbeRun:
    return measure(replace(probed, asked=None), SETTINGS, Word("the card of m says so"))


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Sets of documents and queries, the documents in another order than the task's, and the task's folder."""
    folder = tmp_path_factory.mktemp("sets")
    queries, documents = sides()
    order = np.random.default_rng(3).permutation(N)
    EmbeddingSet.from_numpy(folder / "documents", documents[order], [IDS[i] for i in order], space=SPACE)
    EmbeddingSet.from_numpy(folder / "queries", queries, [f"q{i}" for i in range(N)], space=SPACE, role="query")
    write_beir(task(), folder / "beir")
    return {name: folder / name for name in ("documents", "queries", "beir")}


def of_vectors(path: Path, *texts: str, folder: Path, **more: Path) -> object:
    return probe(ModelSettings(str(path)), *texts, settings=SETTINGS, folder=folder, **more)


def test_vectors_alone_give_the_geometry(tmp_path: Path, bare_run: ProbeRun) -> None:
    np.save(tmp_path / "v.npy", sides()[1])
    found = probed_vectors(tmp_path / "v.npy", None, tmp_path)
    assert found.asked is None and found.space.width == WIDTH
    np.testing.assert_array_equal(found.sample(N, seed=0), sides()[1])
    assert len(found.sample(50, seed=0)) == 50
    assert bare_run.quality is None and bare_run.certificate.quality is None
    assert bare_run.certificate.dims == (4, 8, WIDTH)
    assert bare_run.certificate.passed() == (WIDTH,)
    # nobody could find it again by the name of a model
    assert keep_certificate(replace(bare_run, probed=found))[0] is None


def test_a_set_is_bound_to_its_task_by_ids(sets: dict[str, Path], tmp_path: Path, judged_run: ProbeRun) -> None:
    found = probed_vectors(sets["documents"], str(sets["beir"]), tmp_path, queries=sets["queries"])
    assert found.asked is not None and judged_run.certificate.quality is not None
    # the order of the rows is no matter
    values = values_per_dim(found.asked.vectors, found.documents, found.asked.judged, (4, 8), SETTINGS.measure)
    expected = [point["value"] for point in judged_run.certificate.quality.points[:2]]
    np.testing.assert_allclose(values.mean(axis=1), expected, atol=1e-6)
    assert len(found.sample(50, seed=0)) == 50


def test_a_certificate_is_kept_and_found(judged_run: ProbeRun, bare_run: ProbeRun) -> None:
    path, said = keep_certificate(judged_run)
    assert path is not None and str(path) in said
    assert find_certificate(SPACE) == judged_run.certificate
    # judgements are not lost to a probe without any
    path, said = keep_certificate(bare_run)
    assert path is None and "does not replace" in said
    assert find_certificate(SPACE) == judged_run.certificate


def test_a_set_of_other_documents_is_refused(sets: dict[str, Path], tmp_path: Path) -> None:
    write_beir(task(200), tmp_path / "beir")
    with pytest.raises(MatryoError, match="lacks 0 of 200 and has 100 others"):
        of_vectors(sets["documents"], str(tmp_path / "beir"), folder=tmp_path, queries=sets["queries"])


def test_queries_that_nobody_can_encode_are_asked_for(sets: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(MatryoError, match=r"nobody noted which model .*--queries"):
        of_vectors(sets["documents"], str(sets["beir"]), folder=tmp_path)


def test_a_set_that_lacks_queries_is_refused(sets: dict[str, Path], tmp_path: Path) -> None:
    few = EmbeddingSet.from_numpy(tmp_path / "few", sides()[0][:5], [f"q{i}" for i in range(5)], space=SPACE)
    with pytest.raises(MatryoError, match="lacks 295"):
        of_vectors(sets["documents"], str(sets["beir"]), folder=tmp_path, queries=few.folder)


def test_a_bare_file_takes_no_judgements(sets: dict[str, Path], tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", sides()[1])
    with pytest.raises(MatryoError, match="holds no ids"):
        of_vectors(tmp_path / "v.npy", str(sets["beir"]), folder=tmp_path)


def test_queries_without_a_task_are_refused(sets: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(MatryoError, match="needs the folder of the task"):
        of_vectors(sets["documents"], folder=tmp_path, queries=sets["queries"])


@pytest.mark.parametrize(
    ("matrix", "says"),
    [
        (2 * sides()[1], r"length 1, got 300 of 300.*raw dot products"),
        (np.where(np.eye(N, WIDTH) > 0, np.nan, sides()[1]), "must be finite, row 0"),
        (sides()[1][0], "shape"),
        (sides()[1][:8], "neighbours"),
    ],
)
def test_vectors_that_cannot_be_probed(tmp_path: Path, matrix: Array, says: str) -> None:
    np.save(tmp_path / "v.npy", matrix)
    with pytest.raises(MatryoError, match=says):
        of_vectors(tmp_path / "v.npy", folder=tmp_path)


def test_files_that_are_no_vectors(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="does not exist"):
        of_vectors(tmp_path / "none.npy", folder=tmp_path)
    (tmp_path / "text.npy").write_text("not numbers")
    with pytest.raises(FormatError, match=r"no .npy file"):
        of_vectors(tmp_path / "text.npy", folder=tmp_path)


def test_dims_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match=r"within 1\.\.16"):
        dims_to_probe((8, 32), Word(), 16)
    with pytest.raises(MatryoError, match="below the width 16"):
        dims_to_probe((16,), Word(), 16)


def test_what_the_model_names_is_tested_too() -> None:
    assert {100, 384} <= set(dims_to_probe(None, Word("says", (100, 384)), 384))
    assert dims_to_probe((100,), Word("says", (200,)), 384) == (100, 384)


@pytest.fixture(scope="module")
def model_run(tmp_path_factory: pytest.TempPathFactory, tiny_model_folder: Path) -> tuple[Path, Path, Path]:
    """Folder of a model, of a task with real words, and of a probe of the one on the other, with a fix."""
    root = tmp_path_factory.mktemp("probe")
    words = [f"{a}{b} the {b} dog {a}" for a in "abcdefghij" for b in "klmnopqrst"][:60]
    n = len(words)
    data = Retrieval(
        "words",
        Texts.of([f"d{i}" for i in range(n)], words, name="words"),
        Texts.of([f"q{i}" for i in range(n)], [f"query: {word}" for word in words], name="asked"),
        {f"q{i}": {f"d{i}": 1} for i in range(n)},
    )
    write_beir(data, root / "beir")
    model = root / "model"
    copytree(tiny_model_folder, model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MATRYO_HOME", str(root / "home"))
        run_probe(
            ModelSettings(str(model), device="cpu"), str(root / "beir"), SETTINGS, out=root / "out", fix=root / "fix"
        )
    return model, root / "beir", root / "out"


def test_the_certificate_lies_in_the_models_folder_and_beside_the_report(model_run: tuple[Path, Path, Path]) -> None:
    model, _, out = model_run
    encoder = load_encoder(model, device="cpu")
    kept = find_certificate(encoder.space, folder=model)
    assert kept is not None and kept == read_certificate(out / "truncation.json")
    assert kept.quality is not None and kept.quality.n == 60
    for name in ("report.html", "report.md", "results.json", "per_query.parquet", "curve.png", "neighbours.svg"):
        assert (out / name).stat().st_size > 0
    assert "Before and after" in (out / "report.md").read_text()


def test_the_fixed_model_is_an_ordinary_folder_with_its_certificate(model_run: tuple[Path, Path, Path]) -> None:
    fixed = model_run[2].parent / "fix" / "model"
    encoder = load_encoder(fixed, device="cpu")
    kept = find_certificate(encoder.space, folder=fixed)
    assert kept is not None and kept.quality is not None
    # turned is not shown to be good: the folder names what passed, and the rest is refused as of any model
    assert read_matryoshka(fixed).dims == kept.passed()
    assert len(kept.passed()) < len(kept.dims)
    with pytest.raises(MatryoError, match="is not to be cut to 4 of 32 numbers"):
        check_cut(encoder, 4, cards=Cards({}))
    # a rotation keeps the full width
    before = read_certificate(model_run[2] / "truncation.json")
    assert before.quality is not None
    assert kept.quality.points[-1]["value"] == pytest.approx(before.quality.points[-1]["value"], abs=0.02)


def test_what_was_measured_is_told_though_the_certificate_cannot_be_kept(
    sets: dict[str, Path], home: Path, tmp_path: Path, bare_run: ProbeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.write_text("a file in the way")
    monkeypatch.setattr(probe_run, "probe", lambda *given, **named: bare_run)
    told = run_probe(ModelSettings(str(sets["documents"])), None, SETTINGS, out=tmp_path / "out")
    assert told.failure is not None and "MATRYO_HOME" in str(told.failure)
    assert told.summary.startswith("May I cut it?") and (tmp_path / "out" / "report.html").is_file()


def test_a_second_run_does_not_encode_again(
    model_run: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from matryo.encoders import ModelEncoder

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("encoded again")

    monkeypatch.setattr(ModelEncoder, "encode", refuse)
    model, beir, out = model_run
    again = probed_model(ModelSettings(str(model), device="cpu"), str(beir), out)
    assert again.texts == read_certificate(out / "truncation.json").texts


def test_a_changed_model_does_not_pass_for_the_probed_one(model_run: tuple[Path, Path, Path]) -> None:
    model = model_run[0]
    fewer = load_encoder(model, device="cpu", max_tokens=12)
    with pytest.raises(MatryoError, match=r"another revision.*24 then, 12 now"):
        find_certificate(fewer.space, folder=model)


def test_texts_alone_give_the_geometry_of_a_model(model_run: tuple[Path, Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(f"{a}{b} cat {b}" for a in "abcdefgh" for b in "klmn"))
    found = probed_model(ModelSettings(str(model_run[0]), device="cpu"), str(path), tmp_path)
    assert found.asked is None and found.texts.n == 32 and found.own


def test_of_very_many_texts_some_are_drawn(
    model_run: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe_inputs, "MOST_ROWS", 5)
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(f"{a}{b} cat {b}" for a in "abcdefgh" for b in "klmn"))
    found = probed_model(ModelSettings(str(model_run[0]), device="cpu"), str(path), tmp_path)
    assert found.n == 5 and "5 of 32 texts were drawn at random" in found.notes[0]


def test_a_folder_without_judgements_is_refused(model_run: tuple[Path, Path, Path], tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "corpus.jsonl").write_text('{"_id": "a", "text": "b"}\n')
    (tmp_path / "bare" / "queries.jsonl").write_text('{"_id": "q", "text": "b"}\n')
    with pytest.raises(FormatError, match="splits"):
        probe(ModelSettings(str(model_run[0])), str(tmp_path / "bare"), SETTINGS, folder=tmp_path)


def test_too_few_queries_say_how_many_are_needed(model_run: tuple[Path, Path, Path], tmp_path: Path) -> None:
    write_beir(task(19), tmp_path / "beir")
    with pytest.raises(MatryoError, match="at least 20 queries"):
        probe(ModelSettings(str(model_run[0]), device="cpu"), str(tmp_path / "beir"), SETTINGS, folder=tmp_path)


def test_arguments_that_contradict_each_other(model_run: tuple[Path, Path, Path], tmp_path: Path) -> None:
    with pytest.raises(MatryoError, match="goes with vectors"):
        probe(ModelSettings(str(model_run[0])), None, SETTINGS, queries=tmp_path, folder=tmp_path)
    with pytest.raises(MatryoError, match="share must lie between 0 and 1"):
        probe(ModelSettings("minilm"), None, replace(SETTINGS, share=95.0), folder=tmp_path)
    with pytest.raises(MatryoError, match="leave --pairs out"):
        run_probe(ModelSettings("v.npy"), None, SETTINGS, fix=tmp_path, pairs="stdlib")


@pytest.mark.parametrize("option", ["out", "fix"])
def test_a_file_in_the_way_is_said_before_anything_is_read(option: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MatryoError, match="must be a folder, a file is in the way"):
        run_probe(ModelSettings("no such model"), None, SETTINGS, **{option: tmp_path / "file"})


def test_vectors_are_turned_too(judged_run: ProbeRun, tmp_path: Path) -> None:
    before, probed = judged_run, judged_run.probed
    fixed = fix_with_rotation(before, tmp_path / "fix", SETTINGS)
    turned = np.load(tmp_path / "fix" / "documents.npy")
    np.testing.assert_allclose(turned @ turned.T, probed.documents @ probed.documents.T, atol=1e-5)
    assert fixed.run.geometry.variance_ordered is not False
    kept = read_certificate(tmp_path / "fix" / "truncation.json")
    assert kept.space_id == fixed.run.certificate.space_id != before.certificate.space_id
    # shuffled columns of falling energy: a rotation is what they need
    assert kept.quality is not None and before.certificate.quality is not None
    assert kept.quality.points[0]["value"] > before.certificate.quality.points[0]["value"] + 0.05
    assert [row[0] for row in fixed.table.rows] == [4, 8, WIDTH]
    assert fixed.table.rows[-1][3].startswith(("+0.000", "-0.000"))


def test_a_set_whose_model_is_noted_encodes_its_queries(model_run: tuple[Path, Path, Path], tmp_path: Path) -> None:
    model, beir, out = model_run
    stored = EmbeddingSet.open(out / "sets" / "documents")
    settings = ModelSettings(str(model), device="cpu")
    copy = EmbeddingSet.from_numpy(tmp_path / "set", stored.to_numpy(), stored.ids(), space=stored.space)
    note_model(copy.folder, settings, stored.space.id)
    found = probed_vectors(copy.folder, str(beir), tmp_path)
    assert found.asked is not None
    queries = EmbeddingSet.open(out / "sets" / "queries").to_numpy()
    np.testing.assert_array_equal(found.asked.vectors, queries)


def test_advice_says_what_to_do(judged_run: ProbeRun) -> None:
    run = judged_run
    large = Savings(8, WIDTH, 10_000_000, 9.0, 4.0)
    assert run.quality is not None
    for own in (True, False):
        said = " ".join(advise(Subject("m x", own=own), large, run.geometry, run.quality, 0.95))
        assert "Do not cut for" not in said and "Do not cut a small" not in said
    # by measured times a busy machine would decide this
    few = Savings(8, WIDTH, N, 1.0, 0.5)
    small = " ".join(advise(Subject("m", own=True), few, run.geometry, run.quality, 0.95))
    assert "Do not cut for these 300 vectors alone" in small
    # shuffled columns: the rotation is offered, the name is quoted for a shell
    said = " ".join(advise(Subject("m x", "beir"), large, run.geometry, run.quality, 0.95))
    assert "matryo probe 'm x' beir --fix OUT" in said and "matryo export 'm x' OUT" in said
    # of vectors there is no model to export or to train
    said = " ".join(advise(Subject("v.npy", is_model=False), large, run.geometry, run.quality, 0.95))
    assert "matryo.cut(vectors, " in said and "export" not in said and "--pairs" not in said


def test_advice_without_judgements_names_who_says_so(bare_run: ProbeRun) -> None:
    assert bare_run.certificate.advice[0] == "Not measured here, but the card of m says so."
    assert any("judge it with" in sentence for sentence in bare_run.certificate.advice)
    for subject, says in (
        (Subject("m"), "standard library"),
        (Subject("set", is_model=False), "probe set FOLDER"),
        (Subject("v.npy", is_model=False), "need ids"),
    ):
        said = advise(subject, Savings(8, WIDTH, 300, None, None), bare_run.geometry, None, 0.95)
        assert says in said[0] and "not timed" in " ".join(said)
