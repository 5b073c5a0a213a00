from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matryo.errors import FormatError
from matryo.reports.figures import png
from matryo.reports.training_log import Course, read_courses, training_charts, training_notes


def write(folder: Path, text: str) -> Path:
    path = folder / "matryoshka" / "seed-0" / "log.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return folder


def test_losses_and_validation_are_read_per_dim(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        '{"step": 1, "loss": 9.0, "loss_at_96": 2.0, "loss_at_384": 1.0, "learning_rate": 2e-5}\n'
        '{"step": 2, "loss": 8.0, "loss_at_96": 1.5, "loss_at_384": 0.5}\n'
        '{"step": 2, "eval_MRR@10_at_96": 0.4, "eval_validation_MRR@10_at_384": 0.5, "eval_runtime": 3.0}\n',
    )
    (course,) = read_courses(folder)
    assert (course.arm, course.seed) == ("matryoshka", 0)
    assert course.loss == {96: {1: 2.0, 2: 1.5}, 384: {1: 1.0, 2: 0.5}}
    assert course.validation == {("MRR@10", 96): {2: 0.4}, ("MRR@10", 384): {2: 0.5}}


def test_a_loss_that_is_not_told_per_dim_is_drawn_as_it_is(tmp_path: Path) -> None:
    courses = read_courses(write(tmp_path, '{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.0}\n'))
    (chart,) = training_charts("matryoshka", courses)
    assert [(line.label, line.values) for line in chart.lines] == [("all terms", (2.0, 1.0))]
    assert png(chart, dpi=40).startswith(b"\x89PNG")


def test_no_folder_and_other_files_give_nothing(tmp_path: Path) -> None:
    assert read_courses(tmp_path / "training") == ()
    other = tmp_path / "matryoshka" / "seed-best"
    other.mkdir(parents=True)
    (other / "log.jsonl").write_text("not read", encoding="utf-8")
    assert read_courses(tmp_path) == ()
    assert training_charts("matryoshka", ()) == () and training_notes("matryoshka", ()) == ()


@pytest.mark.parametrize("line", ["{", "[1]", '{"loss": 1.0}', '{"step": "x"}', '"text"'])
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    folder = write(tmp_path, '{"step": 1, "loss": 2.0}\n' + line + "\n")
    with pytest.raises(FormatError, match=r"log\.jsonl line 2 is no JSON object with a step"):
        read_courses(folder)


def test_the_mean_over_seeds_has_each_seed_behind_it(write_logs: Callable[[Path, int], Path], tmp_path: Path) -> None:
    courses = read_courses(write_logs(tmp_path, 8))
    assert [(course.arm, course.seed) for course in courses] == [
        (arm, seed) for arm in ("dense_baseline", "matryoshka") for seed in range(3)
    ]
    loss, validation = training_charts("matryoshka", courses)
    assert [line.label for line in loss.lines if line.emphasis == "normal"] == [
        "32 dims",
        "64 dims",
        "96 dims",
        "192 dims",
        "384 dims",
    ]
    assert sum(line.emphasis == "trace" for line in loss.lines) == 15
    assert validation.measure == "MRR@10 of matryoshka on validation" and validation.lines[-1].x == (2, 4, 6, 8)
    (baseline, _) = training_charts("dense_baseline", courses)
    colours = {line.label: line.colour for line in loss.lines}
    assert baseline.lines[-1].label == "384 dims" and baseline.lines[-1].colour == colours["384 dims"]
    assert training_notes("matryoshka", courses) == ("Strong lines are means over 3 seeds, hairs are single seeds.",)


def test_means_are_taken_where_every_seed_was_logged() -> None:
    courses = (Course("a", 0, {8: {1: 1.0, 2: 3.0}}, {}), Course("a", 1, {8: {1: 3.0}}, {}))
    (chart,) = training_charts("a", courses)
    mean = next(line for line in chart.lines if line.label)
    assert (mean.x, mean.values) == ((1,), (2.0,))


def test_a_long_course_is_drawn_in_blocks_and_says_so() -> None:
    course = Course("a", 0, {8: {step: float(step) for step in range(1, 1001)}}, {})
    (chart,) = training_charts("a", [course])
    assert len(chart.lines[0].x) == 200 and chart.lines[0].values[:2] == (3.0, 8.0)
    assert training_notes("a", [course]) == ("Every point of the loss is the mean of 5 logged values in a row.",)


@given(st.dictionaries(st.integers(1, 10_000), st.floats(0.0, 10.0), min_size=1, max_size=600))
def test_blocks_keep_the_range_and_the_order(series: dict[int, float]) -> None:
    (chart,) = training_charts("a", [Course("a", 0, {8: series}, {})])
    line = chart.lines[0]
    assert len(line.x) <= 200 and list(line.x) == sorted(line.x)
    assert min(series.values()) - 1e-9 <= min(line.values) and max(line.values) <= max(series.values()) + 1e-9


def test_a_loss_that_is_no_number_leaves_a_gap(tmp_path: Path) -> None:
    folder = write(tmp_path, '{"step": 1, "loss_at_8": NaN}\n{"step": 2, "loss_at_8": 1.0}\n')
    (chart,) = training_charts("matryoshka", read_courses(folder))
    assert chart.lines[0].points() == [(2, 1.0)]
