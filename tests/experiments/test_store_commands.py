"""The commands `matryo store ...` from encoded texts to answers."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from matryo.cli.stores import store_app
from matryo.data import Texts
from matryo.errors import MatryoError, SpaceError
from matryo.experiments.encoding import encode_texts
from matryo.experiments.settings import ModelSettings
from matryo.search import build_passages
from matryo.search.stores import Location

pytest.importorskip("milvus_lite")

TEXTS = ["the cat runs", "the dog", "a query"]


def run(*words: object) -> str:
    result = CliRunner().invoke(store_app, [str(word) for word in words])
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_push_search_list_drop(tmp_path: Path, tiny_model_folder: Path) -> None:
    lines, where = tmp_path / "texts.txt", f"milvus:{tmp_path / 'm.db'}"
    lines.write_text("\n".join(TEXTS) + "\n")
    model = ModelSettings(str(tiny_model_folder), precision="fp32")
    encode_texts(model, lines, tmp_path / "set")
    told = run("push", tmp_path / "set", where, "texts", "--dims", "32,16", "--batch", "2")
    assert told == "texts: 3 rows at dims 16,32, complete; 6 vectors were sent\n"
    assert "0 vectors were sent" in run("push", tmp_path / "set", where, "texts", "--dims", "16,32")
    assert run("list", where).startswith("texts: 3 rows at dims 16,32 of 32, complete, native model, space ")

    asked = ("search", where, "texts", TEXTS[1], "--model", tiny_model_folder, "--precision", "fp32", "-k", "2")
    first, second = (line.split("\t") for line in run(*asked, "--dim", "16").splitlines())
    assert first[0] == "1" and float(first[1]) == pytest.approx(1.0, abs=1e-3) and second[0] == "2"
    ids = Location.parse(where).store("texts").ids()
    with build_passages(Texts.of(list(ids), ["x"] * 3), tmp_path / "p.sqlite"):
        pass
    assert run(*asked, "--passages", tmp_path / "p.sqlite").splitlines()[0].split("\t")[2:] == [first[2], "x"]

    with pytest.raises(SpaceError, match=r"the model .* and the store texts must lie in one space"):
        run(*asked, "--max-tokens", "7")
    assert run("drop", where, "texts") == "texts: dropped\n" and run("list", where) == ""
    with pytest.raises(MatryoError, match="has no store 'texts', it has: none"):
        run(*asked)


@pytest.mark.parametrize("where", ["", "folder", "chroma:", "faiss:folder", "milvus"])
def test_a_location_that_is_none_is_refused(where: str) -> None:
    with pytest.raises(MatryoError, match="a location is chroma:FOLDER"):
        Location.parse(where)


def test_a_token_is_for_milvus(tmp_path: Path) -> None:
    pytest.importorskip("chromadb")
    with pytest.raises(MatryoError, match="only Milvus takes one"):
        run("list", f"chroma:{tmp_path}", "--token", "x")
