"""Whether a model may be cut for keeps: to lengths that somebody has trained or measured, or on the user's word."""

from dataclasses import dataclass
from pathlib import Path

from matryo.encoders.api import ApiEncoder
from matryo.encoders.base import Encoder
from matryo.encoders.cards import Card, Cards
from matryo.encoders.cards_file import read_cards
from matryo.encoders.certificate import Certificate, find_certificate
from matryo.encoders.declared import Declared, read_declared, snapshot_folder
from matryo.encoders.lsa import LsaEncoder
from matryo.encoders.model import ModelEncoder
from matryo.errors import MatryoError
from matryo.prefix import check_dims

SHARE = 0.95
_PERCENT = f"{100 * SHARE:.0f} %"


@dataclass(frozen=True)
class Leave:
    """Leave to cut.

    Attributes:
        dim: numbers to keep.
        why: who says so, in a sentence; or that nobody does.
    """

    dim: int
    why: str


def check_cut(
    encoder: Encoder,
    dim: int,
    *,
    cards: Cards | None = None,
    allow_untrained: bool = False,
    folder: Path | None = None,
) -> Leave:
    """Refuse to cut a model for keeps where nobody has shown that its prefix is good.

    The full width always passes, and of LSA every length. Below it a length passes if the model's card or its own files
    confirm it and do not contradict each other, if a certificate has shown that it keeps 95 % of the quality, or if
    `allow_untrained` says that the user takes it as it is.

    Args:
        encoder: the model, as loaded.
        dim: numbers to keep.
        cards: what is known of models; None = `read_cards()`.
        allow_untrained: cut anyway.
        folder: of the model, with its files and certificate; None = the one that the encoder was loaded from, if any.

    Returns: the leave, with its reason.
    Raises: ShapeError if dim lies outside 1..width; MatryoError if nothing confirms the length, naming what is known,
        the nearest confirmed lengths and the ways out; as `find_certificate` if that is all that could confirm it.
    """
    check_dims([dim], encoder.width)
    if dim == encoder.width:
        return Leave(dim, f"{dim} numbers are the full width of {encoder.name}")
    if isinstance(encoder, LsaEncoder):
        return Leave(
            dim, f"{encoder.name} is LSA, whose numbers fall in what they explain: {dim} of them are a narrower LSA"
        )
    known = _Known.of(encoder, read_cards() if cards is None else cards, folder)
    clash = known.clash(dim)
    confirmed = None if clash else known.confirmed(dim)
    certificate, complaint = known.certificate(encoder)
    passed = certificate is not None and dim in certificate.passed(SHARE)
    if confirmed:
        stale = "" if complaint is None else f"; but {complaint}"
        return Leave(dim, confirmed + known.measured(certificate, dim) + stale)
    if certificate is not None and passed:
        return Leave(dim, f"the certificate of {certificate.date} shows that {dim} numbers keep {_kept(certificate)}")
    if allow_untrained:
        why = f"{dim} of {encoder.width} numbers on your word, nobody has shown that they are good: "
        return Leave(dim, why + (clash or known.status(dim)))
    if complaint is not None and not clash:
        raise complaint
    tail = "" if certificate is None else known.measured(certificate, dim)
    raise MatryoError(
        f"{encoder.name} is not to be cut to {dim} of {encoder.width} numbers: {clash or known.status(dim)}{tail}; "
        f"measure it with `matryo probe {known.shown}`, or pass --allow-untrained to cut it all the same"
    )


@dataclass(frozen=True)
class _Known:
    """What is known of one model.

    Attributes:
        name: what people call it.
        width: of its vectors.
        card: its card; None too where a map stands behind the model, of which the card knows nothing.
        declared: what its files say.
        folder: its own folder.
        mapped: whether a map stands behind the model.
        near: cards with similar names.
    """

    name: str
    width: int
    card: Card | None
    declared: Declared | None
    folder: Path | None
    mapped: bool
    near: tuple[str, ...]

    @classmethod
    def of(cls, encoder: Encoder, cards: Cards, folder: Path | None) -> "_Known":
        own = encoder.folder if isinstance(encoder, ModelEncoder) else None
        folder = own if folder is None else folder
        bare = isinstance(encoder, (ModelEncoder, ApiEncoder)) and not encoder.space.maps
        card = cards.of_model(encoder.name, folder) if bare else None
        if isinstance(encoder, ApiEncoder) and card is not None and card.width != encoder.width:
            card = None  # the service was asked for another length, which is a space of its own
        declared = _declared(encoder.name, card, folder) if isinstance(encoder, ModelEncoder) else None
        near = tuple(cards.near(encoder.name)) if bare and card is None else ()
        return cls(encoder.name, encoder.width, card, declared, folder, not bare, near)

    @property
    def shown(self) -> str:
        """How to name the model on the command line."""
        return self.name if self.folder is None else str(self.folder)

    def clash(self, dim: int) -> str | None:
        """Where card and files contradict each other on this length."""
        listed = self.declared.dims if self.declared else None
        if self.declared is not None and listed is not None and (denied := self.declared.denied):
            return f"its own files contradict each other ({self.declared.named}, but {denied}); correct one of them"
        if self.card is None:
            return None
        card = f"the card {self.card.name}"
        if self.card.width != self.width:
            return f"{card} is of a model {self.card.width} wide, so it is not this one; rename one of the two"
        if self.declared is None:
            return None
        if (denied := self.declared.denied) and self.card.status == "confirmed":
            return f"{card} confirms shorter vectors, its own files deny them ({denied}); correct one of the two"
        if listed is None:
            return None
        if self.card.status == "not trained" and set(listed) - {self.width}:
            return f"{card} says not trained for it, its own files say {self.declared.named}; correct one of the two"
        if self.card.status == "confirmed" and self.card.confirms(dim) != (dim in listed):
            return f"{card} and its own files ({self.declared.named}) disagree on {dim}; correct one of the two"
        return None

    def confirmed(self, dim: int) -> str | None:
        """Who confirms this length."""
        if self.declared and dim in (self.declared.dims or ()):
            return f"the model's own files confirm {dim} numbers ({self.declared.named})"
        if self.card is not None and self.card.status == "confirmed" and self.card.confirms(dim):
            source = self.card.source
            assert source is not None, "a card is not confirmed without a source"
            return f"the card {self.card.name} confirms {dim} numbers ({source.link}, read {source.date})"
        return None

    def certificate(self, encoder: Encoder) -> tuple[Certificate | None, MatryoError | None]:
        """The model's certificate, or why the one that is there does not hold."""
        try:
            return find_certificate(encoder.space, folder=self.folder), None
        except MatryoError as error:
            return None, error

    def measured(self, certificate: Certificate | None, dim: int) -> str:
        """What a certificate adds to a length that is confirmed or refused without it."""
        if certificate is None:
            return ""
        if certificate.quality is None:
            return f"; its certificate of {certificate.date} had no judgements to measure quality with"
        if dim in certificate.passed(SHARE):
            return f"; the certificate of {certificate.date} shows that they keep {_kept(certificate)}"
        shown = _listed(certificate.passed(SHARE))
        return f"; its certificate of {certificate.date} shows {_kept(certificate)} kept at {shown} only"

    def status(self, dim: int) -> str:
        """What is known where nothing confirms a length."""
        if self.declared and (dims := self.declared.dims):
            return f"its own files name {_listed(dims)}, nearest to {dim}: {_nearest((*dims, self.width), dim)}"
        if self.declared and (denied := self.declared.denied):
            return f"its own files say that it may not be cut ({denied})"
        if self.mapped:
            return "a map stands behind the model, and of the vectors that it gives nothing is known"
        if self.card is None:
            like = f" (cards with like names: {', '.join(self.near)})" if self.near else ""
            return f"it is in no card{like} and its files, as far as they are here, list no lengths to cut to"
        card = self.card
        if card.status == "confirmed":
            some = _listed(card.dims) if card.dims else f"any length from {card.any_from} on"
            nearest = _listed(card.nearest(dim))
            return f"the card {card.name} confirms {some}, nearest to {dim}: {nearest} ({_source(card)})"
        if card.status == "not trained":
            return f"the card {card.name} says not trained for it ({_source(card)}); confirmed is only {card.width}"
        return f"the card {card.name} says unknown; confirmed is only {card.width}"


def _kept(certificate: Certificate) -> str:
    """What was shown to be kept, and of what: other texts may lose more."""
    judged = (
        "" if certificate.quality is None else f" of {certificate.quality.measure} on {certificate.quality.judged_by}"
    )
    return f"{_PERCENT}{judged}"


def _declared(name: str, card: Card | None, folder: Path | None) -> Declared | None:
    """What the model's files say, in its folder or, for a hub id, in the hub's cache."""
    if folder is None:
        hub = name if card is None else card.hub
        folder = snapshot_folder(hub) if hub is not None and "/" in hub else None
    return None if folder is None else read_declared(folder)


def _source(card: Card) -> str:
    return "" if card.source is None else f"{card.source.link}, read {card.source.date}: {card.source.says}"


def _nearest(dims: tuple[int, ...], dim: int) -> str:
    below, above = [d for d in dims if d < dim], [d for d in dims if d > dim]
    return _listed((*([max(below)] if below else []), *([min(above)] if above else [])))


def _listed(dims: tuple[int, ...]) -> str:
    return " and ".join(map(str, dims)) if len(dims) < 3 else ", ".join(map(str, dims))
