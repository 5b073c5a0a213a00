"""The official MS MARCO passage ranking files: where they are, how large they are, and how to fetch them."""

from collections.abc import Sequence
from pathlib import Path

from matryo.data.msmarco_transfer import RemoteFile, fetch
from matryo.errors import MatryoError
from matryo.files import only_writer

_HOST = "https://msmarco.z22.web.core.windows.net/msmarcoranking"

OFFICIAL = (
    RemoteFile(
        "collectionandqueries.tar.gz",
        f"{_HOST}/collectionandqueries.tar.gz",
        1_057_717_952,
        "31644046b18952c1386cd4564ba2ae69",
    ),
    RemoteFile("qrels.train.tsv", f"{_HOST}/qrels.train.tsv", 10_589_532, "733fb9fe12d93e497f7289409316eccf"),
    RemoteFile("qrels.dev.tsv", f"{_HOST}/qrels.dev.tsv", 1_201_626, "9157ccaeaa8227f91722ba5770787b16"),
    RemoteFile("top1000.dev.tar.gz", f"{_HOST}/top1000.dev.tar.gz", 687_414_398, "8c140662bdf123a98fbfe3bb174c5831"),
)
"""What `download_msmarco` fetches.

Source: addresses, sizes and MD5 sums of `msmarco-passage` in allenai/ir_datasets, `ir_datasets/etc/downloads.json`;
the sums are also those of the table "Passage ranking" in the README of Microsoft's MS MARCO repository.
"""

TERMS = "https://microsoft.github.io/msmarco/"


def download_msmarco(
    folder: str | Path, *, accept_terms: bool, progress: bool = False, files: Sequence[RemoteFile] = OFFICIAL
) -> tuple[str, ...]:
    """Download the official files; what is there and whole is not fetched again, what is there in part goes on.

    Args:
        folder: is made if missing. A file that is not whole yet ends in `.part`.
        accept_terms: whether the user accepts Microsoft's terms.
        progress: show it on stderr.
        files: what to fetch.

    Returns: one sentence per file.
    Raises: MatryoError without acceptance; if the server cannot be reached, does not have a file or breaks off again
        and again; if a file has not the size or the MD5 sum it should have (what was received then ends in `.bad`).
    """
    if not accept_terms:
        raise MatryoError(
            "MS MARCO is for non-commercial research only, as is and without a licence, under Microsoft's terms "
            f"({TERMS}); read them, then accept with --accept-terms (accept_terms=True)"
        )
    folder = Path(folder)
    with only_writer(folder):
        return tuple(fetch(file, folder, progress=progress) for file in files)
