"""What a run was made on: the processor, memory, operating system and versions; no names of users or hosts."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("tensorflow", "tf-keras", "numpy", "h5py")
GIBIBYTE = 2**30


def describe_machine():
    """A dict from what it is to a short text, in the order in which to show it; what is not known is left out."""
    described = {
        "processor": _processor(),
        "cores": _cores(),
        "memory": _memory(),
        "operating system": _operating_system(),
        "Python": platform.python_version(),
        **{package: _version(package) for package in PACKAGES},
    }
    return {name: text for name, text in described.items() if text}


def _processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name.strip() == "model name":
                    return " ".join(value.split())
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _cores():
    """Those that this process may use, where the system says."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return usable and str(usable)


def _memory():
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
    return f"{total / GIBIBYTE:.1f} GiB"


def _operating_system():
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        name = f"{platform.system()} {platform.release()}"
    return f"{name}, {platform.machine()}"


def _version(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return None
