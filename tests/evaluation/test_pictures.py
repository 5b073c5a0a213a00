import json
from dataclasses import replace
from pathlib import Path

import pytest

from matryo.errors import FormatError, MatryoError
from matryo.evaluation.pictures import (
    Found,
    KernelMatrices,
    KernelPicture,
    LayoutPicture,
    SampleSearch,
    SearchPicture,
)

LAYOUT = LayoutPicture(
    source="old", target="new", translator="ridge", ids=("a", "b"), texts=("one", "zwei …"), labels=("x", "y"),
    label_kind="package", native=((0.0, 1.5), (2.0, -1.0)), translated=((0.1, 1.4), (2.0, -1.0)), native_trust=0.9,
    translated_trust=0.8, trust_neighbours=1, n_neighbours=15, min_dist=0.1, seed=3, n_fitted=2,
)  # fmt: skip
CELLS = ((1.0, 0.5), (0.5, 1.0))
KERNELS = KernelPicture(
    "old", "new", "mlp1 8x", ("q", "d"), ("asks", "answers"), (0,),
    (
        KernelMatrices("dot", CELLS, CELLS, CELLS, None, (1.0, 1.0), (0.0, 0.0), (1.0, None)),
        KernelMatrices("rbf", CELLS, CELLS, CELLS, (1.0, 1.1, 1.2), (1.0, 1.0), (0.0, 0.0), (1.0, 0.5)),
    ),
)  # fmt: skip
HITS = (Found("d", "answers", 0.75, True), Found("e", "does not", 0.5, None))
SEARCHES = SearchPicture(
    "old", "new", "ridge", 2, "queries", 5, 9, 0.5, 0.25, 0,
    (SampleSearch("q", "asks", "differ most", ("d",), HITS, HITS, HITS[::-1], 2, 1.0, 0.0, 2),),
)  # fmt: skip
PICTURES = (LAYOUT, KERNELS, SEARCHES)


@pytest.mark.parametrize("picture", PICTURES, ids=["layout", "kernels", "searches"])
def test_what_is_written_is_read_again(picture: LayoutPicture | KernelPicture | SearchPicture, tmp_path: Path) -> None:
    path = tmp_path / "new" / "picture.json"
    picture.write(path)
    assert type(picture).read(path) == picture
    for other in {type(one) for one in PICTURES} - {type(picture)}:
        with pytest.raises(FormatError, match="is not a"):
            other.read(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": "3"}, "seed"),
        ({"seed": None}, "seed"),
        ({"ids": ["a"]}, "one value of each kind per text"),
        ({"native": [[0.0], [1.0, 2.0]]}, "native.0"),
        ({"native_trust": float("nan")}, "native_trust"),
        ({"colour": "red"}, "colour"),
        ({"format": 99}, "format 99"),
    ],
)
def test_a_damaged_picture_is_refused_by_what_is_wrong(change: dict[str, object], words: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.json"
    LAYOUT.write(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(FormatError, match=words):
        LayoutPicture.read(path)


def test_a_file_that_is_missing_cut_short_or_no_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "picture.json"
    with pytest.raises(FormatError, match="is missing"):
        SearchPicture.read(path)
    SEARCHES.write(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(FormatError, match="not readable"):
        SearchPicture.read(path)
    path.write_text("[]")
    with pytest.raises(FormatError, match="is not a searches picture"):
        SearchPicture.read(path)


def test_matrices_of_another_size_and_places_outside_are_refused() -> None:
    with pytest.raises(MatryoError, match="3 texts has 3 rows"):
        replace(KERNELS, ids=("a", "b", "c"), texts=("a", "b", "c"))
    with pytest.raises(MatryoError, match=r"places of queries lie within 0\.\.1"):
        replace(KERNELS, queries=(2,))
