import json
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from safetensors.numpy import load_file

from matryo.config import explain
from matryo.data.texts import Texts
from matryo.encoders import ApiEncoder, ApiSettings, CostEstimate, cut_encoder, encode_to_set
from matryo.encoders.api_client import retry_after
from matryo.errors import FormatError, MatryoError, ShapeError
from matryo.files import only_writer
from matryo.prefix import unit_rows
from matryo.space import Space

TEXTS = ["the cat runs", "a dog", "def f(x): return x", "the cat runs", "", "quantum field theory", "Katze"]
SENT = ["the cat runs", "a dog", "def f(x): return x", "quantum field theory", "Katze"]
KEY = "sk-secret-0123456789"


def yes(_: CostEstimate) -> bool:
    return True


@pytest.fixture
def make(service: Any, tmp_path: Path) -> Callable[..., ApiEncoder]:
    """Makes an encoder of the local service, with short waits and one request at a time."""

    def make(cache: str = "cache", confirm: Callable[[CostEstimate], bool] = yes, **given: Any) -> ApiEncoder:
        usual = {"model": "toy", "base_url": service.url, "width": 8, "key_variable": "TEST_KEY"}
        waits = {"n_parallel": 1, "timeout_s": 5.0, "n_retries": 2, "first_wait_s": 0.001, "longest_wait_s": 0.5}
        count_tokens = given.pop("count_tokens", None)
        settings = ApiSettings(**{**usual, **waits, **given})
        return ApiEncoder(settings, tmp_path / cache, confirm=confirm, count_tokens=count_tokens)

    return make


def expected(service: Any, texts: list[str]) -> np.ndarray:
    return np.stack([unit_rows(service.vector(t)[None])[0] if t else np.zeros(8, np.float32) for t in texts])


@pytest.mark.parametrize("encoding_format", ["float", "base64"])
def test_vectors_come_in_the_order_of_the_texts(service: Any, make: Any, encoding_format: str) -> None:
    encoder = make(encoding_format=encoding_format)
    # the server answers last text first
    assert np.allclose(encoder.encode(TEXTS), expected(service, TEXTS), atol=1e-6)
    assert service.requests == [{"model": "toy", "input": SENT, "encoding_format": encoding_format}]
    assert service.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_numbers_are_read_where_base64_was_asked_for(service: Any, make: Any) -> None:
    service.change = lambda told: service.right({**service.requests[-1], "encoding_format": "float"})
    assert np.allclose(make(encoding_format="base64").encode(TEXTS), expected(service, TEXTS), atol=1e-6)


def test_requests_hold_so_many_texts_and_tokens(service: Any, make: Any) -> None:
    make(max_texts=2).encode(TEXTS)
    assert [request["input"] for request in service.requests] == [SENT[:2], SENT[2:4], SENT[4:]]
    service.requests.clear()
    # 4 bytes per token: 3, 2, 5, 5 and 2 tokens; a text above the limit travels alone
    make("other", max_request_tokens=5).encode(TEXTS)
    assert [request["input"] for request in service.requests] == [SENT[:2], SENT[2:3], SENT[3:4], SENT[4:]]
    service.requests.clear()
    make("third", max_request_tokens=1).encode(TEXTS)
    assert len(service.requests) == len(SENT)


def test_what_was_paid_for_is_not_sent_again(service: Any, make: Any) -> None:
    first = make().encode(TEXTS[:3])
    encoder = make()
    again = encoder.encode(TEXTS)
    assert service.texts == SENT and again[:3].tobytes() == first.tobytes()
    assert encoder.encode(TEXTS[::-1])[::-1].tobytes() == again.tobytes() and service.texts == SENT
    assert (encoder.usage.n_requests, encoder.usage.n_texts) == (1, 2)
    assert (encoder.usage_ever.n_requests, encoder.usage_ever.n_texts) == (2, 5)
    assert encoder.usage_ever.n_tokens == sum(len(text) // 2 for text in SENT)
    assert encoder.description["n_tokens_paid"] == encoder.usage_ever.n_tokens


def test_two_at_once_do_not_pay_twice(service: Any, make: Any, tmp_path: Path) -> None:
    first, second = make(), make()
    first.encode(TEXTS[:2])
    # opened before the first was answered
    second.encode(TEXTS)
    assert service.texts == SENT and second.usage_ever.n_texts == 5
    with only_writer(tmp_path / "cache" / first.space.id):
        with pytest.raises(MatryoError, match="being written by another process"):
            first.encode(["new"])
        assert first.encode(TEXTS[:2]).tobytes() == second.encode(TEXTS[:2]).tobytes()


def test_the_same_texts_give_the_same_bytes_though_the_service_wavers(service: Any, make: Any) -> None:
    first = make().encode(TEXTS)
    service.vector = lambda text, width=None: np.ones(8, np.float32)
    assert make().encode(TEXTS).tobytes() == first.tobytes()


@pytest.mark.parametrize("parallel", [1, 3])
def test_half_way_through_what_was_answered_is_kept(service: Any, make: Any, parallel: int) -> None:
    service.will()
    service.will(wait_s=0.05, status=400, body={"error": {"message": "no such thing", "code": "bad"}})
    encoder = make(max_texts=1, n_parallel=parallel)
    with pytest.raises(MatryoError, match=r"status 400: bad: no such thing.*is kept"):
        encoder.encode(TEXTS)
    kept, sent = encoder.usage.n_texts, len(service.texts)
    # whatever was under way when one failed was waited for
    assert kept == sent - 1 and (kept == 1 if parallel == 1 else kept >= 2)
    again = make(max_texts=1)
    assert again.estimate(TEXTS).n_to_send == len(SENT) - kept
    assert np.allclose(again.encode(TEXTS), expected(service, TEXTS), atol=1e-6)
    assert len(service.texts) == len(SENT) + 1


@pytest.mark.parametrize(
    "failure",
    [
        {"status": 500, "body": b"oops"},
        {"status": 503, "body": {"error": {"message": "busy"}}},
        {"status": 429, "body": {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}},
        {"status": 429, "headers": {"Retry-After": "0.01"}},
        {"drop": True},
        {"wait_s": 0.4},
        {"drip_s": 0.04, "body": b"{" * 60},
        {"headers": {"Content-Length": "99999"}, "body": b"{"},
    ],
    ids=["500", "503", "429", "429 with a wait", "dropped", "timeout", "drip", "cut short"],
)
def test_what_may_pass_is_tried_again(service: Any, make: Any, failure: dict[str, Any]) -> None:
    service.will(**failure)
    service.will(**failure)
    encoder = make(timeout_s=0.15 if {"wait_s", "drip_s"} & set(failure) else 5.0)
    assert np.allclose(encoder.encode(TEXTS), expected(service, TEXTS), atol=1e-6)
    assert len(service.requests) == 3
    for _ in range(3):
        service.will(**failure)
    with pytest.raises(MatryoError, match=r"no answer in 3 attempts.*run the same again later") as caught:
        encoder.encode(["new"])
    assert "\n" not in str(caught.value)


def test_the_service_says_how_long_to_wait(service: Any, make: Any) -> None:
    import time

    service.will(status=429, headers={"Retry-After": "0.2"})
    started = time.perf_counter()
    make().encode(TEXTS)
    assert time.perf_counter() - started >= 0.2
    service.will(status=429, headers={"Retry-After": "3600"})
    started = time.perf_counter()
    make(longest_wait_s=0.01).encode(["new"])
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7.0), ("-1", 0.0), ("", None), ("soon", None), ("nan", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)],
)
def test_waits_are_read(said: str, seconds: float | None) -> None:
    headers = Message()
    headers["Retry-After"] = said
    assert retry_after(headers) == seconds


def test_a_wait_until_a_time_is_read() -> None:
    headers = Message()
    headers["Retry-After"] = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    found = retry_after(headers)
    assert found is not None and 90 < found <= 100


def test_nobody_there_is_told(make: Any) -> None:
    encoder = make(base_url="http://127.0.0.1:9/v1", n_retries=1)
    with pytest.raises(MatryoError, match=r"2 attempts.*connection failed.*refused"):
        encoder.encode(["a"])


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ({"status": 400, "body": b"too long\n\n"}, "status 400: too long; correct"),
        ({"status": 401, "body": {"error": {"message": f"wrong key {KEY}"}}}, r"wrong key \*\*\*; check the key"),
        ({"status": 404, "body": b""}, "status 404: Not Found; check base_url and model"),
        (
            {"status": 429, "body": {"error": {"message": "pay first " * 90, "code": "insufficient_quota"}}},
            "no waiting helps",
        ),
        ({"status": 302, "headers": {"Location": "http://elsewhere/v1"}}, "points to http://elsewhere"),
    ],
    ids=["400", "401", "404", "no money", "redirect"],
)
def test_what_will_not_pass_is_told_at_once(service: Any, make: Any, reply: dict[str, Any], message: str) -> None:
    service.will(**reply)
    with pytest.raises(MatryoError, match=message) as caught:
        make().encode(TEXTS)
    assert len(service.requests) == 1 and KEY not in str(caught.value) and "\n" not in str(caught.value)


def changed(key: str, change: Callable[[Any], Any]) -> Callable[[dict[str, Any]], Any]:
    return lambda told: {**told, key: change(told[key])}


def first_row(embedding: Any) -> Callable[[list[dict[str, Any]]], Any]:
    return lambda data: [{**data[0], "embedding": embedding}, *data[1:]]


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda told: b"<html>login</html>", FormatError, "no list of embeddings.*login.*base_url"),
        (lambda told: {"error": "none"}, FormatError, "no list of embeddings"),
        (lambda told: [1, 2], FormatError, "no list of embeddings"),
        (changed("data", lambda data: data[1:]), FormatError, "4 vectors for 5 texts"),
        (changed("data", lambda data: [*data[1:], data[1]]), FormatError, "5 vectors for 5 texts.*indices"),
        (changed("data", lambda data: [{**d, "index": None} for d in data]), FormatError, "indices"),
        (changed("data", first_row([1.0] * 7)), ShapeError, "7 numbers for text 4.*expected 8"),
        (changed("data", first_row([1.0] * 7 + [float("nan")])), ShapeError, "NaN or infinity in 1 of 5"),
        (changed("data", first_row([1e39] * 8)), ShapeError, "NaN or infinity"),
        (changed("data", first_row([0.0] * 8)), ShapeError, "1 of 5 vectors that are all zero"),
        (changed("data", first_row("?")), FormatError, "neither numbers nor base64"),
        (changed("data", first_row("AAAA")), FormatError, "neither numbers nor base64"),
        (changed("data", first_row(["one"] * 8)), FormatError, "neither numbers nor base64"),
        (changed("data", first_row(None)), ShapeError, "numbers for text 4"),
        (changed("data", first_row([[1.0] * 4] * 2)), ShapeError, "8 numbers|expected 8"),
    ],
)
def test_an_answer_that_is_none_is_told_and_not_kept(
    service: Any, make: Any, tmp_path: Path, change: Callable[[Any], Any], kind: type, message: str
) -> None:
    service.change = change
    with pytest.raises(kind, match=message) as caught:
        make().encode(TEXTS)
    assert len(service.requests) == 1 and "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_nothing_is_sent_without_consent(service: Any, make: Any) -> None:
    asked: list[CostEstimate] = []
    encoder = make(confirm=lambda estimate: asked.append(estimate), price_per_million=0.02, max_texts=2)
    with pytest.raises(MatryoError, match="not confirmed: toy: 5 of 7 texts to send in 3 requests, about 17 tokens"):
        encoder.encode(TEXTS)
    assert not service.requests and len(asked) == 1
    assert asked[0] == encoder.estimate(TEXTS) and (asked[0].n_to_send, asked[0].n_kept) == (5, 2)
    assert asked[0].cost == pytest.approx(17 * 0.02 / 1e6)
    # what costs nothing needs no consent
    assert encoder.encode([""]).tolist() == [[0.0] * 8] and encoder.encode([]).shape == (0, 8) and len(asked) == 1


def test_consent_is_asked_once(service: Any, make: Any) -> None:
    asked: list[CostEstimate] = []

    def confirm(estimate: CostEstimate) -> bool:
        asked.append(estimate)
        return True

    encoder = make(confirm=confirm)
    assert encoder.approve(TEXTS) == asked[0] and not service.requests
    encoder.encode(TEXTS[:2])
    encoder.encode(TEXTS)
    assert len(asked) == 1
    encoder.encode(["new"])
    assert [estimate.n_to_send for estimate in asked] == [5, 1]


def test_an_estimate_learns_from_the_answers(make: Any) -> None:
    encoder = make()
    guess = encoder.estimate(["x" * 400])
    assert guess.n_tokens == 100 and "4 bytes per token" in guess.basis
    encoder.encode(["y" * 100])
    # the server counts a token per two letters
    learned = encoder.estimate(["x" * 400])
    assert learned.n_tokens == 200 and "as the answers so far showed" in learned.basis
    counted = make("other", count_tokens=lambda texts: np.array([7 for _ in texts])).estimate(["x" * 400])
    assert counted.n_tokens == 7 and counted.basis == "counted by a tokenizer"
    assert "price unknown" in guess.sentence and guess.cost is None


def test_a_service_that_does_not_count_is_no_trouble(service: Any, make: Any) -> None:
    service.change = lambda told: {"data": told["data"]}
    encoder = make()
    encoder.encode(TEXTS)
    assert encoder.usage.n_tokens == 0 and "4 bytes per token" in encoder.estimate(["new"]).basis


def test_a_space_is_the_callers_word(service: Any, make: Any) -> None:
    plain = make()
    assert plain.space == Space.declared("api:toy", 8)
    assert make(base_url="https://elsewhere.example/v1").space == plain.space
    assert make(model="deployment-7", label="toy").space == plain.space
    assert make(model="other").space != plain.space != make(label="toy of May").space
    assert make(max_characters=9).space != plain.space
    short = make(width=None, dimensions=4)
    assert short.space.width == 4 and "dimensions 4" in short.space.weights
    assert short.space != cut_encoder(plain, 4).space
    assert short.encode(["a"]).shape == (1, 4) and service.requests[-1]["dimensions"] == 4


def test_another_model_behind_the_name_shows(service: Any, make: Any) -> None:
    encoder = make(max_texts=2)
    encoder.encode(TEXTS)
    assert np.allclose(encoder.similarity_to_kept(TEXTS), 1.0, atol=1e-6) and len(encoder.similarity_to_kept([])) == 0
    usual = service.vector
    service.vector = lambda text, width=None: usual(text[::-1], width)
    found = encoder.similarity_to_kept([*TEXTS, "a dog"])
    assert len(found) == 7 and found[1] == found[6] and np.abs(found).max() < 0.999
    assert np.allclose(found[0], expected(service, TEXTS)[0] @ encoder.encode(TEXTS)[0], atol=1e-6)
    with pytest.raises(MatryoError, match="1 of 2 texts were never encoded"):
        encoder.similarity_to_kept(["a dog", "new"])
    with pytest.raises(MatryoError, match="not confirmed"):
        make(confirm=lambda estimate: False).similarity_to_kept(["a dog"])


def test_a_card_tells_the_width() -> None:
    assert ApiSettings(model="text-embedding-3-small").space().width == 1536
    with pytest.raises(MatryoError, match="no card; give width"):
        ApiSettings(model="nobody-knows").space()


def test_prompts_stand_before_the_texts_and_decide_what_is_sent(service: Any, make: Any) -> None:
    encoder = make(prompts={"query": "query: "})
    encoder.encode(["a", ""], "query")
    encoder.encode(["a", ""])
    assert service.texts == ["query: a", "query: ", "a"] and encoder.prompt("query") == "query: "


def test_long_texts_are_cut_and_counted(service: Any, make: Any) -> None:
    encoder = make(max_characters=5)
    encoder.encode(["the cat", "the c", "a"])
    assert service.texts == ["the c", "a"] and (encoder.truncated, encoder.truncated_last) == (1, 1)
    encoder.encode(["a"])
    assert (encoder.truncated, encoder.truncated_last) == (1, 0)
    # another limit finds what was sent under this one
    assert make().estimate(["the c"]).n_to_send == 0


def test_the_key_is_neither_stored_nor_told(
    service: Any, make: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    encoder = make()
    encoder.encode(TEXTS)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    told = f"{caplog.text}{encoder.settings!r}{json.dumps(dict(encoder.description))}{vars(encoder)}"
    assert KEY.encode() not in written and KEY not in told
    for wrong in ("", "Schlüssel", "two\nlines"):
        monkeypatch.setenv("TEST_KEY", wrong)
        with pytest.raises(MatryoError, match=r"read from \$TEST_KEY, which"):
            make().encode(["new"])
    assert len(service.requests) == 1


def test_a_key_goes_only_where_it_belongs(service: Any, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    make(key_variable=None).encode(["a"])
    assert "Authorization" not in service.headers[0]
    assert ApiSettings(model="text-embedding-3-small").key() == KEY
    service.will(status=307, headers={"Location": service.url + "/embeddings"})
    with pytest.raises(MatryoError, match="points to"):
        make().encode(["b"])
    assert len(service.requests) == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"base_url": "localhost:8000"}, "base_url: must start with http"),
        ({"base_url": "https://user:hunter2@host/v1"}, "base_url: must hold no user"),
        ({"base_url": "https://host/v1?key=hunter2"}, "base_url: must hold no user"),
        ({"width": 8, "dimensions": 4}, "width 8 contradicts dimensions 4"),
        ({"dimension": 4}, "unknown key dimension .did you mean dimensions"),
        ({"max_texts": 5000}, "max_texts must be at most 2048, got 5000"),
        ({"encoding_format": "int8"}, "encoding_format must be 'float' or 'base64'"),
    ],
)
def test_settings_that_cannot_be_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ApiSettings(**{"model": "toy", **given})
    told = explain(caught.value, ApiSettings)
    assert re.match(message, told) and "hunter2" not in told + str(caught.value)


def test_damaged_answers_are_told(make: Any, tmp_path: Path) -> None:
    make().encode(TEXTS)
    [path] = tmp_path.rglob("*.safetensors")
    assert set(load_file(path)) == {"keys", "vectors"}
    whole = path.read_bytes()
    for damaged in (b"", whole[:-9], whole.replace(b"n_tokens", b"n_tokenz")):
        path.write_bytes(damaged)
        with pytest.raises(FormatError, match="remove the file, its texts are sent again"):
            make()
    path.unlink()
    assert make().estimate(TEXTS).n_to_send == 5


def test_a_set_of_it_is_taken_up_where_the_service_failed(service: Any, make: Any, tmp_path: Path) -> None:
    texts = Texts.of([f"d{i}" for i in range(6)], [f"text number {i}" for i in range(6)])
    service.will()
    service.will(status=400)
    with pytest.raises(MatryoError, match="status 400"):
        encode_to_set(make(max_texts=2), texts, tmp_path / "set", shard_rows=6)
    made = encode_to_set(make(max_texts=2), texts, tmp_path / "set", shard_rows=6)
    assert made.space == Space.declared("api:toy", 8)
    assert np.allclose(made.to_numpy(), expected(service, [f"text number {i}" for i in range(6)]), atol=1e-6)
    # four requests brought an answer or a refusal, and nothing was asked for twice but what was refused
    assert len(service.requests) == 4
