"""The command line: a table from command to library call; it parses and prints, nothing else.

Results go to stdout, progress and notes to stderr. Libraries load inside the commands, because `matryo --help` must
answer at once.
"""

import logging
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Embeddings that can be cut: adapt, verify, store and search text embeddings whose first K numbers are a "
    "good embedding.",
    epilog="Start with: matryo demo",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
data_app = typer.Typer(help="Make, convert and look at texts.", rich_markup_mode=None)
app.add_typer(data_app, name="data")

_EXPERIMENTS = {"dense_retrieval": "matryo.experiments.dense_retrieval"}
"""What `experiment:` in a config may say -> module with the function `run`."""


class Device(StrEnum):
    """Where a model runs."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Precision(StrEnum):
    """Numbers that a transformer computes in."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"


class Role(StrEnum):
    """What a text is to a retrieval model."""

    document = "document"
    query = "query"


class Dtype(StrEnum):
    """Numbers that an embedding set stores."""

    float32 = "float32"
    float16 = "float16"


class Upto(StrEnum):
    """The last stage of a run."""

    data = "data"
    mine = "mine"
    train = "train"
    evaluate = "evaluate"
    report = "report"


class Layout(StrEnum):
    """Layouts that a retrieval task can be written in."""

    beir = "beir"
    processed = "processed"


def _dims(text: str | None) -> tuple[int, ...] | None:
    """Read "32,64,128"; None stays None."""
    from matryo.prefix import check_dims

    if text is None:
        return None
    try:
        numbers = [int(word) for word in text.replace(" ", "").split(",") if word]
    except ValueError:
        raise typer.BadParameter(f"dims are whole numbers with commas between, got {text!r}; give 32,64,128") from None
    return check_dims(numbers)


def _verbose(value: bool) -> bool:
    logging.basicConfig(level=logging.INFO if value else logging.WARNING, format="%(name)s: %(message)s")
    return value


Dims = Annotated[str | None, typer.Option(help="Prefix lengths, e.g. 32,64,128; default: a ladder up to the width.")]
Seed = Annotated[int, typer.Option(help="Decides splits, shuffling and bootstrap draws.")]
DeviceOption = Annotated[Device, typer.Option(help="auto takes a GPU if there is one.")]
PrecisionOption = Annotated[Precision, typer.Option(help="auto takes bf16 where the hardware has it.")]
MaxTokens = Annotated[int | None, typer.Option(min=1, help="Read at most this many tokens; default: the model's.")]
Split = Annotated[str | None, typer.Option(help="Which judgements; default: test, else dev.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", callback=_verbose, help="Say more; full trace of an error.")]
RemoteCode = Annotated[bool, typer.Option(help="Run code that a model's author put beside the weights.")]
AllowPickle = Annotated[bool, typer.Option(help="Read pickled weights (pytorch_model.bin), which can run code.")]
SkipBad = Annotated[bool, typer.Option(help="Leave out malformed lines, count and list them, instead of stopping.")]
Out = Annotated[Path | None, typer.Option(help="Folder for results, reports and cached vectors.")]
Config = Annotated[Path, typer.Argument(help="A config file, see configs/ for examples.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="KEY=VALUE replaces a value, e.g. train.epochs=2; may be repeated.")
]
RunOut = Annotated[Path | None, typer.Option(help="Folder of the run; default: as the config says, or runs/NAME.")]
Fresh = Annotated[
    bool, typer.Option(help="Remove stages that another config made, and what depends on them, instead of stopping.")
]
ModelName = Annotated[str, typer.Argument(help="minilm, wordllama, a sentence-transformers folder or hub id.")]


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _notes(notes: tuple[str, ...] | list[str]) -> None:
    for note in notes:
        typer.echo(f"note: {note}", err=True)


@app.command(epilog="Example: matryo demo --out runs/demo")
def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything; a second run reuses what is there.")] = Path(
        "runs/demo"
    ),
    model: Annotated[str, typer.Option(help="The model to cut.")] = "minilm",
    dims: Dims = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each head.")] = 3,
    seed: Seed = 0,
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    verbose: Verbose = False,
) -> None:
    """Cut a real model on real text: how good are 384, 192, 96, 32 of its numbers?

    Takes the standard library's docstrings and function sources, no download. Ends with a table, an adapted model
    and an HTML report.
    """
    from matryo.experiments.adaptation import AdaptSettings
    from matryo.experiments.demo import MAX_TOKENS, run_demo
    from matryo.experiments.settings import ModelSettings

    chosen = ModelSettings(model, device.value, precision.value, max_tokens=MAX_TOKENS)
    settings = AdaptSettings(dims=_dims(dims), n_seeds=seeds, seed=seed)
    typer.echo(run_demo(out, chosen, settings, say=_say, progress=True))


@app.command(epilog="Example: matryo curve minilm my-beir-folder --dims 32,64,96,192,384 --map rotation --out runs/c")
def curve(
    model: ModelName,
    data: Annotated[Path, typer.Argument(help="A BEIR, processed, SMART or TREC folder.")],
    dims: Dims = None,
    map_: Annotated[
        list[str], typer.Option("--map", help="none (plain cut), rotation, random, or a map's folder; may be repeated.")
    ] = ["none"],  # noqa: B006 - typer copies it
    measure: Annotated[list[str], typer.Option(help="e.g. nDCG@10, MRR@10, recall@100; may be repeated.")] = [  # noqa: B006
        "nDCG@10"
    ],
    split: Split = None,
    share: Annotated[float, typer.Option(help="Of its own full width that a recommended dim must keep.")] = 0.95,
    bm25: Annotated[bool, typer.Option(help="Add BM25 as a floor.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one list of objects.")] = False,
    out: Out = None,
    skip_bad: SkipBad = False,
    max_tokens: MaxTokens = None,
    seed: Seed = 0,
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    trust_remote_code: RemoteCode = False,
    allow_pickle: AllowPickle = False,
    verbose: Verbose = False,
) -> None:
    """Measure retrieval quality at every dim, in one pass over one encode."""
    import json

    from matryo.experiments.retrieval import measure_curve
    from matryo.experiments.settings import ModelSettings
    from matryo.measures.measure import Measure
    from matryo.reports import console_summary

    results = measure_curve(
        ModelSettings(model, device.value, precision.value, max_tokens, trust_remote_code, allow_pickle),
        data,
        dims=_dims(dims),
        maps=map_,
        measures=[Measure.parse(name) for name in measure],
        split=split,
        bm25=bm25,
        share=share,
        out=out,
        skip_bad=skip_bad,
        seed=seed,
        progress=True,
    )
    if as_json:
        typer.echo(json.dumps([score.to_json() for score in results.scores], indent=2))
    else:
        typer.echo(console_summary(results))
    if out:
        typer.echo(f"report: {out / 'report.html'}", err=as_json)


@app.command(epilog="Example: matryo encode minilm texts.txt sets/texts")
def encode(
    model: ModelName,
    texts: Annotated[Path, typer.Argument(help="A retrieval folder (its documents), a jsonl file, or plain lines.")],
    out: Annotated[Path, typer.Argument(help="Folder of the embedding set; the same command resumes it.")],
    role: Annotated[Role, typer.Option(help="Decides the prompt, and which texts of a folder.")] = Role.document,
    dtype: Annotated[Dtype, typer.Option(help="Numbers on disk.")] = Dtype.float32,
    keep_texts: Annotated[bool, typer.Option(help="Store the texts beside the vectors.")] = False,
    skip_bad: SkipBad = False,
    max_tokens: MaxTokens = None,
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    trust_remote_code: RemoteCode = False,
    allow_pickle: AllowPickle = False,
    verbose: Verbose = False,
) -> None:
    """Encode texts into an embedding set whose prefixes can be read without the rest."""
    from matryo.experiments.encoding import encode_texts
    from matryo.experiments.settings import ModelSettings

    made = encode_texts(
        ModelSettings(model, device.value, precision.value, max_tokens, trust_remote_code, allow_pickle),
        texts,
        out,
        role=role.value,
        dtype=dtype.value,
        keep_texts=keep_texts,
        skip_bad=skip_bad,
        progress=True,
    )
    _notes(made.notes)
    typer.echo(f"{out}: {made.n_rows:,} rows of {made.width} {dtype.value} numbers, space {made.space_id}")


@app.command(
    epilog="Examples: matryo adapt minilm pairs.jsonl --out runs/mine;  "
    "matryo adapt documents.npy --queries queries.npy --out runs/mine"
)
def adapt(
    source: Annotated[str, typer.Argument(help="A model, or vectors: a .npy file or the folder of an embedding set.")],
    pairs: Annotated[
        str | None, typer.Argument(help="Pairs of query and document: jsonl, tsv, csv, parquet, or the word stdlib.")
    ] = None,
    *,
    out: Annotated[Path, typer.Option(help="Folder for the adapted model or map, results and reports.")],
    queries: Annotated[
        Path | None, typer.Option(help="With vectors: the queries, row i belongs to row i of the documents.")
    ] = None,
    dims: Dims = None,
    target_dim: Annotated[
        int | None, typer.Option(min=1, help="Dim to choose the map for; default: a quarter of the width.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="Names of the query and document columns: query,document.")
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="Column whose equal values never land on both sides of a split.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each head.")] = 3,
    batch_size: Annotated[int, typer.Option(min=2, help="Pairs per training step of a head.")] = 512,
    skip_bad: SkipBad = False,
    max_tokens: MaxTokens = None,
    seed: Seed = 0,
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    trust_remote_code: RemoteCode = False,
    allow_pickle: AllowPickle = False,
    verbose: Verbose = False,
) -> None:
    """Adapt a model, or bare vectors, so that short prefixes are good: rotation and heads, each with its control."""
    from matryo.experiments.adaptation import AdaptSettings, adapt_model, open_pairs
    from matryo.experiments.settings import ModelSettings
    from matryo.experiments.vectors import adapt_vectors, is_vectors
    from matryo.maps import HeadSettings, LoopSettings

    head = HeadSettings(loop=LoopSettings(batch_size=batch_size))
    settings = AdaptSettings(dims=_dims(dims), target_dim=target_dim, n_seeds=seeds, seed=seed, head=head)
    if is_vectors(source):
        if pairs is not None:
            raise typer.BadParameter(f"vectors take --queries, not pairs; got {pairs!r}")
        typer.echo(adapt_vectors(Path(source), queries, out, settings, say=_say))
        return
    if pairs is None or queries is not None:
        raise typer.BadParameter("a model needs pairs and no --queries: matryo adapt MODEL pairs.jsonl --out DIR")
    model = ModelSettings(source, device.value, precision.value, max_tokens, trust_remote_code, allow_pickle)
    read = open_pairs(pairs, columns=columns, group=group, skip_bad=skip_bad)
    typer.echo(adapt_model(model, read, out, settings, say=_say, progress=True))


@app.command(epilog="Example: matryo export runs/demo/model small-model --dim 96")
def export(
    model: ModelName,
    out: Annotated[Path, typer.Argument(help="Folder of the new model.")],
    dim: Annotated[int, typer.Option(min=1, help="How many numbers to keep.")],
    device: DeviceOption = Device.auto,
    trust_remote_code: RemoteCode = False,
    allow_pickle: AllowPickle = False,
    verbose: Verbose = False,
) -> None:
    """Write a model that is cut for keeps: plain SentenceTransformer(OUT) gives DIM numbers of length 1."""
    from matryo.encoders import export_model, load_encoder

    encoder = load_encoder(model, device=device.value, trust_remote_code=trust_remote_code, allow_pickle=allow_pickle)
    export_model(encoder, out, dim)
    typer.echo(f"{out}: {dim} of {encoder.width} numbers; load it with SentenceTransformer({str(out)!r})")


def _run_config(config: Path, upto: Upto, overrides: list[str] | None, out: Path | None, fresh: bool) -> None:
    from importlib import import_module

    from matryo.config import read_yaml
    from matryo.errors import MatryoError

    kind = read_yaml(config).get("experiment", "dense_retrieval")
    if kind not in _EXPERIMENTS:
        raise MatryoError(f"{config}: experiment must be one of {', '.join(_EXPERIMENTS)}, got {kind!r}")
    told = import_module(_EXPERIMENTS[kind]).run(
        config, upto.value, overrides=overrides or (), out=out, fresh=fresh, say=_say, progress=True
    )
    if told:
        typer.echo(told)


@app.command(
    epilog="Examples: matryo run configs/smoke.yaml;  "
    "matryo run configs/pairs.yaml --set data.path=mine.jsonl --out runs/mine"
)
def run(
    config: Config,
    upto: Annotated[Upto, typer.Option(help="The last stage to run.")] = Upto.report,
    set_: Set = None,
    out: RunOut = None,
    fresh: Fresh = False,
    verbose: Verbose = False,
) -> None:
    """Run a config from the data to the report: train every arm, measure, compare.

    A finished stage is never redone, and an interrupted run goes on where it was.
    """
    _run_config(config, upto, set_, out, fresh)


@app.command(
    epilog="Examples: matryo train configs/stdlib.yaml;  "
    "torchrun --nproc-per-node 4 -m matryo train configs/msmarco.yaml"
)
def train(config: Config, set_: Set = None, out: RunOut = None, fresh: Fresh = False, verbose: Verbose = False) -> None:
    """Run a config up to its trained models; several GPUs with torchrun."""
    _run_config(config, Upto.train, set_, out, fresh)


@app.command(epilog="Example: matryo mine configs/msmarco.yaml --set mine.dim=192")
def mine(config: Config, set_: Set = None, out: RunOut = None, fresh: Fresh = False, verbose: Verbose = False) -> None:
    """Run a config up to its mined hard negatives."""
    _run_config(config, Upto.mine, set_, out, fresh)


@app.command(epilog="Example: matryo evaluate configs/stdlib.yaml --set evaluate.target_dim=64")
def evaluate(
    config: Config, set_: Set = None, out: RunOut = None, fresh: Fresh = False, verbose: Verbose = False
) -> None:
    """Run a config up to its measured results, and print them."""
    _run_config(config, Upto.evaluate, set_, out, fresh)


@app.command(epilog="Example: matryo report runs/demo")
def report(
    run: Annotated[Path, typer.Argument(help="Folder with results.json and per_query.parquet.")],
    verbose: Verbose = False,
) -> None:
    """Write every report of a run anew, from its stored results alone."""
    from matryo.evaluation.results import RunResults
    from matryo.reports import console_summary, write_reports

    typer.echo(console_summary(RunResults.read(run)))
    for path in write_reports(run):
        typer.echo(f"wrote {path}")


@app.command(epilog="Example: matryo check sets/texts")
def check(
    folder: Annotated[Path, typer.Argument(help="Folder of an embedding set.")],
    verbose: Verbose = False,
) -> None:
    """Verify an embedding set: every digest, header and id."""
    from matryo.embeddings import EmbeddingSet, verify_set
    from matryo.errors import FormatError

    if problems := verify_set(folder):
        raise FormatError(f"{folder} is damaged: " + "; ".join(problems))
    vectors = EmbeddingSet.open(folder)
    typer.echo(f"{folder}: whole; {vectors.n_rows} rows of {vectors.width} numbers, generation {vectors.generation}")


@data_app.command("show", epilog="Example: matryo data show my-beir-folder")
def data_show(
    path: Annotated[Path, typer.Argument(help="A retrieval folder or a file of pairs.")],
    split: Split = None,
    skip_bad: SkipBad = False,
    verbose: Verbose = False,
) -> None:
    """Read a folder as `curve` would and count what is in it."""
    from matryo.data import open_retrieval

    task = open_retrieval(path, split=split, skip_bad=skip_bad)
    _notes(task.notes)
    typer.echo(
        f"{task.name}: {len(task.documents)} documents, {len(task.queries)} queries, "
        f"{task.n_judgements} judgements, {task.n_relevant} of them relevant"
    )


@data_app.command("convert", epilog="Example: matryo data convert cranfield cranfield-beir --to beir")
def data_convert(
    path: Annotated[Path, typer.Argument(help="A retrieval folder in any layout.")],
    out: Annotated[Path, typer.Argument(help="Folder to write.")],
    to: Annotated[Layout, typer.Option(help="Layout to write.")] = Layout.beir,
    split: Split = None,
    skip_bad: SkipBad = False,
    verbose: Verbose = False,
) -> None:
    """Write a retrieval task in another layout."""
    from matryo.data import open_retrieval, write_beir, write_processed

    task = open_retrieval(path, split=split, skip_bad=skip_bad)
    _notes(task.notes)
    if to is Layout.beir:
        write_beir(task, out, split or "test")
    else:
        write_processed({split or "dev": task}, out)
    typer.echo(f"{out}: {to.value} layout, {len(task.documents)} documents, {len(task.queries)} queries")


@data_app.command("stdlib", epilog="Example: matryo data stdlib stdlib.jsonl")
def data_stdlib(
    out: Annotated[Path, typer.Argument(help="File to write, one pair per line.")],
    mask_names: Annotated[bool, typer.Option(help="Replace each function's own name in both texts.")] = False,
    verbose: Verbose = False,
) -> None:
    """Write the standard library's docstrings and sources as pairs."""
    from matryo.data.pair_lines import write_pairs
    from matryo.data.stdlib import stdlib_pairs

    pairs = stdlib_pairs(mask_names=mask_names)
    _notes(pairs.notes)
    write_pairs(pairs, out)
    typer.echo(f"{out}: {len(pairs)} pairs in {len(set(pairs.groups))} packages")


@data_app.command("toy", epilog="Example: matryo data toy data/processed/toy")
def data_toy(
    out: Annotated[Path, typer.Argument(help="Folder to write, in the processed layout.")],
    seed: Seed = 0,
    verbose: Verbose = False,
) -> None:
    """Write a small synthetic retrieval task: 200 passages, 64 and 32 queries."""
    from matryo.data import write_toy

    write_toy(out, seed=seed)
    typer.echo(f"{out}: 200 passages, 64 training and 32 development queries")


@data_app.command("msmarco", epilog="Example: matryo data msmarco data/raw/msmarco data/msmarco --download")
def data_msmarco(
    folder: Annotated[Path, typer.Argument(help="Folder with the official files, or for them.")],
    out: Annotated[Path, typer.Argument(help="Folder to write, in the processed layout.")],
    download: Annotated[bool, typer.Option(help="Fetch the official files first; what is there is kept.")] = False,
    accept_terms: Annotated[bool, typer.Option(help="Accept Microsoft's terms of use; needed to download.")] = False,
    skip_bad: SkipBad = False,
    verbose: Verbose = False,
) -> None:
    """Convert MS MARCO passage ranking, streaming; optionally download it first."""
    from matryo.data.msmarco import prepare_msmarco
    from matryo.data.msmarco_files import download_msmarco

    if download:
        _notes(download_msmarco(folder, accept_terms=accept_terms, progress=True))
    _notes(prepare_msmarco(folder, out, skip_bad=skip_bad, progress=True))
    typer.echo(f"{out}: processed layout; matryo data show {out}")
