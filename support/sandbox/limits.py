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
    threads: int = 0  # that it computes with; 0: as many as TensorFlow chooses


def can_limit_memory() -> bool:
    """Whether the operating system can limit a process's memory. Only Linux counts what is mapped."""
    return sys.platform == "linux"


def enforce(limits: Limits) -> bool:
    """Limits this process's memory and processor time, and keeps it from writing files.

    Does nothing if the operating system has no such limits. The parent process measures elapsed time as well. Returns
    whether the process can have all the memory that its limits grant: a shell's `ulimit` may grant less.
    """
    if not can_limit_memory():
        return True
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if limits.seconds is not None:
        seconds = math.ceil(limits.seconds * (os.cpu_count() or 1)) + 1
        # Linux sends SIGKILL, which does not tell the reason, if both limits are equal.
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 10))
    if limits.megabytes is None:
        return True
    granted = limits.megabytes * 1_000_000
    in_use = _memory_in_use()
    data, spaces = (_smallest_limit(kind) for kind in (resource.RLIMIT_DATA, resource.RLIMIT_AS))
    size = min(in_use["VmData"] + granted, data)
    resource.setrlimit(resource.RLIMIT_DATA, (int(size), int(size)))
    return size < data and in_use["VmSize"] + granted < spaces


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


def _smallest_limit(kind: int) -> float:
    """The soft or the hard limit of a resource, whichever is smaller; infinity without a limit."""
    import resource

    return min(math.inf if limit == resource.RLIM_INFINITY else limit for limit in resource.getrlimit(kind))


def _memory_in_use() -> dict[str, int]:
    """What RLIMIT_DATA ("VmData") and RLIMIT_AS ("VmSize") count, in bytes."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        fields = dict(line.split(":", 1) for line in file if line.startswith("Vm"))
    return {name: int(fields[name].split()[0]) * 1024 for name in ("VmData", "VmSize")}
