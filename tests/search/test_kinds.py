from pathlib import Path

import numpy as np
import pytest

from matryo.errors import FormatError, SpaceError
from matryo.search import ExactIndex
from matryo.search.kinds import KINDS, load_index
from matryo.space import Space

SPACE = Space.declared("kinds", 8)


@pytest.fixture
def folder(rng: np.random.Generator, tmp_path: Path) -> Path:
    x = rng.standard_normal((5, 8), dtype=np.float32)
    ExactIndex.build(x / np.linalg.norm(x, axis=1, keepdims=True), space=SPACE).save(tmp_path / "index")
    return tmp_path / "index"


def test_every_kind_is_called_as_its_indexes_call_themselves(folder: Path) -> None:
    index = load_index(folder, space=SPACE)
    assert type(index) is KINDS[index.facts().kind] is ExactIndex
    assert index.facts().disk_bytes == sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def test_another_space_is_refused(folder: Path) -> None:
    with pytest.raises(SpaceError, match="one space"):
        load_index(folder, space=Space.declared("elsewhere", 8))


@pytest.mark.parametrize("text", ['{"kind": "tree"}', '{"kind": ["exact"]}', "{}", "[]", "{"])
def test_a_folder_of_an_unknown_kind_is_refused(folder: Path, text: str) -> None:
    (folder / "index.json").write_text(text)
    with pytest.raises(FormatError, match=r"index\.json"):
        load_index(folder)
    with pytest.raises(FormatError, match=r"index\.json is missing"):
        load_index(folder / "nothing")
