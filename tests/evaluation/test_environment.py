import getpass
import json
import platform
import re
import socket

import numpy as np

from matryo.evaluation.environment import machine, utc_now, versions


def test_versions_of_what_is_installed():
    found = versions(("numpy", "no-such-distribution-here"))
    assert found == {"python": platform.python_version(), "numpy": np.__version__}


def test_machine_names_no_host_and_no_user():
    found = machine()
    assert set(found) == {"cpu", "cores", "platform", "memory_bytes"}
    assert found["cores"] >= 1 and found["cpu"]
    words = re.findall(r"\w+", json.dumps(found).lower())
    assert socket.gethostname().lower() not in words
    assert getpass.getuser().lower() not in words


def test_utc_to_the_second():
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", utc_now())
