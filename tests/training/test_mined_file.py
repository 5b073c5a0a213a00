import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matryo.data import toy
from matryo.errors import FormatError
from matryo.training import mined_file
from matryo.training.mined_file import mine_to_file, mined_notes, read_about, read_mined, write_mined
from matryo.training.mining import Mined, mine_negatives
from matryo.training.settings import MineSettings

THREE = [Mined("q1", 0.5, ("d1", "d2"), (0.4, 0.3)), Mined("q2", -0.25, (), ()), Mined("q 3", 1.0, ("ü",), (0.0,))]


def test_the_file_is_as_documented(tmp_path):
    write_mined(tmp_path / "new" / "mined.jsonl", THREE, {"dim": 96})
    lines = (tmp_path / "new" / "mined.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [
        {"format": 1, "about": {"dim": 96}},
        {"query": "q1", "positive_score": 0.5, "negatives": ["d1", "d2"], "scores": [0.4, 0.3]},
        {"query": "q2", "positive_score": -0.25, "negatives": [], "scores": []},
        {"query": "q 3", "positive_score": 1.0, "negatives": ["ü"], "scores": [0.0]},
        {"end": 3},
    ]


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.lists(st.uuids().map(str))))
def test_what_is_written_is_read(tmp_path_factory, negatives):
    path = tmp_path_factory.mktemp("mined") / "mined.jsonl"
    write_mined(path, (Mined(q, 0.1, tuple(ids), (0.0,) * len(ids)) for q, ids in negatives.items()), {"of": "any"})
    assert read_mined(path) == {query: tuple(ids) for query, ids in negatives.items()}
    assert list(read_mined(path)) == list(negatives)
    assert read_about(path) == {"of": "any"}


def test_a_failure_leaves_the_old_file(tmp_path):
    path = tmp_path / "mined.jsonl"
    write_mined(path, THREE, {})
    before = path.read_bytes()

    def failing():
        yield THREE[0]
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        write_mined(path, failing(), {})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_every_cut_is_refused(tmp_path):
    path = tmp_path / "mined.jsonl"
    write_mined(path, THREE, {"dim": 96})
    whole = path.read_bytes()
    for length in range(len(whole) - 1):  # the very last byte is the end of a line
        path.write_bytes(whole[:length])
        with pytest.raises(FormatError):
            read_mined(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: lines[:-1], "cut short after 3 queries"),
        (lambda lines: [*lines[:2], *lines[3:]], "line 4 ends a file of 3 queries, 2 stand before it"),
        (lambda lines: [*lines, lines[1]], "none may follow"),
        (lambda lines: [lines[0], lines[1], lines[1], *lines[2:]], "line 3 must hold a query, once"),
        (lambda lines: [lines[0], '{"query": "q"}', *lines[2:]], "line 2 must hold a query"),
        (lambda lines: [lines[0], "[1]", *lines[2:]], "line 2 is damaged: JSON, but no object"),
        (lambda lines: ['{"format": 2, "about": {}}', *lines[1:]], "has format 2, this version reads 1"),
        (lambda lines: ['{"format": 1}', *lines[1:]], "line 1 must say what"),
        (lambda lines: lines[1:], "has format None"),
        (lambda lines: [], "has format None"),
    ],
)
def test_damaged_files(tmp_path, change, words):
    path = tmp_path / "mined.jsonl"
    write_mined(path, THREE, {})
    path.write_text("".join(line + "\n" for line in change(path.read_text(encoding="utf-8").splitlines())))
    with pytest.raises(FormatError, match=words):
        read_mined(path)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(FormatError, match="is missing, expected a file of mined negatives"):
        read_mined(tmp_path / "none")
    (tmp_path / "latin").write_bytes(b'{"format": 1, "about": {}}\n{"query": "\xfc"}\n')
    with pytest.raises(FormatError, match="line 2 is damaged"):
        read_mined(tmp_path / "latin")


def test_notes():
    assert mined_notes({"q1": ["d1"]}, 1) == ()
    assert mined_notes({}, 1) == ()


class TestMineToFile:
    """Mining into a file that an interruption does not cost."""

    @pytest.fixture
    def made(self, encoded):
        task = toy().train
        return task, *encoded(task)

    def test_equals_mining_and_writing(self, made, tmp_path):
        mine_to_file(tmp_path / "a", *made, MineSettings(dim=32), {"model": "hashed"})
        write_mined(tmp_path / "b", mine_negatives(*made, MineSettings(dim=32)), {})
        assert read_mined(tmp_path / "a") == read_mined(tmp_path / "b")
        about = read_about(tmp_path / "a")
        assert (about["model"], about["settings"]["dim"], about["queries"]) == ("hashed", 32, made[1].digest)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "sets"]

    @pytest.mark.parametrize("n_written", [0, 5, 16, 39, 64])
    @pytest.mark.parametrize("n_bytes_lost", [0, 7])
    def test_interrupted_equals_uninterrupted(self, made, tmp_path, monkeypatch, n_written, n_bytes_lost):
        rules, whole, cut = MineSettings(), tmp_path / "whole", tmp_path / "cut"
        mine_to_file(whole, *made, rules, {}, block=16)

        def stopping(*args, **kwargs):
            for n, mined in enumerate(mine_negatives(*args, **kwargs)):
                if n == n_written:
                    raise KeyboardInterrupt
                yield mined
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(mined_file, "mine_negatives", stopping)
            with pytest.raises(KeyboardInterrupt):
                mine_to_file(cut, *made, rules, {}, block=16)
        part = tmp_path / "cut.part"
        part.write_bytes(part.read_bytes()[: part.stat().st_size - n_bytes_lost])
        begun = []

        def counted(*args, first_query, **kwargs):
            begun.append(first_query)
            return mine_negatives(*args, first_query=first_query, **kwargs)

        monkeypatch.setattr(mined_file, "mine_negatives", counted)
        mine_to_file(cut, *made, rules, {}, block=16)
        assert cut.read_bytes() == whole.read_bytes()
        assert not part.exists()
        n_whole_lines = max(0, n_written - (n_bytes_lost > 0))
        assert begun == [n_whole_lines - n_whole_lines % 16]

    def test_a_finished_part_is_not_taken_for_queries(self, made, tmp_path):
        # 64 queries and the last line are 65 = 5 * 13 lines
        mine_to_file(tmp_path / "whole", *made, MineSettings(), {}, block=13)
        (tmp_path / "again.part").write_bytes((tmp_path / "whole").read_bytes())
        mine_to_file(tmp_path / "again", *made, MineSettings(), {}, block=13)
        assert (tmp_path / "again").read_bytes() == (tmp_path / "whole").read_bytes()

    def test_other_settings_begin_anew(self, made, tmp_path):
        mine_to_file(tmp_path / "one", *made, MineSettings(n=1), {})
        (tmp_path / "two.part").write_bytes((tmp_path / "one").read_bytes())
        mine_to_file(tmp_path / "two", *made, MineSettings(n=2), {})
        assert {len(ids) for ids in read_mined(tmp_path / "two").values()} == {2}
