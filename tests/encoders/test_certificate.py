"""The certificate: what it lets pass, where it lies, and what it refuses to be."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matryo.encoders.certificate import (
    Certificate,
    ProbedTexts,
    Quality,
    certificate_path,
    data_folder,
    find_certificate,
    read_certificate,
    write_certificate,
)
from matryo.errors import FormatError, MatryoError
from matryo.space import Space

SPACE = Space("weights", 8, max_tokens=256)
POINTS = tuple({"dim": dim, "value": dim / 10, "low": None} for dim in (2, 4, 8))
QUALITY = Quality("nDCG@10", 100, 12, "cran", POINTS, {"0.99": 8, "0.98": 4, "0.95": 2}, 0.013, None, "not shown")
WHOLE = Certificate(
    "m", SPACE, ProbedTexts("t", "d" * 64, 3), "2026-11-21", "0.1.0", (2, 4, 8), {"privileged": None}, QUALITY, ("a.",)
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of the test's own."""
    monkeypatch.setenv("MATRYO_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_dims_pass_from_the_smallest_shown_on() -> None:
    assert [WHOLE.passed(share) for share in (0.9, 0.95, 0.98, 0.99)] == [(2, 4, 8), (2, 4, 8), (4, 8), (8,)]
    # a share in between needs the next stricter test, one above all of them only the width keeps
    assert WHOLE.passed(0.96) == (4, 8)
    assert WHOLE.passed(0.995) == (8,)


def test_without_judgements_only_the_width_passes() -> None:
    assert replace(WHOLE, quality=None).passed(0.5) == (8,)


@given(share=st.floats(0.01, 0.99), more=st.floats(0.0, 0.5))
def test_who_asks_for_more_gets_no_more_dims(share: float, more: float) -> None:
    assert set(WHOLE.passed(min(0.995, share + more))) <= set(WHOLE.passed(share))


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0, 95.0])
def test_a_share_lies_between_0_and_1(share: float) -> None:
    with pytest.raises(MatryoError, match=r"between 0 and 1, got .*0\.95"):
        WHOLE.passed(share)


@pytest.mark.parametrize("quality", [QUALITY, None, replace(QUALITY, n_groups=None, detectable=None, trained=True)])
def test_what_is_written_is_found_again(tmp_path: Path, quality: Quality | None) -> None:
    kept = replace(WHOLE, quality=quality)
    for folder in (tmp_path / "model", None):
        path = write_certificate(kept, folder=folder)
        assert path == certificate_path(SPACE, folder=folder)
        assert find_certificate(SPACE, folder=folder) == find_certificate(SPACE.id, folder=folder) == kept


def test_where_the_data_folder_is(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert certificate_path(SPACE) == home / "certificates" / f"{SPACE.id}.json"
    monkeypatch.delenv("MATRYO_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    assert data_folder() == tmp_path / "share" / "matryo"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_folder() == tmp_path / ".local" / "share" / "matryo"


def test_no_certificate_is_none(tmp_path: Path) -> None:
    assert find_certificate(SPACE, folder=tmp_path) is None
    assert find_certificate(SPACE) is None


def test_a_certificate_of_another_revision_is_refused(tmp_path: Path) -> None:
    write_certificate(WHOLE, folder=tmp_path)
    changed = replace(SPACE, weights="others")
    with pytest.raises(MatryoError, match=r"another revision of the model.*the weights.*matryo probe") as caught:
        find_certificate(changed, folder=tmp_path)
    assert SPACE.id[:12] in str(caught.value) and changed.id[:12] in str(caught.value)
    with pytest.raises(MatryoError, match="another revision"):
        find_certificate(changed.id, folder=tmp_path)


def test_fewer_tokens_are_another_space_and_it_says_so(tmp_path: Path) -> None:
    write_certificate(WHOLE, folder=tmp_path)
    fewer = replace(SPACE, max_tokens=64)
    with pytest.raises(MatryoError, match=r"tokens read.*256 then, 64 now"):
        find_certificate(fewer, folder=tmp_path)
    # one for just this space, kept beside, holds
    kept = replace(WHOLE, space=fewer)
    write_certificate(kept)
    assert find_certificate(fewer, folder=tmp_path) == kept


def test_an_unwritable_folder_is_said(home: Path) -> None:
    home.write_text("a file in the way")
    with pytest.raises(MatryoError, match=r"could not be written to .*MATRYO_HOME"):
        write_certificate(WHOLE)


def changed(**fields: Any) -> dict[str, Any]:
    """The stored form with some fields replaced."""
    return {**WHOLE.to_json(), **fields}


def changed_quality(**fields: Any) -> dict[str, Any]:
    return changed(quality={**WHOLE.to_json()["quality"], **fields})


@pytest.mark.parametrize(
    ("stored", "says"),
    [
        (changed(format=2), "format 2"),
        ([], "JSON object"),
        (changed(date=3), "wrong type"),
        (changed(extra=1), "extra"),
        (changed(texts={"name": "t"}), "digest"),
        (changed(dims=[4, 2, 8]), "rise"),
        (changed(dims=[2, 4]), "width 8"),
        (changed(dims=[2, 9]), "dims that cannot be"),
        (changed(space_id="0" * 32), "space id"),
        (changed(space={"width": 8}), "fields of Space"),
        (changed_quality(smallest={"0.95": 3}), "smallest dim"),
        (changed_quality(smallest={"much": 4}), "smallest dim"),
        (changed_quality(points=[{"value": 1.0}]), "points"),
        (changed_quality(trained="yes"), "trained"),
        (changed_quality(detectable="0.1"), "detectable"),
    ],
)
def test_what_is_no_certificate_is_refused(tmp_path: Path, stored: Any, says: str) -> None:
    path = tmp_path / "truncation.json"
    path.write_text(json.dumps(stored))
    with pytest.raises(FormatError, match=says) as caught:
        read_certificate(path)
    assert str(path) in str(caught.value)


def test_a_certificate_cut_short_is_refused(tmp_path: Path) -> None:
    path = write_certificate(WHOLE, folder=tmp_path)
    path.write_text(path.read_text()[:-20])
    with pytest.raises(FormatError, match="truncation certificate"):
        find_certificate(SPACE, folder=tmp_path)
