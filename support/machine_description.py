"""Describes the machine: processor, memory, operating system and versions, without names of users or hosts."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from support.cores import usable_cores
from support.processor import processor_name

PACKAGES = ("tensorflow", "tf-keras", "numpy", "h5py")
GIBIBYTE = 2**30


def describe_machine() -> dict[str, str]:
    """A short text by the name of what it describes, in the order to show them; what is unknown is left out."""
    described = {
        "processor": processor_name() or platform.processor() or platform.machine(),
        "cores": str(usable_cores()),
        "memory": _memory(),
        "operating system": _operating_system(),
        "Python": platform.python_version(),
        **{package: _version(package) for package in PACKAGES},
    }
    return {name: text for name, text in described.items() if text}


def _memory() -> str | None:
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
    return f"{total / GIBIBYTE:.1f} GiB"


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
