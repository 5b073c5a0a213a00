"""Fields of one line."""

import pytest

from matryo.data.fields import id_of, json_object, text_of, whole_number, whole_text
from matryo.data.problems import BadLine


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ('{"a": 1', "not JSON: .* at character 8"),
        ("[1]", "no object"),
        ('"x"', "no object"),
        ("[" * 200_000, "nested too deeply"),
        ("", "not JSON"),
        ('{"a": ' + "9" * 5000 + "}", "not readable"),
    ],
)
def test_no_object(line: str, message: str) -> None:
    with pytest.raises(BadLine, match=message):
        json_object(line)


@pytest.mark.parametrize("value", [1, 1.5, True, [], {}])
def test_text_of_another_type(value: object) -> None:
    with pytest.raises(BadLine, match=f"field 'x' is a {type(value).__name__}, no text"):
        text_of({"x": value}, "x")


def test_missing_text() -> None:
    assert text_of({}, "x", default="") == text_of({"x": None}, "x", default="") == ""
    with pytest.raises(BadLine, match=r"no field 'x' among \['y'\]"):
        text_of({"y": "z"}, "x")


def test_half_a_surrogate_pair() -> None:
    assert whole_text("😀ü", "x") == "😀ü"
    with pytest.raises(BadLine, match="half a surrogate pair"):
        text_of(json_object('{"x": "a\\ud83d"}'), "x")


def test_ids() -> None:
    assert id_of({"x": 7}, "x") == "7"
    assert id_of({"x": "a b"}, "x") == "a b"
    for bad in (True, "", "  ", None, 1.0):
        with pytest.raises(BadLine):
            id_of({"x": bad}, "x")


@pytest.mark.parametrize(("value", "number"), [("1", 1), ("-1", -1), ("+2", 2), (" 3\r", 3), ("007", 7)])
def test_whole_numbers(value: str, number: int) -> None:
    assert whole_number(value, "grade") == number


@pytest.mark.parametrize("value", ["", "1.0", "x", "--1", "1 2", "²", "٣", "1e3", "-", "9" * 5000])
def test_no_whole_numbers(value: str) -> None:
    with pytest.raises(BadLine, match=r"grade is .*, no whole number"):
        whole_number(value, "grade")
