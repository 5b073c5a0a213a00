"""Where a run took place: versions of libraries and the machine, without the name of either host or user."""

import os
import platform
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

LIBRARIES = ("matryo", "numpy", "torch", "sentence-transformers", "transformers", "bm25s", "pyarrow", "safetensors")


def versions(names: tuple[str, ...] = LIBRARIES) -> dict[str, str]:
    """Versions of Python and of those of the named distributions that are installed; nothing is imported."""
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # an optional library that is not there took no part
    return found


def machine() -> dict[str, Any]:
    """What the machine is: cpu (its model), cores this process may use, platform, memory_bytes (None = unknown)."""
    return {
        "cpu": _cpu(),
        "cores": _cores(),
        "platform": f"{platform.system()} {platform.machine()}",
        "memory_bytes": _memory_bytes(),
    }


def utc_now() -> str:
    """The present moment in UTC to the second, e.g. "2025-01-31T12:00:00Z"."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _cpu() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine() or "unknown"


def _cores() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_bytes() -> int | None:
    if sys.platform == "linux":
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None
