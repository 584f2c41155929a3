import os
import platform

import pytest

from pipeline.tensorflow_v1 import tf
from support.machine import describe_machine, processor_flags, processor_name

TWO_PROCESSORS = (
    "processor\t: 0\nmodel name\t: Some  CPU @ 2.00GHz\nflags\t\t: fpu vme avx2\nvmx flags\t: vnmi\n\n"
    "processor\t: 1\nmodel name\t: Another\nflags\t\t: fpu\n"
)


def test_the_description_names_hardware_and_versions():
    machine = describe_machine()
    assert machine["Python"] == platform.python_version()
    assert machine["tensorflow"] == tf.__version__
    assert 1 <= int(machine["cores"]) <= os.cpu_count()
    assert machine["processor"] and machine["operating system"].endswith(platform.machine())
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    assert 0 < float(machine["memory"].removesuffix(" GiB")) < memory + 0.1


def test_the_description_names_neither_host_nor_user(monkeypatch):
    monkeypatch.setattr("platform.node", lambda: "host-of-somebody")
    monkeypatch.setenv("USER", "somebody")
    assert "somebody" not in " ".join(describe_machine().values())


def test_name_and_flags_are_those_of_the_first_processor(tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text(TWO_PROCESSORS)
    assert processor_name(str(path)) == "Some CPU @ 2.00GHz"
    assert processor_flags(str(path)) == ["fpu", "vme", "avx2"]


@pytest.mark.parametrize("text", ["", "Processor: another\n", "model name\t:\nflags\t\t:\n", None])
def test_missing_fields_and_a_missing_file_are_unknown(text, tmp_path):
    path = tmp_path / "cpuinfo"
    if text is not None:
        path.write_text(text)
    assert processor_name(str(path)) is None and processor_flags(str(path)) == []
