"""Models behind a service: any OpenAI-compatible `/v1/embeddings`, asked once per text and never without consent."""

import hashlib
import platform
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from matryo.encoders.api_cache import ApiCache, Usage
from matryo.encoders.api_client import ApiClient
from matryo.encoders.api_cost import CostEstimate, CountTokens, TokenRule
from matryo.encoders.api_settings import ApiSettings
from matryo.encoders.base import Encoder, Progress, Role, check_role, check_texts
from matryo.encoders.shown import shown
from matryo.errors import MatryoError
from matryo.space import Space

Confirm = Callable[[CostEstimate], bool]
_RULE = "grouped by the service, whose vector of a text is kept as first received"


@final
class ApiEncoder(Encoder):
    """A model behind a service; every vector is kept in a folder the moment it is there and never paid for twice.

    Identity is the caller's word (see `ApiSettings`). An empty text is not sent, services refuse it, and has a zero
    row; a text that occurs twice is sent once.
    """

    def __init__(
        self,
        settings: ApiSettings,
        cache: Path | str,
        *,
        confirm: Confirm,
        count_tokens: CountTokens | None = None,
    ) -> None:
        """Prepare to ask; nothing is sent.

        Args:
            settings: whom to ask for what.
            cache: folder where answers are kept; may be shared by several models.
            confirm: gets the estimate before anything is sent and must return True; asked once by `approve`, or else
                by each `encode` that has something to send.
            count_tokens: counts tokens for the estimate; None = by bytes, or by what earlier answers showed.

        Raises: MatryoError if nothing tells the width; FormatError if a cached file is damaged.
        """
        self._settings = settings
        self._space = settings.space()
        # a text cut short is found again by what was sent of it, whatever the limit is now
        self._cache = ApiCache(Path(cache), settings.model_copy(update={"max_characters": None}).space())
        self._client = ApiClient(settings, self._space.width)
        self._confirm = confirm
        self._count_tokens = count_tokens
        self._approved: set[bytes] = set()
        self._usage = Usage()
        self._lock = threading.Lock()
        self._truncated = self._truncated_last = 0

    @property
    def name(self) -> str:
        """Name the service knows the model by."""
        return self._settings.model

    @property
    def settings(self) -> ApiSettings:
        """Whom it asks for what."""
        return self._settings

    @property
    def space(self) -> Space:
        """The space its vectors lie in, by the caller's word."""
        return self._space

    @property
    def width(self) -> int:
        """Full length of a vector."""
        return self._space.width

    @property
    def batch_rule(self) -> str:
        """How the texts of one call are grouped."""
        return _RULE

    @property
    def usage(self) -> Usage:
        """What this encoder has been answered."""
        return self._usage

    @property
    def usage_ever(self) -> Usage:
        """What has ever been answered into the folder for this model."""
        return self._cache.usage

    @property
    def description(self) -> Mapping[str, Any]:
        """JSON values for a report; nothing runs here, so device and precision are the service's."""
        settings = self._settings
        return {
            "name": self.name,
            "device": "service",
            "precision": "unknown",
            "threads": settings.n_parallel,
            "batch_rule": self.batch_rule,
            "max_tokens": None,
            "max_characters": settings.max_characters,
            "width": self.width,
            "model_class": "API",
            "base_url": settings.base_url,
            "space": self._space.weights,
            "prompts": settings.prompts.model_dump(),
            "n_tokens_paid": self._cache.usage.n_tokens,
            "price_per_million": settings.price_per_million,
            "python": platform.python_version(),
        }

    @property
    def truncated(self) -> int:
        """Number of texts so far that were cut to `max_characters`; what the service cuts off it does not tell."""
        return self._truncated

    @property
    def truncated_last(self) -> int:
        """The same for the last call."""
        return self._truncated_last

    def prompt(self, role: Role) -> str:
        """What is put in front of every text of a role."""
        check_role(role)
        return self._settings.prompts.query if role == "query" else self._settings.prompts.document

    def estimate(self, texts: Sequence[str], role: Role = "document") -> CostEstimate:
        """What encoding these texts would send and cost; sends nothing.

        Raises: MatryoError if the role is unknown or texts is one string.
        """
        sent, _ = self._as_sent(check_texts(texts), self.prompt(role))
        return self._estimate(len(sent), self._missing(sent))

    def approve(self, texts: Sequence[str], role: Role = "document") -> CostEstimate:
        """Ask for consent once for all these texts, so that encoding them piece by piece does not ask again.

        Returns: the estimate that was agreed to.
        Raises: MatryoError if consent was not given.
        """
        sent, _ = self._as_sent(check_texts(texts), self.prompt(role))
        missing = self._missing(sent)
        estimate = self._estimate(len(sent), missing)
        self._ask(estimate, missing)
        return estimate

    def encode(
        self, texts: Sequence[str], role: Role = "document", *, progress: Progress = False
    ) -> NDArray[np.float32]:
        """Vectors of texts, (n, width) float32, in the order of the texts; an empty text gives a zero row.

        Raises: MatryoError if the role is unknown, texts is one string, consent was not given or the service failed
            (what it had answered before is kept, the same call sends only the rest); FormatError or ShapeError if it
            answered what is no set of vectors.
        """
        received, prompt = check_texts(texts), self.prompt(role)
        sent, self._truncated_last = self._as_sent(received, prompt)
        missing = self._missing(sent)
        self._ask(self._estimate(len(sent), missing), missing)
        self._truncated += self._truncated_last
        with shown(progress, f"encode {role} texts", len(sent)) as advance:
            advance(len(sent) - len(missing))
            for n_done in self._fetch(missing):
                advance(n_done)
        vectors = np.zeros((len(sent), self.width), dtype=np.float32)
        places = [place for place, text in enumerate(sent) if text]
        vectors[places] = self._cache.get([_key(sent[place]) for place in places])
        return vectors

    def similarity_to_kept(self, texts: Sequence[str], role: Role = "document") -> NDArray[np.float32]:
        """Ask again for texts whose vectors are at hand: whether the name still means the model it meant then.

        A service may replace a model behind its name, and nothing else would show it. Numbers near 1 (above 0.999)
        are the same model with its last bits; below, what is kept and what comes lie in two spaces, and a new `label`
        is needed. Costs as much as encoding these texts; what comes is not kept.

        Args:
            texts: a few, e.g. 8, encoded before.
            role: under which they were encoded.

        Returns: (n,) float32, cosine of the vector kept and the vector given now; empty texts are left out.
        Raises: MatryoError if a text is not at hand, consent was not given or the service failed.
        """
        sent = [text for text in self._as_sent(check_texts(texts), self.prompt(role))[0] if text]
        asked = {_key(text): text for text in sent}
        unknown = [text for key, text in asked.items() if key not in self._cache]
        if unknown:
            raise MatryoError(
                f"{len(unknown)} of {len(asked)} texts were never encoded by {self.name} into this folder, so there is "
                "nothing to compare; give texts that were"
            )
        if self._confirm(self._estimate(len(asked), asked)) is not True:
            raise MatryoError("nothing was sent, because it was not confirmed; confirm, or leave the check out")
        kept = self._cache.get(list(asked))
        parts = self._requests(self._rule().tokens(list(asked.values())))
        now = [self._client.ask(list(asked.values())[part]).vectors for part in parts]
        cosines = dict(zip(asked, np.einsum("ij,ij->i", kept, np.concatenate(now)), strict=True)) if now else {}
        return np.array([cosines[_key(text)] for text in sent], dtype=np.float32)

    def _as_sent(self, texts: list[str], prompt: str) -> tuple[list[str], int]:
        """Texts as the service would get them, and how many were cut short."""
        longest = self._settings.max_characters
        cut_short = [text if longest is None else text[:longest] for text in texts]
        n_cut = sum(len(text) < len(whole) for text, whole in zip(cut_short, texts, strict=True))
        return [prompt + text for text in cut_short], n_cut

    def _missing(self, sent: list[str]) -> dict[bytes, str]:
        """Texts to pay for, each once, by their keys."""
        return {key: text for key, text in ((_key(text), text) for text in sent if text) if key not in self._cache}

    def _rule(self) -> TokenRule:
        known = self._cache.usage
        return TokenRule.best(self._count_tokens, known.n_bytes, known.n_tokens)

    def _estimate(self, n_texts: int, missing: Mapping[bytes, str]) -> CostEstimate:
        rule, texts = self._rule(), list(missing.values())
        tokens = rule.tokens(texts)
        return CostEstimate(
            model=self.name,
            n_texts=n_texts,
            n_kept=n_texts - len(texts),
            n_requests=sum(1 for _ in self._requests(tokens)),
            n_tokens=int(tokens.sum()),
            basis=rule.basis,
            price_per_million=self._settings.price_per_million,
        )

    def _ask(self, estimate: CostEstimate, missing: Mapping[bytes, str]) -> None:
        """Only True is consent, so that a callback that forgot to answer sends nothing."""
        if self._approved.issuperset(missing):
            return
        if self._confirm(estimate) is not True:
            raise MatryoError(f"nothing was sent, because it was not confirmed: {estimate.sentence}")
        self._approved.update(missing)

    def _requests(self, tokens: NDArray[np.int64]) -> Iterator[slice]:
        """Neighbouring texts that travel together: at most so many, and so many tokens."""
        start = total = 0
        for place, n_tokens in enumerate(tokens.tolist()):
            full = place - start == self._settings.max_texts
            if place > start and (full or total + n_tokens > self._settings.max_request_tokens):
                yield slice(start, place)
                start, total = place, 0
            total += n_tokens
        if len(tokens):
            yield slice(start, len(tokens))

    def _fetch(self, missing: Mapping[bytes, str]) -> Iterator[int]:
        """Bring all of these into the cache, yielding how many texts each step brought."""
        if not missing:
            return
        with self._cache.writing():
            # what another process was answered since is at hand now
            left = {key: text for key, text in missing.items() if key not in self._cache}
            yield len(missing) - len(left)
            yield from self._fetch_all(left)

    def _fetch_all(self, missing: Mapping[bytes, str]) -> Iterator[int]:
        """Ask for all of these; the first failure ends it.

        Requests under way when one fails are waited for and their answers kept: they are paid for.
        """
        keys, texts = list(missing), list(missing.values())
        parts = self._requests(self._rule().tokens(texts))
        stop = threading.Event()
        with ThreadPoolExecutor(self._settings.n_parallel, "matryo-api") as pool:
            running: set[Future[int]] = set()
            try:
                while True:
                    for part in islice(parts, self._settings.n_parallel - len(running)):
                        running.add(pool.submit(self._fetch_one, keys[part], texts[part], stop))
                    if not running:
                        return
                    finished, running = wait(running, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in finished)
            finally:
                stop.set()

    def _fetch_one(self, keys: list[bytes], texts: list[str], stop: threading.Event) -> int:
        answer = self._client.ask(texts, stop)
        added = self._cache.put(keys, answer, sum(len(text.encode()) for text in texts))
        with self._lock:
            self._usage += added
        return len(texts)


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
