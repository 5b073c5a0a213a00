import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from matryo.embeddings import EmbeddingSet, verify_set
from matryo.embeddings.manifest import read_manifest, write_manifest
from matryo.errors import FormatError
from matryo.prefix import Array

Small = tuple[EmbeddingSet, Array]
FILES = [
    "plan.json",
    "manifest.json",
    "manifest-000001.json",
    "manifest-000002.json",
    "shard-00000.safetensors",
    "shard-00002.parquet",
    "shard-00003.safetensors",
]


@pytest.fixture
def changed(small: Small) -> EmbeddingSet:
    return small[0].append(small[1][:1], ["new"], ["t"])


@pytest.mark.parametrize("name", FILES)
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_flipped_byte_anywhere_is_found(changed: EmbeddingSet, name: str, share: float) -> None:
    path = changed.folder / name
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[int(share * len(whole))] ^= 0xFF
    path.write_bytes(damaged)
    try:
        problems = verify_set(changed.folder)
    finally:
        path.write_bytes(whole)
    assert len(problems) == 1 and "\n" not in problems[0]
    assert name in problems[0] or name.startswith("manifest")
    assert verify_set(changed.folder) == []


@pytest.mark.parametrize("name", FILES)
def test_a_missing_or_shortened_file_is_found(changed: EmbeddingSet, name: str) -> None:
    path = changed.folder / name
    whole = path.read_bytes()
    path.write_bytes(whole[:-3])
    assert verify_set(changed.folder)
    path.unlink()
    assert any("missing" in problem or "unfinished" in problem for problem in changed.verify())


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
@example(share=0.197265625, flip=128)  # the name of a column becomes no UTF-8
def test_damaged_ids_are_an_error_or_what_was_written(changed: EmbeddingSet, share: float, flip: int) -> None:
    path = changed.folder / "shard-00001.parquet"
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[int(share * len(whole))] ^= flip
    path.write_bytes(damaged)
    try:
        assert EmbeddingSet.open(changed.folder).ids() == changed.ids()
    except FormatError as error:
        assert "shard-00001.parquet" in str(error)
    finally:
        path.write_bytes(whole)


def test_every_damaged_shard_is_listed(changed: EmbeddingSet) -> None:
    for number in (0, 2):
        path = changed.folder / f"shard-0000{number}.safetensors"
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
    assert [("digest differs" in p, f"shard-0000{n}" in p) for n, p in zip((0, 2), changed.verify(), strict=True)] == [
        (True, True)
    ] * 2


def test_a_foreign_plan_and_an_extra_field_are_found(changed: EmbeddingSet) -> None:
    stored = json.loads((changed.folder / "plan.json").read_text())
    (changed.folder / "plan.json").write_text(json.dumps({**stored, "prompt": "other"}))
    assert "plan that is not its manifest's" in changed.verify()[0]
    path = changed.folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "colour": "red"}))
    assert "colour" in changed.verify()[0]


def test_an_id_that_occurs_twice_is_found(small: Small) -> None:
    folder = small[0].folder
    manifest, _ = read_manifest(folder)
    for suffix in ("safetensors", "parquet"):
        shutil.copy(folder / f"shard-00000.{suffix}", folder / f"shard-00001.{suffix}")
    first, _, last = manifest.shards
    write_manifest(folder, replace(manifest, shards=(first, replace(first, name="shard-00001"), last)))
    assert "rows 0 and 4 both have 'i0'" in verify_set(folder)[0]


def test_no_set_is_a_problem_too(tmp_path: Path) -> None:
    assert "manifest.json is missing" in verify_set(tmp_path)[0]
