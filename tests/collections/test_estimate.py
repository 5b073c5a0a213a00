import time
from typing import Any

import pytest

from matryo.collections.estimate import duration, estimate, size
from matryo.collections.stored import text_digest
from matryo.collections.survey import Sample


def sampled(texts: list[str]) -> Sample:
    sample = Sample()
    for text in texts:
        sample.add(text_digest(text), text)
    return sample


def test_time_is_scaled_by_length(script: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])

    class Steady(script["Hashing"]):  # type: ignore[misc]  # the class comes from a script
        def encode(self, texts: Any, *args: Any, **more: Any) -> Any:
            clock[0] += sum(map(len, texts)) / 100  # a hundred letters a second
            return super().encode(texts, *args, **more)

    texts = [f"{i:04d}" + "x" * (i % 97) for i in range(2000)]
    found = estimate(Steady(), None, sampled(texts), 2500, "float16")
    assert found.seconds == pytest.approx(sum(map(len, texts)) / 100, rel=1e-6)
    assert (found.n_texts, found.n_tokens) == (2000, None)
    assert found.n_bytes == 2500 * (24 * 2 + int(sum(map(len, texts)) / 2000))
    assert str(found).startswith(f"about {duration(found.seconds)} for 2,000 texts, about ")


def test_the_sample_is_a_function_of_the_texts_alone() -> None:
    texts = [f"text {i}" * (1 + i % 7) for i in range(3000)]
    assert sampled(texts).texts() == sampled(texts[::-1]).texts()
    assert len(sampled(texts).texts()) == 512 and len(sampled(["a" * 10**6]).texts()[0]) == 20_000


def test_units() -> None:
    assert [duration(s) for s in (0.1, 61, 120, 7200)] == ["1 s", "61 s", "2 min", "2.0 h"]
    assert [size(n) for n in (0, 999, 1e6, 2.5e9)] == ["0 B", "999 B", "1.0 MB", "2.5 GB"]
