"""Made-up people that several tests look at."""

import pytest

from matryo.data.people.generate import generate_people
from matryo.data.people.schema import Person


@pytest.fixture(scope="session")
def crowd() -> tuple[Person, ...]:
    """3,000 people of seed 0: enough to see how likely what is."""
    return tuple(generate_people(3000, 0))
