"""The command that writes a static site about translation studies: site."""

from pathlib import Path
from typing import Annotated

import typer

from matryo.cli.options import Verbose

RUNS = Path("runs")


def site(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the site: new, empty, or a site to replace.")],
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RUN", help="Folders of translation studies; default: all of them in runs/."),
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Write a static site about translation studies, which opens from the file system: start with OUT/index.html."""
    from matryo.errors import MatryoError
    from matryo.reports.site import find_studies, write_site

    chosen = runs or find_studies(RUNS)
    if not chosen:
        raise MatryoError(
            f"{RUNS} holds no finished translation study; name the folder of one, or make one: "
            "matryo run configs/translation/fast.yaml"
        )
    written = write_site(out, chosen)
    pages = [path for path in written if path.suffix == ".html"]
    studies = "1 study" if len(chosen) == 1 else f"{len(chosen)} studies"
    typer.echo(f"{len(pages)} pages about {studies}: {', '.join(map(str, chosen))}")
    typer.echo(f"open {written[0]}")
