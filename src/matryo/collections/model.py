"""The model of a run, loaded only when a text has to be encoded, cut for keeps if asked."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import final

from matryo.encoders.base import Encoder
from matryo.encoders.fingerprint import model_fingerprint
from matryo.encoders.tokens import Tokens


@final
class RunModel:
    """A model by name, or an encoder that is there.

    Attributes:
        name: what people call it.
        notes: what was said when it was loaded and cut.
    """

    def __init__(
        self,
        model: str | Path | Encoder,
        load: Callable[[], Encoder] | None,
        *,
        dim: int | None,
        max_tokens: int | None,
        cards: Path | None,
        allow_untrained: bool,
    ) -> None:
        """Remember how to load it; see `encode_folder`."""
        self._model, self._load = model, load
        self._dim, self._max_tokens, self._cards, self._allow_untrained = dim, max_tokens, cards, allow_untrained
        self.notes: list[str] = []
        self.name = model.name if isinstance(model, Encoder) else str(model)

    @cached_property
    def fingerprint(self) -> str:
        """Digest that says without loading whether the model is the one it was; "" if nothing can."""
        if isinstance(self._model, Encoder):
            return ""
        return model_fingerprint(self._model, dim=self._dim, max_tokens=self._max_tokens, cards=self._cards) or ""

    @cached_property
    def full(self) -> Encoder:
        """The encoder at its full width."""
        if isinstance(self._model, Encoder):
            return self._model
        if self._load is not None:
            return self._load()
        # imported here: a run that finds nothing to encode must not wait for torch
        from matryo.encoders import load_encoder, read_cards

        return load_encoder(self._model, max_tokens=self._max_tokens, cards=read_cards(self._cards))

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder as it is used, see `cut_for_keeps`."""
        if self._dim is None:
            return self.full
        folder = None if isinstance(self._model, Encoder) or not Path(self._model).is_dir() else Path(self._model)
        cut, why = cut_for_keeps(
            self.full, self._dim, cards=self._cards, allow_untrained=self._allow_untrained, folder=folder
        )
        self.notes.append(why)
        return cut

    @cached_property
    def tokens(self) -> Tokens | None:
        """The model's tokens, None if it has no tokenizer that can be asked."""
        return Tokens.of(self.encoder)


def cut_for_keeps(
    encoder: Encoder, dim: int, *, cards: Path | None, allow_untrained: bool, folder: Path | None
) -> tuple[Encoder, str]:
    """The encoder cut to a dim, if what is known of the model allows it, and who allows it.

    Raises: ShapeError if the dim is above the width; MatryoError if nobody has shown that this model may be cut there.
    """
    # imported here: a run that finds nothing to encode needs no cards
    from matryo.encoders import check_cut, cut_encoder, read_cards

    leave = check_cut(encoder, dim, cards=read_cards(cards), allow_untrained=allow_untrained, folder=folder)
    return cut_encoder(encoder, dim), leave.why
