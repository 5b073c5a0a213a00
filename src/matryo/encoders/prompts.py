"""What is put in front of a text: taken from the model's own settings or from the user."""

from collections.abc import Mapping

from matryo.encoders.base import ROLES, Role
from matryo.encoders.cards import Card
from matryo.errors import MatryoError

# The names under which models store the prompt of a role, in the order sentence-transformers looks for them.
_STORED_AS: dict[Role, tuple[str, ...]] = {"query": ("query",), "document": ("document", "passage", "corpus")}


def choose_prompts(stored: Mapping[str, str | None], given: Mapping[str, str] | None = None) -> dict[Role, str]:
    """Prompt of each role.

    Args:
        stored: the model's own prompts by name; an empty one counts as absent.
        given: the user's, with keys query and document; an empty string switches a stored prompt off.

    Raises: MatryoError if a key of `given` is no role.

    >>> choose_prompts({"query": "query: ", "document": "", "passage": "passage: "})
    {'query': 'query: ', 'document': 'passage: '}
    >>> choose_prompts({"query": "query: "}, {"query": ""})
    {'query': '', 'document': ''}
    """
    wanted = dict(given or {})
    unknown = sorted(set(wanted) - set(ROLES))
    if unknown:
        raise MatryoError(f"prompts may be given for query and document, got {unknown}; rename or drop these")
    return {role: wanted[role] if role in wanted else _first(stored, _STORED_AS[role]) for role in ROLES}


def with_card(stored: Mapping[str, str | None], card: Card | None) -> dict[str, str]:
    """A model's prompts, or those of its card where the model itself names none.

    >>> card = Card(name="e5", width=8, prompts={"query": "query: ", "document": "passage: "})
    >>> with_card({"query": "", "document": ""}, card)
    {'query': 'query: ', 'document': 'passage: '}
    >>> with_card({"query": "Q: ", "document": ""}, card)
    {'query': 'Q: ', 'document': ''}
    """
    kept = {name: text or "" for name, text in stored.items()}
    if card is None or any(_first(stored, names) for names in _STORED_AS.values()):
        return kept
    return {**kept, "query": card.prompts.query, "document": card.prompts.document}


def _first(stored: Mapping[str, str | None], names: tuple[str, ...]) -> str:
    return next((prompt for name in names if (prompt := stored.get(name))), "")
