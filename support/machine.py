"""The machine: its processor, cores and memory, the operating system and the versions of packages."""

from __future__ import annotations

import functools
import math
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from support import cgroup

PACKAGES = ("tensorflow", "tf-keras", "numpy", "h5py")
CPUINFO = "/proc/cpuinfo"
MEMINFO = "/proc/meminfo"


def usable_cores() -> int:
    """The number of cores that this process may use, at least 1; a container's fraction is rounded up."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    granted = cgroup.cpu_limit()
    return cores if granted is None else max(1, min(cores, math.ceil(granted)))


def memory_bytes() -> int | None:
    """The memory of the machine or, if that is less, of its container; None if the operating system does not say."""
    try:
        size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
    granted = cgroup.memory_limit()
    return size if granted is None else min(size, granted)


def free_memory_bytes(meminfo: str = MEMINFO) -> int | None:
    """The memory that new processes can use without swapping, in bytes; None on systems other than Linux."""
    if sys.platform != "linux":
        return None
    try:
        with open(meminfo, encoding="ascii", errors="replace") as file:
            fields = dict(line.split(":", 1) for line in file if ":" in line)
        free = int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError, IndexError):
        return None
    left = cgroup.memory_left()
    return free if left is None else min(free, left)


def processor_flags(cpuinfo: str = CPUINFO) -> list[str]:
    """The processor's instruction set flags, such as "avx2"; empty on systems other than Linux."""
    return _processor_fields(cpuinfo).get("flags", "").split()


def processor_name(cpuinfo: str = CPUINFO) -> str | None:
    """The processor's model name; None if Linux does not report it."""
    return " ".join(_processor_fields(cpuinfo).get("model name", "").split()) or None


@functools.cache
def _processor_fields(cpuinfo: str) -> dict[str, str]:
    """The fields of the first processor; empty if there is no such file."""
    fields: dict[str, str] = {}
    try:
        with open(cpuinfo, encoding="utf-8", errors="replace") as file:
            for line in file:
                name, _, value = line.partition(":")
                fields.setdefault(name.strip(), value)
    except OSError:
        pass
    return fields


def describe_machine() -> dict[str, str]:
    """Descriptions by name, in the order to show them. Unknown ones are missing; none names a user or a host."""
    memory = memory_bytes()
    described = {
        "processor": processor_name() or platform.processor() or platform.machine(),
        "cores": str(usable_cores()),
        "memory": f"{memory / 2**30:.1f} GiB" if memory else None,
        "operating system": _operating_system(),
        "Python": platform.python_version(),
        **{package: _version(package) for package in PACKAGES},
    }
    return {name: text for name, text in described.items() if text}


def _operating_system() -> str:
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        name = f"{platform.system()} {platform.release()}"
    return f"{name}, {platform.machine()}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
