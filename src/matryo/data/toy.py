"""A small made-up task: 200 passages, 64 train and 32 dev queries with one relevant passage each.

Every topic has words of its own; each of its passages takes some, with filler words. A query asks with two words of its
passage and a third of the topic that the passage does not hold. So matching words works, but not perfectly.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matryo.data.processed import write_processed
from matryo.data.retrieval import Retrieval
from matryo.data.texts import Texts

N_PASSAGES, N_TRAIN, N_DEV = 200, 64, 32

_TOPICS = {
    "bakery": "flour yeast oven crust dough loaf butter rye knead starter salt bake",
    "harbour": "pier crane vessel anchor tide cargo pilot buoy rope lighthouse dock ferry",
    "orchard": "apple graft blossom pruning ladder cider frost bees rootstock harvest pear crate",
    "railway": "signal track sleeper junction locomotive timetable platform gauge wagon siding brake tunnel",
    "weather": "cloud drizzle barometer gust thunder forecast humidity fog hail front pressure radar",
    "pottery": "clay kiln glaze wheel slip firing bowl stoneware handle crack cone trimming",
    "chess": "rook gambit endgame pawn castle bishop clock opening knight tournament check sacrifice",
    "astronomy": "telescope comet orbit eclipse nebula mirror crater spectrum planet dusk parallax star",
    "garden": "compost seedling mulch trellis slug tomato hoe watering basil hedge soil greenhouse",
    "cycling": "pedal chain saddle puncture gear spoke helmet climb derailleur sprint tyre handlebar",
    "printing": "ink typeface roller margin press proof binding paper letterpress plate column folio",
    "mountain": "glacier ridge summit crampon avalanche valley hut pass scree guide altitude moraine",
    "violin": "bow string rosin bridge varnish scroll tuning quartet peg luthier vibrato chin",
    "river": "ford weir current otter delta meander flood bank trout mill sediment rapids",
    "beekeeping": "hive queen smoker swarm nectar comb drone pollen veil honey brood wax",
    "sailing": "mast jib tack keel rudder hull spinnaker knot leeward deck mooring boom",
    "carpentry": "chisel dovetail plane mortise oak clamp saw varnished grain bench joint dowel",
    "library": "catalogue shelf loan archive index reader manuscript reading stamp volume lending spine",
    "cheese": "rennet curd whey rind cellar goat mould brine ageing milk wheel culture",
    "postal": "stamp parcel courier letter sorting envelope address round mailbox counter postcode delivery",
}
_FILLER = (
    "about after again always another around because before between careful common early every "
    "large later little many often older other quiet several simple slow small useful usually while"
).split()
_PER_TOPIC = N_PASSAGES // len(_TOPICS)
_WORDS_PER_PASSAGE, _FILLERS_PER_PASSAGE, _WORDS_PER_QUERY = 6, 9, 3


@dataclass(frozen=True)
class Toy:
    """The two tasks, over one corpus."""

    train: Retrieval
    dev: Retrieval


def toy(seed: int = 0) -> Toy:
    """Make the toy task.

    Args:
        seed: decides every word; one seed gives the same texts everywhere.

    >>> task = toy()
    >>> len(task.dev.documents), len(task.train.queries), len(task.dev.queries)
    (200, 64, 32)
    """
    rng = np.random.default_rng(seed)
    words, passages = _passages(rng)
    documents = Texts.of([str(i) for i in range(N_PASSAGES)], passages, name="toy documents")
    asked = rng.permutation(N_PASSAGES)[: N_TRAIN + N_DEV].tolist()
    queries = [_query(rng, words, passage) for passage in asked]

    def task(split: str, start: int, stop: int) -> Retrieval:
        ids = [f"{split}{i}" for i in range(stop - start)]
        relevant = {q: {str(d): 1} for q, d in zip(ids, asked[start:stop], strict=True)}
        return Retrieval("toy", documents, Texts.of(ids, queries[start:stop], name=f"toy {split} queries"), relevant)

    return Toy(task("train", 0, N_TRAIN), task("dev", N_TRAIN, N_TRAIN + N_DEV))


def write_toy(folder: str | Path, seed: int = 0) -> None:
    """Write the toy task in the processed layout, splits "train" and "dev"."""
    made = toy(seed)
    write_processed({"train": made.train, "dev": made.dev}, folder)


def _passages(rng: np.random.Generator) -> tuple[list[set[str]], list[str]]:
    words, passages = [], []
    for vocabulary in _TOPICS.values():
        for _ in range(_PER_TOPIC):
            own = rng.choice(vocabulary.split(), _WORDS_PER_PASSAGE, replace=False).tolist()
            filler = rng.choice(_FILLER, _FILLERS_PER_PASSAGE).tolist()
            words.append(set(own))
            passages.append(" ".join(rng.permutation(own + filler).tolist()))
    return words, passages


def _query(rng: np.random.Generator, words: list[set[str]], passage: int) -> str:
    topic = list(_TOPICS.values())[passage // _PER_TOPIC].split()
    own = [w for w in topic if w in words[passage]]
    other = [w for w in topic if w not in words[passage]]
    asked = [*rng.choice(own, _WORDS_PER_QUERY - 1, replace=False).tolist(), rng.choice(other)]
    return " ".join(rng.permutation(asked).tolist())
