"""`matryo models` lists cards, `matryo models show` tells of one model, `matryo export` heeds both."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from sentence_transformers import SentenceTransformer
from typer.testing import CliRunner, Result

from matryo.cli.adapting import export
from matryo.cli.models import models_app
from matryo.encoders import load_encoder, save_model
from matryo.encoders.certificate import HOME_VARIABLE, Certificate, ProbedTexts, Quality, write_certificate
from matryo.errors import FormatError, MatryoError
from matryo.space import Space

export_app = typer.Typer()
export_app.command()(export)
OWN = """\
format: 1
cards:
  lab-model:
    width: 32
    dims: [8, 16]
    status: confirmed
    source: {link: https://example.org/lab, date: 2026-11-20, says: trained at 8 and 16}
  bge-m3: {width: 1024, notes: ours}
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "own.yaml").write_text(OWN, encoding="utf-8")
    return tmp_path / "own.yaml"


def models(*words: object) -> Result:
    return CliRunner().invoke(models_app, [str(word) for word in words])


def certificate(model: str, space: Space, date: str, *, smallest: int | None) -> Certificate:
    quality = None
    if smallest is not None:
        points = ({"dim": 8, "value": 0.5}, {"dim": space.width, "value": 0.5})
        quality = Quality("nDCG@10", 50, None, "lab", points, {"0.95": smallest}, 0.02, None, "nobody knows")
    texts = ProbedTexts("lab texts", "0" * 64, 1234)
    return Certificate(model, space, texts, date, "0.1.0", (8, space.width), {}, quality, ("do not cut",))


def test_the_table() -> None:
    result = models()
    assert result.exit_code == 0, result.exception
    head, *rows = result.stdout.splitlines()
    assert head.split() == ["name", "width", "dims", "status", "source", "measured"]
    assert len(rows) >= 50 and all(row == row.rstrip() for row in rows)
    places = [head.index(word) for word in ("dims", "status", "source", "measured")]
    (row,) = (row for row in rows if row.startswith("nomic-embed-text-v1.5 "))
    cells = [row[start:end].strip() for start, end in zip(places, [*places[1:], None], strict=True)]
    assert cells == ["64, 128, 256, 512, 768", "confirmed", "huggingface.co 2026-11-21", "-"]
    assert any(row.split()[:5] == ["bge-m3", "1024", "-", "unknown", "-"] for row in rows)


def test_what_was_measured_stands_in_the_table(home: Path) -> None:
    minilm = Space(weights="a" * 64, width=384)
    for date, smallest in (("2026-11-01", 8), ("2026-11-19", 384)):
        write_certificate(certificate("minilm", Space(weights=date, width=384), date, smallest=smallest))
    write_certificate(certificate("minilm", Space(weights="a set of this name", width=64), "2026-11-20", smallest=8))
    write_certificate(certificate("WordLlama", Space(weights="w", width=256), "2026-11-02", smallest=None))
    rows = models().stdout.splitlines()
    assert any(row.startswith("minilm ") and row.endswith("95 % from 384 (nDCG@10, lab, 2026-11-19)") for row in rows)
    assert any(row.startswith("wordllama ") and row.endswith("geometry only, 2026-11-02") for row in rows)
    shown = models("show", "minilm").stdout
    assert "certificate of 2026-11-19" in shown and "lab texts, 1,234" in shown and "  do not cut" in shown
    assert minilm.id not in shown


def test_own_cards_are_said(own: Path) -> None:
    result = models("--cards", own)
    assert any(row.startswith("lab-model") for row in result.stdout.splitlines())
    assert f"note: the card bge-m3 of {own} replaces the built-in card bge-m3" in result.stderr
    assert "note" not in result.stdout


def test_json(own: Path) -> None:
    cards = {card["name"]: card for card in json.loads(models("--cards", own, "--json").stdout)}
    assert cards["lab-model"]["dims"] == [8, 16] and cards["lab-model"]["origin"] == str(own)
    assert cards["minilm"]["origin"] == "built-in" and cards["minilm"]["measured"] is None
    one = json.loads(models("show", "lab-model", "--cards", own, "--json").stdout)
    assert one["source"]["date"] == "2026-11-20" and one["files"] == [] and one["certificate"] is None


def test_show_a_card() -> None:
    shown = models("show", "jinaai/jina-embeddings-v4").stdout
    assert shown.startswith("jina-embeddings-v4 (built-in card)\n")
    for words in (
        "confirmed: 128, 256, 512, 1024, 2048",
        "https://huggingface.co/jinaai/jina-embeddings-v4 (read 2026-11-21)",
        "needs its authors' code: --trust-remote-code",
        "some lists name 768 as well",
        "no certificate",
    ):
        assert words in shown
    assert "before cut  layer norm" in models("show", "nomic-embed-text-v1.5").stdout
    assert "query 'query: ', document 'passage: '" in models("show", "e5-base-v2").stdout


def test_show_a_folder(tiny_model_folder: Path, tmp_path: Path, own: Path) -> None:
    folder = save_model(load_encoder(tiny_model_folder), tmp_path / "lab-model", dims=[24])
    shown = models("show", folder, "--cards", own).stdout
    assert "no card" in shown and "matryo.json: matryoshka_dims [24]" in shown and "no certificate" in shown
    encoder = load_encoder(folder)
    write_certificate(certificate("lab-model", encoder.space, "2026-11-19", smallest=8), folder=folder)
    shown = models("show", folder).stdout
    assert "95 % from 8" in shown and encoder.space.id in shown
    (folder / "matryo.json").unlink()
    assert f"lab-model ({own} card)" in models("show", folder, "--cards", own).stdout


def test_show_what_nobody_knows(own: Path, tmp_path: Path) -> None:
    error = models("show", "bge-m4").exception
    assert isinstance(error, MatryoError) and "is in no card" in str(error) and "bge-m3" in str(error)
    assert "matryo models lists them" in str(models("show", "zzzz").exception)
    own.write_text(OWN.replace("width: 32", "widht: 32"), encoding="utf-8")
    for words in (("--cards", own), ("show", "minilm", "--cards", own)):
        error = models(*words).exception
        assert isinstance(error, FormatError) and "did you mean width" in str(error)


def test_the_table_needs_no_torch() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from matryo.cli.models import models_app as app; "
        "assert CliRunner().invoke(app, []).exit_code == 0; "
        "assert CliRunner().invoke(app, ['show', 'minilm']).exit_code == 0; "
        "print([m for m in ('torch', 'transformers', 'sentence_transformers') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_export_heeds_the_card(tiny_model_folder: Path, tmp_path: Path, own: Path) -> None:
    folder = shutil.copytree(tiny_model_folder, tmp_path / "lab-model")

    def run(out: str, dim: int, *words: object) -> Result:
        return CliRunner().invoke(export_app, [str(w) for w in (folder, tmp_path / out, "--dim", dim, *words)])

    refused = run("a", 8)
    assert isinstance(refused.exception, MatryoError) and "is in no card" in str(refused.exception)
    assert not (tmp_path / "a").exists()
    refused = run("a", 12, "--cards", own)
    assert "nearest to 12: 8 and 16" in str(refused.exception) and not (tmp_path / "a").exists()
    result = run("a", 8, "--cards", own)
    assert result.exit_code == 0, result.exception
    assert "note: the card lab-model confirms 8 numbers" in result.stderr
    assert SentenceTransformer(str(tmp_path / "a"), device="cpu").encode(["the cat"]).shape == (1, 8)
    result = run("b", 12, "--allow-untrained")
    assert result.exit_code == 0 and "on your word" in result.stderr
    notes = json.loads((tmp_path / "b" / "matryo.json").read_text(encoding="utf-8"))
    assert notes["extra"]["cut"]["from"] == 32 and "on your word" in notes["extra"]["cut"]["why"]
    assert run("c", 32).exit_code == 0, "the full width is no cut"


def test_packaged_names_come_before_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "minilm").mkdir()
    monkeypatch.chdir(tmp_path)
    assert models("show", "minilm").stdout.startswith("minilm (built-in card)")
