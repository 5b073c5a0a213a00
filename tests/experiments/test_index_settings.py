"""Settings of an index: the kind's usual bits, labels, and what does not go together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from matryo.errors import MatryoError
from matryo.experiments.index_settings import IndexSettings, read_settings


def test_bits_are_those_of_the_kind_unless_given() -> None:
    assert IndexSettings(kind="quantized").bits == 8
    assert IndexSettings(kind="quantized", bits=1).bits == 1
    assert IndexSettings(kind="funnel").bits == IndexSettings().bits == 8
    assert {IndexSettings(kind=kind).bits for kind in ("flat", "ivf", "hnsw")} == {32}


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"kind": "flat"}, "flat"),
        ({"kind": "funnel"}, "funnel"),
        ({"kind": "funnel", "dims": (384, 96, 192), "recall": 0.99}, "funnel 96>192>384 .99"),
        ({"kind": "funnel", "dims": (96,), "bits": 16, "rotate": False}, "funnel 96 16 bits unrotated"),
        ({"kind": "quantized", "dims": (96,)}, "int8@96 rotated"),
        ({"kind": "quantized", "bits": 1, "shortlist": 300}, "binary shortlist 300"),
        ({"kind": "ivf", "dims": (96,), "bits": 16, "settings": {"nprobe": 8}}, "ivf@96 float16 rotated nprobe=8"),
        ({"kind": "hnsw", "dims": (96,), "rotate": False, "recall": 0.975}, "hnsw@96 .975"),
        ({"kind": "faiss", "factory": "IVF16,PQ8"}, "IVF16,PQ8"),
    ],
)
def test_the_name_says_what_was_asked_for(values: dict[str, object], name: str) -> None:
    assert read_settings(values).name == name


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": "tree"}, "kind must be"),
        ({"kind": "flat", "bits": 8}, "32 bits, got 8"),
        ({"kind": "flat", "dims": (96,)}, "funnel scans shorter prefixes"),
        ({"kind": "flat", "recall": 0.9}, "takes no recall"),
        ({"kind": "funnel", "bits": 1}, "32, 16 or 8 bits, got 1"),
        ({"kind": "funnel", "shortlist": 9}, "takes no shortlist"),
        ({"kind": "funnel", "settings": {"nprobe": 4}}, "settings of FAISS"),
        ({"kind": "quantized", "bits": 32}, "16, 8 or 1 bits, got 32"),
        ({"kind": "quantized", "dims": (32, 64)}, "one prefix length"),
        ({"kind": "ivf", "factory": "Flat"}, "only kind faiss takes a factory"),
        ({"kind": "ivf", "recall": 0.9, "settings": {"nprobe": 4}}, "nprobe is chosen"),
        ({"kind": "faiss"}, "needs a factory"),
        ({"kind": "faiss", "factory": "Flat", "bits": 8}, "its factory says"),
        ({"kind": "faiss", "factory": "Flat", "recall": 0.9}, "takes no recall"),
        ({"recall": 1.0}, "below 1.0"),
        ({"recall": 0}, "above 0.0"),
        ({"dims": ()}, "at least 1"),
        ({"dims": (64, 64)}, "dims must differ"),
        ({"dims": (0, 64)}, "above 0"),
        ({"bits": 4}, "bits must be"),
        ({"shortlists": 4}, "unknown key shortlists"),
    ],
)
def test_what_does_not_go_together_is_refused_in_one_line(values: dict[str, object], words: str) -> None:
    with pytest.raises(MatryoError) as error:
        read_settings(values)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_python_callers_are_refused_alike() -> None:
    with pytest.raises(ValidationError, match="needs a factory"):
        IndexSettings(kind="faiss")


@given(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["flat", "funnel", "quantized", "ivf", "hnsw"]),
            "dims": st.sampled_from([None, (96,), (64, 128)]),
            "bits": st.sampled_from([None, 32, 16, 8, 1]),
            "recall": st.sampled_from([None, 0.9, 0.99]),
            "rotate": st.booleans(),
            "shortlist": st.sampled_from([None, 50]),
        }
    ),
    st.fixed_dictionaries({"bits": st.sampled_from([32, 16, 8, 1]), "recall": st.sampled_from([None, 0.9, 0.99])}),
)
def test_settings_survive_json_and_labels_tell_them_apart(values: dict[str, object], other: dict[str, object]) -> None:
    try:
        one, two = read_settings(values), read_settings({**values, **other})
    except MatryoError:
        return
    assert IndexSettings.model_validate(one.model_dump(mode="json")) == one
    assert (one.name == two.name) == (one == two)
