"""Training of the shared prefix whole: every method, resumed to the bit, an ordinary folder that knows its domains."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import TrainerCallback

from matryo.data.views import Mined, View, Views
from matryo.encoders.domains import DomainEncoder
from matryo.errors import FormatError, MatryoError, ShapeError
from matryo.training import train as training
from matryo.training.checkpoints import newest, state_of
from matryo.training.folder import Trained
from matryo.training.identity import train_identity
from matryo.training.identity_methods import IDENTITY_METHODS, identity_method
from matryo.training.identity_settings import IdentityTrainSettings

N, DIMS, K = 24, (8, 16, 32), 16
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def views(n: int = N, *, mined: bool = True, start: int = 0) -> Views:
    """People told by letters, in each domain between words of its own; a twin differs in one letter."""
    rng = np.random.default_rng(n + start)
    people = [rng.choice(list(LETTERS), 4, replace=False).tolist() for _ in range(n)]
    twins = [[*letters[:3], LETTERS[LETTERS.index(letters[3]) - 1]] for letters in people]

    def view(domain: str, said: str, of: list[list[str]], tag: str = "") -> View:
        ids = tuple(f"{start + i}{tag}" for i in range(n))
        return View(domain, ids, tuple(f"{said} {' '.join(x)}" for x in of), np.arange(n))

    triplets = tuple(np.stack([rng.permutation(n)[:3] for _ in range(40)]) for _ in range(2))
    own = np.arange(n)
    cross = np.stack([own, own, (own + 1) % n, (own + 5) % n], axis=1)
    return Views(
        "people",
        view("dating", "the cat", people),
        view("hiring", "dog runs", people),
        tuple(map(str, range(n))),
        Mined((triplets[0], triplets[1]), cross) if mined else None,
        (view("dating", "the cat", twins, "t"), view("hiring", "dog runs", twins, "t")),
    )


@pytest.fixture(scope="module")
def static_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A static table of 40 words, 32 wide."""
    words = ["[UNK]", *LETTERS, "the", "cat", "dog", "runs", *(f"spare{i}" for i in range(9))]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    table = np.random.default_rng(0).normal(size=(len(words), 32)).astype(np.float32)
    folder = tmp_path_factory.mktemp("static") / "model"
    model = SentenceTransformer(
        modules=[StaticEmbedding(tokenizer, embedding_weights=table), Normalize()], device="cpu"
    )
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


def train(start: Path, out: Path, name: str = "v3_contrastive", of: Views | None = None, **options: Any) -> Trained:
    seed, dims, k = options.pop("seed", 0), options.pop("dims", DIMS), options.pop("prefix_dim", K)
    validation = options.pop("validation", None)
    chosen = {"batch_size": 8, "max_steps": 4, "learning_rate": 1e-2, "precision": "fp32", "negatives": 1} | options
    return train_identity(
        start,
        of or views(),
        identity_method(name),
        out,
        settings=IdentityTrainSettings(**chosen),
        dims=dims,
        prefix_dim=k,
        seed=seed,
        validation=validation,
        device="cpu",
    )


def weights(trained: Trained) -> dict[str, torch.Tensor]:
    found = [load_file(path) for path in sorted(trained.model.rglob("model.safetensors"))]
    return {f"{i}.{name}": tensor for i, tensors in enumerate(found) for name, tensor in tensors.items()}


def log_of(folder: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if "seconds" not in key} for line in lines]


@pytest.mark.parametrize("name", IDENTITY_METHODS)
def test_every_method_trains_a_transformer(name: str, tiny_model_folder: Path, tmp_path: Path) -> None:
    trained = train(tiny_model_folder, tmp_path / "t", name)
    assert trained.steps == 4
    method = identity_method(name)
    first = log_of(tmp_path / "t")[0]
    assert ("cross" in first, "domain" in first, "within_at_32" in first) == (
        method.cross is not None,
        method.adversarial,
        True,
    )
    before = {k: v for k, v in load_file(next(tiny_model_folder.rglob("model.safetensors"))).items()}
    after = load_file(trained.model / "model.safetensors")
    assert any(not torch.equal(before[k], after[k]) for k in before)
    encoder = DomainEncoder.load(trained.model, device="cpu", precision="fp32")
    assert (encoder.domains, encoder.prefix_dim, encoder.dims) == (("dating", "hiring"), K, DIMS)
    vectors = SentenceTransformer(str(trained.model), device="cpu").encode(["the cat a b c d"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(encoder.encode(["the cat a b c d"], "dating"), vectors, atol=1e-5)
    claimed = json.loads((trained.model / "matryo.json").read_text())["matryoshka_dims"]
    assert claimed == ([16, 32] if method.heads else [8, 16, 32])


def test_a_static_model_learns_to_find_people_and_says_so(static_folder: Path, tmp_path: Path) -> None:
    held_out = views(16, start=100)
    options = {"max_steps": 60, "learning_rate": 0.05, "evaluations": 2, "validation": held_out}
    train(static_folder, tmp_path / "t", **options)
    lines = log_of(tmp_path / "t")
    measured = [line for line in lines if "eval_MRR_dating_at_16" in line]
    assert [line["step"] for line in measured] == [30, 60] and "eval_MRR_hiring_at_32" in measured[0]
    assert measured[-1]["eval_MRR_dating_at_16"] > 0.8
    losses = [line["cross"] for line in lines if "cross" in line]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


def test_words_that_no_text_has_keep_their_vectors(static_folder: Path, tmp_path: Path) -> None:
    trained = train(static_folder, tmp_path / "t", weight_decay=0.1)
    before, after = (
        load_file(folder / "model.safetensors")["embedding.weight"] for folder in (static_folder, trained.model)
    )
    assert before.shape == after.shape
    assert torch.equal(before[-9:], after[-9:]) and not torch.equal(before[1:20], after[1:20])


class Killed(Exception):
    """Stands for a process that is killed."""


class KillAfter(TrainerCallback):  # type: ignore[misc]
    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.step:
            raise Killed


@pytest.mark.parametrize("kind", ["static", "transformer"])
def test_a_killed_run_goes_on_to_the_same_weights_and_log(
    kind: str, static_folder: Path, tiny_model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = static_folder if kind == "static" else tiny_model_folder
    # two epochs and a bit, so that the order of a later epoch is gone on with, too
    settings = {"name": "adversarial", "max_steps": 12, "batch_size": 16, "checkpoints": 4, "seed": 3}
    whole = train(start, tmp_path / "whole", **settings)
    own = training.PrefixTrainer

    def dying(*args: Any, **kwargs: Any) -> Any:
        return own(*args, **{**kwargs, "callbacks": [*kwargs["callbacks"], KillAfter(8)]})

    with monkeypatch.context() as patch:
        patch.setattr(training, "PrefixTrainer", dying)
        with pytest.raises(Killed):
            train(start, tmp_path / "cut", **settings)
    checkpoint = newest(tmp_path / "cut" / "checkpoints", repair=False)
    assert checkpoint is not None and any(name.startswith("classifier.") for name in state_of(checkpoint))
    cut = train(start, tmp_path / "cut", **settings)
    torch.testing.assert_close(weights(cut), weights(whole), rtol=0, atol=0)
    # the log tells the classifier's loss, which agrees only if the classifier was restored
    assert log_of(tmp_path / "cut") == log_of(tmp_path / "whole")


def test_a_finished_training_is_not_redone_and_another_is_refused(static_folder: Path, tmp_path: Path) -> None:
    first = train(static_folder, tmp_path / "t")
    assert train(static_folder, tmp_path / "t") == first
    with pytest.raises(MatryoError, match="another training, which differs in identity_method, rows, seed"):
        train(static_folder, tmp_path / "t", "v3_mse", seed=1)


def test_a_seed_decides_every_weight(static_folder: Path, tmp_path: Path) -> None:
    one, two, other = (
        train(static_folder, tmp_path / n, "adversarial", seed=s) for n, s in (("a", 1), ("b", 1), ("c", 2))
    )
    torch.testing.assert_close(weights(one), weights(two), rtol=0, atol=0)
    assert not torch.equal(next(iter(weights(one).values())), next(iter(weights(other).values())))


def test_views_without_triplets_train_the_prefix_only(static_folder: Path, tmp_path: Path) -> None:
    trained = train(static_folder, tmp_path / "t", of=views(mined=False))
    assert json.loads((trained.model / "matryo.json").read_text())["matryoshka_dims"] == [K]
    assert "no triplets" in trained.notes[0]
    assert "within_at_16" not in log_of(tmp_path / "t")[0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"prefix_dim": 12}, r"prefix_dim must be one of the dims \[8, 16, 32\], got 12"),
        ({"dims": (8, 16, 64)}, r"dims must lie within 1\.\.32, got \[8, 16, 64\]"),
        ({"name": "projection_heads", "dims": (8, 16)}, r"task head at dims beyond prefix_dim 16, got \[8, 16\]"),
    ],
)
def test_dims_that_do_not_fit(options: dict[str, Any], words: str, static_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match=words):
        train(static_folder, tmp_path / "t", **options)
    assert not (tmp_path / "t").exists()


def test_no_start_and_a_loss_that_breaks(static_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no sentence-transformers folder"):
        train(tmp_path / "nothing", tmp_path / "t")
    broken = {"learning_rate": 1e38, "max_grad_norm": 1e30, "warmup_share": 0.0, "max_steps": 6}
    with pytest.raises(MatryoError, match=r"(loss|gradient) is (nan|inf|not finite).*step \d+.*checkpoints"):
        train(static_folder, tmp_path / "t", **broken)
    assert not (tmp_path / "t" / "model").exists()
