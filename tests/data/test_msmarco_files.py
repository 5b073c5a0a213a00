"""The table of official files, and its terms."""

from pathlib import Path

import pytest

from matryo.data.msmarco_files import OFFICIAL, TERMS, download_msmarco
from matryo.data.msmarco_sources import ARCHIVES
from matryo.errors import MatryoError


def test_terms_come_first(tmp_path: Path) -> None:
    with pytest.raises(MatryoError, match=r"non-commercial research only.*accept with --accept-terms") as error:
        download_msmarco(tmp_path / "raw", accept_terms=False)
    assert TERMS in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "raw").exists()


def test_the_table_of_official_files() -> None:
    assert [f.name for f in OFFICIAL] == [f.url.rpartition("/")[2] for f in OFFICIAL]
    assert all(f.url.startswith("https://") and len(f.md5 or "") == 32 and f.size for f in OFFICIAL)
    assert OFFICIAL[0].name in ARCHIVES


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "raw").write_text("")
    with pytest.raises(MatryoError, match="must be a folder, a file is in the way"):
        download_msmarco(tmp_path / "raw", accept_terms=True)
