"""The command line: a table from command to library call; it parses and prints, nothing else.

Results go to stdout, progress and notes to stderr. Libraries load inside the commands, because `matryo --help` must
answer at once.
"""

import typer

from matryo.cli.adapting import adapt, demo, export
from matryo.cli.auditing import audit
from matryo.cli.indexing import index_app
from matryo.cli.matching import match
from matryo.cli.measuring import curve, report
from matryo.cli.model_measuring import measure
from matryo.cli.models import models_app
from matryo.cli.people import data_people
from matryo.cli.probing import probe
from matryo.cli.site import site
from matryo.cli.stores import store_app
from matryo.cli.storing import check, encode
from matryo.cli.texts import data_app
from matryo.cli.training import evaluate, mine, run, train
from matryo.cli.translating import translate_app

__all__ = ["app", "data_app", "index_app", "store_app"]

app = typer.Typer(
    help="Embeddings that can be cut: adapt, verify, store and search text embeddings whose first K numbers are a "
    "good embedding.",
    epilog="Start with: matryo demo",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)

# in the order of matryo --help
app.command(epilog="Example: matryo demo --out runs/demo")(demo)
app.command(epilog="Example: matryo curve minilm my-beir-folder --dims 32,64,96,192,384 --map rotation --out runs/c")(
    curve
)
app.command(
    epilog="Examples: matryo probe minilm;  matryo probe documents.npy;  "
    "matryo probe my-model my-beir-folder --out runs/probe"
)(probe)
app.command(
    epilog="Examples: matryo encode minilm texts.txt sets/texts;  matryo encode wordllama my-folders sets --dim 128"
)(encode)
app.command(
    epilog="Examples: matryo adapt minilm pairs.jsonl --out runs/mine;  "
    "matryo adapt documents.npy --queries queries.npy --out runs/mine"
)(adapt)
app.command(epilog="Example: matryo export runs/demo/model small-model --dim 96")(export)
app.command(
    epilog="Examples: matryo run configs/smoke.yaml;  "
    "matryo run configs/pairs.yaml --set data.path=mine.jsonl --out runs/mine"
)(run)
app.command(
    epilog="Examples: matryo train configs/stdlib.yaml;  "
    "torchrun --nproc-per-node 4 -m matryo train configs/msmarco.yaml"
)(train)
app.command(epilog="Example: matryo mine configs/msmarco.yaml --set mine.dim=192")(mine)
app.command(epilog="Example: matryo evaluate configs/stdlib.yaml --set evaluate.target_dim=64")(evaluate)
app.command(epilog='Example: matryo match runs/shared_prefix_fast --text "I love sailing and ..." -k 5')(match)
app.command(
    epilog="Examples: matryo audit stdlib;  "
    "matryo audit pairs.tsv --columns description,summary --id name --mask name --out runs/audit"
)(audit)
app.command(epilog="Example: matryo report runs/demo")(report)
app.command(epilog="Examples: matryo site site;  matryo site site runs/translation_fast runs/hotpotqa")(site)
app.command(epilog="Example: matryo check sets/texts")(check)
data_app.command("people", epilog="Example: matryo data people people --n 6000 --level disjoint")(data_people)
models_app.command("measure", epilog="Example: matryo models measure minilm wordllama --out runs/models")(measure)
app.add_typer(translate_app, name="translate")
app.add_typer(models_app, name="models")
app.add_typer(index_app, name="index")
app.add_typer(store_app, name="store")
app.add_typer(data_app, name="data")
