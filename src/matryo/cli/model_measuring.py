"""The command `matryo models measure`: what a cut saves and what it costs, for the models at hand."""

from pathlib import Path
from typing import Annotated

import typer

from matryo.cli.notices import say
from matryo.cli.options import (
    AllowPickle,
    Device,
    DeviceOption,
    Dims,
    Precision,
    PrecisionOption,
    RemoteCode,
    Seed,
    Verbose,
    read_dims,
)


def measure(
    models: Annotated[
        list[str] | None,
        typer.Argument(help="minilm, wordllama, model folders or hub ids; default: minilm wordllama."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the run; the same command goes on where it was.")] = Path(
        "runs/models"
    ),
    data: Annotated[
        list[str] | None,
        typer.Option(help="stdlib, a retrieval folder or a file of pairs; may be repeated; default: stdlib."),
    ] = None,
    dims: Dims = None,
    measured_by: Annotated[str, typer.Option("--measure", help="Of the quality.")] = "nDCG@10",
    share: Annotated[
        float, typer.Option(min=0.01, max=1.0, help="Of the full width's quality that a dim must keep.")
    ] = 0.95,
    rows: Annotated[
        int, typer.Option(min=1, help="Vectors searched for the times; documents are repeated with noise.")
    ] = 100_000,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of searching; the median counts.")] = 5,
    seed: Seed = 0,
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    trust_remote_code: RemoteCode = False,
    allow_pickle: AllowPickle = False,
    fresh: Annotated[bool, typer.Option(help="Measure again what was measured with other settings.")] = False,
    verbose: Verbose = False,
) -> None:
    """Measure storage, encoding, search and quality of models at every dim; writes a page, Markdown and JSON."""
    from matryo.experiments.model_table import SpeedSettings, measure_models
    from matryo.experiments.settings import ModelSettings
    from matryo.measures.measure import Measure
    from matryo.reports.model_table import HTML_FILE, MARKDOWN_FILE, model_console
    from matryo.reports.model_table_values import MODELS_FILE

    found = measure_models(
        [
            ModelSettings(
                name,
                device.value,
                precision.value,
                trust_remote_code=trust_remote_code,
                allow_pickle=allow_pickle,
            )
            for name in models or ("minilm", "wordllama")
        ],
        out,
        data=data or ("stdlib",),
        dims=read_dims(dims),
        measure=Measure.parse(measured_by),
        share=share,
        speed=SpeedSettings(n_rows=rows, n_rounds=rounds),
        seed=seed,
        fresh=fresh,
        progress=True,
        say=say,
    )
    typer.echo(model_console(found))
    say(f"written: {', '.join(str(out / name) for name in (HTML_FILE, MARKDOWN_FILE, MODELS_FILE))}")
