import json
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matryo.errors import FormatError, MatryoError, SpaceError
from matryo.space import Space, same_space

BASE = Space("sha256:abc", 384, pooling="mean", max_tokens=256, maps=("m1", "m2"))
SPACES = st.builds(
    Space,
    weights=st.text(max_size=9),
    width=st.integers(1, 5000),
    pooling=st.sampled_from(["mean", "cls", "unknown"]),
    before_cut=st.sampled_from(["none", "layer_norm"]),
    normalize=st.booleans(),
    max_tokens=st.none() | st.integers(1, 9000),
    maps=st.lists(st.text(max_size=4), max_size=3).map(tuple),
)
CHANGES = {
    "weights": "sha256:abd",
    "width": 385,
    "pooling": "cls",
    "before_cut": "layer_norm",
    "normalize": False,
    "max_tokens": None,
    "maps": ("m2", "m1"),
}


@pytest.mark.parametrize("field", [f.name for f in fields(Space)])
def test_every_field_is_part_of_the_identity(field: str) -> None:
    assert replace(BASE, **{field: CHANGES[field]}).id != BASE.id


def test_the_identity_is_pinned() -> None:
    """Stored sets and indexes carry it: it must not move between versions."""
    assert Space.declared("pinned", 8).id == "226af9c35902be1ef61dac4b11cdd1f7"
    assert len(BASE.id) == 32 and int(BASE.id, 16) >= 0


@given(SPACES, SPACES)
def test_equal_ids_mean_equal_spaces(left: Space, right: Space) -> None:
    assert (left.id == right.id) == (left == right)


@given(SPACES)
def test_json_round_trip(space: Space) -> None:
    again = Space.from_json(json.loads(json.dumps(space.to_json())))
    assert again == space and again.id == space.id and hash(again) == hash(space)


def test_a_declared_space_is_named_by_its_label_and_width() -> None:
    assert Space.declared("a", 8) == Space.declared("a", 8)
    assert len({Space.declared("a", 8).id, Space.declared("b", 8).id, Space.declared("a", 9).id}) == 3


def test_every_map_leads_into_a_new_space() -> None:
    once = BASE.mapped("rotation", 384)
    assert once.maps == ("m1", "m2", "rotation") and once.id != BASE.id
    assert once.mapped("head", 96).width == 96
    assert replace(BASE, normalize=False).mapped("rotation", 384).normalize
    assert (
        Space.declared("x", 8).mapped("a", 8).mapped("b", 8).id
        != Space.declared("x", 8).mapped("b", 8).mapped("a", 8).id
    )


@pytest.mark.parametrize("stored", [{}, {"weights": "x"}, {"width": 3}, {"weights": "x", "width": 3, "colour": 1}])
def test_stored_fields_that_do_not_fit_are_refused(stored: dict[str, object]) -> None:
    with pytest.raises(FormatError, match="fields of Space"):
        Space.from_json(stored)


def test_optional_fields_may_be_missing_from_what_is_stored() -> None:
    assert Space.from_json({"weights": "x", "width": 3}) == Space("x", 3)


def test_two_spaces_do_not_meet() -> None:
    same_space(BASE, BASE.id, "queries and documents")
    same_space(BASE.id, replace(BASE), "queries and documents")
    other = Space.declared("other", 384)
    for left, right in ((BASE, other), (BASE.id, other), (BASE, other.id)):
        with pytest.raises(SpaceError, match="queries and documents must lie in one space") as caught:
            same_space(left, right, "queries and documents")
        assert BASE.id[:12] in str(caught.value) and other.id[:12] in str(caught.value)
        assert isinstance(caught.value, MatryoError)
