import pytest
import torch

from matryo.encoders.precision import choose_device, choose_precision
from matryo.errors import MatryoError
from matryo.maps.precision import multiplies_bf16


def test_auto_takes_what_the_hardware_has() -> None:
    assert choose_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    assert choose_precision("auto", "cpu") == ("bf16" if multiplies_bf16(torch.device("cpu")) else "fp32")
    assert choose_precision("fp32", "cpu") == "fp32" and choose_precision("bf16", "cpu") == "bf16"


def test_bf16_that_a_card_only_emulates_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation)
    assert choose_precision("auto", "cuda:1") == "fp32" and choose_precision("bf16", "cuda") == "bf16"


def test_unknown_devices_and_precisions_are_refused() -> None:
    with pytest.raises(MatryoError, match="'tpu'"):
        choose_device("tpu")
    with pytest.raises(MatryoError, match="'int8'"):
        choose_precision("int8", "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_said() -> None:
    with pytest.raises(MatryoError, match="no GPU"):
        choose_device("cuda")
