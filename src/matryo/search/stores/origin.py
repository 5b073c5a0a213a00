"""Where the vectors of a store come from, in words that a user of the engine alone can read and filter by."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

NATIVE = "none"
_SHOWN = 12
_KEYS = {
    "texts": "texts",
    "source": "from",
    "source_space": "from_space",
    "target": "to",
    "target_space": "to_space",
    "map": "map",
    "map_digest": "map_digest",
    "seed": "seed",
    "rows": "rows",
}
_MODEL = "model"


@dataclass(frozen=True)
class Origin:
    """Which texts, encoded by whom, lead among whose vectors, by which map; all of it as text, "" where unknown.

    It tells and decides nothing: the space of the label says which vectors may meet.

    Attributes:
        texts: name of the texts.
        source: name of the model that encoded them.
        source_space: id of its space.
        target: name of the model among whose vectors these are meant to be; of native vectors the same as `source`.
        target_space: id of that space.
        map: kind of the map that leads there, "none" for native vectors.
        map_digest: of that map's numbers.
        seed: of its fit.
        rows: "all" or "held-out", which of the texts are there.
    """

    texts: str = ""
    source: str = ""
    source_space: str = ""
    target: str = ""
    target_space: str = ""
    map: str = NATIVE
    map_digest: str = ""
    seed: str = ""
    rows: str = ""

    @property
    def native(self) -> bool:
        """Whether no map made the vectors."""
        return self.map == NATIVE

    def __str__(self) -> str:
        """In a line; a space's id stands for a model whose name is unknown.

        >>> str(Origin(source="minilm", target="wordllama", map="ridge", seed="0"))
        'from minilm to wordllama by ridge, seed 0'
        >>> str(Origin(source="minilm", target="minilm"))
        'native minilm'
        """
        source = self.source or self.source_space[:_SHOWN] or "an unknown model"
        if self.native:
            return f"native {source}"
        target = self.target or self.target_space[:_SHOWN] or "an unknown model"
        return f"from {source} to {target} by {self.map}{f', seed {self.seed}' if self.seed else ''}"

    def to_strings(self) -> dict[str, str]:
        """Metadata under plain keys; what is unknown has none.

        >>> Origin(source="a", target="b", map="ridge").to_strings()
        {'from': 'a', 'to': 'b', 'map': 'ridge', 'model': 'a'}
        """
        told = {key: str(getattr(self, name)) for name, key in _KEYS.items()}
        return {key: value for key, value in {**told, _MODEL: self.source}.items() if value}

    @classmethod
    def from_strings(cls, stored: Mapping[str, object]) -> Self | None:
        """Inverse of `to_strings`; None for a collection without these keys, as earlier versions made them."""
        if _KEYS["map"] not in stored:
            return None
        return cls(**{field.name: str(stored.get(_KEYS[field.name], "")) for field in fields(cls)})
