"""Latent semantic analysis: weighted counts of words, reduced by a singular value decomposition of a corpus.

No network, no pretraining, seconds to fit: the floor that a learned encoder must beat, and a space that shares nothing
with those of transformers.
"""

import hashlib
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from matryo.encoders.base import Encoder, Progress, Role, check_role, check_texts
from matryo.encoders.lsa_files import StoredLsa, read_lsa, write_lsa
from matryo.encoders.shown import shown
from matryo.errors import MatryoError, ShapeError
from matryo.prefix import unit_rows
from matryo.space import Space

# Words without underscores, so that the parts of a name_in_code are words too; single letters say little.
WORDS = r"(?u)[^\W_]{2,}"
_TEXTS_PER_BATCH = 1024


@final
class LsaEncoder(Encoder):
    """Texts by their words: tf-idf, then the directions that a corpus varies along most.

    Its numbers stand in falling order of what they explain of the corpus it was fitted on. Every text is read whole; a
    text without any word of the vocabulary has a zero row.
    """

    def __init__(
        self, vocabulary: Sequence[str], idf: NDArray[np.float32], components: NDArray[np.float32], *, name: str = "lsa"
    ) -> None:
        """Take over what was fitted.

        Args:
            vocabulary: words, each once, one per column.
            idf: (n_words,) weight of each word.
            components: (width, n_words) directions.
            name: what people call it.

        Raises: ShapeError if they do not fit each other.
        """
        if not idf.shape == (len(vocabulary),) == components.shape[1:] or not len(components):
            raise ShapeError(
                f"LSA needs one weight per word and directions of as many, got {len(vocabulary)} words, weights "
                f"{idf.shape} and directions {components.shape}; fit it anew"
            )
        self._vocabulary = tuple(vocabulary)
        self._idf = np.ascontiguousarray(idf, dtype=np.float32)
        self._components = np.ascontiguousarray(components, dtype=np.float32)
        self._by_word = np.ascontiguousarray(self._components.T)
        self._counts = _vectorizer(vocabulary=list(vocabulary))
        self._counts.idf_ = self._idf
        self._name = name
        self._space = Space(weights=self._digest(), width=len(self._components), pooling="tf-idf")

    @property
    def name(self) -> str:
        """What people call it."""
        return self._name

    @property
    def space(self) -> Space:
        """The space its vectors lie in, from the digest of its words and numbers."""
        return self._space

    @property
    def width(self) -> int:
        """Full length of a vector."""
        return self._space.width

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Its words, one per column."""
        return self._vocabulary

    @property
    def idf(self) -> NDArray[np.float32]:
        """(n_words,) weight of each word."""
        return self._idf

    @property
    def components(self) -> NDArray[np.float32]:
        """(width, n_words) directions."""
        return self._components

    @property
    def batch_rule(self) -> str:
        """How the texts of one call are grouped; every row is computed by itself."""
        return f"{_TEXTS_PER_BATCH} texts per batch, fp32"

    @property
    def description(self) -> Mapping[str, Any]:
        """JSON values for a report."""
        return {
            "name": self._name,
            "device": "cpu",
            "precision": "fp32",
            "threads": 1,
            "batch_rule": self.batch_rule,
            "max_tokens": None,
            "width": self.width,
            "model_class": "TF-IDF + truncated SVD",
            "n_words": len(self._vocabulary),
            "prompts": {"query": "", "document": ""},
            "scikit_learn": version("scikit-learn"),
            "python": platform.python_version(),
        }

    @property
    def truncated(self) -> int:
        """Texts are read whole."""
        return 0

    @property
    def truncated_last(self) -> int:
        """Texts are read whole."""
        return 0

    def prompt(self, role: Role) -> str:
        """Nothing is put in front of a text."""
        check_role(role)
        return ""

    def encode(
        self, texts: Sequence[str], role: Role = "document", *, progress: Progress = False
    ) -> NDArray[np.float32]:
        """Vectors of texts, (n, width) float32; a text without any known word gives a zero row.

        Raises: MatryoError if the role is unknown or texts is one string.
        """
        check_role(role)
        received = check_texts(texts)
        vectors = np.empty((len(received), self.width), dtype=np.float32)
        with shown(progress, f"encode {role} texts", len(received)) as advance:
            for start in range(0, len(received), _TEXTS_PER_BATCH):
                some = received[start : start + _TEXTS_PER_BATCH]
                vectors[start : start + len(some)] = unit_rows(self._counts.transform(some) @ self._by_word)
                advance(len(some))
        return vectors

    def save(self, folder: Path | str) -> Path:
        """Write a folder: numbers as safetensors, words as JSON, `lsa.json` last; nothing needs unpickling.

        Returns: the folder.
        Raises: MatryoError if it holds anything else than an LSA encoder.
        """
        stored = StoredLsa(self._vocabulary, self._idf, self._components, WORDS, self._space.weights)
        return write_lsa(Path(folder), stored)

    def _digest(self) -> str:
        running = hashlib.sha256(f"lsa/sublinear tf/lower case/{WORDS}\n".encode())
        running.update("\n".join(self._vocabulary).encode())
        for numbers in (self._idf, self._components):
            running.update(f"\n{numbers.dtype}/{numbers.shape}\n".encode())
            running.update(numbers.data)
        return running.hexdigest()


def fit_lsa(
    texts: Sequence[str], width: int = 256, *, max_features: int = 20_000, seed: int = 0, name: str = "lsa"
) -> LsaEncoder:
    """Fit an LSA encoder: tf-idf (logarithmic counts, rows of length 1), then a randomised truncated SVD.

    The same texts, numbers and seed give the same encoder with the same libraries, whatever the number of threads.

    Args:
        texts: the corpus; the queries of a test have no business in it.
        width: numbers of a vector.
        max_features: most frequent words that are kept.
        seed: of the randomised SVD.
        name: what people call it.

    Returns: the encoder.
    Raises: MatryoError if the texts hold too few words or are too few for the width.
    Source: Deerwester et al. 1990; Halko, Martinsson and Tropp 2011 for the randomised SVD.
    """
    from sklearn.decomposition import TruncatedSVD
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

    received = check_texts(texts)
    if width < 1 or max_features < 1:
        raise MatryoError(f"width and max_features must be at least 1, got {width} and {max_features}; raise them")
    counts = _vectorizer(max_features=max_features)
    try:
        weighted = counts.fit_transform(received)
    except ValueError as error:
        if "empty vocabulary" not in str(error):
            raise
        raise MatryoError(
            f"LSA is fitted on words of at least two letters, got {len(received)} texts without any; give other texts"
        ) from None
    n_texts, n_words = weighted.shape
    if width > min(n_texts, n_words):
        raise MatryoError(
            f"width {width} is more than {n_texts} texts with {n_words} different words can fill; give more texts or a "
            f"width of at most {min(n_texts, n_words)}"
        )
    # one thread: sums split over more would end in other last bits, and so in another space on every machine size
    with threadpool_limits(1):
        fitted = TruncatedSVD(n_components=width, n_iter=5, random_state=seed).fit(weighted)
    words: list[str] = counts.get_feature_names_out().tolist()
    return LsaEncoder(words, counts.idf_, fitted.components_.astype(np.float32), name=name)


def load_lsa(folder: Path | str) -> LsaEncoder:
    """Load what `LsaEncoder.save` wrote, without unpickling.

    Raises: FormatError if the folder is no LSA encoder, damaged, or of a version that split words otherwise.
    """
    folder = Path(folder)
    stored = read_lsa(folder, WORDS)
    encoder = LsaEncoder(stored.vocabulary, stored.idf, stored.components, name=folder.resolve().name)
    stored.check(encoder.space.weights, folder)
    return encoder


def _vectorizer(**given: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    # everything that decides a row stands here, not in defaults that could change
    return TfidfVectorizer(
        lowercase=True,
        token_pattern=WORDS,
        ngram_range=(1, 1),
        norm="l2",
        use_idf=True,
        smooth_idf=True,
        sublinear_tf=True,
        dtype=np.float32,
        **given,
    )
