"""A small BERT with random weights, made on the spot: for checks of a whole pipeline, with no download."""

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import BertConfig, BertModel, BertTokenizer

from matryo.encoders.loading import quiet
from matryo.encoders.model import ModelEncoder
from matryo.encoders.saving import save_model
from matryo.errors import MatryoError

# What a vocabulary is made from; further texts hardly change it.
VOCABULARY_TEXTS = 20_000
MAX_TOKENS = 128
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_MIN_VOCABULARY = 100


def build_tiny(
    texts: Iterable[str],
    folder: Path | str,
    *,
    seed: int = 0,
    max_tokens: int = MAX_TOKENS,
    vocabulary: int = 2_000,
    width: int = 128,
    layers: int = 2,
) -> Path:
    """Write a BERT with random weights and a word-piece vocabulary of its own as a sentence-transformers folder.

    The same texts and seed give the same bytes. The vectors are means over tokens, not normalised.

    Args:
        texts: what the vocabulary is made from, lower-cased; the first 20,000 are read.
        folder: where to write; missing, empty, or a model that this package wrote.
        seed: of the weights.
        max_tokens: how many tokens of a text the model reads.
        vocabulary: entries at most, at least 100.
        width: numbers of a vector, a multiple of 64.
        layers: of the transformer.

    Returns: the folder.
    Raises: MatryoError if there is no word in the texts or a number is out of range.
    """
    folder = Path(folder)
    _check_sizes(
        max_tokens=(max_tokens, 3), vocabulary=(vocabulary, _MIN_VOCABULARY), width=(width, 64), layers=(layers, 1)
    )
    if width % 64:
        raise MatryoError(f"width must be a multiple of 64, the width of an attention head, got {width}; round it")
    pieces = word_pieces(islice(texts, VOCABULARY_TEXTS), vocabulary)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        intermediate_size=2 * width,
        max_position_embeddings=max_tokens,
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    # a folder of transformers files that sentence-transformers loads itself: a model put in by hand cannot be resumed
    with TemporaryDirectory(prefix=f"{folder.name}.tmp-", dir=folder.parent) as bare, quiet():
        _random_bert(config, seed).save_pretrained(bare)
        BertTokenizer(vocab=pieces, model_max_length=max_tokens).save_pretrained(bare)
        body = Transformer(bare, max_seq_length=max_tokens)
        model = SentenceTransformer(modules=[body, Pooling(width, "mean")], device="cpu", similarity_fn_name="cosine")
    encoder = ModelEncoder(model, name="tiny", device="cpu", precision="fp32", normalize=False)
    return save_model(encoder, folder, overwrite=True)


def word_pieces(texts: Iterable[str], size: int) -> dict[str, int]:
    """Word-piece vocabulary of lower-cased texts, the same for the same texts.

    Args:
        texts: read once.
        size: entries at most; letters take up to half of them, rare ones are left out.

    Returns: piece -> number; special tokens first, then letters, then longer pieces.
    Raises: MatryoError if there is no word.

    >>> list(word_pieces(["Low lower lowest"], 100))[5:9]
    ['##e', '##l', '##o', '##r']
    """
    normalizer, splitter = normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()
    words: Counter[str] = Counter()
    for text in texts:
        words.update(word for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text)))
    letters: Counter[str] = Counter()
    for word, count in words.items():
        for letter in word:
            letters[letter] += count
    if not letters:
        raise MatryoError("a vocabulary needs texts with words, got none; give the texts that the model will read")
    n_letters = (size - len(_SPECIAL)) // 4
    kept = sorted(sorted(letters, key=lambda letter: (-letters[letter], letter))[:n_letters])
    # inner letters are numbered by the trainer in the order of a hash table, which differs from run to run and decides
    # between equally frequent pairs; named as special tokens, they have their numbers beforehand
    first = [*_SPECIAL, *(f"##{letter}" for letter in kept), *kept]
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, min_frequency=2, show_progress=False, special_tokens=first, limit_alphabet=0
    )
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = splitter
    allowed = set(kept)
    tokenizer.train_from_iterator((w for w, n in words.items() if allowed.issuperset(w) for _ in range(n)), trainer)
    return dict(sorted(tokenizer.get_vocab().items(), key=lambda entry: entry[1]))


def _random_bert(config: BertConfig, seed: int) -> BertModel:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return BertModel(config)


def _check_sizes(**given: tuple[int, int]) -> None:
    for name, (value, least) in given.items():
        if value < least:
            raise MatryoError(f"{name} must be at least {least}, got {value}; raise it")
