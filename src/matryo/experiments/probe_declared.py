"""Who says that a model was made to be cut: a card, or the model's own files."""

from dataclasses import dataclass
from pathlib import Path

from matryo.encoders.cards_file import read_cards
from matryo.encoders.declared import read_declared, snapshot_folder
from matryo.encoders.notes import NOTES_FILE


@dataclass(frozen=True)
class Word:
    """What is said.

    Attributes:
        says: who says that the model was trained for prefixes, in words; None if nobody does.
        dims: lengths that are named, below the width; () if none are.
    """

    says: str | None = None
    dims: tuple[int, ...] = ()


def declared_for(name: str, cards: Path | None = None) -> Word:
    """What cards and files say of a model, for a probe that holds it against the measurement.

    A folder that this package wrote names dims that may be used, also of rotations and heads that nobody trained for
    prefixes: that is no claim of training, so that its dims are tested and nothing more.

    Args:
        name: packaged name, folder or hub id.
        cards: the user's card file, None for the usual places.

    Raises: FormatError if a file is there but unreadable.
    """
    folder = Path(name) if Path(name).is_dir() else None
    card = read_cards(cards).of_model(name, folder)
    if card is not None and card.status == "confirmed":
        source = f" ({card.source.link}, {card.source.date})" if card.source else ""
        return Word(f"the card of {card.name} says that it was trained for prefixes{source}", card.dims)
    folder = folder or (snapshot_folder(name) if "/" in name else None)
    if folder is None:
        return Word()
    declared = read_declared(folder)
    dims = declared.dims or ()
    if (folder / NOTES_FILE).is_file() or declared.denied is not None:
        return Word(None, dims)
    claim = next((claim for claim in declared.claims if claim.matryoshka), None)
    return Word(None if claim is None else f"the model's own {claim.file} says so ({claim.words})", dims)
