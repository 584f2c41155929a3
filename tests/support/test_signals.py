import os
import signal
import subprocess
import sys

import pytest

from support.signals import ended_by_signals
from support.user_error import reported_user_errors
from tests.conftest import ROOT

NUMBERS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
PATIENCE = 120  # seconds


@pytest.fixture
def default_signals():
    """Resets the signals, which nohup changes, and undoes what a test sets."""
    earlier = {number: signal.signal(number, signal.SIG_DFL) for number in NUMBERS}
    yield
    for number, handler in earlier.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_command_cleans_up_and_ends_with_the_signals_status(number, default_signals, capsys):
    done = []
    with pytest.raises(SystemExit) as ended, reported_user_errors(), ended_by_signals():
        try:
            signal.raise_signal(number)
            done.append("continued")
        finally:
            signal.raise_signal(signal.SIGTERM)
            done.append("cleaned up")
    assert ended.value.code == 128 + number and done == ["cleaned up"]
    assert capsys.readouterr() == ("", "stopped\n")
    assert all(signal.getsignal(number) == signal.SIG_DFL for number in NUMBERS)


def test_nothing_is_printed_without_a_signal(default_signals, capsys):
    with ended_by_signals():
        print("fine")
    assert capsys.readouterr() == ("fine\n", "")
    assert all(signal.getsignal(number) == signal.SIG_DFL for number in NUMBERS)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no SIGHUP")
def test_under_nohup_a_closed_terminal_ends_nothing(default_signals):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with ended_by_signals():
        signal.raise_signal(signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


AT_A_TERMINAL = """
import os, signal, sys, time
from support.signals import ended_by_signals
from support.user_error import reported_user_errors

signal.signal(signal.SIGHUP, signal.SIG_DFL)
terminal = os.open(sys.argv[1], os.O_RDWR)  # which makes it the terminal of this session
os.dup2(terminal, 1)
os.dup2(terminal, 2)
with reported_user_errors(), ended_by_signals():
    try:
        print("ready", flush=True)
        time.sleep(600)
    finally:
        print("dropped", flush=True)
        print("dropped", file=sys.stderr, flush=True)
        open(sys.argv[2], "w").close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no terminals to close")
def test_output_to_a_closed_terminal_is_dropped(tmp_path):
    ours, theirs = os.openpty()
    command = [sys.executable, "-c", AT_A_TERMINAL, os.ttyname(theirs), tmp_path / "cleaned up"]
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    try:
        assert os.read(ours, 100).startswith(b"ready")
        os.close(theirs)
        os.close(ours)
        assert process.wait(PATIENCE) == 128 + signal.SIGHUP
    finally:
        process.kill()
        process.wait()
    assert (tmp_path / "cleaned up").exists()


needs_a_shell = pytest.mark.skipif(sys.platform == "win32", reason="no shell")
WATCHED = """
import os, signal, sys
from support.signals import reported_sudden_end
from support.user_error import UserError, reported_user_errors
with reported_user_errors(), reported_sudden_end("it was ended; do this"):
    %s
print("after it")
"""


def run_watched(inside):
    """Runs a script; returns once no process holds its standard error any more."""
    command = [sys.executable, "-c", WATCHED % inside]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, start_new_session=True, timeout=PATIENCE)


@needs_a_shell
@pytest.mark.promise(
    "A run that is killed or aborted, for example because memory ran out, is reported in one error line"
)
@pytest.mark.parametrize("ending", ["os.abort()", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_sudden_end_is_reported_in_one_line(ending):
    done = run_watched(ending)
    assert done.returncode in (-signal.SIGABRT, -signal.SIGKILL)
    assert done.stderr == "error: it was ended; do this\n"


@needs_a_shell
@pytest.mark.parametrize("inside, status", [("pass", 0), ("sys.exit(3)", 3), ("raise UserError('no')", 2)])
def test_other_ends_are_not_reported_as_sudden(inside, status):
    done = run_watched(inside)
    assert (done.returncode, "ended" in done.stderr) == (status, False)


@needs_a_shell
def test_signals_that_the_command_survives_are_not_reported():
    inside = "[os.killpg(0, number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.signal("
    inside += "number, signal.SIG_IGN) is not None]"
    done = run_watched(inside)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "after it\n")
