"""Limits of time, memory and open files for the process that this is called in; the operating system enforces them."""

from __future__ import annotations

import math
import os
import sys
from typing import NamedTuple


class Limits(NamedTuple):
    """seconds: of all the time in which the process is waited for, None for any.

    answer_seconds: of the time for one answer. megabytes: of memory beyond that which its imports take, None for any.
    threads: that it computes with; 0 for one a core.
    """

    seconds: float | None = None
    answer_seconds: float = 600.0
    megabytes: int | None = None
    threads: int = 0


def can_limit_memory() -> bool:
    """Whether this operating system can hold a process to a limit of memory: Linux alone counts what is mapped."""
    return sys.platform == "linux"


def enforce(limits: Limits) -> None:
    """Limits this process: memory and processor time, and no files are written.

    Does nothing where the operating system has no such limits. The parent watches the clock besides.
    """
    if not can_limit_memory():
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if limits.seconds is not None:
        seconds = math.ceil(limits.seconds * (os.cpu_count() or 1)) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    if limits.megabytes is not None:
        size = _data_in_use() + limits.megabytes * 1_000_000
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def open_no_more() -> None:
    """From now on, this process can open no file, pipe or socket beside its three standard streams.

    Does nothing where the operating system has no such limit.
    """
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


def peak_megabytes() -> float | None:
    """The most memory that this process has had at once, in MB; None where that is not known."""
    if sys.platform not in ("linux", "darwin"):
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * 1024 / 1e6 if sys.platform == "linux" else peak / 1e6


def _data_in_use() -> int:
    """What RLIMIT_DATA counts, in bytes."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        [kilobytes] = [line.split()[1] for line in file if line.startswith("VmData:")]
    return int(kilobytes) * 1024
