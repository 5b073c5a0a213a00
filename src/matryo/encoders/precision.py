"""Which device and which precision the hardware offers; what "auto" chose is reported, never hidden."""

from typing import Literal

import torch

from matryo.errors import MatryoError
from matryo.maps.precision import multiplies_bf16

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "fp32", "bf16"]


def choose_device(device: str) -> str:
    """The torch device to use.

    Args:
        device: "auto", "cpu", "cuda" or one card such as "cuda:1"; "auto" takes the first card if there is one.

    Raises: MatryoError if the device is unknown or not there.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind = device.partition(":")[0]
    if kind not in ("cpu", "cuda"):
        raise MatryoError(f"device must be auto, cpu or cuda, got {device!r}; pass one of these")
    if kind == "cuda" and not torch.cuda.is_available():
        raise MatryoError(f"device {device!r} was asked for but torch sees no GPU; pass auto or cpu")
    return device


def choose_precision(precision: str, device: str) -> Literal["fp32", "bf16"]:
    """The precision of the transformer part: bf16 where the hardware has units for it, if "auto".

    Raises: MatryoError if the precision is unknown.
    """
    if precision == "auto":
        return "bf16" if multiplies_bf16(torch.device(device)) else "fp32"
    if precision in ("fp32", "bf16"):
        return "bf16" if precision == "bf16" else "fp32"
    raise MatryoError(f"precision must be auto, fp32 or bf16, got {precision!r}; pass one of these")
