import pytest
from pydantic import ValidationError

from matryo.experiments.index_grid import IndexGrid


def names(**entry):
    return [one.name for one in IndexGrid.model_validate(entry).each()]


def test_dims_bits_and_recalls_are_multiplied_out():
    assert names(kind="quantized", dims=[192, 96], bits=[8, 1]) == [
        "int8@192 rotated", "binary@192 rotated", "int8@96 rotated", "binary@96 rotated",
    ]  # fmt: skip
    assert names(kind="quantized", dims=96, recall=[0.9, 0.95]) == ["int8@96 rotated .9", "int8@96 rotated .95"]
    assert names(kind="ivf") == ["ivf"]


def test_dims_of_a_funnel_are_its_stages():
    assert names(kind="funnel", dims=[96, 192]) == ["funnel 96>192"]
    assert names(kind="funnel", dims=96, recall=0.99) == ["funnel 96 .99"]
    assert names(kind="funnel", dims=[[96, 192], [128]]) == ["funnel 96>192", "funnel 128"]
    assert names(kind="funnel") == ["funnel"]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"kind": "flat", "recall": 0.9}, "takes no recall"),
        ({"kind": "quantized", "dims": [[96, 192]]}, "scans one prefix length"),
        ({"kind": "quantized", "bits": 4}, "bits"),
        ({"kind": "tree"}, "kind"),
        ({"kind": "flat", "depth": 3}, "depth"),
    ],
)
def test_what_does_not_fit_is_refused_when_it_is_read(entry, words):
    with pytest.raises(ValidationError, match=words):
        IndexGrid.model_validate(entry)
