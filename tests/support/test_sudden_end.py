import os
import signal
import subprocess
import sys

import pytest

from support import sudden_end
from tests.conftest import ROOT

if sys.platform == "win32":
    pytest.skip("needs a shell", allow_module_level=True)

SCRIPT = """
import os, signal, sys
from support.sudden_end import reported_sudden_end
from support.user_error import UserError, reported_user_errors
with reported_user_errors(), reported_sudden_end("it was ended; do this"):
    %s
print("after it")
"""


def run(inside):
    """The FinishedProcess of a script; it returns only when nobody holds its standard error any more."""
    command = [sys.executable, "-c", SCRIPT % inside]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.promise("A run that is killed or aborted, as where memory runs out, says so in one line")
@pytest.mark.parametrize("ending", ["os.abort()", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_sudden_end_is_a_line(ending):
    finished = run(ending)
    assert finished.returncode in (-signal.SIGABRT, -signal.SIGKILL)
    assert finished.stderr == "error: it was ended; do this\n"


@pytest.mark.parametrize("inside, status", [("pass", 0), ("sys.exit(3)", 3), ("raise UserError('no')", 2)])
def test_any_other_end_is_none(inside, status):
    finished = run(inside)
    assert (finished.returncode, "ended" in finished.stderr) == (status, False)


def test_signals_that_the_command_survives_are_no_end():
    inside = "[os.killpg(0, number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.signal("
    inside += "number, signal.SIG_IGN) is not None]"
    command = [sys.executable, "-c", SCRIPT % inside]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, start_new_session=True, timeout=60)
    assert (finished.returncode, finished.stderr, finished.stdout) == (0, "", "after it\n")


def test_without_a_shell_it_does_nothing(monkeypatch):
    monkeypatch.setattr(sudden_end, "SHELL", os.path.join("no", "shell"))
    with sudden_end.reported_sudden_end("no"):
        pass
