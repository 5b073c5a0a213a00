"""An LSA encoder on disk: `lsa.safetensors`, `vocabulary.json`, and `lsa.json`, written last."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matryo.errors import FormatError, MatryoError
from matryo.files import atomic_path, check_fields, check_format, read_json, write_json

_FORMAT = 1
LSA_FILE = "lsa.json"
_WORDS_FILE, _NUMBERS_FILE = "vocabulary.json", "lsa.safetensors"
_FIELDS: dict[str, type] = {"format": int, "words": str, "width": int, "n_words": int, "digest": str}
_DTYPE = np.dtype(np.float32)
_ANEW = "restore it or save the encoder anew"


@dataclass(frozen=True)
class StoredLsa:
    """What lies in a folder.

    Attributes:
        vocabulary: words, one per column.
        idf: (n_words,) float32.
        components: (width, n_words) float32.
        words: pattern of what counts as a word.
        digest: of all of these, as the space has it.
    """

    vocabulary: tuple[str, ...]
    idf: NDArray[np.float32]
    components: NDArray[np.float32]
    words: str
    digest: str

    def check(self, found: str, folder: Path) -> None:
        """Refuse files that are not those that `lsa.json` was written for.

        Raises: FormatError.
        """
        if found != self.digest:
            raise FormatError(f"the files of {folder} do not match the digest in {LSA_FILE}; {_ANEW}")


def is_lsa(folder: Path | str) -> bool:
    """Whether a folder holds an LSA encoder."""
    return (Path(folder) / LSA_FILE).is_file()


def write_lsa(folder: Path, stored: StoredLsa) -> Path:
    """Write the files, the one that says what they are last.

    Raises: MatryoError if the folder holds other files.
    """
    # imported here: recognising a folder needs no file format
    from safetensors.numpy import save_file

    ours = {LSA_FILE, _WORDS_FILE, _NUMBERS_FILE}
    if folder.exists() and (not folder.is_dir() or any(path.name not in ours for path in folder.iterdir())):
        raise MatryoError(f"{folder} holds other files than an LSA encoder; choose a new or empty folder")
    (folder / LSA_FILE).unlink(missing_ok=True)
    with atomic_path(folder / _NUMBERS_FILE) as temporary:
        save_file({"idf": stored.idf, "components": stored.components}, temporary)
    write_json(folder / _WORDS_FILE, list(stored.vocabulary))
    width, n_words = stored.components.shape
    about = {"format": _FORMAT, "words": stored.words, "width": width, "n_words": n_words, "digest": stored.digest}
    write_json(folder / LSA_FILE, about)
    return folder


def read_lsa(folder: Path, words: str) -> StoredLsa:
    """Read the files.

    Args:
        folder: as `write_lsa` left it.
        words: pattern of words that this version uses.

    Raises: FormatError if a file is missing, damaged or of another version.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = folder / LSA_FILE
    about = read_json(path, "an LSA encoder")
    check_fields(about, _FIELDS, path)
    check_format(about["format"], _FORMAT, path)
    if about["words"] != words:
        raise FormatError(f"{path} splits words by {about['words']!r}, this version by {words!r}; fit it anew")
    vocabulary = read_json(folder / _WORDS_FILE, "the words of an LSA encoder")
    if not isinstance(vocabulary, list) or not all(isinstance(word, str) for word in vocabulary):
        raise FormatError(f"{folder / _WORDS_FILE} must hold a list of words; {_ANEW}")
    numbers_path = folder / _NUMBERS_FILE
    try:
        numbers = load_file(numbers_path)
        idf, components = numbers["idf"], numbers["components"]
    except (SafetensorError, OSError, KeyError) as error:
        raise FormatError(
            f"{numbers_path} cannot be read as the numbers of an LSA encoder ({error}); {_ANEW}"
        ) from None
    n_words = about["n_words"]
    fitting = len(set(vocabulary)) == len(vocabulary) == n_words and idf.shape == (n_words,)
    if not fitting or components.shape != (about["width"], n_words) or {idf.dtype, components.dtype} != {_DTYPE}:
        raise FormatError(f"the files of {folder} do not fit what {LSA_FILE} says of them; {_ANEW}")
    return StoredLsa(tuple(vocabulary), idf, components, about["words"], about["digest"])
