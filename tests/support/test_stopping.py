import os
import signal
import subprocess
import sys

import pytest

from support.stopping import ended_by_signals
from support.user_error import reported_user_errors
from tests.conftest import ROOT

NUMBERS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
PATIENCE = 120  # seconds


@pytest.fixture(autouse=True)
def plain_signals():
    """The tests themselves may run under nohup. What a test sets is undone."""
    earlier = {number: signal.signal(number, signal.SIG_DFL) for number in NUMBERS}
    yield
    for number, handler in earlier.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_command_cleans_up_and_ends_with_the_signals_status(number, capsys):
    done = []
    with pytest.raises(SystemExit) as ended, reported_user_errors(), ended_by_signals():
        try:
            signal.raise_signal(number)
            done.append("went on")
        finally:
            signal.raise_signal(signal.SIGTERM)
            done.append("cleaned up")
    assert ended.value.code == 128 + number and done == ["cleaned up"]
    assert capsys.readouterr() == ("", "stopped\n")
    assert all(signal.getsignal(number) == signal.SIG_DFL for number in NUMBERS)


def test_says_nothing_where_none_comes(capsys):
    with ended_by_signals():
        print("fine")
    assert capsys.readouterr() == ("fine\n", "")
    assert all(signal.getsignal(number) == signal.SIG_DFL for number in NUMBERS)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no SIGHUP")
def test_under_nohup_a_closed_terminal_ends_nothing():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with ended_by_signals():
        signal.raise_signal(signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


AT_A_TERMINAL = """
import os, signal, sys, time
from support.stopping import ended_by_signals

signal.signal(signal.SIGHUP, signal.SIG_DFL)
terminal = os.open(sys.argv[1], os.O_RDWR)  # which makes it the terminal of this session
os.dup2(terminal, 1)
os.dup2(terminal, 2)
with ended_by_signals():
    try:
        print("ready", flush=True)
        time.sleep(600)
    finally:
        print("to nobody", flush=True)
        print("to nobody", file=sys.stderr, flush=True)
        open(sys.argv[2], "w").close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no terminals to close")
def test_a_closed_terminal_is_not_written_to(tmp_path):
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
