import pytest

from tests import run_on_machines
from tests.run_on_machines import Machine, pretended_processors, run


def test_instructions_that_the_processor_has_not_are_said_to_be_missing(monkeypatch):
    monkeypatch.setattr(run_on_machines, "processor_flags", lambda: ["sse4_1", "avx2"])
    machines = {machine.name: machine for machine in pretended_processors()}
    assert machines["ONEDNN_MAX_CPU_ISA=AVX2"].missing is None
    assert machines["ONEDNN_MAX_CPU_ISA=AVX2"].environment == {"ONEDNN_MAX_CPU_ISA": "AVX2"}
    assert "avx512bw" in machines["ONEDNN_MAX_CPU_ISA=AVX512_CORE"].missing


@pytest.mark.parametrize(
    "statement, passes, row",
    [("assert True", True, "1       0        0"), ("assert False", False, "0       1        0")],
)
def test_a_row_says_what_passed_and_what_failed(statement, passes, row, capfd, tmp_path):
    test = tmp_path / "test_one.py"
    test.write_text(f"import os\n\ndef test_one():\n    assert os.environ['MACHINE'] == 'old'\n    {statement}\n")
    machine = Machine("an old one", {"MACHINE": "old"}, pretended_processors()[0].command)
    assert run(machine, [str(test)]) is passes
    printed = capfd.readouterr().out
    assert printed.startswith("an old one") and row in printed
    assert ("FAILED" in printed) is not passes


def test_a_machine_that_cannot_be_had_is_said_and_fails_nothing(capfd):
    assert run(Machine("another", {}, ["no such command"], "not installed"), ["tests"])
    assert capfd.readouterr().out.rstrip().endswith("not here: not installed")
