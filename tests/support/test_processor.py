import pytest

from support import processor
from support.processor import processor_flags, processor_name

TWO_PROCESSORS = (
    "processor\t: 0\nmodel name\t: Some  CPU @ 2.00GHz\nflags\t\t: fpu vme avx2\nvmx flags\t: vnmi\n\n"
    "processor\t: 1\nmodel name\t: Another\nflags\t\t: fpu\n"
)


@pytest.fixture
def cpuinfo(tmp_path, monkeypatch):
    """The path that is read in place of /proc/cpuinfo; the file does not exist yet."""
    monkeypatch.setattr(processor, "CPUINFO", tmp_path / "cpuinfo")
    processor._cpuinfo.cache_clear()
    yield tmp_path / "cpuinfo"
    processor._cpuinfo.cache_clear()


def test_name_and_flags_are_those_of_the_first_processor(cpuinfo):
    cpuinfo.write_text(TWO_PROCESSORS)
    assert processor_name() == "Some CPU @ 2.00GHz"
    assert processor_flags() == ["fpu", "vme", "avx2"]


@pytest.mark.parametrize("text", ["", "Processor: another\n", "model name\t:\nflags\t\t:\n"])
def test_what_linux_does_not_say_is_unknown(text, cpuinfo):
    cpuinfo.write_text(text)
    assert processor_name() is None and processor_flags() == []


def test_another_system_has_no_such_file(cpuinfo):
    assert processor_name() is None and processor_flags() == []


def test_the_file_is_read_once(cpuinfo):
    cpuinfo.write_text(TWO_PROCESSORS)
    processor_name()
    cpuinfo.unlink()
    assert processor_flags() == ["fpu", "vme", "avx2"] and processor_name() == "Some CPU @ 2.00GHz"
