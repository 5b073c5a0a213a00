"""Numbers that a translator's matrix products are trained in; weights, losses and Adam are float32 in any case.

What the hardware multiplies is asked here for encoders, too.
"""

from pathlib import Path
from typing import Literal, get_args

import torch

from matryo.errors import MatryoError

PrecisionName = Literal["auto", "fp32", "bf16"]
Precision = Literal["fp32", "bf16"]
# Below it a step is short already, and most of it is no product: nothing to win for the rounding.
_NARROWEST = 1_024
# x86 units that multiply bfloat16 pairs
_BF16_UNITS = ("avx512_bf16", "amx_bf16")


def training_precision(name: str, hidden: tuple[int, ...], device: torch.device) -> Precision:
    """What to multiply in.

    Args:
        name: "fp32", "bf16", or "auto": bf16 where the hardware multiplies it and a hidden layer has 1,024 numbers or
            more.
        hidden: widths of the hidden layers.
        device: where the training runs.

    Raises: MatryoError for another name.

    >>> training_precision("auto", (384, 384), torch.device("cpu"))
    'fp32'
    """
    if name == "fp32" or name == "bf16":
        return "bf16" if name == "bf16" else "fp32"
    if name != "auto":
        raise MatryoError(f"precision must be one of {', '.join(get_args(PrecisionName))}, got {name!r}; choose one")
    return "bf16" if max(hidden, default=0) >= _NARROWEST and multiplies_bf16(device) else "fp32"


def multiplies_bf16(device: torch.device) -> bool:
    """Whether the hardware has units for bfloat16; emulated it would be slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    ask = getattr(torch.cpu, "get_capabilities", None)
    if ask is not None:
        found = ask()
        return any(bool(found.get(unit)) for unit in _BF16_UNITS)
    # releases of torch that cannot tell: Linux can
    flags = Path("/proc/cpuinfo")
    return flags.exists() and any(f" {unit} " in flags.read_text(encoding="utf-8") for unit in _BF16_UNITS)
