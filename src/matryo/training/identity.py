"""Train one method of the shared prefix: from a start model and two views to an ordinary model folder."""

from pathlib import Path
from typing import Any

from sentence_transformers.sentence_transformer.modules import StaticEmbedding

from matryo.data.views import Views
from matryo.encoders import ModelEncoder, load_encoder, save_model
from matryo.encoders.domains import domain_facts
from matryo.encoders.heads import add_heads
from matryo.encoders.precision import choose_device, choose_precision
from matryo.errors import FormatError, MatryoError, ShapeError
from matryo.files import only_writer
from matryo.prefix import check_dims
from matryo.training.folder import FORMAT, MODEL, finished, is_main, read_trained, world, write_done, write_plan
from matryo.training.identity_batches import DomainBatches
from matryo.training.identity_methods import IdentityMethod
from matryo.training.identity_objective import IdentityObjective
from matryo.training.identity_rows import TRIPLET, IdentityRows, identity_rows
from matryo.training.identity_settings import IdentityTrainSettings
from matryo.training.identity_validation import IdentityEvaluator
from matryo.training.train import Course, Trained, run_loop
from matryo.training.used_tokens import used_tokens_only

_CLASSIFIER = r"^classifier\."


def train_identity(
    start: Path,
    views: Views,
    method: IdentityMethod,
    out: Path,
    *,
    settings: IdentityTrainSettings,
    dims: tuple[int, ...],
    prefix_dim: int,
    seed: int,
    validation: Views | None = None,
    device: str = "auto",
    trust_remote_code: bool = False,
    progress: bool = False,
) -> Trained:
    """Train one method; under torchrun every process calls this with the same arguments.

    Args:
        start: model folder to start from; a method with heads puts its layer behind it.
        views: what to train on: one part of a split, mined inside it if it has triplets.
        method: row of the table.
        out: folder of this training; holds `checkpoints/`, `log.jsonl`, `model/`, and `trained.json` last. A call
            that finds it finished returns at once; one that was interrupted goes on from its last whole checkpoint.
        settings: of the training.
        dims: prefix lengths to train, in any order.
        prefix_dim: length of the identity prefix, one of `dims`.
        seed: decides the order of rows, which pairs stand beside which triplets, dropout, and the classifier.
        validation: another part that is measured during training, `settings.evaluations` times.
        device: auto, cpu or cuda.
        trust_remote_code: run Python code that comes with the start model.
        progress: show step, time left, losses and validation.

    Returns: the model and what it took. The model's own notes hold domains, prefix_dim, dims and method.
    Raises: ShapeError for dims beyond the model's width or a prefix_dim that is none of them; MatryoError for views
        that the method cannot learn from, a folder of another training, or a loss that is not finite.
    """
    if not (start / "modules.json").is_file():
        raise FormatError(f"{start} is no sentence-transformers folder to start from; make one first")
    encoder = load_encoder(start, device="cpu", trust_remote_code=trust_remote_code)
    dims = check_prefix(dims, prefix_dim, encoder.width, method)
    rows = identity_rows(views, method, settings, seed)
    if len(rows) < 2:
        raise MatryoError(f"training needs at least 2 rows, {views.name} gives {len(rows)}; give more")
    where = choose_device(device)
    bf16 = _precision(encoder, settings, where) == "bf16"
    plan = {
        "format": FORMAT,
        "identity_method": method.name,
        "dims": list(dims),
        "prefix_dim": prefix_dim,
        "train": settings.model_dump(mode="json"),
        "seed": seed,
        "start": encoder.space.id,
        "rows": rows.digest(),
        "processes": world(),
        "precision": "bf16" if bf16 else "fp32",
    }
    if found := finished(out, plan):
        return found
    model = add_heads(encoder.model, prefix_dim=prefix_dim, seed=seed) if method.heads else encoder.model
    with_heads = ModelEncoder(model, name=method.name, device="cpu", precision="fp32") if method.heads else encoder

    def run(*, shown: bool) -> tuple[int, float]:
        course = _course(with_heads, rows, method, settings, dims, prefix_dim, seed, bf16, validation)
        return run_loop(model, course, out, seed=seed, device=where, bf16=bf16, progress=shown)

    read = rows.texts if validation is None else (*rows.texts, *validation.a.texts, *validation.b.texts)
    if not is_main():
        with used_tokens_only(model, read, encoder.prompt("document")):
            run(shown=False)
        return read_trained(out)
    with only_writer(out):
        write_plan(out, plan)
        with used_tokens_only(model, read, encoder.prompt("document")):
            steps, seconds = run(shown=progress)
        trained = ModelEncoder(model, name=method.name, device="cpu", precision="fp32")
        facts = domain_facts(views.domains, prefix_dim, dims, method.name)
        save_model(trained, out / MODEL, dims=_claimed(rows, method, dims, prefix_dim), extra=facts, overwrite=True)
        write_done(out, steps, seconds, rows.notes)
    return read_trained(out)


def check_prefix(dims: tuple[int, ...], prefix_dim: int, width: int, method: IdentityMethod) -> tuple[int, ...]:
    """The dims, rising, if they and the identity prefix fit a model.

    Args:
        dims: in any order.
        prefix_dim: length of the identity prefix.
        width: of the model.
        method: one with heads needs dims beyond the identity prefix.

    Raises: ShapeError naming what does not fit.

    >>> from matryo.training.identity_methods import identity_method
    >>> check_prefix((128, 32, 64), 64, 256, identity_method("v3_mse"))
    (32, 64, 128)
    """
    rising = check_dims(dims, width)
    if prefix_dim not in rising:
        raise ShapeError(f"prefix_dim must be one of the dims {list(rising)}, got {prefix_dim}; add it or choose one")
    if method.heads and prefix_dim == rising[-1]:
        raise ShapeError(
            f"{method.name} trains its task head at dims beyond prefix_dim {prefix_dim}, got {list(rising)}; add one "
            f"up to {width}"
        )
    return rising


def _course(
    encoder: ModelEncoder,
    rows: IdentityRows,
    method: IdentityMethod,
    settings: IdentityTrainSettings,
    dims: tuple[int, ...],
    prefix_dim: int,
    seed: int,
    bf16: bool,
    validation: Views | None,
) -> Course:
    """What training a method consists of."""
    columns = tuple(rows.columns)
    objective = IdentityObjective(
        encoder.model,
        method,
        columns,
        settings,
        dims=dims,
        prefix_dim=prefix_dim,
        seed=seed,
        bf16=bf16,
        pad_id=getattr(encoder.model.tokenizer, "pad_token_id", None) or 0,
    )
    rates: dict[str, Any] = {_CLASSIFIER: settings.classifier_rate} if method.adversarial else {}
    precision = "bf16" if bf16 else "fp32"
    return Course(
        label=f"train {method.name}, seed {seed}",
        settings=settings,
        objective=objective,
        dataset=rows.dataset(),
        # the domains are no questions and answers: both are read in one way
        prompts=dict.fromkeys(columns, encoder.prompt("document")),
        learning_rates=rates,
        evaluator=None if validation is None else IdentityEvaluator(validation, dims, precision=precision),
        batch_sampler=DomainBatches,
    )


def _precision(encoder: ModelEncoder, settings: IdentityTrainSettings, device: str) -> str:
    """A static table has no matrix products to save."""
    static = isinstance(encoder.model[0], StaticEmbedding)
    return choose_precision("fp32" if static and settings.precision == "auto" else settings.precision, device)


def _claimed(rows: IdentityRows, method: IdentityMethod, dims: tuple[int, ...], prefix_dim: int) -> tuple[int, ...]:
    """Prefix lengths that were trained: without triplets the identity prefix only, with heads none within it."""
    if TRIPLET[0] not in rows.columns:
        return (prefix_dim,)
    return tuple(dim for dim in dims if dim >= prefix_dim) if method.heads else dims
