import os
import platform

from pipeline.tensorflow_v1 import tf
from support.machine_description import describe_machine


def test_what_it_is_and_the_versions():
    machine = describe_machine()
    assert machine["Python"] == platform.python_version()
    assert machine["tensorflow"] == tf.__version__
    assert 1 <= int(machine["cores"]) <= os.cpu_count()
    assert machine["processor"] and machine["operating system"].endswith(platform.machine())
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    assert abs(float(machine["memory"].removesuffix(" GiB")) - memory) < 0.1


def test_no_name_of_a_host_or_a_user(monkeypatch):
    monkeypatch.setattr("platform.node", lambda: "host-of-somebody")
    monkeypatch.setenv("USER", "somebody")
    assert "somebody" not in " ".join(describe_machine().values())
