"""What a process took, from its start to its end, by the operating system's own account."""

import os
import subprocess
import sys
import time
from typing import NamedTuple


class FinishedProcess(NamedTuple):
    """seconds: by the clock. cpu_seconds: of user and system. peak_mebibytes: resident memory, of that process alone."""

    seconds: float
    cpu_seconds: float
    peak_mebibytes: float


def run_to_end(command, cwd=None):
    """Runs a command, its output thrown away; raises subprocess.CalledProcessError if it fails. Linux and macOS."""
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    kibibytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return FinishedProcess(seconds, usage.ru_utime + usage.ru_stime, kibibytes / 1024)
