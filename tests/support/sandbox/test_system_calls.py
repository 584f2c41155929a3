import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.uname().machine not in ("x86_64", "aarch64"), reason="no filter for this system"
)

# Prints the outcome of each attempt: "done", or the name of its error.
SCRIPT = """
import errno, json, os, signal, socket, sys, threading, zlib
from support.sandbox.limits import open_no_more
from support.sandbox.system_calls import allow_only_computing

path = sys.argv[1]
# When run as root, only the filter rejects some of these.
attempts = {
    "open a file": lambda: os.open(path, os.O_RDONLY),
    "create a file": lambda: os.open(path + ".new", os.O_CREAT | os.O_WRONLY),
    "delete a file": lambda: os.unlink(path),
    "rename a file": lambda: os.rename(path, path + ".old"),
    "make a folder": lambda: os.mkdir(path + ".folder"),
    "list a folder": lambda: os.listdir("/"),
    "open a socket": lambda: socket.socket(),
    "start a process": lambda: os.fork() or os._exit(0),
    "start a program": lambda: os.execv(sys.executable, [sys.executable, "-c", "pass"]),
    "signal a process": lambda: os.kill(os.getppid(), signal.SIGCONT),
}
allowed = {
    "read what is open": lambda: os.read(0, 1),
    "compute": lambda: zlib.compress(bytes(10_000_000)),
    "start threads": lambda: [thread.start() or thread.join() for thread in [threading.Thread(target=len, args=("",))]],
}

def outcome(attempt):
    try:
        attempt()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"

{setup}
outcomes = {name: outcome(attempt) for name, attempt in {**attempts, **allowed}.items()}
os.write(1, json.dumps(outcomes).encode())
"""


def outcomes_after(setup, path):
    command = [sys.executable, "-c", SCRIPT.replace("{setup}", setup), str(path)]
    done = subprocess.run(command, cwd=ROOT, input=b"1", capture_output=True, check=True)
    return json.loads(done.stdout)


def test_only_open_files_and_computing_are_allowed(tmp_path):
    path = tmp_path / "file"
    path.touch()
    outcomes = outcomes_after("assert allow_only_computing()", path)
    for name in ("read what is open", "compute", "start threads"):
        assert outcomes.pop(name) == "done"
    assert len(outcomes) == 10 and set(outcomes.values()) == {"ENOSYS"}, outcomes
    assert os.listdir(tmp_path) == ["file"]


def test_the_filter_applies_to_new_threads(tmp_path):
    script = (
        "import os, sys, threading\n"
        "from support.sandbox.system_calls import allow_only_computing\n"
        "allow_only_computing()\n"
        "def write():\n"
        "    try:\n"
        "        os.mkdir(sys.argv[1])\n"
        "    except OSError as error:\n"
        "        os.write(1, error.strerror.encode())\n"
        "thread = threading.Thread(target=write)\n"
        "thread.start()\n"
        "thread.join()\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "folder")]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout == b"Function not implemented"


def test_a_limit_of_open_files_alone_blocks_opening_files(tmp_path):
    (tmp_path / "file").touch()
    outcomes = outcomes_after("attempts = dict(list(attempts.items())[:2]); open_no_more()", tmp_path / "file")
    assert set(outcomes.values()) == {"EMFILE", "done"}
    assert outcomes["open a file"] == outcomes["create a file"] == "EMFILE"
