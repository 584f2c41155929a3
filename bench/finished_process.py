"""Runs a process to its end and returns its time and memory, as the operating system accounts for them."""

import os
import subprocess
import sys
import time
from typing import NamedTuple


class FinishedProcess(NamedTuple):
    """seconds: wall time. cpu_seconds: user and system time. peak_mebibytes: peak resident memory.

    cpu_seconds is the sum over the process and the children that it waited for; peak_mebibytes is their largest.
    """

    seconds: float
    cpu_seconds: float
    peak_mebibytes: float


def run_to_end(command, on_line=None):
    """Runs a command; raises subprocess.CalledProcessError if it fails. Linux and macOS.

    on_line: a function called with each line of output as it arrives; without it, output is discarded.
    """
    streams = {"stdout": subprocess.DEVNULL}
    if on_line is not None:
        streams = {"stdout": subprocess.PIPE, "text": True, "env": {**os.environ, "PYTHONUNBUFFERED": "1"}}
    start = time.perf_counter()
    process = subprocess.Popen(command, **streams)
    if on_line is not None:
        with process.stdout as lines:
            for line in lines:
                on_line(line)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    kibibytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return FinishedProcess(seconds, usage.ru_utime + usage.ru_stime, kibibytes / 1024)
