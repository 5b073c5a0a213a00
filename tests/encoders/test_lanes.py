import threading

import pytest
import torch

from matryo.encoders.lanes import lanes

CPU = torch.device("cpu")


def test_calls_run_on_one_thread_of_torch_each_and_in_their_own_order() -> None:
    before = torch.get_num_threads()
    with lanes(CPU) as submit:
        started = [submit(lambda n: (n, torch.get_num_threads()), place) for place in range(20)]
        assert [done.result() for done in started] == [(place, 1) for place in range(20)]
    assert torch.get_num_threads() == before


def test_a_failure_comes_through_and_stops_what_has_not_begun() -> None:
    gate, ran = threading.Event(), []

    def wait(place: int) -> None:
        gate.wait(5)
        ran.append(place)

    with pytest.raises(ZeroDivisionError), lanes(CPU) as submit:
        first = submit(lambda: 1 / 0)
        for place in range(50):
            submit(wait, place)
        # opened only after the failure has ended the block
        threading.Timer(0.2, gate.set).start()
        first.result()
    assert len(ran) <= torch.get_num_threads()


def test_a_gpu_takes_one_call_after_the_other() -> None:
    with lanes(torch.device("cuda")) as submit:
        assert submit(threading.get_ident).result() == threading.get_ident()
