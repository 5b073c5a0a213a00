"""The adapter to onnxruntime: the only file that imports it, and only inside functions."""

import hashlib
import mmap
import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray

from matryo.errors import FormatError, MatryoError, MissingExtra
from matryo.files import digest_file
from matryo.prefix import Array

# What a tokenizer gives; a graph may ask for fewer.
FEATURES = ("input_ids", "attention_mask", "token_type_ids")
_DTYPES: dict[str, np.dtype[Any]] = {"tensor(int64)": np.dtype(np.int64), "tensor(int32)": np.dtype(np.int32)}
_CUDA = "CUDAExecutionProvider"
# onnxruntime's own errors share no base class but Exception
_ERRORS = ("EPFail", "Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoModel", "NoSuchFile",
           "NotImplemented", "RuntimeException")  # fmt: skip
# A file beside the graph that holds weights, as protobuf writes it: the key "location" and then the name, with its
# length of one or two bytes.
_LOCATION = re.compile(rb"\x0a\x08location\x12([\x80-\xff]?[\x00-\x7f])")
_QUIET = 3  # errors only


def onnxruntime_module() -> Any:
    """The library that runs ONNX files.

    Raises: MissingExtra if it is not installed.
    """
    try:
        return import_module("onnxruntime")
    except ImportError:
        raise MissingExtra("onnxruntime", "onnx", "a model of ONNX files") from None


def onnx_device(asked: str, chosen: str) -> str:
    """Where an ONNX file can run.

    Args:
        asked: as the user gave it, e.g. "auto".
        chosen: what that means for torch.

    Returns: `chosen`, or "cpu" if it was left open and the installed onnxruntime has no CUDA.
    Raises: MatryoError if a GPU was asked for and the installed onnxruntime has no CUDA.
    """
    if chosen == "cpu" or _CUDA in onnxruntime_module().get_available_providers():
        return chosen
    if asked == "auto":
        return "cpu"
    raise MatryoError(
        f"device {asked!r} was asked for and the model is an ONNX file, but the installed onnxruntime runs on the CPU "
        "only; install onnxruntime-gpu in its place, or pass auto or cpu"
    )


def graph_digest(file: Path) -> str:
    """SHA-256 of an ONNX file's bytes, and of the files that it keeps its weights in if there are any."""
    outside = [path for name in _locations(file) if (path := file.parent / name).is_file()]
    if not outside:
        return digest_file(file)
    together = "".join(digest_file(path) for path in [file, *outside])
    return hashlib.sha256(together.encode()).hexdigest()


@final
class OnnxGraph:
    """An ONNX file that reads tokens, opened on a device."""

    def __init__(self, file: Path) -> None:
        """Open a file on the CPU.

        Raises: FormatError if it is no ONNX file, or one that asks for something else than tokens.
        """
        self._file = file
        self._runtime = onnxruntime_module()
        state = import_module("onnxruntime.capi.onnxruntime_pybind11_state")
        self._errors = tuple(getattr(state, name) for name in _ERRORS)
        self._device = torch.device("cpu")
        self._session = self._open(self._device)
        self._dtypes = {given.name: self._dtype(given) for given in self._session.get_inputs()}
        if "input_ids" not in self._dtypes:
            raise FormatError(
                f"{file} does not read input_ids but {sorted(self._dtypes)}; give a model that reads text"
            )

    def run(
        self, features: Mapping[str, NDArray[Any]], device: torch.device, output: str | None = None
    ) -> dict[str, Array]:
        """Run the graph.

        Args:
            features: (b, n) whole numbers by name, those of `FEATURES`.
            device: where; another one than last time opens the file again there.
            output: the only one to compute; None = all.

        Returns: the outputs by name.
        Raises: MatryoError if the graph fails.
        """
        if device != self._device:
            self._session = self._open(device)
            self._device = device
        fed = {name: np.ascontiguousarray(features[name], dtype=kind) for name, kind in self._dtypes.items()}
        names = [given.name for given in self._session.get_outputs()] if output is None else [output]
        try:
            return dict(zip(names, self._session.run(names, fed), strict=True))
        except self._errors as error:
            shape = next(iter(fed.values())).shape
            raise MatryoError(f"{self._file} failed on tokens of shape {shape}: {_one_line(error)}") from error

    def _open(self, device: torch.device) -> Any:
        options = self._runtime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = _QUIET
        providers: list[Any] = ["CPUExecutionProvider"]
        if device.type == "cuda":
            providers.insert(0, (_CUDA, {"device_id": device.index or 0}))
        try:
            session = self._runtime.InferenceSession(str(self._file), options, providers=providers)
        except self._errors as error:
            raise FormatError(f"{self._file} cannot be opened by onnxruntime: {_one_line(error)}") from error
        if device.type == "cuda" and session.get_providers()[0] != _CUDA:
            raise MatryoError(f"onnxruntime could not use {device} for {self._file}; pass cpu, or repair its CUDA")
        return session

    def _dtype(self, given: Any) -> np.dtype[Any]:
        if given.name not in FEATURES:
            raise FormatError(
                f"{self._file} asks for {given.name}; ONNX models of {', '.join(FEATURES)} can be run, export it so"
            )
        if fixed := [n for n in given.shape if isinstance(n, int)]:
            raise FormatError(
                f"{self._file} reads {given.name} of a fixed shape, {given.shape}, which has {fixed}; export it with "
                "dynamic axes"
            )
        if given.type not in _DTYPES:
            raise FormatError(f"{self._file} reads {given.name} as {given.type}, expected {' or '.join(_DTYPES)}")
        return _DTYPES[given.type]


def _locations(file: Path) -> list[str]:
    """Names of the files beside an ONNX file that its weights may lie in, sorted."""
    names = set()
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for found in _LOCATION.finditer(content):
            length = found[1][0] if len(found[1]) == 1 else (found[1][0] & 0x7F) | found[1][1] << 7
            names.add(content[found.end() : found.end() + length])
    return sorted(name.decode(errors="replace").replace("\0", "") for name in names)


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else f"{text[:297]}..."
