"""Runs a process to its end and returns its time and memory, as the operating system accounts for them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

IMPORT_TENSORFLOW = ["-c", "from pipeline.tensorflow_v1 import tf; tf.nn.rnn_cell"]


@dataclass(frozen=True)
class FinishedProcess:
    """The time and memory that a process took."""

    seconds: float  # wall time
    cpu_seconds: float  # user and system time of the process and the children that it waited for
    peak_mebibytes: float  # resident memory of the largest of them


def run_python(arguments: Sequence[str | Path], on_line: Callable[[str], object] | None = None) -> FinishedProcess:
    """Runs Python with these arguments, on Linux and macOS. If it fails, exits with its status: it has printed why.

    on_line: called with each line of output as it arrives; without it, output is discarded.
    """
    output = subprocess.DEVNULL if on_line is None else subprocess.PIPE
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments], stdout=output, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    if on_line is not None and process.stdout is not None:
        with process.stdout as lines:
            for line in lines:
                on_line(line)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(process.returncode)
    kibibytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return FinishedProcess(seconds, usage.ru_utime + usage.ru_stime, kibibytes / 1024)
