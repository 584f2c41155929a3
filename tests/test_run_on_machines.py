import os

import pytest

from tests import run_on_machines
from tests.run_on_machines import Machine, emulated_processors, run


def test_missing_instruction_sets_are_reported(monkeypatch):
    monkeypatch.setattr(run_on_machines, "processor_flags", lambda: ["sse4_1", "avx2"])
    machines = {machine.name: machine for machine in emulated_processors()}
    assert machines["ONEDNN_MAX_CPU_ISA=AVX2"].missing is None
    assert machines["ONEDNN_MAX_CPU_ISA=AVX2"].environment == {"ONEDNN_MAX_CPU_ISA": "AVX2"}
    assert "avx512bw" in machines["ONEDNN_MAX_CPU_ISA=AVX512_CORE"].missing


@pytest.mark.parametrize(
    "statement, passes, row",
    [("assert True", True, "1       0        0"), ("assert False", False, "0       1        0")],
)
def test_a_row_counts_passed_and_failed_tests(statement, passes, row, capfd, tmp_path):
    test = tmp_path / "test_one.py"
    test.write_text(f"import os\n\ndef test_one():\n    assert os.environ['MACHINE'] == 'old'\n    {statement}\n")
    machine = Machine("an old one", {"MACHINE": "old"}, emulated_processors()[0].command)
    assert run(machine, [str(test)]) is passes
    printed = capfd.readouterr().out
    assert printed.startswith("an old one") and row in printed
    assert ("FAILED" in printed) is not passes


def test_an_unavailable_machine_is_reported_and_is_not_a_failure(capfd):
    assert run(Machine("another", {}, ["no such command"], "not installed"), ["tests"])
    assert capfd.readouterr().out.rstrip().endswith("not available: not installed")


def test_an_environment_is_remade_when_the_dependencies_change(monkeypatch, tmp_path):
    commands, dependencies = [], tmp_path / "pyproject.toml"
    dependencies.touch()
    monkeypatch.setattr(run_on_machines, "VENVS", tmp_path)
    monkeypatch.setattr(run_on_machines, "DEPENDENCIES", dependencies)
    monkeypatch.setattr(run_on_machines.subprocess, "run", lambda command, check: commands.append(command))
    (tmp_path / "lowest").mkdir()
    for _ in range(2):
        run_on_machines.venv("lowest", "python3.10", "lowest-direct")
    assert [command[4:6] for command in commands] == [["venv", "--clear"], ["pip", "install"]]
    assert commands[1][-8:] == [
        *("--resolution", "lowest-direct", "--requirement", dependencies, "--extra", "video", "--extra", "dev")
    ]
    later = dependencies.stat().st_mtime + 60
    os.utime(dependencies, (later, later))
    run_on_machines.venv("lowest", "python3.10", "lowest-direct")
    assert len(commands) == 4
