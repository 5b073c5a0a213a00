"""What a measurement ran on: every bench prints this above its table."""

import importlib.metadata
import os
import platform
from pathlib import Path

PACKAGES = ("matryo", "numpy", "torch", "transformers", "sentence-transformers", "faiss-cpu")


def cpu_model() -> str:
    """Name of the processor as the operating system states it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """Processor cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def installed(package: str) -> str:
    """Version of an installed distribution, or "not installed"."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def describe(*, precision: str = "float32") -> dict[str, str]:
    """Versions, processor, threads and precision.

    Args:
        precision: number format the bench computes in.

    Returns: label -> value, in the order to print them. Threads are torch's at the time of the call: set them first.
    """
    import torch

    facts = {"python": platform.python_version()}
    facts |= {package: installed(package) for package in PACKAGES}
    facts |= {
        "processor": cpu_model(),
        "cores": str(usable_cores()),
        "load before": f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown",
        "threads": str(torch.get_num_threads()),
        "vector instructions": torch.backends.cpu.get_cpu_capability(),
        "precision": precision,
        "float32 matmul precision": torch.get_float32_matmul_precision(),
    }
    return facts


def print_header(*, precision: str = "float32") -> None:
    """Print `describe()` in one wrapped paragraph."""
    print(" · ".join(f"{label} {value}" for label, value in describe(precision=precision).items()))
