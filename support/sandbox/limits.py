"""Limits of time, memory and open files that the calling process puts on itself; the operating system enforces them."""

from __future__ import annotations

import math
import os
import sys
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of a sandboxed process."""

    seconds: float | None = None  # of waiting for the process in total; None: no limit
    answer_seconds: float = 600.0  # of waiting for one answer
    megabytes: int | None = None  # of memory beyond what its imports take; None: no limit
    threads: int = 0  # that it computes with; 0: one per core


def can_limit_memory() -> bool:
    """Whether the operating system can limit a process's memory. Only Linux counts what is mapped."""
    return sys.platform == "linux"


def enforce(limits: Limits) -> None:
    """Limits this process's memory and processor time, and keeps it from writing files.

    Does nothing if the operating system has no such limits. The parent process measures elapsed time as well.
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
    """Keeps this process from opening any file, pipe or socket except its three standard streams.

    Does nothing if the operating system has no such limit.
    """
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


def peak_megabytes() -> float | None:
    """The process's peak memory in MB; None if unknown."""
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
