"""Seconds to train a head on the standard library's pairs, after encoding, and what it gains over the rotation.

Measures each training seed on its own: `fit_nested_head` and `fit_full_head` with their default settings.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch

from machine import print_header
from matryo.data.stdlib import stdlib_pairs
from matryo.encoders import load_encoder
from matryo.experiments.demo import MAX_TOKENS
from matryo.experiments.paired import encode_pairs
from matryo.experiments.settings import default_dims
from matryo.maps import fit_full_head, fit_nested_head


def main() -> None:
    """Encode once, then time every seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sets", type=Path, help="folder with encoded sets of an earlier demo, e.g. runs/demo/sets/stdlib"
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print_header()
    encoder = load_encoder("minilm", max_tokens=MAX_TOKENS)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.sets or Path(temporary)
        data, _ = encode_pairs(stdlib_pairs(), encoder, folder, seed=0, progress=True)
    dims = default_dims(data.space.width)
    train, validation = data.vectors("train"), data.vectors("validation")
    print(f"{len(train.queries):,} training pairs, {data.space.width} wide, dims {dims}")
    print(f"{'head':<18}{'median s':>10}{'min s':>8}{'max s':>8}   epochs kept")
    for name in ("nested head", "head + rotation"):
        seconds, epochs = [], []
        for seed in range(arguments.seeds):
            started = time.perf_counter()
            if name == "nested head":
                settings = fit_nested_head(train, validation, data.space, dims, seed=seed).settings
            else:
                settings = fit_full_head(train, validation, data.space, seed=seed).settings["first"]
            seconds.append(time.perf_counter() - started)
            epochs.append(settings["kept_epoch"])
        print(f"{name:<18}{statistics.median(seconds):>10.2f}{min(seconds):>8.2f}{max(seconds):>8.2f}   {epochs}")


if __name__ == "__main__":
    main()
