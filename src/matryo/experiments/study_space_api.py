"""A space behind a service: what it will cost is said, and agreed to, before anything is sent."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from matryo.encoders import ApiEncoder, CostEstimate
from matryo.errors import MatryoError
from matryo.experiments.study_space_config import ApiSpace
from matryo.experiments.study_texts import StudyTexts

Confirm = Callable[[str], bool]
"""Gets the estimate in a sentence; only True is consent."""

CACHE_FOLDER = "api"


def api_encoder(config: ApiSpace, run: Path, *, agreed: bool) -> ApiEncoder:
    """The encoder of a service; what is not at hand is sent only if somebody has agreed to the cost.

    Args:
        config: of the space.
        run: folder of the run, where answers are kept unless the config names another folder.
        agreed: whether it may send.
    """
    return ApiEncoder(config.api, config.cache or run / CACHE_FOLDER, confirm=lambda _: agreed)


def agree_to_cost(
    name: str, config: ApiSpace, texts: StudyTexts, run: Path, confirm: Confirm | None, say: Callable[[str], None]
) -> None:
    """Ask once for all documents and asked queries of a space; nothing to send needs no consent.

    Args:
        name: of the space.
        config: of the space.
        texts: of the study.
        run: its folder.
        confirm: asks the user; None = there is nobody to ask.
        say: told the estimate where the config has agreed already.

    Raises: MatryoError if consent is not given, or nobody can be asked.
    """
    estimate = cost_of(config, texts, run)
    if not estimate.n_to_send:
        return
    if config.yes:
        say(f"{name}: {estimate.sentence}")
        return
    if confirm is None:
        raise MatryoError(
            f"the space {name} costs money and there is nobody here to ask. {estimate.sentence} To agree, pass "
            f"--set spaces.{name}.yes=true"
        )
    if confirm(f"{name}: {estimate.sentence}") is not True:
        raise MatryoError(f"nothing was sent for the space {name}, because it was not confirmed: {estimate.sentence}")


def cost_of(config: ApiSpace, texts: StudyTexts, run: Path) -> CostEstimate:
    """What encoding a study would send and cost; sends nothing."""
    encoder = api_encoder(config, run, agreed=False)
    found = encoder.estimate([text.text for text in texts.documents])
    if texts.asked_queries is None:
        return found
    more = encoder.estimate([text.text for text in texts.asked_queries], "query")
    return replace(
        found,
        n_texts=found.n_texts + more.n_texts,
        n_kept=found.n_kept + more.n_kept,
        n_requests=found.n_requests + more.n_requests,
        n_tokens=found.n_tokens + more.n_tokens,
    )
