"""What a few bits of a rotated prefix keep of the full vectors' quality, on judged sets, with and without rescoring.

    python bench/few_bits.py --data ../shared/data

Vectors are MiniLM's, of cranfield, vaswani and the running Python's own library; the rotation knows the documents only.
Each cell is the share of the exact full-width search's nDCG@10, with the paired bootstrap's 95 % interval over queries
(packages for the library). Bytes per vector are those that every search reads and memory holds: codes and lengths;
the vectors to rescore with stay on disk. Signs are taken after the mean row was subtracted.
"""

import argparse
from pathlib import Path

import torch

from machine import print_header
from matryo.data import open_retrieval, stdlib_pairs
from matryo.data.retrieval import Retrieval
from matryo.embeddings import EmbeddingSet
from matryo.encoders import encode_to_set, load_encoder
from matryo.maps import fit_rotation
from matryo.measures import Measure, bootstrap_ratio, evaluate, judge
from matryo.search import QuantizedIndex, search_dim

MEASURE = Measure.parse("nDCG@10")
NEEDED = 0.995


def task_of(name: str, data: Path) -> Retrieval:
    """One judged set."""
    return stdlib_pairs().to_retrieval() if name == "stdlib" else open_retrieval(data / name)


def encoded(task: Retrieval, work: Path, max_tokens: int) -> tuple[EmbeddingSet, EmbeddingSet]:
    """Documents and queries of a task; what is encoded already is read."""
    encoder = load_encoder("minilm", max_tokens=max_tokens)
    place = work / f"{task.name}-{max_tokens}"
    documents = encode_to_set(encoder, task.documents, place / "documents", progress=True)
    return documents, encode_to_set(encoder, task.queries, place / "queries", role="query", progress=True)


def main() -> None:
    """Encode, search with all settings, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds cranfield and vaswani")
    parser.add_argument("--work", type=Path, default=Path("runs/few-bits"), help="where vectors are kept")
    parser.add_argument("--tasks", default="cranfield,vaswani,stdlib")
    parser.add_argument("--max-tokens", type=int, default=256)
    parser.add_argument("--dims", default="64,96,192")
    parser.add_argument("--shortlist", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print_header(precision="bf16 where the processor has it, searched in float32")
    dims = [int(dim) for dim in arguments.dims.split(",")]
    for name in arguments.tasks.split(","):
        task = task_of(name, arguments.data)
        documents, asked = encoded(task, arguments.work, arguments.max_tokens)
        queries = asked.to_numpy()
        judged = judge(task.judgements, asked.ids(), documents.ids())
        groups = [task.groups.get(name, name) for name in asked.ids()]
        rotation = fit_rotation(documents, documents.space)
        exact = evaluate(search_dim(queries, documents, documents.width, 10), judged, [MEASURE])[MEASURE]
        print(
            f"\n{task.name}: {documents.n_rows:,} documents, {len(queries):,} queries, {arguments.max_tokens} tokens, "
            f"exact {MEASURE} at {documents.width} float32 numbers ({4 * documents.width} bytes) {exact.mean():.4f}"
        )
        rescored = f"best {arguments.shortlist} rescored"
        print(f"{'rotated dim':>11}{'bits':>6}{'bytes':>8}   {'share of it, ' + rescored:<42}share of it, codes alone")
        for dim in dims:
            for bits in (16, 8, 1):
                cells, n_bytes = [], 0.0
                for rescore in (True, False):
                    index = QuantizedIndex.build(
                        documents,
                        bits=bits,
                        dim=dim,
                        rescore=rescore,
                        shortlist=arguments.shortlist if rescore else None,
                        centred=bits == 1,
                        rotation=rotation,
                    )
                    n_bytes = index.resident_bytes / index.n_rows
                    found = evaluate(index.search(queries, 10), judged, [MEASURE])[MEASURE]
                    share = bootstrap_ratio(found, exact, groups, seed=0)
                    reached = "yes" if share.value >= NEEDED else "no"
                    cells.append(f"{share.value:7.2%} [{share.low:.2%}, {share.high:.2%}] {reached}")
                print(f"{dim:>11}{bits:>6}{n_bytes:>8.1f}   {cells[0]:<42}{cells[1]}", flush=True)


if __name__ == "__main__":
    main()
