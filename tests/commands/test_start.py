"""How the commands start: what they import, and Python's own options."""

import os
import subprocess
import sys

import pytest

from support.version import VERSION
from tests.conftest import ROOT

COMMANDS = sorted(path.name for path in ROOT.glob("*.py"))
# Without docstrings and asserts; isolated from the environment; without the script's folder on the import path.
PYTHONS = [(["-OO", "-I"], {}), ([], {"PYTHONSAFEPATH": "1"})]
PYTHON_NAMES = ["-OO -I", "PYTHONSAFEPATH"]


def run_elsewhere(folder, command, *arguments, options=(), **environment):
    """Runs a command in another working directory; returns its standard output."""
    done = subprocess.run(
        [sys.executable, "-B", *options, ROOT / command, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_imports_tensorflow_before_it_needs_it(command):
    code = f"import sys, {command.removesuffix('.py')}; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_version(command, tmp_path):
    assert run_elsewhere(tmp_path, command, "--version", options=["-OO", "-I"]) == f"{command} {VERSION}\n"


@pytest.mark.slow
@pytest.mark.parametrize("options, environment", PYTHONS, ids=PYTHON_NAMES)
def test_commands_and_their_processes_work_under_any_python_option(options, environment, people, trained_run, tmp_path):
    pickle_path = people.path.with_suffix(".pkl")
    printed = run_elsewhere(tmp_path, "convert_pkl_to_h5.py", pickle_path, "a.h5", options=options, **environment)
    assert printed.endswith("wrote a.h5\n")
    model = trained_run.folder / "model"
    assert "requirements" in run_elsewhere(tmp_path, "evaluate.py", model, options=options, **environment)
