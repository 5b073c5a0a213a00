import errno
import json
import resource
import runpy
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matryo.embeddings import EmbeddingSet, build_set, verify_set
from matryo.errors import FormatError, MatryoError, ShapeError
from matryo.files import digest_file
from matryo.prefix import Array
from matryo.space import Space

SPACE = Space.declared("a", 70)
SCRIPT = Path(__file__).with_name("slow_build.py")
slow_build = runpy.run_path(str(SCRIPT))["build"]
TINY_DISK = ["unshare", "-rm", "sh", "-c"]


def build(folder: Path, texts: Any, encode: Callable[[list[str]], Array], **changes: Any) -> EmbeddingSet:
    settings = {"role": "document", "prompt": "", "batch_rule": "all", "shard_rows": 4, "space": SPACE}
    return build_set(folder, texts, encode, **{**settings, **changes})


def bytes_of(folder: Path) -> dict[str, str]:
    return {path.name: digest_file(path) for path in sorted(folder.iterdir())}


def stops_after(n_shards: int, encode: Callable[[list[str]], Array]) -> Callable[[list[str]], Array]:
    """An encoder that fails once it has encoded some shards."""
    left = [n_shards]

    def once(texts: list[str]) -> Array:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return encode(texts)

    return once


def test_texts_become_a_set(tmp_path: Path, texts: type, encoder: type) -> None:
    encode = encoder(70)
    made = build(tmp_path / "s", texts(10), encode, keep_texts=True, role="query", prompt="q")
    assert [len(piece) for piece in encode.seen] == [4, 4, 2]
    words = [row.text for row in texts(10)]
    assert (made.ids(), made.texts()) == ([row.id for row in texts(10)], words)
    assert (made.role, made.prompt, made.space) == ("query", "q", SPACE)
    np.testing.assert_array_equal(made.to_numpy(), encoder(70)(words))
    assert build(tmp_path / "n", texts(10), encode).texts() is None


def test_no_texts_make_an_empty_set(tmp_path: Path, texts: type, encoder: type) -> None:
    assert build(tmp_path / "s", texts(0), encoder(70)).n_rows == 0


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("done", [0, 1, 2])
def test_a_stopped_build_goes_on_to_the_same_bytes(
    tmp_path: Path, texts: type, encoder: type, done: int, dtype: str
) -> None:
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "s", texts(10), stops_after(done, encoder(70)), keep_texts=True, dtype=dtype)
    with pytest.raises(FormatError, match=f"unfinished set, {done} of 3 shards"):
        EmbeddingSet.open(tmp_path / "s")
    encode = encoder(70)
    build(tmp_path / "s", texts(10), encode, keep_texts=True, dtype=dtype)
    assert len(encode.seen) == 3 - done
    build(tmp_path / "whole", texts(10), encoder(70), keep_texts=True, dtype=dtype)
    assert bytes_of(tmp_path / "s") == bytes_of(tmp_path / "whole")


def test_half_a_shard_is_encoded_anew(tmp_path: Path, texts: type, encoder: type) -> None:
    whole = bytes_of(build(tmp_path / "s", texts(10), encoder(70)).folder)
    for name in ("manifest.json", "shard-00000.parquet", "shard-00002.safetensors"):
        (tmp_path / "s" / name).unlink()
    (tmp_path / "s" / "shard-00000.parquet.tmp-77").write_bytes(b"half")
    encode = encoder(70)
    build(tmp_path / "s", texts(10), encode)
    assert [len(piece) for piece in encode.seen] == [4, 2]
    assert bytes_of(tmp_path / "s") == whole


def test_a_finished_set_is_returned_at_once_another_plan_refused(tmp_path: Path, texts: type, encoder: type) -> None:
    first = build(tmp_path / "s", texts(10), encoder(70))
    again = encoder(70)
    assert build(tmp_path / "s", texts(10), again).digest == first.digest
    assert again.seen == []
    for change, words in (
        ({"prompt": "p"}, "prompt is '' there and 'p' here"),
        ({"batch_rule": "other"}, "batch_rule"),
        ({"space": Space.declared("b", 70)}, "space_id"),
    ):
        with pytest.raises(MatryoError, match=words):
            build(tmp_path / "s", texts(10), again, **change)
    with pytest.raises(MatryoError, match="input_digest"):
        build(tmp_path / "s", texts(10, "other"), again)
    first.delete(["t1"])
    with pytest.raises(MatryoError, match="was changed since it was built, it is at generation 2"):
        build(tmp_path / "s", texts(10), again)
    assert again.seen == []


@pytest.mark.parametrize("name", ["shard-00001.safetensors", "shard-00001.parquet"])
def test_a_kept_shard_that_was_damaged_is_refused(tmp_path: Path, texts: type, encoder: type, name: str) -> None:
    build(tmp_path / "s", texts(10), encoder(70))
    (tmp_path / "s" / "manifest.json").unlink()
    content = bytearray((tmp_path / "s" / name).read_bytes())
    content[len(content) // 3] ^= 1
    (tmp_path / "s" / name).write_bytes(content)
    with pytest.raises(FormatError, match="shard-00001"):
        build(tmp_path / "s", texts(10), encoder(70))
    for path in (tmp_path / "s").glob("shard-00001.*"):
        path.unlink()
    assert build(tmp_path / "s", texts(10), encoder(70)).verify() == []


def test_a_shard_of_another_plan_is_not_kept(tmp_path: Path, texts: type, encoder: type) -> None:
    build(tmp_path / "a", texts(4), encoder(70))
    build(tmp_path / "b", texts(4), encoder(70), prompt="other")
    (tmp_path / "b" / "manifest.json").unlink()
    for suffix in ("parquet", "safetensors"):
        shutil.copy(tmp_path / "a" / f"shard-00000.{suffix}", tmp_path / "b" / f"shard-00000.{suffix}")
    with pytest.raises(FormatError, match="delete its two files"):
        build(tmp_path / "b", texts(4), encoder(70), prompt="other")


@pytest.mark.parametrize(
    ("encode", "words"),
    [
        (lambda t: np.full((len(t), 70), np.nan, np.float32), "must be finite"),
        (lambda t: np.ones((len(t), 70), np.float32), "row 0 has length 8.367; pass unit rows"),
        (lambda t: np.eye(len(t), 60, dtype=np.float32), r"shape \(4, 70\), got \(4, 60\)"),
        (lambda t: np.eye(3, 70, dtype=np.float32), r"shape \(4, 70\), got \(3, 70\)"),
        (lambda t: np.eye(len(t), 70, dtype=np.int64), "float matrix"),
        (lambda t: [[0.0] * 70] * len(t), "got list"),
    ],
)
def test_an_encoder_that_returns_nonsense(
    tmp_path: Path, texts: type, encode: Callable[[list[str]], Array], words: str
) -> None:
    with pytest.raises(ShapeError, match=words):
        build(tmp_path / "s", texts(10), encode)
    assert [p.name for p in (tmp_path / "s").iterdir()] == ["plan.json"]


def test_ids_are_checked_before_anything_is_encoded(tmp_path: Path, texts: type, encoder: type) -> None:
    class Twice(texts):  # type: ignore[misc]  # a class given by a fixture
        def __iter__(self) -> Iterator[Any]:
            yield from super().__iter__()
            yield next(super().__iter__())

        def __len__(self) -> int:
            return super().__len__() + 1

    encode = encoder(70)
    with pytest.raises(MatryoError, match="rows 0 and 10 both have 't0'"):
        build(tmp_path / "s", Twice(10), encode)
    assert encode.seen == [] and not (tmp_path / "s" / "plan.json").exists()


def test_texts_that_change_while_they_are_read(tmp_path: Path, texts: type, encoder: type) -> None:
    class Shrinking(texts):  # type: ignore[misc]  # a class given by a fixture
        readings = 0

        def __iter__(self) -> Iterator[Any]:
            type(self).readings += 1
            rows = list(super().__iter__())
            return iter(rows[: 10 if self.readings <= self.whole else 6])

    for whole, words in ((1, "10 texts were counted and 6 read"), (2, "4 texts were due, 2 came")):
        Shrinking.readings, Shrinking.whole = 0, whole
        with pytest.raises(MatryoError, match=words):
            build(tmp_path / str(whole), Shrinking(10), encoder(70))


def test_text_that_is_no_unicode_is_found_before_encoding(tmp_path: Path, texts: type, encoder: type) -> None:
    class Broken(texts):  # type: ignore[misc]  # a class given by a fixture
        def __iter__(self) -> Iterator[Any]:
            return (type(row)(row.id, "\ud800") for row in super().__iter__())

        def digest(self) -> str:
            return "broken"

    encode = encoder(70)
    with pytest.raises(FormatError, match="UTF-8"):
        build(tmp_path / "s", Broken(3), encode, keep_texts=True)
    assert encode.seen == []


def test_memory_is_that_of_a_shard(tmp_path: Path, texts: type) -> None:
    row = np.zeros((100, 2048), np.float32)
    row[:, 0] = 1.0
    space = Space.declared("wide", 2048)
    build(tmp_path / "warm", texts(10), lambda t: row[: len(t)], space=space, shard_rows=100)
    tracemalloc.start()
    build(tmp_path / "s", texts(3000), lambda t: row[: len(t)].copy(), space=space, shard_rows=100)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * row.nbytes < 3000 * 2048 * 4 / 6


def test_progress_counts_texts(tmp_path: Path, texts: type, encoder: type, capsys: pytest.CaptureFixture[str]) -> None:
    build(tmp_path / "a", texts(10), encoder(70))
    assert capsys.readouterr() == ("", "")
    build(tmp_path / "b", texts(10), encoder(70), progress=True)
    assert capsys.readouterr().out == ""


def test_a_full_disk_keeps_the_shards_before(tmp_path: Path, texts: type, encoder: type) -> None:
    encode = encoder(70)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fills(words: list[str]) -> Array:
        if len(encode.seen) == 2:
            resource.setrlimit(resource.RLIMIT_FSIZE, (700, limits[1]))
        return encode(words)

    try:
        with pytest.raises(MatryoError, match=r"shard-00002\.safetensors could not be written: .*make room") as caught:
            build(tmp_path / "s", texts(10), fills)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert isinstance(caught.value.__cause__, OSError) and caught.value.__cause__.errno == errno.EFBIG
    assert sorted(p.suffix for p in (tmp_path / "s").iterdir()) == [".json", *[".parquet"] * 2, *[".safetensors"] * 2]
    again = encoder(70)
    build(tmp_path / "s", texts(10), again)
    assert len(again.seen) == 1
    assert bytes_of(tmp_path / "s") == bytes_of(build(tmp_path / "w", texts(10), encoder(70)).folder)


def can_mount() -> bool:
    if not shutil.which("unshare"):
        return False
    command = [*TINY_DISK, "mount -t tmpfs -o size=64k t /mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="needs the right to mount a tiny disk in a namespace of its own")
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    run = f"{sys.executable} {SCRIPT} {disk}/s 0"
    command = (
        f"mount -t tmpfs -o size=200k t {disk} && {{ {run}; ls {disk}/s; mount -o remount,size=9000k {disk}; {run}; "
        f"cp -r {disk}/s {tmp_path}/copy; }}"
    )
    done = subprocess.run([*TINY_DISK, command], capture_output=True, text=True, check=True)
    last_line = done.stderr.strip().splitlines()[-1]
    assert "MatryoError" in last_line and "No space left on device; files finished before are whole" in last_line
    assert "shard-00001.parquet" in done.stdout and "manifest" not in done.stdout and "tmp" not in done.stdout
    assert bytes_of(tmp_path / "copy") == bytes_of(slow_build(tmp_path / "whole", 0.0)[0].folder)


def killed_build(folder: Path, seconds: float, n: int, until: Callable[[], bool]) -> bool:
    """Start a build in a process of its own, kill it with SIGKILL; whether it was still at work."""
    command = [sys.executable, str(SCRIPT), str(folder), str(seconds), str(n)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        while process.poll() is None and not until():
            time.sleep(0.0005)
        process.send_signal(signal.SIGKILL)
        return process.wait() == -signal.SIGKILL


def test_a_killed_build_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    assert killed_build(tmp_path / "s", 0.02, 300, lambda: (tmp_path / "s" / "shard-00002.parquet").exists())
    assert "unfinished" in verify_set(tmp_path / "s")[0]
    made, n_encoded = slow_build(tmp_path / "s", 0.0)
    assert 0 < n_encoded <= 300 - 3 * 20
    whole, _ = slow_build(tmp_path / "whole", 0.0)
    assert made.digest == whole.digest
    assert bytes_of(tmp_path / "s") == bytes_of(tmp_path / "whole")


@pytest.mark.slow
def test_whenever_a_build_is_killed_it_goes_on_to_the_same_bytes(tmp_path: Path, rng: np.random.Generator) -> None:
    n, n_in_time = 2000, 0
    whole = bytes_of(slow_build(tmp_path / "whole", 0.0, n)[0].folder)
    for attempt, delay in enumerate(rng.uniform(0.0, 1.2, size=20)):
        folder = tmp_path / str(attempt)
        # Killed twice: the second run stands on what the first one left.
        for _ in range(2):
            end = time.monotonic() + float(delay)
            n_in_time += killed_build(folder, 0.001, n, lambda end=end: time.monotonic() > end)  # type: ignore[misc]
        slow_build(folder, 0.0, n)
        assert bytes_of(folder) == whole, f"killed after {delay:.3f} s"
        assert verify_set(folder) == []
    assert n_in_time >= 10


def test_the_plan_is_there_before_the_first_text_is_encoded(tmp_path: Path, texts: type, encoder: type) -> None:
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "s", texts(10), stops_after(0, encoder(70)))
    stored = json.loads((tmp_path / "s" / "plan.json").read_text())
    assert stored["shards"] == [[0, 4], [4, 8], [8, 10]] and stored["input_digest"] == texts(10).digest()
