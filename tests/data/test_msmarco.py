"""MS MARCO: official files to the processed layout."""

import gzip
import io
import json
import tarfile
import tracemalloc
from collections.abc import Mapping
from pathlib import Path

import pytest

from matryo.data import msmarco
from matryo.data.msmarco import prepare_msmarco
from matryo.data.processed import read_processed
from matryo.errors import FormatError, MatryoError

FILES = {
    "collection.tsv": "0\tzero  is\u00a0a number\n1\to\x07ne\n10\tten\n",
    "queries.train.tsv": "300\twhich is one? \n301\tnobody judged this\n302\t\n",
    "queries.dev.tsv": "400\twhich is ten?\n401\twhich is zero?\n402\tnot judged\n",
    "qrels.train.tsv": "300\t0\t1\t1\n",
    "qrels.dev.small.tsv": "400 0 10 1\n400 0 0 0\n401 0 0 1\n",
}
MADE = [
    "passages.jsonl",
    "prepared.json",
    "qrels_dev.tsv",
    "qrels_train.tsv",
    "queries_dev.jsonl",
    "queries_train.jsonl",
]


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def packed(files: Mapping[str, str], prefix: str = "") -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(content.encode())
            tar.addfile(member, io.BytesIO(content.encode()))
    return target.getvalue()


def made(out: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(out.iterdir()) if p.name != "prepared.json"}


def test_worked_by_hand(tmp_path: Path) -> None:
    out = tmp_path / "out"
    notes = prepare_msmarco(write(tmp_path / "raw", FILES), out)
    assert sorted(p.name for p in out.iterdir()) == MADE
    assert (out / "passages.jsonl").read_text() == (
        '{"docid": 0, "text": "zero is a number"}\n{"docid": 1, "text": "one"}\n{"docid": 10, "text": "ten"}\n'
    )
    assert (out / "queries_train.jsonl").read_text() == '{"qid": "300", "text": "which is one?"}\n'
    assert (out / "qrels_dev.tsv").read_text() == "400\t10\t1\n400\t0\t0\n401\t0\t1\n"
    assert notes == (
        "3 passages from collection.tsv",
        "1 passages had ASCII control characters, which are removed",
        "1 passages had their white space normalised",
        "1 queries had their white space normalised",
        "train: 1 of 3 queries have judgements and are kept, with 1 judgements from qrels.train.tsv",
        "dev: 2 of 3 queries have judgements and are kept, with 3 judgements from qrels.dev.small.tsv",
    )
    task = read_processed(out)
    assert task.judgements == {"400": {"10": 1, "0": 0}, "401": {"0": 1}}
    assert (task.notes, read_processed(out, "train").notes) == ((), ())


def test_every_form_gives_the_same(tmp_path: Path) -> None:
    prepare_msmarco(write(tmp_path / "plain", FILES), tmp_path / "out")
    small = {name: FILES[name] for name in FILES if name != "collection.tsv"}
    forms: dict[str, dict[str, str | bytes]] = {
        "gz": {f"{name}.gz": gzip.compress(content.encode()) for name, content in FILES.items()},
        "archive": {"collectionandqueries.tar.gz": packed({**small, "collection.tsv": FILES["collection.tsv"]})},
        "with folders": {"collectionandqueries.tar.gz": packed({"queries.eval.tsv": "1\tx\n", **FILES}, "./a/")},
        "two archives": {
            "collection.tar.gz": packed({"collection.tsv": FILES["collection.tsv"]}),
            "queries.tar.gz": packed({n: c for n, c in FILES.items() if n.startswith("queries")}),
            **{name: FILES[name] for name in FILES if name.startswith("qrels")},
        },
        # as they are downloaded: the archive and the judgements beside it
        "mixed": {"collectionandqueries.tar.gz": packed(FILES), "qrels.dev.tsv": "402 0 1 1\n"},
    }
    for name, files in forms.items():
        notes = prepare_msmarco(write(tmp_path / name, files), tmp_path / "outs" / name)
        assert made(tmp_path / "outs" / name) == made(tmp_path / "out"), name
        assert "3 judgements from qrels.dev.small.tsv" in notes[-1]


def test_the_other_names_of_dev(tmp_path: Path) -> None:
    files = {
        name.replace("dev.small", "dev").replace("queries.dev", "queries.dev.small"): c for name, c in FILES.items()
    }
    notes = prepare_msmarco(write(tmp_path / "raw", files), tmp_path / "out")
    assert notes[-1].endswith("3 judgements from qrels.dev.tsv")


def test_finished_files_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw, out = write(tmp_path / "raw", FILES), tmp_path / "out"
    notes = prepare_msmarco(raw, out)
    before = {p.name: p.stat().st_ino for p in out.iterdir()}
    assert prepare_msmarco(raw, out) == notes
    assert {p.name: p.stat().st_ino for p in out.iterdir()} == before

    # judgements of one split change: nothing else is made again, the passages' numbers come from the finished file
    write(raw, {"qrels.train.tsv": "300\t0\t10\t1\n"})
    with monkeypatch.context() as patch:
        patch.setattr(msmarco, "_write_passages", None)
        prepare_msmarco(raw, out)
    assert (out / "qrels_train.tsv").read_text() == "300\t10\t1\n"
    assert (out / "qrels_dev.tsv").stat().st_ino == before["qrels_dev.tsv"]
    write(raw, {"qrels.train.tsv": "300\t0\t2\t1\n"})
    with pytest.raises(FormatError, match="judges 1 passages that the collection does not have: '2'"):
        prepare_msmarco(raw, out)

    # a file that was cut or lost is made again
    write(raw, {"qrels.train.tsv": FILES["qrels.train.tsv"]})
    (out / "queries_dev.jsonl").write_text("")
    (out / "passages.jsonl").unlink()
    assert prepare_msmarco(raw, out) == notes
    assert len((out / "passages.jsonl").read_text().splitlines()) == 3
    assert len(read_processed(out).queries) == 2


def test_an_interrupted_run_keeps_what_is_whole(tmp_path: Path) -> None:
    raw, out = write(tmp_path / "raw", {**FILES, "qrels.dev.small.tsv": "400 0 11 1\n"}), tmp_path / "out"
    with pytest.raises(FormatError):
        prepare_msmarco(raw, out)
    assert sorted(json.loads((out / "prepared.json").read_text())["parts"]) == ["passages.jsonl", "train"]
    inode = (out / "passages.jsonl").stat().st_ino
    prepare_msmarco(write(raw, {"qrels.dev.small.tsv": FILES["qrels.dev.small.tsv"]}), out)
    assert (out / "passages.jsonl").stat().st_ino == inode


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("collection.tsv", "0\ta\n1 b\n", r"collection\.tsv, line 2: 1 tab-separated fields in '1 b'"),
        ("collection.tsv", "0\ta\nD1\tb\n", r"collection\.tsv, line 2: pid is 'D1', no whole number"),
        ("collection.tsv", "0\ta\n1\tb\n0\tc\n", r"line 3: the pid 0 of line 1 occurs again"),
        ("collection.tsv", "", r"collection\.tsv is empty"),
        ("queries.dev.tsv", "400\t \x01 \n401\tb\n", r"queries\.dev\.tsv, line 1: query 400 is empty"),
        ("queries.dev.tsv", "400\ta\n401\tb\n400\ta\n", r"line 3: the qid 400 of line 1 occurs again"),
        ("queries.dev.tsv", "400\ta\n", r"judges 1 queries that .*queries\.dev\.tsv does not have: '401'; add the"),
        ("qrels.dev.small.tsv", "400\t10\n", r"qrels\.dev\.small\.tsv, line 1: 2 fields in '400\\t10'"),
        ("qrels.dev.small.tsv", "400 0 10 1\n400 0 10 2\n", "line 2: query 400 and passage 10 have grade 1 further up"),
        (
            "qrels.dev.small.tsv",
            "400 0 5 1\n400 0 6 1\n400 0 7 1\n401 0 8 1\n",
            "judges 4 passages that the collection does not have: '5', '6', '7' and 1 more; add the passages",
        ),
    ],
)
def test_bad_input(tmp_path: Path, file: str, content: str, message: str) -> None:
    for name, raw in (
        ("plain", write(tmp_path / "plain", {**FILES, file: content})),
        (
            "packed",
            write(tmp_path / "packed", {"collectionandqueries.tar.gz": packed({**FILES, file: content})}),
        ),
    ):
        with pytest.raises(FormatError, match=message):
            prepare_msmarco(raw, tmp_path / "out" / name)
        assert not list((tmp_path / "out" / name).glob("*.tmp-*"))


def test_bad_ones_are_skipped_and_counted(tmp_path: Path) -> None:
    files = {
        "collection.tsv": FILES["collection.tsv"] + "no tab\n1\tone again\n11\televen\n",
        "queries.train.tsv": FILES["queries.train.tsv"] + "300\tagain\n303\t\n",
        "qrels.train.tsv": FILES["qrels.train.tsv"] + "300\t0\t99\t1\n303\t0\t1\t1\n300\t0\t1\t1\n",
        "qrels.dev.small.tsv": FILES["qrels.dev.small.tsv"] + "402 0 98 1\n499 0 0 1\n",
    }
    out = tmp_path / "out"
    notes = prepare_msmarco(write(tmp_path / "raw", {**FILES, **files}), out, skip_bad=True)
    assert [json.loads(line)["docid"] for line in (out / "passages.jsonl").read_text().splitlines()] == [0, 1, 10, 11]
    assert (out / "qrels_train.tsv").read_text() == "300\t1\t1\n"
    assert len(read_processed(out).queries) == 2
    text = "\n".join(notes)
    for part in (
        "collection.tsv: 2 bad lines skipped: line 4 (1 tab-separated fields in 'no tab'), line 5 (the pid 1 of line 2",
        "4 passages from collection.tsv",
        "qrels.train.tsv: 1 lines repeat a judgement",
        "queries.train.tsv: 2 bad lines skipped: line 4 (the qid 300 of line 1 occurs again), line 5 (query 303",
        "judges 1 passages that the collection does not have: '99'; left out",
        "judges 1 queries that",
        "dev: 2 of 3 queries have judgements and are kept, with 3 judgements",
    ):
        assert part in text


def test_what_is_missing_is_named_at_once(tmp_path: Path) -> None:
    raw = write(tmp_path / "raw", {"queries.dev.tsv": FILES["queries.dev.tsv"]})
    message = (
        r"lacks collection\.tsv, queries\.train\.tsv, qrels\.train\.tsv, qrels\.dev\.small\.tsv or qrels\.dev\.tsv; .*"
        r"matryo data msmarco .*raw .*out --download --accept-terms"
    )
    with pytest.raises(FormatError, match=message):
        prepare_msmarco(raw, tmp_path / "out")
    write(raw, {"collectionandqueries.tar.gz": packed({"collection.tsv": FILES["collection.tsv"]})})
    with pytest.raises(FormatError, match=r"raw lacks queries\.train\.tsv, qrels"):
        prepare_msmarco(raw, tmp_path / "out")
    # said before the long conversion starts
    assert list((tmp_path / "out").iterdir()) == []
    with pytest.raises(FormatError, match="lacks"):
        prepare_msmarco(tmp_path / "nowhere", tmp_path / "out")


@pytest.mark.parametrize("name", ["collection.tsv.gz", "collectionandqueries.tar.gz"])
def test_damaged_files(tmp_path: Path, name: str) -> None:
    long = "".join(f"{n}\tpassage {n * n} {n**5}\n" for n in range(3000))
    whole = packed({**FILES, "collection.tsv": long}) if "tar" in name else gzip.compress(long.encode())
    rest = {} if "tar" in name else {n: c for n, c in FILES.items() if n != "collection.tsv"}
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    for content in (whole[: len(whole) // 2], whole[:-5], bytes(flipped), b"<html>not found</html>"):
        raw = write(tmp_path / "raw", {**rest, name: content})
        # plain bytes under a name in .gz are read as what they are
        with pytest.raises(FormatError, match=rf"{name}.*(damaged .*download it again|line 1: 1 tab-sep)"):
            prepare_msmarco(raw, tmp_path / "out")
    prepare_msmarco(write(tmp_path / "raw", {name: whole}), tmp_path / "out")


def test_no_query_left(tmp_path: Path) -> None:
    raw = write(tmp_path / "raw", {**FILES, "qrels.train.tsv": "999\t0\t1\t1\n"})
    with pytest.raises(MatryoError, match="train: none of 3 queries has a judgement; check that the files agree"):
        prepare_msmarco(raw, tmp_path / "out", skip_bad=True)
    raw = write(tmp_path / "bad", {**FILES, "collection.tsv": "x\ty\n"})
    with pytest.raises(FormatError, match=r"collection\.tsv has no passage that can be used; .*1 bad lines"):
        prepare_msmarco(raw, tmp_path / "out", skip_bad=True)


def test_a_foreign_manifest_is_refused(tmp_path: Path) -> None:
    raw = write(tmp_path / "raw", FILES)
    for content, message in (("{", "not readable"), ("[]", "has format None"), ('{"format": 1}', "missing: .*parts")):
        write(tmp_path / "out", {"prepared.json": content})
        with pytest.raises(FormatError, match=message):
            prepare_msmarco(raw, tmp_path / "out")


def test_the_collection_is_not_held(tmp_path: Path) -> None:
    text = "x" * 10_000
    collection = "".join(f"{pid}\t{text}\n" for pid in range(3000))
    raw = write(tmp_path / "raw", {"collectionandqueries.tar.gz": packed({**FILES, "collection.tsv": collection})})
    tracemalloc.start()
    try:
        prepare_msmarco(raw, tmp_path / "out")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (tmp_path / "out" / "passages.jsonl").stat().st_size > 30e6
    assert peak < 10e6  # a few buffers of 1 MiB
